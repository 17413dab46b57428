"""What is measured: the shape of a load, and which dialect speaks it."""

from dataclasses import dataclass
from dataclasses import replace

from bodies import Dialect
from bodies import DIALECTS


@dataclass(frozen=True)
class Shape:
    """A load: closed loop, by ``requests`` or by ``seconds``.

    ``tokens`` and ``tps`` tell the upstream what to answer (0 a second: full speed),
    ``rate`` is how many clients start in a second (0: all at once), ``unit`` is what
    the CPU time is divided by, ``size`` the bytes of the request.
    """

    about: str
    tokens: int
    clients: int
    unit: str
    tps: int = 0
    requests: int = 0
    seconds: float = 0
    rate: int = 0
    stream: bool = True
    size: int = 0
    watch_memory: bool = False

    def quick(self) -> "Shape":
        """The same load, only as long as it takes to see that it works."""
        return replace(
            self,
            tokens=self.tokens // 10 or 1,
            seconds=self.seconds / 10,
            clients=max(1, self.clients // 4),
            requests=self.requests and max(1, self.requests // 4),
        )


SHAPES = {
    "paced": Shape(
        "100 streams of 150 tokens at 50 a second: every token is a wake-up of its own",
        tokens=150,
        tps=50,
        clients=100,
        requests=100,
        rate=500,
        unit="token",
    ),
    "burst": Shape(
        "8 streams of 2000 tokens at full speed",
        tokens=2000,
        clients=8,
        seconds=2,
        unit="token",
    ),
    "short": Shape(
        "streams of one token", tokens=1, clients=8, seconds=2, unit="request"
    ),
    "plain": Shape(
        "20 tokens in one JSON",
        tokens=20,
        clients=8,
        seconds=2,
        stream=False,
        unit="request",
    ),
    "many": Shape(
        "1000 streams at a time of 100 tokens at 20 a second",
        tokens=100,
        tps=20,
        clients=1000,
        requests=1000,
        rate=500,
        unit="token",
        watch_memory=True,
    ),
    "body_100k": Shape(
        "a request of 100 KB, one token back",
        tokens=1,
        clients=2,
        requests=100,
        size=100_000,
        unit="request",
    ),
    "body_1m": Shape(
        "a request of 1 MB, one token back",
        tokens=1,
        clients=2,
        requests=24,
        size=1_000_000,
        unit="request",
    ),
    "body_10m": Shape(
        "a request of 10 MB, one token back",
        tokens=1,
        clients=1,
        requests=4,
        size=10_000_000,
        unit="request",
    ),
}
TRANSLATED = ("paced", "burst", "short", "plain")


@dataclass(frozen=True)
class Scenario:
    name: str
    shape: Shape
    dialect: Dialect


def _scenarios() -> dict[str, Scenario]:
    found = {}
    for dialect in DIALECTS.values():
        for shape in TRANSLATED if dialect.prefix else SHAPES:
            name = dialect.prefix + shape
            found[name] = Scenario(name, SHAPES[shape], dialect)
    return found


SCENARIOS = _scenarios()


def stages(names: list[str]) -> list[list[str]]:
    """Split what is run in one interleaved round from what must come after it.

    Large bodies leave memory behind in some targets, which would look like the memory
    of streams in the next round.
    """
    large = [name for name in names if SCENARIOS[name].shape.size]
    return [[name for name in names if name not in large], large]
