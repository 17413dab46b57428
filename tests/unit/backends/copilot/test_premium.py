import pytest

from proxyapp.backends.copilot.failures import QuotaSpent
from proxyapp.backends.copilot.models import COMPLETIONS
from proxyapp.backends.copilot.models import CopilotModel
from proxyapp.backends.copilot.premium import initiator_of
from proxyapp.backends.copilot.premium import PremiumBounds
from proxyapp.errors import UpstreamRateLimited

DEAR = CopilotModel("dear", COMPLETIONS, multiplier=10.0)
FREE = CopilotModel("free", COMPLETIONS, multiplier=0.0)
UNKNOWN = CopilotModel("new", COMPLETIONS)


def bounds(tmp_path, budget=0.0, spacing=0.0, spent=0.0):
    return PremiumBounds(budget, spacing, lambda: spent, tmp_path / "stamp")


@pytest.mark.parametrize(
    ("role", "initiator"),
    [("user", "user"), ("toolResult", "agent"), ("assistant", "agent")],
)
def test_the_last_message_tells_who_began_the_turn(role, initiator):
    assert initiator_of({"messages": [{"role": "user"}, {"role": role}]}) == initiator


@pytest.mark.parametrize(
    ("model", "initiator", "cost"),
    [
        (DEAR, "user", 10.0),
        (DEAR, "agent", 0.0),
        (FREE, "user", 0.0),
        (UNKNOWN, "user", 1.0),
    ],
)
def test_a_users_turn_costs_what_its_model_does(tmp_path, model, initiator, cost):
    assert bounds(tmp_path).admit(model, initiator) == cost


def test_the_budget_holds_what_would_go_over_it(tmp_path):
    owner = bounds(tmp_path, budget=15.0, spent=6.0)
    with pytest.raises(QuotaSpent, match=r"would cost 10 .* 6 were spent .* 15 a day"):
        owner.admit(DEAR, "user")
    assert owner.admit(DEAR, "agent") == 0.0
    assert owner.admit(FREE, "user") == 0.0
    assert owner.admit(UNKNOWN, "user") == 1.0


def test_a_spent_budget_says_when_it_is_anew(tmp_path):
    with pytest.raises(QuotaSpent) as spent:
        bounds(tmp_path, budget=1.0).admit(DEAR, "user")
    assert 1 <= int(spent.value.retry_after) <= 24 * 3600


def test_requests_that_cost_are_kept_apart(tmp_path):
    owner = bounds(tmp_path, spacing=3600.0)
    assert owner.admit(DEAR, "user") == 10.0
    assert owner.admit(DEAR, "agent") == 0.0
    with pytest.raises(UpstreamRateLimited, match="3600 s apart") as soon:
        bounds(tmp_path, spacing=3600.0).admit(DEAR, "user")
    assert 3500 <= int(soon.value.retry_after) <= 3600


def test_a_stamp_from_another_life_of_the_machine_does_not_count(tmp_path):
    (tmp_path / "stamp").write_text("99999999999.0")
    assert bounds(tmp_path, spacing=60.0).admit(DEAR, "user") == 10.0
