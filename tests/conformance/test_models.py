"""B. Models and discovery."""

import datetime

import ollama
import openai
import pytest

from tests import oracles
from tests.conformance.conftest import strict_anthropic
from tests.conformance.conftest import strict_openai
from tests.speakers import get
from tests.speakers import needs
from tests.speakers import post

CLIENT = {"anthropic-version": "2023-06-01"}
SLASHED = "org/coder:7b"
NAMES = {"tiny", SLASHED, "claude-local"}


def ids(reply):
    return [entry["id"] for entry in reply.json()["data"]]


@pytest.mark.conformance("C-028")
def test_openais_sdk_reads_the_list(served, upstream):
    with strict_openai(served) as client:
        assert {model.id for model in client.models.list()} == NAMES
    body = get(served, "/v1/models").json()
    assert oracles.openai_models(body) == []
    assert oracles.matches("models", body) == []


@pytest.mark.conformance("C-029")
def test_anthropics_sdk_reads_the_list(served, upstream):
    with strict_anthropic(served) as client:
        assert {model.id for model in client.models.list()} == NAMES
    assert oracles.anthropic_models(get(served, "/v1/models", CLIENT).json()) == []


@pytest.mark.conformance("C-030")
def test_the_envelope_names_its_first_and_last_model(served):
    body = get(served, "/v1/models").json()
    listed = [entry["id"] for entry in body["data"]]
    assert (body["first_id"], body["last_id"]) == (listed[0], listed[-1])
    assert body["has_more"] is False


@pytest.mark.conformance("C-031")
def test_pages_of_one_show_every_model_once(served):
    with strict_anthropic(served) as client:
        listed = [model.id for model in client.models.list(limit=1)]
    assert sorted(listed) == sorted(NAMES)


@pytest.mark.conformance("C-031")
def test_a_page_says_whether_more_follow(served):
    first = get(served, "/v1/models?limit=1", CLIENT).json()
    after = f"/v1/models?limit=5&after_id={first['last_id']}"
    assert (first["has_more"], len(first["data"])) == (True, 1)
    assert get(served, after, CLIENT).json()["has_more"] is False


@pytest.mark.conformance("C-031")
def test_a_page_before_a_model_holds_the_ones_just_before_it(served):
    listed = ids(get(served, "/v1/models", CLIENT))
    page = get(served, f"/v1/models?limit=1&before_id={listed[2]}", CLIENT)
    assert ids(page) == [listed[1]]
    assert page.json()["has_more"] is True


@pytest.mark.conformance("C-031")
@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "%C2%B2"])
def test_a_limit_out_of_bounds_is_refused(served, limit):
    assert get(served, f"/v1/models?limit={limit}", CLIENT).status_code == 400


@pytest.mark.conformance("C-032")
@pytest.mark.parametrize("path", [SLASHED, "org%2Fcoder:7b", "org%2Fcoder%3A7b"])
def test_a_name_with_a_slash_is_found(served, path):
    reply = get(served, f"/v1/models/{path}")
    assert (reply.status_code, reply.json()["id"]) == (200, SLASHED)
    assert oracles.matches("model", reply.json()) == []


@pytest.mark.conformance("C-032")
def test_the_sdks_find_a_name_with_a_slash(served):
    with strict_openai(served) as client:
        assert client.models.retrieve(SLASHED).id == SLASHED
    with strict_anthropic(served) as client:
        assert client.models.retrieve(SLASHED).id == SLASHED


@pytest.mark.conformance("C-033")
def test_an_unknown_model_is_the_callers_own_error(served):
    path = "/v1/models/tinny"
    for_openai, for_anthropic = get(served, path), get(served, path, CLIENT)
    assert for_openai.status_code == for_anthropic.status_code == 404
    assert oracles.openai_error(404, for_openai.json()) == []
    assert oracles.anthropic_error(404, for_anthropic.json()) == []


@pytest.mark.conformance("C-033")
def test_the_sdk_raises_for_an_unknown_model(served):
    with strict_openai(served) as client, pytest.raises(openai.NotFoundError):
        client.models.retrieve("tinny")


@pytest.mark.conformance("C-034")
@pytest.mark.parametrize(
    ("path", "empty"),
    [("/v1/models", "data"), ("/api/tags", "models"), ("/api/ps", "models")],
)
def test_the_lists_are_empty_while_the_upstream_is_away(bereft, path, empty):
    reply = get(bereft, path)
    assert (reply.status_code, reply.json()[empty]) == (200, [])


@pytest.mark.conformance("C-035")
@pytest.mark.parametrize("name", ["claude-local", "gpt-4o", "first/tiny"])
def test_an_alias_works_as_a_model(served, upstream, name):
    body = {"model": name, "messages": [{"role": "user", "content": "hi"}]}
    reply = post(served, "/v1/chat/completions", body)
    assert reply.json()["model"] == name
    assert upstream.generations[-1].json["model"] == "tiny"


@pytest.mark.conformance("C-035")
def test_an_alias_without_wildcards_is_listed(served):
    listed = ids(get(served, "/v1/models"))
    assert "claude-local" in listed
    assert "gpt-*" not in listed


@pytest.mark.conformance("C-036")
@needs("ollama")
def test_the_version_is_new_enough_for_its_clients(gateway):
    version = get(gateway, "/api/version").json()["version"]
    assert [int(part) for part in version.split(".")] >= [0, 6, 4]


@pytest.mark.conformance("C-037")
@needs("ollama")
def test_the_tags_have_what_ollamas_clients_read(served):
    body = get(served, "/api/tags").json()
    assert oracles.ollama_tags(body) == []
    for entry in body["models"]:
        assert datetime.datetime.fromisoformat(entry["modified_at"]).tzinfo
        assert len(entry["digest"]) == 64


@pytest.mark.conformance("C-038")
@needs("ollama")
@pytest.mark.parametrize("field", ["model", "name"])
def test_a_model_is_shown_under_either_field(gateway, field):
    body = post(gateway, "/api/show", {field: "tiny"}).json()
    assert oracles.ollama_show(body) == []
    architecture = body["model_info"]["general.architecture"]
    # The context a request gets, as /props has it; the training context is larger.
    assert body["model_info"][f"{architecture}.context_length"] == 16384
    assert body["model_info"]["general.basename"] == "tiny"
    assert "tools" in body["capabilities"]


@pytest.mark.conformance("C-039")
@needs("ollama")
def test_showing_an_unknown_model_is_not_found(served):
    with (
        ollama.Client(served.url) as client,
        pytest.raises(ollama.ResponseError) as caught,
    ):
        client.show("tinny")
    assert caught.value.status_code == 404


@pytest.mark.conformance("C-039")
@needs("ollama")
def test_showing_no_model_is_a_client_error(served):
    reply = post(served, "/api/show", {})
    assert reply.status_code == 400
    assert oracles.ollama_error(400, reply.json()) == []


@pytest.mark.conformance("C-040")
@needs("ollama")
def test_what_is_served_is_what_runs(gateway):
    body = get(gateway, "/api/ps").json()
    assert oracles.ollama_ps(body) == []
    assert [(m["model"], m["context_length"]) for m in body["models"]] == [
        ("tiny", 16384)
    ]
    with ollama.Client(gateway.url) as client:
        assert client.ps().models[0].name == "tiny"


@pytest.mark.conformance("C-041")
@needs("ollama")
def test_both_lists_name_the_same_models(served):
    tags = {entry["model"] for entry in get(served, "/api/tags").json()["models"]}
    assert tags == set(ids(get(served, "/v1/models"))) == NAMES
