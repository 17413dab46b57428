"""What is known of one request beside its body: who asks, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from proxyapp.neutral.scope import Access
from proxyapp.neutral.scope import ALL
from proxyapp.neutral.scope import EVERYTHING
from proxyapp.neutral.scope import Scope
from proxyapp.neutral.usage import Usage


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the name of their key, and where from.

    ``scope`` is what the key allows, ``access`` what is left of that where they are.
    ``credential`` is the secret the client sent, whatever it is for. It is held in
    memory only, and only backends that are configured to pass it through look at it.
    """

    key: str = ""
    address: str = ""
    country: str = ""
    scope: Scope = EVERYTHING
    access: Access = ALL
    credential: str = field(default="", repr=False)


ANYONE = Caller()


@dataclass(slots=True)
class Record:
    """One request on its way through the house; each room writes what it learns.

    ``asked`` is the model's name as the client wrote it, ``model`` and ``backend``
    what served it. ``ending`` is how the reply ended, once it has: a stop reason, or
    an error's code; ``failure`` is that error in words. ``started`` and ``first``, the
    moment of the first piece of a stream, are on the monotonic clock. Of a request to
    GitHub Copilot, ``initiator`` is who began the turn, "user" or "agent", ``premium``
    the premium requests it counts as, and ``quota`` what GitHub said of the allowance.
    """

    id: str = ""
    caller: Caller = ANYONE
    dialect: str = ""
    asked: str = ""
    model: str = ""
    backend: str = ""
    stream: bool = False
    usage: Usage | None = None
    ending: str = ""
    failed: bool = False
    failure: str = ""
    started: float = 0.0
    first: float = 0.0
    initiator: str = ""
    premium: float = 0.0
    quota: Mapping[str, str] = field(default_factory=dict)

    def fail(self, code: str, words: str) -> None:
        """Put on record that the request failed, and how."""
        self.ending, self.failed, self.failure = code, True, words
