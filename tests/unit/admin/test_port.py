import os
import socket

import pytest

from proxyapp.admin.port import check_port
from proxyapp.admin.port import local_url
from proxyapp.admin.port import port_holder
from proxyapp.settings.schema import ServerSettings

# A listener on 127.0.0.1:11434 (2CAA) and a connection to it, as Linux 6.1 shows them.
TCP_TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2CAB 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31 1 0 100 0 0 10 0
   1: 0100007F:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 42 1 0 100 0 0 10 0
   2: 0100007F:2CAA 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 57 1 0 20 4 30 10 -1
"""  # noqa: E501 - recorded


def at(port):
    return ServerSettings(listen_port=port)


def checked(port, *, may_run=False):
    return check_port(at(port), may_run=may_run)


@pytest.fixture
def listener():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield one.getsockname()[1]


@pytest.fixture
def proc(tmp_path):
    """Lay out a /proc with one table and one process that may be looked at."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(TCP_TABLE, "ascii")
    (tmp_path / "77").mkdir()
    (tmp_path / "88" / "fd").mkdir(parents=True)
    (tmp_path / "88" / "comm").write_text("llama-server\n", "ascii")
    return tmp_path


def test_a_port_nobody_listens_on_is_free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    finding = checked(port)
    assert (finding.ok, finding.message) == (True, f"{port} is free")


def test_looking_leaves_the_port_free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    assert [checked(port).ok, checked(port).ok] == [True, True]


def test_a_silent_listener_is_named_by_its_process(upstream):
    upstream.reply(404, path="/health")
    upstream.reply(404, path="/api/version")
    finding = checked(upstream.port)
    assert not finding.ok
    assert f"held by process {os.getpid()} (" in finding.message
    assert f"LISTEN_PORT={upstream.port + 1}" in finding.remedy


def test_ollama_is_recognised(upstream):
    # What `curl 127.0.0.1:11434/api/version` of a real Ollama answers.
    upstream.reply(200, {"version": "0.13.0"}, path="/api/version")
    finding = checked(upstream.port)
    assert not finding.ok
    assert finding.message == f"{upstream.port} is held by Ollama 0.13.0"
    assert "systemctl stop ollama" in finding.remedy


@pytest.fixture
def ourselves(upstream):
    answer = {"status": "ok", "name": "proxyapp", "version": "0.1.0"}
    upstream.reply(200, answer, path="/health")
    upstream.reply(200, {"version": "0.13.0"}, path="/api/version")
    return upstream.port


def test_a_second_gateway_on_the_port_is_a_fault(ourselves):
    finding = checked(ourselves)
    assert not finding.ok
    assert "proxyapp 0.1.0, which runs already" in finding.message
    assert finding.remedy


def test_the_gateway_itself_on_the_port_is_as_it_should_be(ourselves):
    assert checked(ourselves, may_run=True).ok


def test_a_program_that_is_no_http_server_is_no_riddle(upstream):
    upstream.play(b"SSH-2.0-OpenSSH_9.2\r\n", path="/health")
    upstream.play(b"SSH-2.0-OpenSSH_9.2\r\n", path="/api/version")
    assert "held by process" in checked(upstream.port).message


def test_an_address_of_another_machine_cannot_be_had():
    # 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
    server = ServerSettings(listen_host="192.0.2.1", listen_port=11434)
    finding = check_port(server, may_run=False)
    assert not finding.ok
    assert "11434 on 192.0.2.1 cannot be had" in finding.message
    assert "LISTEN_HOST" in finding.remedy


def test_only_the_process_with_the_listening_socket_is_named(proc):
    (proc / "88" / "fd" / "3").symlink_to("socket:[42]")
    assert port_holder(11434, proc) == "process 88 (llama-server)"


def test_a_connection_to_the_port_does_not_hold_it(proc):
    (proc / "88" / "fd" / "3").symlink_to("socket:[57]")
    assert port_holder(11434, proc) == ""


def test_a_holder_that_may_not_be_seen_has_no_name(proc):
    assert port_holder(11434, proc) == ""


def test_a_system_without_proc_has_no_names(tmp_path):
    assert port_holder(11434, tmp_path) == ""


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("::", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("gateway.lan", "http://gateway.lan:11434"),
    ],
)
def test_the_own_address_is_one_that_can_be_called(host, url):
    assert local_url(ServerSettings(listen_host=host)) == url
