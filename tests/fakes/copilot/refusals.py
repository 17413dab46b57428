"""The replies that are no answer, in the words of public reports of the service.

Copilot sends even its JSON errors as text/plain.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.answers import Plain

TEXT = "text/plain; charset=utf-8"
JSON = "application/json; charset=utf-8"
SERVER = {"Server": "github.com"}
EXPIRED = "IDE token expired: unauthorized: token expired\n"
EDITOR = "bad request: missing Editor-Version header for IDE auth\n"
VISION = "missing required Copilot-Vision-Request header for vision requests"


def reply(status: int, body: Any, **headers: str) -> Plain:
    """Give a JSON reply; underscores of header names become hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Plain(status, body, {**SERVER, **named}, JSON)


def plain(status: int, text: str, **headers: str) -> Plain:
    """Give a reply of bare words."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Plain(status, text, {**SERVER, **named}, TEXT)


def refusal(status: int, message: str, code: str, **fields: Any) -> Plain:
    """Give an error as the generating endpoints send it."""
    headers = fields.pop("headers", {})
    error = {"message": message, "code": code, **fields}
    return Plain(status, {"error": error}, {**SERVER, **headers}, TEXT)


def expired() -> Plain:
    """The token is unknown or too old."""
    return plain(401, EXPIRED)


def bad_credentials() -> Plain:
    """GitHub does not know the token."""
    body = {"message": "Bad credentials", "status": "401"}
    return reply(401, {**body, "documentation_url": "https://docs.github.com/rest"})


def not_found() -> Plain:
    """Nothing is served there."""
    return reply(404, {"message": "Not Found", "status": "404"})


def unknown_model() -> Plain:
    """No such model for this account."""
    message = "The requested model is not supported."
    more = {"param": "model", "type": "invalid_request_error"}
    return refusal(400, message, "model_not_supported", **more)


def wrong_endpoint(model: str, path: str) -> Plain:
    """The model exists, but not there."""
    message = f'model "{model}" is not accessible via the {path} endpoint'
    return refusal(400, message, "unsupported_api_for_model")


def terms_open(model: str) -> Plain:
    """The account has not accepted the model's terms."""
    message = f"The terms of model {model} have not been accepted."
    return refusal(403, message, "model_terms_not_accepted")


def shut_off() -> Plain:
    """The policy of the account forbids the model."""
    message = "no endpoints available for this model under your current plan"
    return refusal(400, f"{message} and policies", "no_available_model_endpoints")


def bad_request(message: str) -> Plain:
    """The request is not what the API takes."""
    return refusal(400, message, "invalid_request_body", type="invalid_request_error")


def exhausted(status: int, code: str, retry_after: str | None) -> Plain:
    """The quota is used up."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return refusal(status, "You have no quota", code, headers=headers)
