"""The one object that holds the house together: from a request to its reply."""

from collections.abc import Sequence
from dataclasses import replace

from proxyapp.auth.carried import body_for
from proxyapp.auth.keyfile import KeyFile
from proxyapp.auth.limits import check_limits
from proxyapp.auth.ring import KeyRing
from proxyapp.backends.base import Backend
from proxyapp.backends.base import Forwarded
from proxyapp.errors import BadRequest
from proxyapp.errors import Forbidden
from proxyapp.errors import NotSupported
from proxyapp.errors import UpstreamError
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Message
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult
from proxyapp.neutral.record import Record
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import CompletionRequest
from proxyapp.neutral.request import EmbeddingRequest
from proxyapp.neutral.request import Embeddings
from proxyapp.neutral.request import Vector
from proxyapp.neutral.scope import admits
from proxyapp.neutral.usage import estimate_tokens
from proxyapp.neutral.usage import Usage
from proxyapp.observe.counters import Counters
from proxyapp.observe.ledger import Ledger
from proxyapp.observe.log import log_event
from proxyapp.relay.arguments import HeldArguments
from proxyapp.relay.arguments import StreamedArguments
from proxyapp.relay.reply import Pace
from proxyapp.relay.reply import Source
from proxyapp.relay.reply import Stage
from proxyapp.relay.stages import ClientNames
from proxyapp.relay.stages import FirstCallOnly
from proxyapp.relay.stages import NoThinking
from proxyapp.relay.stages import StopStrings
from proxyapp.relay.stages import VisibleThinking
from proxyapp.routing.registry import Registry
from proxyapp.routing.registry import Target
from proxyapp.settings.bind import needs_keys
from proxyapp.settings.schema import Settings
from proxyapp.tools.repair import RepairedTools
from proxyapp.tools.repair import ToolRepairer
from proxyapp.wire import jsons

_MAX_TOOLS = 4096
"""Repairing more would stall everyone; OpenAI takes 128."""

_MAX_EMBEDDED = 8192
_AT_ONCE = 128


