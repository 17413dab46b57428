"""Content blocks, as Anthropic's clients write them.

Each reader gives the parts a block becomes; none for what no model here could use.
Places are written as Anthropic writes them: ``messages.0.content.1``.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from proxyapp.dialects import fields
from proxyapp.dialects.anthropic.signature import foreign
from proxyapp.errors import BadRequest
from proxyapp.neutral.messages import ImagePart
from proxyapp.neutral.messages import Part
from proxyapp.neutral.messages import TextPart
from proxyapp.neutral.messages import ThinkingPart
from proxyapp.neutral.messages import ToolCall
from proxyapp.neutral.messages import ToolResult
from proxyapp.tools.arguments import clean_history_arguments
from proxyapp.wire.data_url import data_url_text

Block = dict[str, Any]
Reader = Callable[[Block, str], Iterable[Part]]

_BILLING = "x-anthropic-billing-header"
_PROVIDERS_OWN = ("server_tool_use", "mcp_tool_use", "container_upload", "fallback")


def user_parts(content: Any, where: str) -> list[Part]:
    """Read what a user wrote or a tool brought."""
    return _spaced(_parts(content, where, _USER))


def system_parts(content: Any, where: str) -> list[Part]:
    """Read a system prompt, a part for each of its blocks.

    Claude Code's billing block is left out: it differs from request to request, and
    whatever follows it would have to be read anew by the model.
    """
    return [
        part
        for part in _parts(content, where, _SYSTEM)
        if isinstance(part, TextPart)
        and part.text
        and not part.text.startswith(_BILLING)
    ]


def assistant_parts(content: Any, where: str) -> list[Part]:
    """Read what the model wrote."""
    return list(_parts(content, where, _ASSISTANT))


def _parts(content: Any, where: str, readers: Mapping[str, Reader]) -> Iterator[Part]:
    if content is None:
        return
    if isinstance(content, str):
        yield TextPart(content)
        return
    if not isinstance(content, list):
        raise BadRequest(f"{where}: must be a string or blocks.", param=where)
    for position, block in enumerate(content):
        yield from _read(block, f"{where}.{position}", readers)


def _read(block: Any, where: str, readers: Mapping[str, Reader]) -> Iterable[Part]:
    if isinstance(block, str):
        return (TextPart(block),)
    if not isinstance(block, dict):
        raise BadRequest(f"{where}: must be an object.", param=where)
    kind = fields.word(block.get("type"))
    reader = readers.get(kind)
    if reader is not None:
        return reader(block, where)
    if readers is _ASSISTANT and _is_providers_own(kind):
        return ()
    known = ", ".join(readers)
    raise BadRequest(
        f"{where}.type: '{kind}' cannot be read here; known are: {known}.", param=where
    )


def _is_providers_own(kind: str) -> bool:
    """Recognise traces of tools that ran at Anthropic; the text after tells of them."""
    return kind in _PROVIDERS_OWN or kind.endswith("_tool_result")


def _spaced(parts: Iterable[Part]) -> list[Part]:
    """Join texts that follow each other, with a blank line between them.

    Blocks are apart for Anthropic's models; run together they could not be told from
    one another.
    """
    spaced: list[Part] = []
    for part in parts:
        if not isinstance(part, TextPart):
            spaced.append(part)
        elif part.text and spaced and isinstance(spaced[-1], TextPart):
            spaced[-1] = TextPart(f"{spaced[-1].text}\n\n{part.text}")
        elif part.text:
            spaced.append(part)
    return spaced


def _string(holder: Block, name: str, where: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str):
        words = "Field required" if value is None else "must be a string."
        raise BadRequest(f"{where}.{name}: {words}", param=f"{where}.{name}")
    return value


def _text(block: Block, where: str) -> Iterator[Part]:
    yield TextPart(_string(block, "text", where))


def _source(block: Block, where: str) -> tuple[Block, str]:
    source = block.get("source")
    if not isinstance(source, dict):
        raise BadRequest(f"{where}.source: Field required", param=f"{where}.source")
    return source, f"{where}.source"


def _image(block: Block, where: str) -> Iterator[Part]:
    source, place = _source(block, where)
    if source.get("type") != "base64":
        raise BadRequest(
            f"{place}.type: must be base64; the gateway fetches nothing.", param=place
        )
    media_type = _string(source, "media_type", place)
    data = _string(source, "data", place)
    yield ImagePart(f"data:{media_type};base64,{data}")


def _document(block: Block, where: str) -> Iterator[Part]:
    """Read a document that is text; its title and context stand before it."""
    source, place = _source(block, where)
    header = [block[key] for key in ("title", "context") if block.get(key)]
    if header:
        yield TextPart("\n".join(f"[{words}]" for words in header))
    if source.get("type") == "content":
        yield from _parts(source.get("content"), f"{place}.content", _PLAIN)
        return
    text = source.get("data")
    if source.get("type") == "base64":
        text = data_url_text(f"data:{source.get('media_type')};base64,{text}")
    if source.get("type") not in ("text", "base64") or not isinstance(text, str):
        raise BadRequest(
            f"{place}: only documents of text can be read here, not PDF, files or"
            " URLs; send their text.",
            param=place,
        )
    yield TextPart(text)


def _search_result(block: Block, where: str) -> Iterator[Part]:
    heads = [block[key] for key in ("title", "source") if block.get(key)]
    if heads:
        yield TextPart("\n".join(f"[{words}]" for words in heads))
    yield from _parts(block.get("content"), f"{where}.content", _PLAIN)


def _tool_reference(block: Block, where: str) -> Iterator[Part]:
    yield TextPart(f"[tool: {_string(block, 'tool_name', where)}]")


def _tool_result(block: Block, where: str) -> Iterator[Part]:
    parts = _spaced(_parts(block.get("content"), f"{where}.content", _RESULT))
    yield ToolResult(
        _string(block, "tool_use_id", where),
        tuple(part for part in parts if isinstance(part, TextPart | ImagePart)),
        is_error=block.get("is_error") is True,
    )


def _tool_use(block: Block, where: str) -> Iterator[Part]:
    yield ToolCall(
        _string(block, "id", where),
        _string(block, "name", where),
        clean_history_arguments(block.get("input")),
    )


def _thinking(block: Block, where: str) -> Iterator[Part]:
    text, signature = block.get("thinking"), block.get("signature")
    text = text if isinstance(text, str) else ""
    signature = foreign(signature) if isinstance(signature, str) else ""
    if text or signature:
        yield ThinkingPart(text, signature)


def _redacted_thinking(block: Block, where: str) -> Iterator[Part]:
    """Keep what only the model that wrote it can read."""
    data = block.get("data")
    if isinstance(data, str) and data:
        yield ThinkingPart("", data, redacted=True)


_SYSTEM: Mapping[str, Reader] = {"text": _text}
_PLAIN: Mapping[str, Reader] = {"text": _text, "image": _image}
_SHOWN: Mapping[str, Reader] = {
    **_PLAIN,
    "document": _document,
    "search_result": _search_result,
}
_RESULT: Mapping[str, Reader] = {**_SHOWN, "tool_reference": _tool_reference}
_USER: Mapping[str, Reader] = {**_SHOWN, "tool_result": _tool_result}
_ASSISTANT: Mapping[str, Reader] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
}
