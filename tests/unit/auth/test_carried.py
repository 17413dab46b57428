import pytest

from proxyapp.auth.carried import body_for
from proxyapp.errors import Forbidden
from proxyapp.neutral.scope import Access
from proxyapp.neutral.scope import ALL

SMALL = Access((("small*", "b/other"),))


def carried(body, access=SMALL, endpoint="images"):
    return body_for(access, endpoint, "b", body)


@pytest.mark.parametrize("access", [ALL, Access(backends=("b",))])
def test_without_bounds_on_models_any_bytes_are_carried_as_they_are(access):
    assert carried(b"\0{", access, "files") == b"\0{"


@pytest.mark.parametrize("model", ["small", "small-2", "b/small", "other"])
def test_a_model_within_bounds_may_be_named(model):
    body = b'{"model":"%s"}' % model.encode()
    assert carried(body) == body


@pytest.mark.parametrize("model", ["big", "b/big", "SMALL", "c/other"])
def test_another_may_not(model):
    with pytest.raises(Forbidden, match=f"'{model}'"):
        carried(b'{"model":"%s"}' % model.encode())


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{}", b"[]", b"null", b'"small"', b'{"model":5}', b'{"model":""}'),
        *(b'{"Model":"small"}', b"--x\r\nname=model\r\n\r\nsmall\r\n--x--"),
    ],
)
def test_what_names_no_model_is_not_carried(body):
    with pytest.raises(Forbidden, match="names its model"):
        carried(body)


@pytest.mark.parametrize("endpoint", ["files", "fine_tuning", "something-new"])
def test_models_that_are_named_out_of_sight_are_not_served(endpoint):
    with pytest.raises(Forbidden, match=endpoint):
        carried(b'{"model":"small"}', endpoint=endpoint)


def test_no_other_name_can_be_read_from_what_is_carried():
    assert carried(b'{"model":"big", "model":"small"}') == b'{"model":"small"}'
