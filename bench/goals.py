"""What is promised, as data: each goal is a fact, or a fact divided by another."""

from collections.abc import Mapping
from dataclasses import dataclass

Facts = Mapping[str, float]

AT_LEAST = "at least"
AT_MOST = "at most"


@dataclass(frozen=True)
class Goal:
    """``must`` fails the run when missed; ``aim`` is what the design can reach."""

    about: str
    fact: str
    over: str
    sense: str
    must: float
    aim: float | None
    unit: str

    def measured(self, facts: Facts) -> float | None:
        value = facts.get(self.fact)
        if value is None or not self.over:
            return value
        base = facts.get(self.over)
        return value / base if base else None

    def verdict(self, facts: Facts) -> str:
        value = self.measured(facts)
        if value is None:
            return "not measured"
        if not self._met(value, self.must):
            return "MISSED"
        aimed = self.aim is not None and self._met(value, self.aim)
        return "aim" if aimed else "met"

    def _met(self, value: float, limit: float) -> bool:
        return value >= limit if self.sense == AT_LEAST else value <= limit


def _versus_naive(about: str, scenario: str, must: float, aim: float) -> Goal:
    name = f"cost of naive over ours, per {about}"
    return Goal(name, f"naive.{scenario}", f"ours.{scenario}", AT_LEAST, must, aim, "x")


def _versus_nginx(about: str, scenario: str, must: float, aim: float) -> Goal:
    name = f"cost of ours over nginx, per {about}"
    return Goal(name, f"ours.{scenario}", f"nginx.{scenario}", AT_MOST, must, aim, "x")


def _over_openai(about: str, name: str, must: float, aim: float) -> Goal:
    plain = name.partition("_")[2]
    return Goal(about, f"ours.{name}", f"ours.{plain}", AT_MOST, must, aim, "x")


def _alone(
    about: str, fact: str, sense: str, must: float, aim: float | None, unit: str
) -> Goal:
    return Goal(about, fact, "", sense, must, aim, unit)


GOALS = (
    _versus_naive("paced token", "paced", 1.6, 2),
    _versus_naive("burst token", "burst", 4, 7),
    _versus_naive("streamed request", "short", 1.8, 2.5),
    _versus_naive("plain request", "plain", 1.8, 2.5),
    _versus_nginx("paced token", "paced", 3.5, 2.5),
    _versus_nginx("burst token", "burst", 2.5, 1.2),
    _versus_nginx("streamed request", "short", 60, 30),
    _versus_nginx("plain request", "plain", 60, 30),
    _over_openai("Ollama over OpenAI, per paced token", "o_paced", 1.4, 1.15),
    _over_openai("Ollama over OpenAI, per burst token", "o_burst", 3, 2),
    _over_openai("Anthropic over OpenAI, per paced token", "a_paced", 1.4, 1.15),
    _over_openai("Anthropic over OpenAI, per burst token", "a_burst", 3, 2),
    _over_openai("Anthropic over OpenAI, per streamed request", "a_short", 1.3, 1.15),
    _over_openai("Anthropic over OpenAI, per plain request", "a_plain", 1.3, 1.15),
    _over_openai("Responses over OpenAI, per paced token", "r_paced", 1.4, 1.15),
    _over_openai("Responses over OpenAI, per burst token", "r_burst", 3, 2),
    _over_openai("Responses over OpenAI, per streamed request", "r_short", 1.3, 1.15),
    _over_openai("Responses over OpenAI, per plain request", "r_plain", 1.3, 1.15),
    _alone("1000 streams in one worker: failures", "many.failures", AT_MOST, 0, 0, ""),
    _alone("1000 streams: memory of each", "many.kb", AT_MOST, 64, None, "KB"),
    _alone("failed requests in all scenarios", "failures", AT_MOST, 0, 0, ""),
    _alone("client left: upstream told, p99", "gone.p99_ms", AT_MOST, 50, 10, "ms"),
    _alone("client left: upstream told at all", "gone.seen", AT_LEAST, 100, 100, "%"),
    _alone("request body, per KB", "body.us_per_kb", AT_MOST, 20, 10, "us"),
    _alone("memory after start, per worker", "memory.mb", AT_MOST, 80, None, "MB"),
)
