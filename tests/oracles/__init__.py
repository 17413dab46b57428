"""Oracles: each checker gives a list of violations, empty for a conformant answer.

Streams are bytes, bodies are parsed JSON. ``readers`` reads the meaning out of an
answer of any dialect, ``vscode`` reads a stream as that client does, ``schema``
holds OpenAI's own schema against an answer.
"""

from tests.oracles.anthropic import anthropic_count
from tests.oracles.anthropic import anthropic_error
from tests.oracles.anthropic import anthropic_message
from tests.oracles.anthropic import anthropic_models
from tests.oracles.anthropic import anthropic_stream
from tests.oracles.ollama import ollama_chat
from tests.oracles.ollama import ollama_embed
from tests.oracles.ollama import ollama_error
from tests.oracles.ollama import ollama_generate
from tests.oracles.ollama import ollama_ps
from tests.oracles.ollama import ollama_show
from tests.oracles.ollama import ollama_stream
from tests.oracles.ollama import ollama_tags
from tests.oracles.openai import openai_chat
from tests.oracles.openai import openai_completion
from tests.oracles.openai import openai_embeddings
from tests.oracles.openai import openai_error
from tests.oracles.openai import openai_models
from tests.oracles.openai_streams import openai_chat_stream
from tests.oracles.openai_streams import openai_completion_stream
from tests.oracles.readers import calls_of
from tests.oracles.readers import finish_of
from tests.oracles.readers import read
from tests.oracles.readers import text_of
from tests.oracles.readers import thinking_of
from tests.oracles.readers import usage_of
from tests.oracles.responses import openai_response
from tests.oracles.responses import openai_responses_stream
from tests.oracles.schema import matches
from tests.oracles.schema import stream_matches
from tests.oracles.views import differences
from tests.oracles.vscode import vscode_reads

__all__ = [
    "anthropic_count",
    "anthropic_error",
    "anthropic_message",
    "anthropic_models",
    "anthropic_stream",
    "calls_of",
    "differences",
    "finish_of",
    "matches",
    "ollama_chat",
    "ollama_embed",
    "ollama_error",
    "ollama_generate",
    "ollama_ps",
    "ollama_show",
    "ollama_stream",
    "ollama_tags",
    "openai_chat",
    "openai_chat_stream",
    "openai_completion",
    "openai_completion_stream",
    "openai_embeddings",
    "openai_error",
    "openai_models",
    "openai_response",
    "openai_responses_stream",
    "read",
    "stream_matches",
    "text_of",
    "thinking_of",
    "usage_of",
    "vscode_reads",
]
