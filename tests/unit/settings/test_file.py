import os

import pytest

from proxyapp.settings.errors import SettingsError
from proxyapp.settings.file import find_file
from proxyapp.settings.file import read_file


def written(path, text="[log]\nverbose = true\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(path):
    with pytest.raises(SettingsError) as caught:
        read_file(path)
    return str(caught.value)


def test_the_named_file_comes_first(tmp_path):
    written(tmp_path / "config.toml")
    assert find_file({"PROXYAPP_CONFIG": "/a/b.toml"}, tmp_path).as_posix() == (
        "/a/b.toml"
    )


def test_a_relative_name_starts_from_the_working_directory(tmp_path):
    assert find_file({"PROXYAPP_CONFIG": "b.toml"}, tmp_path) == tmp_path / "b.toml"


def test_a_tilde_in_the_name_is_the_home_directory(tmp_path):
    environ = {"PROXYAPP_CONFIG": "~/b.toml", "HOME": "/home/me"}
    assert find_file(environ, tmp_path).as_posix() == "/home/me/b.toml"


def test_an_empty_name_counts_as_none(tmp_path):
    assert find_file({"PROXYAPP_CONFIG": ""}, tmp_path) is None


def test_the_working_directory_comes_before_the_home(tmp_path):
    home = tmp_path / "home"
    written(home / ".config/proxyapp/config.toml")
    here = written(tmp_path / "config.toml")
    assert find_file({"HOME": str(home)}, tmp_path) == here


def test_the_xdg_directory_is_looked_at(tmp_path):
    there = written(tmp_path / "xdg/proxyapp/config.toml")
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "HOME": "/nowhere"}
    assert find_file(environ, tmp_path) == there


def test_without_an_xdg_directory_dot_config_is_looked_at(tmp_path):
    there = written(tmp_path / ".config/proxyapp/config.toml")
    assert find_file({"HOME": str(tmp_path)}, tmp_path / "elsewhere") == there


def test_a_relative_xdg_directory_is_ignored(tmp_path):
    there = written(tmp_path / ".config/proxyapp/config.toml")
    environ = {"XDG_CONFIG_HOME": "xdg", "HOME": str(tmp_path)}
    assert find_file(environ, tmp_path) == there


def test_there_need_not_be_a_file(tmp_path):
    assert find_file({}, tmp_path) is None


def test_a_directory_of_that_name_is_no_file(tmp_path):
    (tmp_path / "config.toml").mkdir()
    assert find_file({}, tmp_path) is None


def test_a_file_is_read(tmp_path):
    assert read_file(written(tmp_path / "a.toml")).values == {"log": {"verbose": True}}


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = written(tmp_path / "a.toml", b"\xef\xbb\xbf[log]\n")
    assert read_file(path).values == {"log": {}}


def test_a_key_has_a_place(tmp_path):
    path = written(tmp_path / "a.toml")
    assert read_file(path).place(("log", "verbose")) == f"{path}, line 2"


def test_a_missing_key_has_the_place_of_its_table(tmp_path):
    path = written(tmp_path / "a.toml", "\n[[backends]]\n")
    assert read_file(path).place(("backends", 0, "name")) == f"{path}, line 2"


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    assert f"{tmp_path / 'a.toml'}: cannot be read" in refusal(tmp_path / "a.toml")


def test_broken_toml_is_an_error_with_its_line(tmp_path):
    path = written(tmp_path / "a.toml", "a = 1\nb = \n")
    assert "is not valid TOML: Invalid value (at line 2" in refusal(path)


def test_a_file_that_is_not_utf_8_is_an_error(tmp_path):
    path = written(tmp_path / "a.toml", b"a = '\xff'\n")
    assert "is not UTF-8 (byte 5)" in refusal(path)


def test_endless_nesting_is_an_error(tmp_path):
    path = written(tmp_path / "a.toml", "a = " + "[" * 100_000)
    assert "is nested too deeply" in refusal(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_home_that_may_not_be_entered_has_no_file(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0)
    assert find_file({"HOME": str(home)}, tmp_path) is None
