"""What the owner configured: one frozen dataclass per section of the settings file.

    Settings
    ├── server    ServerSettings
    ├── auth      AuthSettings
    ├── access    AccessSettings
    ├── log       LogSettings
    ├── upstream  UpstreamSettings
    ├── stream    StreamSettings
    ├── ollama    OllamaSettings
    ├── models    ModelSettings
    ├── tools     ToolSettings
    ├── copilot   CopilotSettings
    └── backends  BackendSettings ...   each with Filters and Compat

The meaning of each field stands beside its default in config/defaults.toml; here are
the types the rest of the house sees. Durations are in seconds. The defaults below
repeat defaults.toml so that a test can build one section alone; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from typing import Final
from typing import Literal

BackendKind = Literal["llama", "openai", "echo"]
ThinkingMode = Literal["default", "show_reasoning", "off", "events", "both"]
StreamFormat = Literal["ndjson", "sse"]
UnknownModels = Literal["auto", "accept", "reject"]
MaxTokensField = Literal["max_tokens", "max_completion_tokens"]
ReasoningField = Literal["reasoning_content", "reasoning"]
LateSystem = Literal["fold", "hoist", "keep"]
CopilotAuth = Literal["managed", "passthrough", "off"]
LogFormat = Literal["text", "json"]
Required = Literal["auto", "always", "never"]
HostedTools = Literal["auto", "drop", "reject"]

DEFAULT_UPSTREAM: Final = "http://127.0.0.1:11433"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where and how the gateway listens, and what it takes in."""

    listen_host: str = "127.0.0.1"
    listen_port: int = 11434
    workers: int = 2
    worker_connections: int = 4000
    graceful_timeout: int = 8
    allow_unauthenticated: bool = False
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body_mb: int = 32
    body_timeout: float = 30.0
    write_timeout: float = 60.0
    trusted_proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Who may call: SHA-256 digests of the keys, 64 lower-case hex digits each."""

    keys: tuple[str, ...] = field(default=(), repr=False)
    required: Required = "auto"


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """What callers may use where they are: patterns of models by country."""

    country_headers: tuple[str, ...] = ()
    countries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is written to the log, and how."""

    verbose: bool = False
    format: LogFormat = "text"


@dataclass(frozen=True, slots=True)
class StateSettings:
    """What is kept, and where; once settings are loaded, the directory is a whole path.

    An empty ``directory`` keeps nothing.
    """

    directory: str = ""
    history_days: int = 90


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """How the model servers are reached; ``url`` is normal, without /v1, or empty."""

    url: str = ""
    connect_timeout: float = 3.0
    idle_timeout: float = 900.0


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """When a streamed reply commits, and how it stays alive."""

    commit_after: float = 1.5
    heartbeat: float = 10.0
    thinking_mode: ThinkingMode = "default"


@dataclass(frozen=True, slots=True)
class OllamaSettings:
    """What Ollama's clients see."""

    stream_format: StreamFormat = "ndjson"
    version: str = "0.13.0"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model a name means; the keys of ``aliases`` may hold wildcards."""

    unknown: UnknownModels = "auto"
    default: str = ""
    small: str = ""
    refresh_seconds: float = 10.0
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """What happens to tool definitions."""

    repair: bool = True
    hosted: HostedTools = "auto"


@dataclass(frozen=True, slots=True)
class CopilotSettings:
    """How GitHub Copilot is reached; bounds of 0 do not bind.

    ``daily_budget`` is in premium requests, ``egress`` an origin or empty.
    """

    auth: CopilotAuth = "managed"
    enterprise_domain: str = ""
    hosts: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    daily_budget: float = 0.0
    spacing: float = 0.0
    idle_timeout: float = 120.0
    egress: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """Body fields that are set and dropped last, just before a request leaves."""

    set: Mapping[str, Any] = field(default_factory=dict)
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compat:
    """An upstream's quirks as data.

    ``supports_images`` is None when the backend should find out by itself.
    ``extra_sampling`` names sampling fields beyond those the backend knows.
    """

    max_tokens_field: MaxTokensField = "max_tokens"
    reasoning_field: ReasoningField = "reasoning_content"
    supports_usage_in_stream: bool = True
    supports_n: bool = True
    supports_stop: bool = True
    supports_audio: bool = True
    supports_images: bool | None = None
    supports_completions: bool = True
    supports_embeddings: bool = True
    supports_suffix: bool = False
    llama_extensions: bool = False
    extra_sampling: tuple[str, ...] = ()
    late_system: LateSystem = "keep"


COMPAT: Final[Mapping[BackendKind, Compat]] = MappingProxyType(
    {
        # Most chat templates refuse a system message after the first turn.
        "llama": Compat(llama_extensions=True, late_system="fold"),
        "openai": Compat(supports_suffix=True),
        "echo": Compat(),
    }
)


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """One model server.

    ``url`` is normal: no trailing slash, no trailing /v1; empty for ``echo``.
    ``models`` empty means that the server is asked what it serves.
    """

    name: str
    kind: BackendKind = "llama"
    url: str = ""
    key: str = field(default="", repr=False)
    models: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    filters: Filters = field(default_factory=Filters)
    endpoints: tuple[str, ...] = ()
    compat: Compat = COMPAT["llama"]


def _zero_configuration() -> tuple[BackendSettings, ...]:
    return (BackendSettings(name="llama", url=DEFAULT_UPSTREAM),)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the owner configured.

    ``backends`` is never empty: without configuration it is one llama-server on its
    usual local port. ``configured`` tells whether the owner named an upstream, by
    ``[[backends]]`` (then ``own_backends`` too) or by ``upstream.url``. ``source`` is
    the file that was read.
    """

    server: ServerSettings = field(default_factory=ServerSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    access: AccessSettings = field(default_factory=AccessSettings)
    log: LogSettings = field(default_factory=LogSettings)
    state: StateSettings = field(default_factory=StateSettings)
    upstream: UpstreamSettings = field(default_factory=UpstreamSettings)
    stream: StreamSettings = field(default_factory=StreamSettings)
    ollama: OllamaSettings = field(default_factory=OllamaSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    tools: ToolSettings = field(default_factory=ToolSettings)
    copilot: CopilotSettings = field(default_factory=CopilotSettings)
    backends: tuple[BackendSettings, ...] = field(default_factory=_zero_configuration)
    configured: bool = False
    own_backends: bool = False
    source: Path | None = None
