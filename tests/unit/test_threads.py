import threading
import time

from proxyapp.threads import Background
from proxyapp.threads import real_lock


def counted(interval=0.01):
    calls = []
    ready = threading.Event()

    def call():
        calls.append(threading.get_ident())
        if len(calls) == 3:
            ready.set()

    return Background(call, interval), calls, ready


def test_nothing_happens_before_the_start():
    background, calls, _ = counted()
    time.sleep(0.05)
    assert (background.running, calls) == (False, [])
    assert background.stop()


def test_the_call_is_made_again_and_again_on_another_thread():
    background, calls, ready = counted()
    background.start()
    background.start()
    assert ready.wait(10)
    assert background.stop()
    assert len(set(calls)) == 1
    assert threading.get_ident() not in calls


def test_a_last_call_is_made_at_the_end_and_none_after():
    background, calls, _ = counted(interval=60)
    background.start()
    assert background.stop()
    assert 1 <= len(calls) <= 2
    made = len(calls)
    time.sleep(0.05)
    assert len(calls) == made


def test_it_can_be_started_anew():
    background, _, ready = counted()
    background.start()
    background.stop()
    background.start()
    assert ready.wait(10)
    assert background.stop()


def test_an_end_that_takes_too_long_is_not_waited_for():
    begun, free = threading.Event(), threading.Event()

    def call():
        begun.set()
        free.wait(10)

    background = Background(call, 60)
    background.start()
    assert begun.wait(10)
    assert not background.stop(0.05)
    free.set()


def test_a_real_lock_locks():
    lock = real_lock()
    with lock:
        assert not lock.acquire(False)
    assert lock.acquire(False)
