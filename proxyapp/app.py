"""The composition root: the only place that knows every room."""

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from typing import cast

import flask
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from proxyapp.admin import document
from proxyapp.admin import health
from proxyapp.auth.access import access_in
from proxyapp.auth.keyfile import KeyFile
from proxyapp.auth.limits import limit_headers
from proxyapp.backends.base import Backend
from proxyapp.backends.copilot.backend import CopilotBackend
from proxyapp.backends.copilot.client import CopilotClient
from proxyapp.backends.copilot.premium import PremiumBounds
from proxyapp.backends.copilot.process import NodeProcess
from proxyapp.backends.copilot.start import STORE
from proxyapp.backends.copilot.start import told_at_start
from proxyapp.backends.echo import EchoBackend
from proxyapp.backends.openai.backend import OpenAIBackend
from proxyapp.dialects import dialect_of
from proxyapp.dialects import DIALECTS
from proxyapp.dialects import GENERATING
from proxyapp.errors import BadRequest
from proxyapp.errors import MethodNotAllowed
from proxyapp.errors import NotFound
from proxyapp.errors import ProxyError
from proxyapp.gateway import Gateway
from proxyapp.neutral.record import Caller
from proxyapp.neutral.scope import EVERYTHING
from proxyapp.observe.counters import Counters
from proxyapp.observe.journal import Journal
from proxyapp.observe.ledger import Ledger
from proxyapp.observe.log import configure
from proxyapp.observe.log import log_failure
from proxyapp.observe.log import log_trouble
from proxyapp.routing.registry import Registry
from proxyapp.settings.schema import BackendSettings
from proxyapp.settings.schema import CopilotSettings
from proxyapp.settings.schema import Settings
from proxyapp.settings.schema import StateSettings
from proxyapp.settings.shipped import catalogue
from proxyapp.settings.state import KEYS
from proxyapp.tools.repair import ToolRepairer
from proxyapp.web.call import record
from proxyapp.web.country import country_of
from proxyapp.web.edge import Edge
from proxyapp.web.edge import leaves_body
from proxyapp.web.edge import RECORD
from proxyapp.web.edge import STATUS
from proxyapp.web.guard import CORS_HEADERS
from proxyapp.web.guard import Guard
from proxyapp.wire.jsons import TooDeep

_OPEN_PATHS = frozenset({"/", "/health"})
_SAYING_LIMITS = frozenset({"openai", "responses"})
"""Dialects whose clients look in headers for what is left of their limits."""


def build_gateway(settings: Settings, previous: Gateway | None = None) -> Gateway:
    """Build everything behind the routes; opens no socket and starts no thread.

    What of the ``previous`` gateway is still right serves on: backends whose settings
    are the same, the models they listed, repaired tools and counts.
    """
    ledger = _ledger(settings, previous)
    backends = [_backend(entry, settings, previous) for entry in settings.backends]
    copilot = _copilot(settings, previous, ledger)
    if copilot is not None:
        backends.append(copilot)
    registry = Registry(
        backends,
        settings.models,
        personal=copilot,
        stand_in=None if settings.configured else EchoBackend(),
        own_backends=settings.own_backends,
    )
    key_file = _key_file(settings, previous)
    repairer, counters = ToolRepairer(), Counters()
    if previous is not None:
        repairer, counters = previous.repairer, previous.counters
        if previous.backends == tuple(backends):
            registry.start_from(previous.registry)
    return Gateway(settings, registry, backends, repairer, counters, ledger, key_file)


def _key_file(settings: Settings, previous: Gateway | None) -> KeyFile | None:
    place = settings.state.directory
    if previous is not None and previous.settings.state.directory == place:
        return previous.key_file
    return KeyFile(Path(place) / KEYS, tell=log_trouble) if place else None


def _ledger(settings: Settings, previous: Gateway | None) -> Ledger:
    if previous is not None and previous.settings.state == settings.state:
        return previous.ledger
    return Ledger(settings.state.directory, settings.state.history_days)


def _backend(
    entry: BackendSettings, settings: Settings, previous: Gateway | None
) -> Backend:
    if previous is not None and _patience(settings) == _patience(previous.settings):
        for known, backend in zip(
            previous.settings.backends, previous.backends, strict=False
        ):
            if known == entry:
                return backend
    if entry.kind == "echo":
        return EchoBackend(entry.name)
    return OpenAIBackend(entry, settings.upstream)


def _patience(settings: Settings) -> tuple[float, float]:
    """Give what a backend knows beside its own settings."""
    return settings.upstream.connect_timeout, settings.upstream.idle_timeout


def _copilot(
    settings: Settings, previous: Gateway | None, ledger: Ledger
) -> CopilotBackend | None:
    """Build the way to GitHub Copilot, unless it is switched off."""
    if settings.copilot.auth == "off":
        return None
    if previous is not None and _account(settings) == _account(previous.settings):
        return next(b for b in previous.backends if isinstance(b, CopilotBackend))
    return copilot_backend(settings, ledger.premium_today)


def copilot_backend(
    settings: Settings, spent_today: Callable[[], float]
) -> CopilotBackend:
    """Build the way to GitHub Copilot; no process starts before it is needed."""
    place = Path(settings.state.directory)
    process = NodeProcess(place, told_at_start(settings.copilot, place))
    bounds = PremiumBounds(
        settings.copilot.daily_budget,
        settings.copilot.spacing,
        spent_today,
        place / "copilot-premium",
    )
    client = CopilotClient(process)
    return CopilotBackend(settings.copilot, client, bounds, catalogue(), place / STORE)


