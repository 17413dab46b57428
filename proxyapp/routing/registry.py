"""Which backend serves the model a client names."""

import difflib
import fnmatch
import threading
import time
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

from proxyapp.backends.base import Backend
from proxyapp.backends.base import ModelInfo
from proxyapp.backends.base import Personal
from proxyapp.errors import Forbidden
from proxyapp.errors import UnknownModel
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamUnreachable
from proxyapp.neutral.record import Caller
from proxyapp.neutral.scope import Access
from proxyapp.neutral.scope import admits
from proxyapp.routing.snapshot import Snapshot
from proxyapp.routing.snapshot import take_snapshot
from proxyapp.routing.snapshot import unique
from proxyapp.settings.schema import ModelSettings

_CLAUDE = ("claude-", "anthropic")
"""How the names begin that Anthropic's clients send, some of them unasked."""

_RETRY = 1.0
"""Seconds until a backend that did not answer is asked again."""

_VIEWS = 256
"""Views kept; keys and countries are few, but a file may name any number."""


@dataclass(frozen=True, slots=True)
class Target:
    """A backend and the model of it that serves a request."""

    backend: Backend
    model: ModelInfo


class Registry:
    """The models of all backends, asked for on first use and again when stale.

    ``stand_in`` is listed while no backend can be reached, so that a first request
    finds something; it vanishes when one answers. A model is never switched behind
    the user's back: a name leads to the model it names, or to an error. ``personal``
    is the one of the backends whose callers may have models of their own.
    """

    def __init__(
        self,
        backends: Sequence[Backend],
        settings: ModelSettings,
        *,
        stand_in: Backend | None = None,
        personal: Personal | None = None,
        own_backends: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backends = {backend.name: backend for backend in backends}
        self._settings = settings
        self._stand_in = stand_in
        self._personal = personal
        self._own_backends = own_backends
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot = Snapshot()
        self._views: dict[Access, Registry] = {}

    def start_from(self, other: "Registry") -> None:
        """Know what another registry of the same backends has learned."""
        self._snapshot = other._snapshot

    def seen_by(self, caller: Caller) -> "Registry":
        """Give the registry as this caller sees it."""
        own = self._own_models(caller)
        if own:
            return _View(self, own, caller.access)
        return self if caller.access.whole else self._bounded(caller.access)

    def _bounded(self, access: Access) -> "Registry":
        """Give the view within bounds; it is kept, and with it what it has chosen."""
        view = self._views.get(access)
        if view is None:
            if len(self._views) >= _VIEWS:
                self._views.clear()
            view = self._views[access] = _View(self, (), access)
        return view

    def _own_models(self, caller: Caller) -> list[ModelInfo]:
        if self._personal is None or not caller.credential:
            return []
        return self._personal.models_of(caller)

    def models(self) -> tuple[ModelInfo, ...]:
        """List every served model, in the backends' order."""
        snapshot = self._current()
        if self._stands_in(snapshot) and self._stand_in is not None:
            return tuple(self._stand_in.models())
        return snapshot.models

    def aliases(self) -> dict[str, str]:
        """Map every further name that can be listed to the model it leads to."""
        known = {model.id for model in self.models()}
        found: dict[str, str] = {}
        for model in self.models():
            found |= {alias: model.id for alias in model.aliases}
        for alias, name in self._settings.aliases.items():
            target = None if "*" in alias else self._find(name)
            if target is not None:
                found[alias] = target.model.id
        return {alias: name for alias, name in found.items() if alias not in known}

    def resolve(self, name: str) -> Target:
        """Find the target of a model's name.

        Exact name or alias first, then the owner's aliases and wildcards, then
        ``backend/model``, then the small model for its names, then the default.
        Raises UnknownModel with near names, or the failure of a backend that might
        have known the name.
        """
        for known in (name, self._small(name), self._settings.default):
            target = self._find(known) if known else None
            if target is not None:
                return target
        target = self._only_model(name)
        if target is None:
            raise self._unknown(name)
        return target

    def model(self, name: str) -> ModelInfo:
        """Describe a listed model or alias; raise UnknownModel for any other."""
        target = self._find(name)
        if target is None:
            raise UnknownModel(name, self._near(name))
        return replace(target.model, id=name) if name else target.model

    def _find(self, name: str, depth: int = 0) -> Target | None:
        bare = name.removesuffix(":latest")
        for model in self.models():
            if name in model.names or bare in model.names:
                return self._target(model)
        aliased = self._aliased(bare)
        if aliased is not None and aliased != name and depth < 4:
            return self._find(aliased, depth + 1)
        backend, slash, rest = bare.partition("/")
        if slash and backend in self._backends:
            for model in self.models():
                if model.backend == backend and rest in model.names:
                    return self._target(model)
            if self._personal is not None and self._personal.name == backend:
                return self._unlisted(self._personal, rest)
        return None

    def _unlisted(self, personal: Personal, name: str) -> Target | None:
        """Take a name on trust that the caller's own account may know."""
        return self._target(personal.model(name))

    def _aliased(self, name: str) -> str | None:
        aliases = self._settings.aliases
        if name in aliases:
            return aliases[name]
        for pattern, model in aliases.items():
            if "*" in pattern and fnmatch.fnmatchcase(name, pattern):
                return model
        return None

    def _small(self, name: str) -> str:
        """Name the model for side tasks where Claude Code asks for its own."""
        wanted = name.startswith(_CLAUDE) and "haiku" in name
        return self._settings.small if wanted else ""

    def _target(self, model: ModelInfo) -> Target:
        backend = self._backends.get(model.backend, self._stand_in)
        if backend is None:
            raise UnknownModel(model.id, [])
        return Target(backend, model)

    def _only_model(self, name: str) -> Target | None:
        """Accept any name where there is no doubt which model is meant.

        A llama-server with one model does so itself. While it is not reachable, its
        own failure is the clearer answer, so the request is sent there all the same.
        """
        if self._rejects_unknown(name):
            return None
        models = self._current().models
        if models:
            return self._target(models[0])
        backend = next(iter(self._backends.values()))
        return Target(backend, ModelInfo(name, backend.name, name))

    def _rejects_unknown(self, name: str) -> bool:
        if self._settings.unknown != "auto":
            return self._settings.unknown == "reject"
        models = self._current().models
        if len(models) == 1 and name.startswith(_CLAUDE):
            return False
        return self._own_backends or len(models) > 1 or self._heard_of() > 1

    def _heard_of(self) -> int:
        """Count the backends that have models or failed to list them.

        One that has neither, such as GitHub Copilot without a login, is as good as
        not there.
        """
        snapshot = self._current()
        names = {model.backend for model in snapshot.models}
        return len(names | {name for name, _ in snapshot.failures})

    def _unknown(self, name: str) -> UpstreamError | UnknownModel:
        failures = self._current().failures
        if failures:
            return failures[0][1]
        return UnknownModel(name, self._near(name))

    def _near(self, name: str) -> list[str]:
        names = [model.id for model in self.models()] + list(self.aliases())
        return difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:3]

    def _stands_in(self, snapshot: Snapshot) -> bool:
        return (
            not snapshot.models
            and bool(snapshot.failures)
            and all(isinstance(e, UpstreamUnreachable) for _, e in snapshot.failures)
        )

    def _current(self) -> Snapshot:
        """Give the newest snapshot, taking one if it is stale: one caller at a time."""
        if self._fresh(self._snapshot):
            return self._snapshot
        first = self._snapshot.taken == float("-inf")
        if not self._lock.acquire(blocking=first):
            return self._snapshot
        try:
            if not self._fresh(self._snapshot):
                fresh = take_snapshot(self._backends)
                self._snapshot = replace(fresh, taken=self._clock())
        finally:
            self._lock.release()
        return self._snapshot

    def _fresh(self, snapshot: Snapshot) -> bool:
        keep = _RETRY if snapshot.failures else self._settings.refresh_seconds
        return self._clock() - snapshot.taken < keep


