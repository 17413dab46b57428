"""Whatever is served and named, no caller gets at a model outside their bounds."""

from hypothesis import given
from hypothesis import strategies as st

from proxyapp.backends.base import ModelInfo
from proxyapp.errors import ProxyError
from proxyapp.errors import UnknownModel
from proxyapp.errors import UpstreamUnreachable
from proxyapp.neutral.record import Caller
from proxyapp.neutral.scope import Access
from proxyapp.neutral.scope import admits
from proxyapp.routing.registry import Registry
from proxyapp.routing.registry import Target
from proxyapp.settings.schema import ModelSettings

NAMES = ("phi", "qwen", "claude-haiku", "Phi", "small")
BACKENDS = ("one", "two", "account")
ASKED = (
    *NAMES,
    *("phi:latest", "phi3", "", "anything", "claude-3", "gone"),
    *(f"{backend}/{name}" for backend in BACKENDS for name in ("phi", "PHI", "gone")),
)
PATTERNS = (*NAMES, "p*", "!p*", "!phi", "!one/*", "two/*", "!*", "*", "!small", "g*")


class Served:
    def __init__(self, name, models, *, down):
        self.name = name
        self.listed = models
        self.down = down

    def models(self):
        if self.down:
            raise UpstreamUnreachable(f"{self.name} is at secret-{self.name}")
        return self.listed


class Account(Served):
    def models_of(self, caller):
        return []

    def model(self, name):
        return ModelInfo(name, self.name, name)


@st.composite
def backends(draw):
    made = []
    for name in BACKENDS:
        listed = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
        models = [
            ModelInfo(model, name, f"/m/{model}", aliases=draw(ALIASES))
            for model in listed
        ]
        kind = Account if name == "account" else Served
        made.append(kind(name, models, down=draw(st.booleans())))
    return made


ALIASES = st.sampled_from([(), ("fast",), ("small",)])
SETTINGS = st.builds(
    ModelSettings,
    unknown=st.sampled_from(["auto", "accept", "reject"]),
    default=st.sampled_from(["", *NAMES]),
    small=st.sampled_from(["", *NAMES]),
    aliases=st.dictionaries(
        st.sampled_from(["claude-*", "fast", "g*", "phi3"]), st.sampled_from(NAMES)
    ),
)
BOUNDS = st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3).map(tuple)
ACCESS = st.builds(
    Access,
    st.lists(BOUNDS, max_size=2).map(tuple),
    st.sampled_from([(), ("one",), ("!one",), ("two", "account"), ("none",)]),
)


def within(access, model):
    bare = model.id.removeprefix(f"{model.backend}/")
    names = (bare, f"{model.backend}/{bare}", *model.aliases)
    return admits(access.backends, (model.backend,)) and all(
        admits(patterns, names) for patterns in access.models
    )


@given(backends(), SETTINGS, ACCESS, st.sampled_from(ASKED), st.booleans())
def test_no_name_leads_out_of_bounds(served, settings, access, name, own_backends):
    whole = Registry(served, settings, personal=served[-1], own_backends=own_backends)
    view = whole.seen_by(Caller(access=access))
    listed = view.models()
    assert all(within(access, model) for model in listed)
    assert set(view.aliases().values()) <= {model.id for model in listed}
    shown = {name for model in listed for name in model.names} | set(view.aliases())
    found, described = outcome(view.resolve, name), outcome(view.model, name)
    assert not isinstance(found, Target) or within(access, found.model)
    hidden = [b.name for b in served if not admits(access.backends, (b.name,))]
    for told in (found, described):
        if isinstance(told, UnknownModel):
            assert set(told.near) <= shown
        elif isinstance(told, ProxyError):
            assert not any(f"secret-{b}" in told.message for b in hidden)


@given(backends(), SETTINGS, st.sampled_from(ASKED))
def test_bounds_that_let_everything_in_change_no_answer(served, settings, name):
    whole = Registry(served, settings, own_backends=True)
    view = whole.seen_by(Caller(access=Access(backends=("*",))))
    assert view.models() == whole.models()
    assert view.aliases() == whole.aliases()
    answers = [outcome(one.resolve, name) for one in (whole, view)]
    if all(isinstance(answer, Target) for answer in answers):
        assert answers[0].model == answers[1].model
    else:
        assert type(answers[0]) is type(answers[1])


def outcome(ask, name):
    """Give what an answer is, or the error that it is instead."""
    try:
        return ask(name)
    except ProxyError as error:
        return error