class Gateway:
    """What the dialects need, and nothing of how it is done."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        backends: Sequence[Backend],
        repairer: ToolRepairer,
        counters: Counters,
        ledger: Ledger,
        key_file: KeyFile | None,
    ) -> None:
        self.settings = settings
        self.registry = registry
        self.backends = tuple(backends)
        self.repairer = repairer
        self.counters = counters
        self.ledger = ledger
        self.key_file = key_file
        self.keys = KeyRing(settings.auth.keys, key_file, needs_keys(settings))
        self.pace = Pace(settings.stream.commit_after, settings.stream.heartbeat)
        # Why newer settings than these could not be taken up, if that is so.
        self.settings_fault = ""
        self._logged: set[tuple[str, str, str]] = set()

    def repair(self, tools: object) -> RepairedTools:
        """Make tool definitions valid, and count and log what that took.

        Raises BadRequest for more tools than any model is given.
        """
        if isinstance(tools, list) and len(tools) > _MAX_TOOLS:
            raise BadRequest(
                f"'tools' holds {len(tools)} tools; at most {_MAX_TOOLS} are read.",
                param="tools",
            )
        repaired = self.repairer.repair(tools)
        for repair in repaired.repairs:
            self.counters.add("tool_repairs", repair.rule)
            fact = (repair.tool, repair.rule, repair.path)
            if fact not in self._logged and len(self._logged) < 10_000:
                self._logged.add(fact)
                log_event("tool repaired", tool=fact[0], rule=fact[1], at=fact[2])
        return repaired

    def prepared(self, request: ChatRequest) -> ChatRequest:
        """Make a schema that the reply must fit valid, as tools are."""
        wanted = request.response_format
        if wanted is None or wanted.schema is None:
            return request
        schema, repairs = self.repairer.repair_schema(wanted.schema)
        for repair in repairs:
            self.counters.add("schema_repairs", repair.rule)
        return replace(request, response_format=replace(wanted, schema=schema))

    def seen_by(self, record: Record) -> Registry:
        """Give the models that this caller can see."""
        return self.registry.seen_by(record.caller)

    def resolve(self, name: str, record: Record) -> Target:
        """Find what serves a model's name for this caller, and put it on record.

        Raises what ``Registry.resolve`` and ``check_limits`` do.
        """
        record.asked = name
        check_limits(record.caller, self.ledger)
        target = self.seen_by(record).resolve(name)
        record.model, record.backend = target.model.id, target.backend.name
        return target

    def _begin(self, record: Record) -> None:
        """Count a request of the caller's key, if its limits still allow one.

        Looked at and counted in one step, between which nothing else runs: however
        many come at once, no more get in.
        """
        check_limits(record.caller, self.ledger)
        self.ledger.begin(record.caller.key)

    def chat(
        self,
        target: Target,
        request: ChatRequest,
        repaired: RepairedTools,
        record: Record,
        *,
        whole_calls: bool,
        thinking: bool = True,
    ) -> Source:
        """Open a chat's source of events; nothing is sent before it is read.

        ``whole_calls`` holds each tool call until it is complete; ``thinking`` false
        drops reasoning.
        """
        self._fits(target, request)
        stages = self._call_stages(request, repaired, whole_calls)
        if not thinking or self.settings.stream.thinking_mode == "off":
            stages.append(NoThinking())
        elif self.settings.stream.thinking_mode == "show_reasoning":
            stages.append(VisibleThinking())
        if request.sampling.stop:
            stages.append(StopStrings(request.sampling.stop, request.n))
        self._begin(record)
        batches = target.backend.chat(target.model, request, record)
        return Source(batches, stages, record, lambda: prompt_characters(request))

    def _fits(self, target: Target, request: ChatRequest) -> None:
        names = request.tool_choice.names
        known = {tool.name for tool in request.tools}
        missing = [name for name in names if name not in known]
        if missing:
            raise BadRequest(
                f"tool_choice names '{missing[0]}', which is not among the tools.",
                param="tool_choice",
            )
        if request.tool_choice.mode == "required" and not request.tools:
            raise BadRequest(
                "tool_choice asks for a call, but there are no tools.",
                param="tool_choice",
            )

    def _call_stages(
        self, request: ChatRequest, repaired: RepairedTools, whole_calls: bool
    ) -> list[Stage]:
        schemas = {tool.name: tool.parameters for tool in request.tools}
        eager = frozenset(
            tool.name for tool in request.tools if tool.eager and request.stream
        )
        stages: list[Stage] = []
        if not request.parallel_tool_calls:
            stages.append(FirstCallOnly())
        if whole_calls:
            stages.append(HeldArguments(schemas, eager))
        else:
            stages.append(StreamedArguments(schemas))
        if repaired.client_names:
            stages.append(ClientNames(repaired.client_names))
        return stages

    def complete(
        self, target: Target, request: CompletionRequest, record: Record
    ) -> Source:
        """Open a bare completion's source of events."""
        stages: list[Stage] = []
        if request.sampling.stop:
            stages.append(StopStrings(request.sampling.stop, _choices(request)))
        self._begin(record)
        batches = target.backend.complete(target.model, request)
        return Source(batches, stages, record, lambda: len(str(request.prompt)))

    def embed(
        self, target: Target, request: EmbeddingRequest, record: Record
    ) -> Embeddings:
        """Turn texts into vectors, so many at a time; BadRequest for too many.

        A reply is read at one go, and thousands of vectors would stall everyone.
        """
        texts = request.inputs
        if len(texts) > _MAX_EMBEDDED:
            raise BadRequest(
                f"'input' holds {len(texts)} texts; at most {_MAX_EMBEDDED} are read.",
                param="input",
            )
        self._begin(record)
        vectors: list[Vector] = []
        tokens = 0
        for at in range(0, len(texts), _AT_ONCE):
            some = replace(request, inputs=texts[at : at + _AT_ONCE])
            made = target.backend.embed(target.model, some)
            vectors += made.vectors
            tokens += made.tokens
        record.usage = Usage(tokens)
        return Embeddings(tuple(vectors), tokens)

    def count(self, target: Target, request: ChatRequest) -> int:
        """Count a prompt's tokens, or estimate them where the backend cannot.

        Clients plan by this figure, and an estimate serves them better than an error.
        """
        try:
            counted = target.backend.count(target.model, request)
        except UpstreamError as error:
            log_event("tokens estimated", reason=error.message)
            counted = None
        return counted or estimated_prompt(request)

    def forward(
        self,
        endpoint: str,
        method: str,
        path: str,
        body: bytes,
        content_type: str,
        record: Record,
    ) -> Forwarded:
        """Carry an optional endpoint to the first backend the caller may use for it."""
        backend = self._backend_for(endpoint, record)
        body = body_for(record.caller.access, endpoint, backend.name, body)
        record.backend = backend.name
        self._begin(record)
        return backend.forward(endpoint, method, path, body, content_type)

    def _backend_for(self, endpoint: str, record: Record) -> Backend:
        having = [b.name for b in self.settings.backends if endpoint in b.endpoints]
        if not having:
            raise NotSupported(
                f"No backend here has the endpoint '{endpoint}'. Name it in the"
                " 'endpoints' of a backend that does."
            )
        bounds = record.caller.access.backends
        usable = [name for name in having if admits(bounds, (name,))]
        if not usable:
            raise Forbidden(f"You may not use '{endpoint}' here.")
        return next(b for b in self.backends if b.name == usable[0])


def estimated_prompt(request: ChatRequest) -> int:
    """Estimate a prompt's tokens from its length."""
    return estimate_tokens(prompt_characters(request))


def _choices(request: CompletionRequest) -> int:
    """Count the choices a completion has: so many for each prompt of a list."""
    prompt = request.prompt
    many = isinstance(prompt, list) and not isinstance(prompt[0], int)
    return request.n * (len(prompt) if many else 1)


def prompt_characters(request: ChatRequest) -> int:
    """Measure a prompt for an estimate of its tokens; an image counts as 4,000."""
    tools = sum(
        len(tool.description) + len(jsons.dumps(tool.parameters))
        for tool in request.tools
    )
    return tools + sum(_characters(message) for message in request.messages)


def _characters(message: Message) -> int:
    total = 8
    for part in message.content:
        if isinstance(part, TextPart | ThinkingPart):
            total += len(part.text)
        elif isinstance(part, ToolCall):
            total += len(part.name) + len(part.arguments)
        elif isinstance(part, ToolResult):
            total += sum(
                len(p.text) if isinstance(p, TextPart) else 4000 for p in part.content
            )
        elif isinstance(part, ImagePart):
            total += 4000
    return total
