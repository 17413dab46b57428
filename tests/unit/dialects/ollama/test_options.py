import pytest

from proxyapp.dialects.ollama import options
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import Reasoning
from proxyapp.neutral.request import ResponseFormat


def sampled(**given):
    return options.sampling({"options": given})


def test_options_go_by_the_names_llama_server_knows():
    given = {"temperature": 0, "top_k": 20, "min_p": 0.1, "num_keep": 4.0}
    found = sampled(**given, repeat_penalty=1.1, seed=7)
    assert found.fields == {
        "temperature": 0,
        "top_k": 20,
        "min_p": 0.1,
        "n_keep": 4,
        "repeat_penalty": 1.1,
        "seed": 7,
    }


def test_options_nobody_knows_and_nulls_are_ignored():
    assert sampled(num_ctx=8192, zzz=[1], temperature=None).fields == {}


def test_no_options_are_no_options():
    assert options.sampling({"options": None}) == options.sampling({})


@pytest.mark.parametrize("limit", [-1, -2, 0, None])
def test_no_limit_is_not_sent_as_one(limit):
    assert sampled(num_predict=limit).max_tokens is None


def test_a_limit_is_the_most_tokens():
    assert sampled(num_predict=12).max_tokens == 12


@pytest.mark.parametrize("stop", ["END", ["END", ""]])
def test_stop_strings_are_one_or_a_list(stop):
    assert sampled(stop=stop).stop == ("END",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "hot"),
        ("temperature", True),
        ("seed", "1"),
        ("num_predict", []),
    ],
)
def test_an_option_of_the_wrong_type_is_named(name, value):
    with pytest.raises(BadRequest, match=f"'options.{name}' must be a number"):
        sampled(**{name: value})


@pytest.mark.parametrize("name", ["num_predict", "seed"])
def test_a_whole_number_that_no_json_holds_is_refused(name):
    with pytest.raises(BadRequest, match=f"'options.{name}' is too large"):
        sampled(**{name: 1e308})


def test_a_fraction_of_a_whole_number_is_cut_off():
    assert sampled(num_predict=5.9).max_tokens == 5


def test_stop_strings_of_the_wrong_type_are_refused():
    with pytest.raises(BadRequest, match="'stop'"):
        sampled(stop=[1])


def test_options_must_be_an_object():
    with pytest.raises(BadRequest, match="'options' must be an object"):
        options.sampling({"options": [1]})


def test_fields_from_beside_the_options_are_added():
    assert options.sampling({}, {"logprobs": True}).fields == {"logprobs": True}


def test_logprobs_are_asked_for_in_the_words_of_a_chat():
    assert options.logprobs({"logprobs": True}) == {"logprobs": True}
    wanted = {"logprobs": True, "top_logprobs": 3}
    assert options.logprobs(wanted) == wanted
    assert options.logprobs({"top_logprobs": 3}) == {}


def test_too_many_logprobs_are_refused():
    with pytest.raises(BadRequest, match="at most 20"):
        options.logprobs({"top_logprobs": 21})


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_format_is_none(nothing):
    assert options.response_format({"format": nothing}) is None


def test_a_format_is_any_json_or_a_schema():
    assert options.response_format({"format": "json"}) == ResponseFormat()
    schema = {"type": "object"}
    assert options.response_format({"format": schema}) == ResponseFormat(schema)


@pytest.mark.parametrize("wrong", ["xml", 1, ["json"]])
def test_any_other_format_is_refused(wrong):
    with pytest.raises(BadRequest, match="'format' must be"):
        options.response_format({"format": wrong})


@pytest.mark.parametrize(
    ("think", "effort"),
    [
        (True, "medium"),
        (False, "none"),
        ("low", "low"),
        ("medium", "medium"),
        ("high", "high"),
        ("max", "max"),
    ],
)
def test_think_is_a_switch_or_a_level(think, effort):
    assert options.reasoning({"think": think}) == Reasoning(effort)


def test_without_think_the_model_does_as_it_likes():
    assert options.reasoning({}) is None


@pytest.mark.parametrize("wrong", ["much", "", 1, 0, ["low"], {}])
def test_any_other_think_is_refused(wrong):
    with pytest.raises(BadRequest, match="'think' must be"):
        options.reasoning({"think": wrong})


@pytest.mark.parametrize("kept", ["5m", "1h30m", "-1s", "1.5h", "300", "-1", 300, -1])
def test_a_model_kept_is_not_unloaded(kept):
    assert options.unloads({"keep_alive": kept}) is False


@pytest.mark.parametrize("zero", [0, "0", "0s", "0m0s", 0.0])
def test_a_model_kept_for_no_time_is_unloaded(zero):
    assert options.unloads({"keep_alive": zero}) is True


def test_without_keep_alive_nothing_is_unloaded():
    assert options.unloads({}) is False


@pytest.mark.parametrize("wrong", ["soon", "", "5 m", "5m!", True, [5], {}])
def test_what_is_no_duration_is_refused(wrong):
    with pytest.raises(BadRequest, match="'keep_alive' must be a duration"):
        options.unloads({"keep_alive": wrong})
