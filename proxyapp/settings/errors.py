"""The one error that stops the gateway before it starts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at one place: a file's line or an environment variable."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class SettingsError(Exception):
    """The settings cannot be used; the message names every problem and its place.

    No message holds the value of a key, nor a URL with something secret in it.
    """

    def __init__(self, problems: list[Problem]) -> None:
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"The settings cannot be used.\n{lines}\n"
            "Every setting is explained in docs/settings.md."
        )
        self.problems = tuple(problems)
