import os
import stat

import pytest

from proxyapp.backends.copilot.process import kill
from proxyapp.backends.copilot.process import NodeProcess
from proxyapp.backends.copilot.rpc import ask
from proxyapp.errors import UpstreamBusy
from proxyapp.errors import UpstreamUnreachable
from tests.fakes.scripted_process import PROGRAM


def ping(process):
    connection = process.connect()
    try:
        return connection.pid, ask(connection, "ping", {}, 5)
    finally:
        connection.close()


def end(process):
    connection = process.reach()
    kill(connection)
    connection.close()
    process._child.wait(10)


def test_the_first_connection_starts_the_process(start):
    process = start()
    assert process.reach() is None
    pid, told = ping(process)
    assert told["options"]["socket"].endswith(".sock")
    assert ping(process)[0] == pid


@pytest.mark.reliability("R-027")
def test_two_workers_share_one_process(start):
    assert ping(start())[0] == ping(start())[0]


def test_other_options_are_another_process(start):
    assert ping(start())[0] != ping(start(linger=5))[0]


@pytest.mark.reliability("R-041")
def test_its_environment_is_scrubbed(start, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "canary")
    pid, _ = ping(start())
    with open(f"/proc/{pid}/environ", "rb") as environ:
        names = {pair.partition(b"=")[0] for pair in environ.read().split(b"\0")}
    assert names - {b""} <= {
        *(b"PATH", b"HOME", b"LANG", b"TZ", b"LC_CTYPE"),
        *(b"PI_AI_IMPL", b"NODE_EXTRA_CA_CERTS", b"COPILOT_HELPER_OPTIONS"),
    }


@pytest.mark.reliability("R-044")
def test_its_directory_is_the_owners_alone(start, tmp_path):
    old = os.umask(0)
    try:
        ping(start())
    finally:
        os.umask(old)
    place = tmp_path / "state"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    for path in place.iterdir():
        if not path.is_socket():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_directory_that_others_can_write_to_is_refused(start, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    with pytest.raises(UpstreamUnreachable, match="chmod 700"):
        start().connect()


def test_a_directory_that_cannot_be_made_is_named(start, tmp_path):
    (tmp_path / "state").touch()
    with pytest.raises(UpstreamUnreachable, match=r"state\.directory"):
        start().connect()


def test_a_deep_directory_does_not_overflow_the_sockets_path(start, tmp_path):
    deep = tmp_path / ("d" * 100)
    process = NodeProcess(deep, {"deep": str(tmp_path)}, PROGRAM)
    _, told = ping(process)
    assert len(told["options"]["socket"]) < 107
    end(process)
    process.close()


@pytest.mark.reliability("R-023")
def test_a_killed_process_is_replaced(start):
    process = start()
    first, _ = ping(process)
    end(process)
    assert ping(process)[0] != first


@pytest.mark.reliability("R-023")
def test_a_process_that_keeps_dying_is_left_alone(start):
    process = start()
    for _ in range(6):
        ping(process)
        end(process)
    with pytest.raises(UpstreamBusy, match="crashed 5 times") as open_circuit:
        process.connect()
    assert 1 <= int(open_circuit.value.retry_after) <= 60


def test_a_process_that_ended_properly_counts_as_no_crash(start, tmp_path):
    process = start()
    for _ in range(7):
        ping(process)
        end(process)
        next((tmp_path / "state").glob("*.sock")).unlink()
    assert ping(process)


def test_without_node_there_is_a_remedy(start, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(UpstreamUnreachable, match=r"needs Node\.js 20"):
        start().connect()


def test_without_the_program_there_is_a_remedy(start, tmp_path):
    start()
    process = NodeProcess(tmp_path / "state", {}, tmp_path / "main.mjs")
    with pytest.raises(UpstreamUnreachable, match="make setup"):
        process.connect()


def test_a_process_that_cannot_start_is_quoted(start):
    with pytest.raises(UpstreamUnreachable, match="no such luck"):
        start(start="fail").connect()


def test_a_process_of_another_protocol_is_ended(start):
    process = start(start="old")
    with pytest.raises(UpstreamUnreachable, match="another protocol"):
        process.connect()