def _account(settings: Settings) -> tuple[CopilotSettings, StateSettings]:
    return settings.copilot, settings.state


class _Application(flask.Flask):
    """Flask, without what no route here needs and every request would pay for."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function as it is: none is a coroutine."""
        return func

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """Match by path and method; the guard has looked at the Host by itself."""
        if request is None:
            return super().create_url_adapter(None)
        asked = request.environ
        path = asked["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        method = asked["REQUEST_METHOD"]
        return MapAdapter(self.url_map, "", "/", "", "http", path, method)


def create_app(settings: Settings) -> flask.Flask:
    """Build the WSGI application for settings that stay as they are."""
    return build_app(build_gateway(settings))


def build_app(gateway: Gateway) -> flask.Flask:
    """Build the routes before a gateway."""
    settings = gateway.settings
    verbose = settings.log.verbose
    form = configure(verbose=verbose, as_json=settings.log.format == "json")
    secrets = [backend.key for backend in settings.backends]
    app = _Application("proxyapp", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    guard = Guard(settings.server)
    app.before_request(partial(_admit, gateway, guard))
    app.after_request(partial(_finish, gateway, guard))
    app.register_error_handler(Exception, _failed)
    for dialect in DIALECTS.values():
        app.register_blueprint(dialect.blueprint(gateway))
    app.register_blueprint(health.blueprint(gateway))
    app.register_blueprint(document.blueprint())
    app.wsgi_app = Edge(  # type: ignore[method-assign]
        app.wsgi_app,
        Journal(gateway.ledger, form, verbose=verbose, secrets=secrets),
        ollama_as_sse=settings.ollama.stream_format == "sse",
        dialects=GENERATING,
        proxies=settings.server.trusted_proxies,
    )
    return app


def _admit(gateway: Gateway, guard: Guard) -> flask.Response | None:
    """Let a request in, or answer it at the door."""
    asked = flask.request
    headers = cast("Mapping[str, str]", asked.headers)
    guard.check(headers)
    if asked.method == "OPTIONS":
        return flask.Response(status=204)
    if asked.path not in _OPEN_PATHS:
        record().caller = _placed(gateway, gateway.keys.check(headers))
    return None


def _placed(gateway: Gateway, caller: Caller) -> Caller:
    """Give a caller with what is left to them where they are."""
    rules = gateway.settings.access
    country = country_of(flask.request.environ, rules.country_headers)
    if not country and not rules.countries and caller.scope is EVERYTHING:
        return caller
    access = access_in(caller.scope, country, rules.countries)
    return replace(caller, country=country, access=access)


def _finish(gateway: Gateway, guard: Guard, response: flask.Response) -> flask.Response:
    """Put on the headers every reply carries."""
    headers = response.headers
    environ = flask.request.environ
    environ[STATUS] = response.status_code
    if leaves_body(environ):
        # Where the next request begins is not known.
        headers["Connection"] = "close"
    # Added, not set: nobody else writes these, and setting looks through all others.
    asked = environ[RECORD]
    headers.add("x-request-id", asked.id)
    headers.add("request-id", asked.id)
    if asked.dialect in _SAYING_LIMITS and asked.caller.scope.limited:
        headers.update(limit_headers(asked.caller, gateway.ledger))
    # A browser may not take a model's words for a page, whatever they look like.
    headers.add("X-Content-Type-Options", "nosniff")
    origin = environ.get("HTTP_ORIGIN")
    if origin and guard.allows(origin):
        _let_page_read(headers, origin)
    return response


def _let_page_read(headers: Headers, origin: str) -> None:
    """Tell a browser that this origin's pages may see the reply, and may ask."""
    headers["Access-Control-Allow-Origin"] = origin
    headers["Vary"] = "Origin"
    headers["Access-Control-Expose-Headers"] = "*"
    if flask.request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = "GET, POST, HEAD, OPTIONS"
        headers["Access-Control-Allow-Headers"] = CORS_HEADERS
        headers["Access-Control-Max-Age"] = "600"
        if "Access-Control-Request-Private-Network" in flask.request.headers:
            headers["Access-Control-Allow-Private-Network"] = "true"


def _failed(error: Exception) -> flask.Response:
    """Answer any failure in the dialect of the route it happened on."""
    known = _known(error)
    record().fail(known.code, known.message)
    if known.status >= 500 and not isinstance(error, ProxyError):
        log_failure(error)
    asked = flask.request
    headers = cast("Mapping[str, str]", asked.headers)
    dialect = dialect_of(asked.path, headers)
    return dialect.error_response(known, asked.headers.get("User-Agent", ""))


def _known(error: Exception) -> ProxyError:
    if isinstance(error, ProxyError):
        return error
    if isinstance(error, RecursionError | TooDeep):
        # Only the levels of a value make anything here call itself.
        return BadRequest("The request is nested too deeply; send fewer levels.")
    if not isinstance(error, HTTPException):
        return ProxyError("The gateway failed; its log says why.")
    where = f"{flask.request.method} {flask.request.path}"
    if error.code == 404:
        return NotFound(f"There is no route {where} here.")
    if error.code == 405:
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return MethodNotAllowed(
            f"{where} is not served; allowed: {allowed}.", headers={"Allow": allowed}
        )
    return BadRequest(f"{where} could not be read: {error.description}")
