import threading

from proxyapp.observe.counters import Counters


def test_counts_are_kept_by_name_and_label():
    counters = Counters()
    counters.add("repairs", "root")
    counters.add("repairs", "root", 2)
    counters.add("repairs", "enum")
    counters.add("calls")
    assert counters.snapshot() == {
        ("repairs", "root"): 3,
        ("repairs", "enum"): 1,
        ("calls", ""): 1,
    }


def test_a_snapshot_does_not_change():
    counters = Counters()
    snapshot = counters.snapshot()
    counters.add("calls")
    assert snapshot == {}


def test_no_count_is_lost_among_threads():
    counters = Counters()

    def count():
        for _ in range(500):
            counters.add("calls")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert counters.snapshot() == {("calls", ""): 2000}
