"""Records that wait in a file come back as they were, and few of them in memory meanwhile."""

from __future__ import annotations

import tracemalloc
from contextlib import closing
from itertools import chain

from demo_snapshots.rows.spill import Spool


def test_records_come_back_in_their_order_as_often_as_one_asks():
    records = [b"%d" % number for number in range(1234)]
    with closing(Spool()) as spool:
        for start in range(0, len(records), 7):
            spool.add(records[start : start + 7])
        assert spool.count == 1234
        assert list(chain.from_iterable(spool)) == records
        spool.add([b"more"])
        assert list(chain.from_iterable(spool)) == [*records, b"more"]


def test_an_empty_one_gives_nothing():
    with closing(Spool()) as spool:
        assert list(spool) == []


def test_large_records_are_not_kept_in_memory():
    with closing(Spool()) as spool:
        tracemalloc.start()
        for number in range(200):
            spool.add([bytes([number]) * 500_000])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 20_000_000
        assert [records[0][0] for records in spool] == sorted(records[0][0] for records in spool)
        assert sum(map(len, spool)) == 200
