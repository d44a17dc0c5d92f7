"""When things happen in a scenario: spread over its span, mostly on working days and hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from demo_snapshots.sample.scenario import Span

DAY = 86_400
_WEEKDAY_WEIGHT = 6


class Clock:
    """Moments as whole seconds since the midnight (UTC) on which the span begins.

    ``end`` is the moment of seeding, which no moment exceeds. ``as_of`` may be aware, in any
    zone, or naive, which is taken as UTC.
    """

    def __init__(self, span: Span, as_of: datetime, random: Random) -> None:
        if as_of.tzinfo is not None:
            as_of = as_of.astimezone(UTC).replace(tzinfo=None)
        midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
        self._start = midnight - timedelta(days=span.days)
        self.end = int((as_of - self._start).total_seconds())
        self._first = span.hours[0] * 3600
        self._half = (span.hours[1] - span.hours[0]) * 1800
        self._random = random.random
        self._days = [
            day * DAY
            for day in range(span.days + 1)
            for _ in range(_WEEKDAY_WEIGHT if self._weekday(day) < 5 else 1)
        ]

    def _weekday(self, day: int) -> int:
        return (self._start + timedelta(days=day)).weekday()

    def moment(self) -> int:
        """A moment of the span, around midday rather than at the ends of the working hours."""
        random = self._random
        day = self._days[int(random() * len(self._days))]
        return self.not_after(day + self._first + int((random() + random()) * self._half))

    def later(self, moment: int, days: int) -> int:
        """A working hour of the same day or one of the ``days`` after it, never after the end."""
        random = self._random
        day = (moment // DAY + int(random() * (days + 1))) * DAY
        later = self.not_after(day + self._first + int((random() + random()) * self._half))
        # Something done within a day is done within two hours, or by the end if that is sooner.
        return later if later > moment else min(moment + int(random() * 7200), self.end)

    def not_after(self, moment: int, duration: int = 0) -> int:
        """The moment, or the same time a day or more earlier, so that ``duration`` has passed."""
        while moment + duration > self.end:
            moment -= DAY
        return moment

    def before(self, days: int) -> int:
        """A working hour at least ``days`` before the span begins."""
        return int(self._random() * 2 * self._half) + self._first - (days + 1) * DAY

    def text(self, moment: int) -> str:
        """``2025-01-15 09:30:00``"""
        return str(self._start + timedelta(seconds=moment))

    def iso(self, moment: int) -> str:
        """``2025-01-15T09:30:00Z``"""
        return (self._start + timedelta(seconds=moment)).isoformat() + "Z"

    def day(self, moment: int) -> str:
        """``2025-01-15``"""
        return str((self._start + timedelta(seconds=moment)).date())
