"""Fuzzing for a few seconds, so that a broken promise is noticed soon.

They are as many on every machine, however fast it is, and all but the same; ``make
fuzz`` looks for new ones, for minutes.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS
from tests.servers import ROOT

CORPUS = Path(__file__).parent / "corpus"
SAME = ("-seed=1", "-runs=10000")
LIMIT = 120
"""Seconds; bounds a hang."""
each_target = pytest.mark.parametrize("name", TARGETS)


@each_target
def test_what_was_once_found_breaks_nothing(name: str) -> None:
    kept = sorted((CORPUS / name).iterdir())
    assert kept
    for path in kept:
        TARGETS[name](path.read_bytes())


@pytest.mark.reliability("R-050")
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed"
)
@each_target
def test_nothing_is_found_in_a_few_seconds(name: str, tmp_path: Path) -> None:
    arguments = [name, str(LIMIT), str(tmp_path), *SAME]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONHASHSEED": "0",
        },
        capture_output=True,
        timeout=2 * LIMIT,
        check=False,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told.decode("utf-8", "replace")[-3000:]
