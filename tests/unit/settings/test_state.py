import stat

import pytest

from proxyapp.settings.state import make_private
from proxyapp.settings.state import may_be_there
from proxyapp.settings.state import state_directory


@pytest.mark.parametrize(
    ("chosen", "environ", "directory"),
    [
        ("", {"HOME": "/home/a"}, "/home/a/.local/state/proxyapp"),
        ("", {"HOME": "/home/a", "XDG_STATE_HOME": "/s"}, "/s/proxyapp"),
        (
            *("", {"HOME": "/home/a", "XDG_STATE_HOME": "s"}),
            "/home/a/.local/state/proxyapp",
        ),
        ("", {}, ""),
        ("/var/lib/proxyapp", {"HOME": "/home/a"}, "/var/lib/proxyapp"),
        ("~/kept", {"HOME": "/home/a"}, "/home/a/kept"),
        ("~/kept", {}, "~/kept"),
    ],
)
def test_the_directory_is_the_owners_choice_or_xdgs(chosen, environ, directory):
    assert state_directory(chosen, environ) == directory


def test_a_new_directory_is_its_owners_alone(tmp_path):
    make_private(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_directory_that_exists_stays_as_it_is(tmp_path):
    (tmp_path / "a").mkdir(mode=0o755)
    make_private(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755


def test_a_file_in_its_place_is_an_error(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="File exists"):
        make_private(tmp_path / "a")


def test_a_file_may_be_where_nobody_can_look(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    assert may_be_there(tmp_path / "link")
    assert may_be_there(tmp_path / ("x" * 300))
    assert not may_be_there(tmp_path / "nothing")
    (tmp_path / "file").touch()
    assert not may_be_there(tmp_path / "file" / "below")
