from proxyapp.settings.errors import Problem
from proxyapp.settings.errors import SettingsError


def test_every_problem_has_a_line_of_its_own():
    error = SettingsError([Problem("a.toml, line 1", "x"), Problem("UPSTREAM", "y")])
    assert str(error).splitlines()[1:3] == ["  a.toml, line 1: x", "  UPSTREAM: y"]


def test_the_problems_can_be_read_one_by_one():
    problem = Problem("UPSTREAM", "names no host")
    assert SettingsError([problem]).problems == (problem,)
