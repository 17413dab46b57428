"""``python -m tests.fuzz TARGET [SECONDS] [FOLDER] [OPTION ...]``: look for faults.

What is kept in ``corpus`` is where it begins; what it finds goes to FOLDER, if given.
Options are libFuzzer's: ``-seed=1 -runs=1000`` tries about the same inputs each time.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["proxyapp"]):
    from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 4096


def main(name: str, seconds: str = "60", found: str = "", *more: str) -> None:
    """Fuzz one target for some seconds; a broken promise ends the process."""
    with tempfile.TemporaryDirectory() as scratch:
        options = [
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST}",
            "-rss_limit_mb=2048",
            "-timeout=10",
            f"-artifact_prefix={found or scratch}/",
            *more,
            found or scratch,
            str(CORPUS / name),
        ]
        atheris.Setup([sys.argv[0], *options], TARGETS[name])
        atheris.Fuzz()


main(*sys.argv[1:])
