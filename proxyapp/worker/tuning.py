"""How a new worker is set up, once it has loaded the application."""

import gc
import resource
from collections.abc import Callable
from typing import Any

import gevent
from gunicorn.http.message import HeaderPolicy

from proxyapp.runtime import cooperative
from proxyapp.worker.dates import format_dates_once
from proxyapp.worker.stalls import StallWatch
from proxyapp.worker.writing import write_replies

_DESCRIPTORS = 1 << 16
_LOOK = 0.5
"""Seconds between two looks at the settings file."""


def tune_worker(worker: Any, write_timeout: float) -> None:
    """Prepare a new gunicorn worker; its post_worker_init hook calls this once."""
    gc.collect()
    # What is loaded by now lives as long as the process: looking through it again
    # and again costs a stream more than it could ever free.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    format_dates_once()
    _raise_descriptor_limit()
    if cooperative():
        worker.patience = write_timeout
        write_replies(write_timeout)
        _settle(worker.cfg)
        _trust_nobody()
        worker.stalls = StallWatch()
        worker.stalls.start()
        gevent.spawn(_refresh, worker.wsgi.refresh)


def _refresh(refresh: Callable[[], None]) -> None:
    while True:
        gevent.sleep(_LOOK)
        refresh()


def _settle(config: Any) -> None:
    """Put gunicorn's settings where attributes are looked for first.

    It looks them up in a table when all else has failed, again and again for each
    request: a thirtieth of its cost. After the start nobody changes them.
    """
    vars(config).update({name: one.get() for name, one in config.settings.items()})


def _trust_nobody() -> None:
    """Spare each request the look at its client's address in an empty list.

    ``forwarded_allow_ips`` says the same, but gunicorn parses the address first.
    """
    HeaderPolicy._peer_is_trusted_proxy = lambda _: False


def _raise_descriptor_limit() -> None:
    """Take what the system allows: a stream needs two, and 1024 is a usual start."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if wanted > soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
