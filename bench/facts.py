"""Bring all measurements down to named numbers, which the goals and the report read."""

from collections.abc import Mapping

from bodies import chat_body
from disconnect import Departures
from measure import Running
from measure import Samples
from scenarios import SCENARIOS
from scenarios import SHAPES

Facts = dict[str, float]
DepartureTable = Mapping[tuple[str, str], Departures]
OURS = "ours"


def collect(
    samples: Samples,
    running: Mapping[str, Running],
    departures: DepartureTable,
    streams: int,
) -> Facts:
    """Name CPU time ``<target>.<scenario>``; the other names are those of ours.

    ``streams`` is how many were open at once in the scenario "many".
    """
    facts: Facts = {}
    for target in running:
        for scenario in SCENARIOS:
            cpu = samples.median(target, scenario, "cpu_us")
            if cpu is not None:
                facts[f"{target}.{scenario}"] = cpu
    if OURS in running:
        facts |= _of_memory(samples, running[OURS], streams)
        facts |= _of_bodies(facts)
        facts |= _of_departures(departures)
        if samples.by_name:
            facts["failures"] = samples.failures(OURS)
    return facts


def _of_memory(samples: Samples, ours: Running, streams: int) -> Facts:
    """Charge gunicorn's parent process to the only worker there is."""
    facts = {"memory.mb": ours.idle_kb / 1024}
    peak = samples.median(OURS, "many", "peak_kb")
    if peak is not None:
        facts["many.kb"] = (peak - ours.idle_kb) / streams
        facts["many.failures"] = samples.failures(OURS, "many")
    return facts


def _of_bodies(facts: Facts) -> Facts:
    """Give the slope: what a request costs before its first byte is not the body's."""
    ends = ("body_100k", "body_10m")
    costs = [facts.get(f"{OURS}.{name}") for name in ends]
    if None in costs:
        return {}
    sizes = [
        len(chat_body("openai", stream=True, size=SHAPES[name].size)) / 1000
        for name in ends
    ]
    return {"body.us_per_kb": (costs[1] - costs[0]) / (sizes[1] - sizes[0])}


def _of_departures(departures: DepartureTable) -> Facts:
    """Take the worst phase's p99, and the share of all trials that were seen."""
    ours = [found for (target, _), found in departures.items() if target == OURS]
    trials = sum(found.trials for found in ours)
    if not trials:
        return {}
    seen = [found.percentile(99) for found in ours if found.seen_ms]
    facts = {"gone.seen": 100 * sum(len(f.seen_ms) for f in ours) / trials}
    if seen:
        facts["gone.p99_ms"] = max(value for value in seen if value is not None)
    return facts
