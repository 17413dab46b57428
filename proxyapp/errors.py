"""Every failure a client can be told about.

    ProxyError                     500  internal_error
    ├── BadRequest                 400  invalid_request
    │   ├── ContextOverflow        400  context_length_exceeded
    │   ├── BodyTimeout            408  request_timeout
    │   ├── BodyTooLarge           413  request_too_large
    │   └── UnsupportedEncoding    415  unsupported_encoding
    ├── Unauthorized               401  invalid_api_key
    ├── Forbidden                  403  forbidden
    ├── NotFound                   404  not_found
    │   └── UnknownModel           404  model_not_found
    ├── MethodNotAllowed           405  method_not_allowed
    ├── MisdirectedHost            421  unknown_host
    ├── TooManyRequests            429  rate_limit_exceeded
    │   └── BudgetSpent            429  insufficient_quota
    ├── NotSupported               501  not_supported
    ├── KeysUnreadable             503  keys_unreadable
    ├── ShuttingDown               503  server_shutdown
    └── UpstreamError              502  upstream_error
        ├── UpstreamUnreachable    502  upstream_unreachable
        │   └── UpstreamUnavailable  503  upstream_unavailable
        ├── UpstreamInvalid        502  upstream_invalid
        ├── UpstreamIncomplete     502  upstream_incomplete
        ├── UpstreamRefusedKey     502  upstream_refused_key
        ├── BrokenToolCall         502  broken_tool_call
        ├── UpstreamRateLimited    429  rate_limit_exceeded
        ├── UpstreamBusy           503  upstream_busy
        └── UpstreamTimeout        504  upstream_timeout

A message says what happened, to what, and what to do next. It never holds a secret.
The dialects turn these into their own shapes; nothing else formats an error.
"""

_QUOTED = 2000
"""Characters of a message's beginning, and of its end."""


class ProxyError(Exception):
    """Carry a failure to the client, in words and as a status.

    ``retry_after`` is the Retry-After header's value, as the upstream wrote it.
    ``headers`` travel with the error body, such as ``Allow``.
    """

    status = 500
    code = "internal_error"
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        if len(message) > 2 * _QUOTED:
            # It quotes what was sent; what to do comes last.
            message = f"{message[:_QUOTED]} … {message[-_QUOTED:]}"
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or type(self).code
        self.retry_after = retry_after
        self.headers = headers or {}


class BadRequest(ProxyError):
    """The request cannot be understood or served as it is."""

    status = 400
    code = "invalid_request"


class ContextOverflow(BadRequest):
    """The prompt is longer than the model's context; both counts are in tokens."""

    code = "context_length_exceeded"

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(
            f"The prompt has {tokens} tokens and the model's context holds {limit};"
            " shorten the conversation, or start the server with a larger context.",
            param="messages",
        )
        self.tokens = tokens
        self.limit = limit


class BodyTimeout(BadRequest):
    """The request body did not arrive in time."""

    status = 408
    code = "request_timeout"


class BodyTooLarge(BadRequest):
    """The request body is over the configured limit."""

    status = 413
    code = "request_too_large"


class UnsupportedEncoding(BadRequest):
    """The request body is compressed in a way the gateway does not read."""

    status = 415
    code = "unsupported_encoding"


class Unauthorized(ProxyError):
    """No valid gateway key came with the request."""

    status = 401
    code = "invalid_api_key"


class Forbidden(ProxyError):
    """The caller may not do this from where it is."""

    status = 403
    code = "forbidden"


class NotFound(ProxyError):
    """There is no such route or thing."""

    status = 404
    code = "not_found"


class UnknownModel(NotFound):
    """No backend serves a model of this name; ``near`` are names that are served."""

    code = "model_not_found"

    def __init__(self, model: str, near: list[str]) -> None:
        hint = f" Near names: {', '.join(near)}." if near else ""
        super().__init__(
            f"model '{model}' not found.{hint} List the models with: proxyapp models",
            param="model",
        )
        self.model = model
        self.near = near


class MethodNotAllowed(ProxyError):
    """The route exists, but not for this method."""

    status = 405
    code = "method_not_allowed"


class MisdirectedHost(ProxyError):
    """The Host header names a machine this gateway is not."""

    status = 421
    code = "unknown_host"


class TooManyRequests(ProxyError):
    """The caller's key has had its share of this minute."""

    status = 429
    code = "rate_limit_exceeded"
    retryable = True


class BudgetSpent(TooManyRequests):
    """The caller's key has had its share of this day."""

    code = "insufficient_quota"
    retryable = False


class KeysUnreadable(ProxyError):
    """Nobody can be told from a stranger; ``why`` says what to mend."""

    status = 503
    code = "keys_unreadable"

    def __init__(self, why: str) -> None:
        super().__init__(
            "The gateway cannot read its keys, so it lets nobody in. Its owner can"
            " find out why with: python -m proxyapp keys list"
        )
        self.why = why


class NotSupported(ProxyError):
    """The gateway, or every backend it has, cannot do this."""

    status = 501
    code = "not_supported"


class ShuttingDown(ProxyError):
    """The gateway is stopping and cannot finish the reply."""

    status = 503
    code = "server_shutdown"
    retryable = True


class UpstreamError(ProxyError):
    """The model server failed; the base of all its failures."""

    status = 502
    code = "upstream_error"
    retryable = True


class UpstreamUnreachable(UpstreamError):
    """No connection to the model server came about."""

    code = "upstream_unreachable"


class UpstreamUnavailable(UpstreamUnreachable):
    """So many connections have failed that none is tried for a moment."""

    status = 503
    code = "upstream_unavailable"


class UpstreamInvalid(UpstreamError):
    """The model server answered with something that is not its protocol."""

    code = "upstream_invalid"


class UpstreamIncomplete(UpstreamError):
    """The model server's reply ended before it was complete."""

    code = "upstream_incomplete"


class UpstreamRefusedKey(UpstreamError):
    """The model server refused the gateway's own credential."""

    code = "upstream_refused_key"
    retryable = False


class BrokenToolCall(UpstreamError):
    """The model wrote a tool call whose arguments cannot be read."""

    code = "broken_tool_call"


class UpstreamRateLimited(UpstreamError):
    """The model server asks for fewer requests."""

    status = 429
    code = "rate_limit_exceeded"


class UpstreamBusy(UpstreamError):
    """The model server is loading or full."""

    status = 503
    code = "upstream_busy"


class UpstreamTimeout(UpstreamError):
    """The model server stayed silent for too long."""

    status = 504
    code = "upstream_timeout"