class _View(Registry):
    """A registry as one caller sees it: with models of their own, and without others.

    What is kept from them is not listed and not hinted at; asked for by its name, it is
    refused, and no other takes its place. The caller's own models take the place of
    those listed for everybody.
    """

    def __init__(
        self, whole: Registry, own: Sequence[ModelInfo], access: Access
    ) -> None:
        self.__dict__ |= whole.__dict__
        self._whole = whole
        self._own = tuple(own)
        self._access = access
        self._chosen = (Snapshot(), Snapshot())

    def resolve(self, name: str) -> Target:
        """Find the target of a model's name; raise Forbidden if it is kept back."""
        target = self._find(name)
        if target is not None:
            return target
        self._refuse(self._whole._find(name), name)
        try:
            target = super().resolve(name)
        except UnknownModel:
            self._refuse(self._led_to(name), name)
            raise
        self._refuse(target, name)
        return target

    def model(self, name: str) -> ModelInfo:
        """Describe a model that is shown; raise Forbidden for one that is not."""
        if self._find(name) is None:
            self._refuse(self._whole._find(name), name)
        return super().model(name)

    def _refuse(self, target: Target | None, name: str) -> None:
        if target is not None and not self._admits(target.model):
            raise Forbidden(f"You may not use the model '{name}' here.", param="model")

    def _led_to(self, name: str) -> Target | None:
        """Give what a name means to those who may use everything."""
        try:
            return self._whole.resolve(name)
        except (UnknownModel, UpstreamError):
            return None

    def models(self) -> tuple[ModelInfo, ...]:
        listed = super().models()
        if listed is self._current().models:
            return listed
        return tuple(model for model in listed if self._admits(model))

    def _unlisted(self, personal: Personal, name: str) -> Target | None:
        # Bounds are known to hold for names that are known.
        if self._access.models or not admits(self._access.backends, (personal.name,)):
            return None
        return super()._unlisted(personal, name)

    def _only_model(self, name: str) -> Target | None:
        # Without a list, nothing says that what answers to a name is what it names.
        none_shown = not self._current().models
        if none_shown and (self._access.models or self._whole._current().models):
            return None
        return super()._only_model(name)

    def _stands_in(self, snapshot: Snapshot) -> bool:
        return self._whole._stands_in(self._whole._current())

    def _admits(self, model: ModelInfo) -> bool:
        bare = model.id.removeprefix(f"{model.backend}/")
        names = (bare, f"{model.backend}/{bare}", *model.aliases)
        return self._access.admits(names, model.backend)

    def _current(self) -> Snapshot:
        """Give what is chosen of the newest snapshot, choosing once from each."""
        everything = self._whole._current()
        of, chosen = self._chosen
        if of is not everything:
            chosen = self._choose(everything)
            self._chosen = (everything, chosen)
        return chosen

    def _choose(self, everything: Snapshot) -> Snapshot:
        models = list(everything.models)
        if self._own:
            replaced = self._own[0].backend
            others = [model for model in models if model.backend != replaced]
            models = unique([*others, *self._own])
        bounds = self._access.backends
        return replace(
            everything,
            models=tuple(model for model in models if self._admits(model)),
            failures=tuple(f for f in everything.failures if admits(bounds, (f[0],))),
        )
