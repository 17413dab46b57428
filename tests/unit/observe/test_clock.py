import datetime
import time

from proxyapp.observe.clock import local_day
from proxyapp.observe.clock import midnight
from proxyapp.observe.clock import wall_clock


def test_the_clock_is_that_of_the_system():
    assert abs(wall_clock() - time.time()) < 60


def test_the_day_began_at_midnight():
    began = datetime.datetime.fromtimestamp(midnight(), datetime.UTC).astimezone()
    assert (began.hour, began.minute, began.second, began.microsecond) == (0, 0, 0, 0)
    assert abs(began.date() - local_day()) <= datetime.timedelta(days=1)
    assert 0 <= wall_clock() - midnight() < 26 * 3600
