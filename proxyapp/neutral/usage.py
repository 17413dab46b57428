"""Token counts and timings: one algebra for every dialect."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply.

    ``input`` is the whole prompt, cached tokens included; ``cache_read`` and
    ``cache_write`` lie inside it, ``reasoning`` lies inside ``output``.
    ``estimated`` marks figures the upstream did not give.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    estimated: bool = False

    @property
    def total(self) -> int:
        """Prompt and completion together."""
        return self.input + self.output

    @property
    def fresh_input(self) -> int:
        """Prompt tokens that no cache served or stored: Anthropic's input_tokens."""
        return max(self.input - self.cache_read - self.cache_write, 0)


@dataclass(frozen=True, slots=True)
class Timings:
    """How long the model server worked, in milliseconds."""

    prompt_ms: float = 0.0
    predicted_ms: float = 0.0


def estimate_tokens(characters: int) -> int:
    """Guess a token count from a length in characters: four to a token, at least 1."""
    return max(1, (characters + 3) // 4)
