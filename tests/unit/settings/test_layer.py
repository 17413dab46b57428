from proxyapp.settings.layer import dotted
from proxyapp.settings.layer import merge


def test_a_path_is_written_with_dots_and_indexes():
    path = ("backends", 0, "compat", "late_system")
    assert dotted(path) == "backends[0].compat.late_system"


def test_tables_are_joined():
    assert merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}) == {"a": {"x": 1, "y": 3}}


def test_lists_are_replaced():
    assert merge({"a": [1, 2]}, {"a": [3]}) == {"a": [3]}


def test_the_merged_documents_stay_as_they_were():
    base = {"a": {"x": 1}}
    merge(base, {"a": {"x": 2}})
    assert base == {"a": {"x": 1}}
