"""Where a counter must stand so that its next value is no key in use."""

from __future__ import annotations

from msgspec import Struct

from demo_snapshots.engines.base.session import Session


class Counter(Struct, frozen=True):
    """What a sequence gives: values ``increment`` apart, from ``low`` to ``high``, and round
    again if it ``cycles``."""

    increment: int
    low: int
    high: int
    cycles: bool

    @property
    def start_again(self) -> int:
        """What it gives after its end, if it cycles."""
        return self.low if self.increment > 0 else self.high

    def holds(self, value: int) -> bool:
        return self.low <= value <= self.high

    def is_beyond(self, key: int, value: int) -> bool:
        """Whether ``key`` is still to come after ``value``."""
        return key > value if self.increment > 0 else key < value

    def in_step(self, value: int, key: int) -> int:
        """``key``, or what comes last before it, in whole steps from ``value``: after that,
        what is given next is past the key."""
        return value + (key - value) // self.increment * self.increment

    def after(self, value: int) -> int | None:
        """What it gives after ``value``; None at its end."""
        following = value + self.increment
        if self.holds(following):
            return following
        return self.start_again if self.cycles else None


class DrawnKeys(Struct, frozen=True):
    """The numbers in ``column`` of ``table``, both in SQL, that were drawn from ``counter``.
    Those out of its reach do not count, nor NaN, which is beyond every number."""

    session: Session
    table: str
    column: str
    counter: Counter

    @property
    def _within(self) -> str:
        return f"{self.column} BETWEEN {self.counter.low} AND {self.counter.high}"

    def last(self) -> int | None:
        """The one that is furthest in the counter's way."""
        aggregate = "max" if self.counter.increment > 0 else "min"
        rows = self.session.rows(
            f"SELECT {aggregate}({self.column}) FROM {self.table} WHERE {self._within}"
        )
        return None if rows[0][0] is None else round(rows[0][0])

    def first_free(self, start: int | None) -> int | None:
        """The first value from ``start`` on that is not taken, that or one step after a key;
        from the start again where the counter cycles. None if there is none."""
        free = None if start is None else self._free_from(start)
        if free is None and self.counter.cycles:
            return self._free_from(self.counter.start_again)
        return free

    def _free_from(self, start: int) -> int | None:
        step, upward = self.counter.increment, self.counter.increment > 0
        rows = self.session.rows(
            f"SELECT number FROM (SELECT CAST({start} AS DECIMAL(65)) AS number"
            f" UNION SELECT CAST({self.column} AS DECIMAL(65)) + {step} FROM {self.table}"
            f" WHERE {self._within}) AS candidates"
            f" WHERE number BETWEEN {self.counter.low} AND {self.counter.high}"
            f" AND number {'>=' if upward else '<='} {start} AND (number - {start}) % {step} = 0"
            f" AND NOT EXISTS (SELECT 1 FROM {self.table} AS t WHERE t.{self.column} = number)"
            f" ORDER BY number {'ASC' if upward else 'DESC'} LIMIT 1"
        )
        return int(rows[0][0]) if rows else None
