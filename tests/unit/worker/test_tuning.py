import gc
import resource
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http.message import HeaderPolicy

from proxyapp.worker.tuning import _settle
from proxyapp.worker.tuning import _trust_nobody
from proxyapp.worker.tuning import tune_worker


@pytest.fixture
def kept():
    """Put back what tuning changes in this process."""
    thresholds, limits = gc.get_threshold(), resource.getrlimit(resource.RLIMIT_NOFILE)
    yield limits
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_worker_looks_for_garbage_less_often(kept):
    tune_worker(SimpleNamespace(wsgi=None), 60.0)
    assert gc.get_threshold() == (50_000, 20, 50)
    assert gc.get_freeze_count() > 0


def test_a_worker_may_open_many_files(kept):
    _, hard = kept
    tune_worker(SimpleNamespace(wsgi=None), 60.0)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft in (hard, 1 << 16) or soft > 1 << 16


def test_what_gunicorn_is_set_to_is_found_at_once():
    config = Config()
    config.set("keepalive", 7)
    _settle(config)
    assert vars(config)["keepalive"] == config.keepalive == 7
    known = {name: getattr(Config(), name) for name in config.settings}
    assert {**known, "keepalive": 7} == {n: getattr(config, n) for n in known}


def test_no_peer_may_tell_another_scheme(monkeypatch):
    name = "_peer_is_trusted_proxy"
    monkeypatch.setattr(HeaderPolicy, name, getattr(HeaderPolicy, name))
    _trust_nobody()
    policy = HeaderPolicy()
    # A client on a Unix socket would be trusted.
    policy.cfg, policy.peer_addr = Config(), ""
    assert policy._peer_trusted_for_forwarded() == ({}, [])
