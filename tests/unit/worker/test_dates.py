import email.utils
import time

import gunicorn.util

from proxyapp.worker.dates import format_dates_once


def test_a_date_is_formatted_once_a_second(monkeypatch):
    asked = []
    monkeypatch.setattr(
        gunicorn.util, "http_date", lambda second: asked.append(second) or str(second)
    )
    format_dates_once()
    written = [gunicorn.util.http_date(moment) for moment in (5.1, 5.9, 6.0, 6.5)]
    assert (written, asked) == (["5", "5", "6", "6"], [5, 6])


def test_the_date_of_a_reply_is_now(monkeypatch):
    monkeypatch.setattr(gunicorn.util, "http_date", gunicorn.util.http_date)
    format_dates_once()
    told = email.utils.parsedate_to_datetime(gunicorn.util.http_date())
    assert abs(told.timestamp() - time.time()) < 60
