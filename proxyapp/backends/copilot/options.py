"""How a request asks a model to answer, in the words of its API.

What pi-ai has options for goes there; the rest goes into the payload that pi-ai is
about to send, under the names of the API behind it. What an API has no word for is
left out if it only tunes the answer, and refused if the answer would be another.
"""

from collections.abc import Callable
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import Final

from proxyapp.backends.copilot.models import Api
from proxyapp.backends.copilot.models import COMPLETIONS
from proxyapp.backends.copilot.models import CopilotModel
from proxyapp.backends.copilot.models import MESSAGES
from proxyapp.backends.copilot.models import RESPONSES
from proxyapp.errors import BadRequest
from proxyapp.neutral.request import ChatRequest
from proxyapp.neutral.request import Effort
from proxyapp.neutral.request import ResponseFormat

Fields = dict[str, Any]

_LEVELS: Final[tuple[Effort, ...]] = (
    "minimal",
    "low",
    "medium",
    "high",
    "xhigh",
    "max",
)
_SAMPLING: Final[Mapping[Api, frozenset[str]]] = MappingProxyType(
    {
        COMPLETIONS: frozenset(
            {
                "top_p",
                "seed",
                "presence_penalty",
                "frequency_penalty",
                "logit_bias",
            }
        ),
        RESPONSES: frozenset({"top_p"}),
        MESSAGES: frozenset({"top_p", "top_k"}),
    }
)
_STOP_FIELD: Final[Mapping[Api, str]] = MappingProxyType(
    {COMPLETIONS: "stop", MESSAGES: "stop_sequences"}
)


def encode_options(request: ChatRequest, model: CopilotModel) -> Fields:
    """Write what pi-ai has options for.

    A limit is always sent: pi-ai's own default is a third of what the model can write.
    """
    options: Fields = {}
    wanted = request.sampling.max_tokens or model.output
    if wanted:
        limit = min(wanted, model.output) if model.output else wanted
        options["maxTokens"] = limit
    level = _level(request, model)
    if level:
        options["reasoning"] = level
    temperature = request.sampling.fields.get("temperature")
    if temperature is not None and _takes_sampling(model, level):
        options["temperature"] = temperature
    return options


def encode_payload(request: ChatRequest, model: CopilotModel) -> Fields:
    """Write what goes into the payload; raise BadRequest for what no API carries."""
    _refuse_uncarried(request)
    payload: Fields = {}
    if _takes_sampling(model, _level(request, model)):
        known = _SAMPLING[model.api]
        fields = request.sampling.fields.items()
        payload |= {name: value for name, value in fields if name in known}
    stop_field = _STOP_FIELD.get(model.api)
    if request.sampling.stop and stop_field:
        payload[stop_field] = list(request.sampling.stop)
    if request.tools:
        payload |= _CHOICES[model.api](request)
    if request.response_format is not None:
        payload |= _FORMATS[model.api](request.response_format)
    return payload


def _refuse_uncarried(request: ChatRequest) -> None:
    if request.n > 1:
        raise BadRequest("GitHub Copilot makes one choice only.", param="n")
    if request.sampling.fields.get("logprobs"):
        raise BadRequest("GitHub Copilot gives no logprobs.", param="logprobs")


def _level(request: ChatRequest, model: CopilotModel) -> str:
    """Choose the nearest level the model has; none leaves thinking to its default.

    Anthropic's models cannot think when they must call a tool.
    """
    reasoning = request.reasoning
    if reasoning is None or reasoning.effort is None or not model.reasoning:
        return ""
    forced = request.tool_choice.mode == "required"
    if reasoning.off or (forced and model.api == MESSAGES):
        return "off"
    if not model.levels or reasoning.effort in model.levels:
        return reasoning.effort
    known = [level for level in _LEVELS if level in model.levels]
    wanted = _LEVELS.index(reasoning.effort)
    return min(known, key=lambda level: abs(_LEVELS.index(level) - wanted), default="")


def _takes_sampling(model: CopilotModel, level: str) -> bool:
    """Tell whether sampling can be tuned.

    OpenAI's thinking models refuse it, and so do Anthropic's while they think.
    """
    if model.api == RESPONSES:
        return not model.reasoning
    return model.api != MESSAGES or level in ("", "off")


def _completions_choice(request: ChatRequest) -> Fields:
    choice = request.tool_choice
    payload: Fields = {}
    if not request.parallel_tool_calls:
        payload["parallel_tool_calls"] = False
    if choice.mode == "required":
        function = {"name": choice.names[0]} if len(choice.names) == 1 else None
        named = {"type": "function", "function": function}
        payload["tool_choice"] = named if function else "required"
    return payload


def _responses_choice(request: ChatRequest) -> Fields:
    payload = _completions_choice(request)
    named = payload.get("tool_choice")
    if isinstance(named, dict):
        payload["tool_choice"] = {"type": "function", **named["function"]}
    return payload


def _messages_choice(request: ChatRequest) -> Fields:
    choice = request.tool_choice
    if choice.mode == "none" or (choice.mode == "auto" and request.parallel_tool_calls):
        return {}
    wire: Fields = {"type": "auto"}
    if choice.mode == "required":
        one = {"type": "tool", "name": choice.names[0]} if choice.names else {}
        wire = one if len(choice.names) == 1 else {"type": "any"}
    if not request.parallel_tool_calls:
        wire["disable_parallel_tool_use"] = True
    return {"tool_choice": wire}


_CHOICES: Final[Mapping[Api, Callable[[ChatRequest], Fields]]] = MappingProxyType(
    {
        COMPLETIONS: _completions_choice,
        RESPONSES: _responses_choice,
        MESSAGES: _messages_choice,
    }
)


def _completions_format(wanted: ResponseFormat) -> Fields:
    if wanted.schema is None:
        return {"response_format": {"type": "json_object"}}
    schema = _schema(wanted)
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _responses_format(wanted: ResponseFormat) -> Fields:
    if wanted.schema is None:
        return {"text": {"format": {"type": "json_object"}}}
    return {"text": {"format": {"type": "json_schema", **_schema(wanted)}}}


def _messages_format(wanted: ResponseFormat) -> Fields:
    raise BadRequest(
        "Claude models on GitHub Copilot cannot be held to a JSON format; offer a tool"
        " with that schema instead, or ask for JSON in words.",
        param="response_format",
    )


def _schema(wanted: ResponseFormat) -> Fields:
    schema: Fields = {"name": wanted.name, "schema": wanted.schema}
    return schema if wanted.strict is None else {**schema, "strict": wanted.strict}


_FORMATS: Final[Mapping[Api, Callable[[ResponseFormat], Fields]]] = MappingProxyType(
    {
        COMPLETIONS: _completions_format,
        RESPONSES: _responses_format,
        MESSAGES: _messages_format,
    }
)
