"""What went wrong at Copilot, as the errors clients are told."""

import re
from collections.abc import Callable
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proxyapp.backends.copilot.rpc import RpcError
from proxyapp.errors import BadRequest
from proxyapp.errors import BodyTooLarge
from proxyapp.errors import ContextOverflow
from proxyapp.errors import Forbidden
from proxyapp.errors import ProxyError
from proxyapp.errors import Unauthorized
from proxyapp.errors import UnknownModel
from proxyapp.errors import UpstreamBusy
from proxyapp.errors import UpstreamError
from proxyapp.errors import UpstreamIncomplete
from proxyapp.errors import UpstreamInvalid
from proxyapp.errors import UpstreamRateLimited
from proxyapp.errors import UpstreamRefusedKey
from proxyapp.errors import UpstreamTimeout
from proxyapp.errors import UpstreamUnreachable

BUSY: Final = -32002
AUTH_REQUIRED: Final = -32001

_LOGIN = "run: python -m proxyapp copilot login"
_COUNTS = re.compile(r"(\d{3,})\D+(?:limit|maximum|exceeds)\D*(\d{3,})")


class QuotaSpent(UpstreamRateLimited):
    """The subscription's allowance is used up, or the owner's budget is."""

    code = "insufficient_quota"
    retryable = False


def from_rpc(error: RpcError, model: str, *, managed: bool) -> ProxyError:
    """Turn a failed call into the error its client is told.

    ``managed`` says that the gateway itself holds the login: then a refused one is
    not the client's fault.
    """
    if error.code == BUSY:
        words = "GitHub Copilot is answering as many requests as it may; ask again."
        return UpstreamBusy(words, retry_after="1")
    kind = str(error.data.get("kind") or "internal")
    if error.code == AUTH_REQUIRED or kind == "auth":
        return _refused(error, managed)
    told = _told(error)
    retry_after = error.data.get("retryAfter")
    make = _KINDS.get(kind, _failed)
    made = make(told, model)
    if isinstance(retry_after, str):
        made.retry_after = retry_after
    return made


def _told(error: RpcError) -> str:
    """Give Copilot's own words, without a full stop."""
    return str(error).strip().rstrip(".") or "it gave no reason"


def _refused(error: RpcError, managed: bool) -> ProxyError:
    told = _told(error)
    if managed:
        return UpstreamRefusedKey(
            f"GitHub Copilot did not accept the gateway's login ({told}); {_LOGIN}"
        )
    return Unauthorized(
        f"GitHub Copilot did not accept your token ({told}). Send one of an account"
        " with a Copilot subscription as 'Authorization: Bearer TOKEN'.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _forbidden(told: str, model: str) -> ProxyError:
    return Forbidden(
        f"GitHub Copilot does not let this account use '{model}' ({told}). Enable the"
        " model at github.com/settings/copilot/features, or ask the organisation that"
        " pays for the subscription.",
        param="model",
    )


def _quota(told: str, model: str) -> ProxyError:
    return QuotaSpent(
        f"The Copilot subscription's allowance is used up ({told}). Choose a model that"
        " costs nothing extra, or see github.com/settings/billing."
    )


def _rate_limited(told: str, model: str) -> ProxyError:
    return UpstreamRateLimited(f"GitHub Copilot asks for fewer requests: {told}.")


def _bad_request(told: str, model: str) -> ProxyError:
    return BadRequest(f"GitHub Copilot did not take the request: {told}.")


def _unknown(told: str, model: str) -> ProxyError:
    return UnknownModel(model, [])


def _too_large(told: str, model: str) -> ProxyError:
    return BodyTooLarge(f"GitHub Copilot found the request too large: {told}.")


def _overflow(told: str, model: str) -> ProxyError:
    counts = _COUNTS.search(told)
    if counts:
        return ContextOverflow(int(counts.group(1)), int(counts.group(2)))
    return BadRequest(
        f"The prompt is longer than the model's context: {told}.",
        param="messages",
        code=ContextOverflow.code,
    )


def _network(told: str, model: str) -> ProxyError:
    return UpstreamUnreachable(f"GitHub Copilot cannot be reached: {told}.")


def _timed_out(told: str, model: str) -> ProxyError:
    return UpstreamTimeout(f"GitHub Copilot stayed silent for too long: {told}.")


def _incomplete(told: str, model: str) -> ProxyError:
    return UpstreamIncomplete(f"GitHub Copilot's reply was cut short: {told}.")


def _egress(told: str, model: str) -> ProxyError:
    return Forbidden(
        f"The token names a server that is not GitHub Copilot's ({told}). If it should"
        " be trusted, add it to copilot.hosts."
    )


def _invalid(told: str, model: str) -> ProxyError:
    return UpstreamInvalid(f"The GitHub Copilot helper failed: {told}.")


def _failed(told: str, model: str) -> ProxyError:
    return UpstreamError(f"GitHub Copilot failed: {told}.")


_KINDS: Final[Mapping[str, Callable[[str, str], ProxyError]]] = MappingProxyType(
    {
        "forbidden": _forbidden,
        "quota": _quota,
        "rate_limit": _rate_limited,
        "bad_request": _bad_request,
        "not_found": _unknown,
        "too_large": _too_large,
        "context_overflow": _overflow,
        "network": _network,
        "connect_timeout": _timed_out,
        "idle_timeout": _timed_out,
        "total_timeout": _timed_out,
        "incomplete": _incomplete,
        "aborted": _incomplete,
        "queue_overflow": _incomplete,
        "egress": _egress,
        "internal": _invalid,
    }
)


def withheld(error: RpcError) -> bool:
    """Tell whether the model's answer was withheld: an ending, not a failure."""
    return error.data.get("kind") in ("refusal", "content_filter")
