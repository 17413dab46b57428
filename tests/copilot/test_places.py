"""Something odd in every place of a request that goes to Copilot, a third an API."""

from __future__ import annotations

from itertools import islice

import pytest
import requests

from tests.copilot.conftest import Place
from tests.copilot.test_matrix import each_api
from tests.copilot.test_matrix import MODELS
from tests.live.rich import RICH
from tests.live.test_places import fault_of
from tests.live.test_places import oddities
from tests.speakers import LIMIT

pytestmark = [pytest.mark.live, pytest.mark.node]


@pytest.mark.reliability("R-050")
@each_api
def test_nothing_odd_in_any_place_is_the_gateways_fault(place: Place, api: str) -> None:
    path, judge, body = RICH["anthropic"]
    faults = {}
    with requests.Session() as client:
        client.headers["Content-Type"] = "application/json"
        odd = oddities({**body, "model": MODELS[api]})
        for what, raw in islice(odd, list(MODELS).index(api), None, len(MODELS)):
            if not what.endswith("at model"):
                reply = client.post(place.url + path, data=raw, timeout=LIMIT)
                faults[what] = fault_of(judge, reply)
    assert len(faults) > 200
    assert {what: fault for what, fault in faults.items() if fault} == {}
