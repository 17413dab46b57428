"""GitHub and Copilot, played on a loopback port."""

from tests.fakes.copilot.answers import Scripted as Scripted
from tests.fakes.copilot.call import Call as Call
from tests.fakes.copilot.fake import FakeCopilot as FakeCopilot
from tests.fakes.copilot.models import Model as Model
from tests.fakes.copilot.scenarios import SCENARIOS as SCENARIOS
