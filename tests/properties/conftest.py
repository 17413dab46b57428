"""The same examples in every run; ``HYPOTHESIS_EXAMPLES`` asks for others, and more."""

import os

from hypothesis import HealthCheck
from hypothesis import settings

MORE = int(os.environ.get("HYPOTHESIS_EXAMPLES", "0"))

settings.register_profile(
    "house",
    deadline=None,
    max_examples=MORE or 150,
    derandomize=not MORE,
    database=None,
    # They judge by the clock, and a busy machine is no fault of a test.
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("house")
