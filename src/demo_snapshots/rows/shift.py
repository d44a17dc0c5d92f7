"""Dates moved by an offset, as they are spelled: of a text nothing but what moves is changed.

A date or timestamp in ISO 8601, with or without time, fraction and zone, and a count of seconds or
milliseconds since 1970, as number or text. Anything else is no date, and stays as it is.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAY = 86_400

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,]\d+)?)?"
    r"( ?(?:[Zz]|[+-]\d\d(?::?\d\d(?::?\d\d)?)?))?)?",
    re.ASCII,
)
_EPOCH = re.compile(r"(\d{9,14})(\.\d+)?", re.ASCII)
_SECONDS = (10**8, 10**11)
_MILLISECONDS = (10**11, 10**14)
"""Both begin in 1973 and end long after anybody's dates: so a number says which it is."""
_1970 = datetime(1970, 1, 1)
_MOST_KNOWN = 100_000


class OutOfRangeError(ValueError):
    """A date would be moved out of the years that can be spelled, or a count out of its range."""


class Shift:
    """Moves dates by ``offset`` seconds. Whole days move the date and leave the time of day, in
    the ``zone`` if one is given: of an *instant*, which is a count or has an offset from UTC, the
    time on the clocks there. A date without a time moves by the whole days in the offset."""

    def __init__(self, offset: int, zone: ZoneInfo | None = None) -> None:
        self.offset = offset
        self.zone = zone
        self._whole_days = offset % DAY == 0
        self._dates: dict[str, str] = {}

    @property
    def back(self) -> Shift:
        """The shift that undoes this one, but for the hour that clocks show twice in ``zone``."""
        return Shift(-self.offset, self.zone)

    def text(self, text: str, *, instant: bool = False) -> str | None:
        """The text of a date, moved; None for what is no date. ``instant``: one without an offset
        is in UTC. Raises OutOfRangeError."""
        match = _ISO.fullmatch(text)
        if match is None:
            return self._count(text)
        by_clock = self.zone is not None and (instant or match[5] is not None)
        try:
            if self._whole_days and not by_clock:
                moved = self._dates.get(match[1]) or self._date(match[1])
                return moved + text[10:]
            return self._moved(text, match, by_clock)
        except OverflowError:
            raise OutOfRangeError("a date would leave the years 1 to 9999") from None
        except ValueError:
            return None  # the thirtieth of February

    def _date(self, text: str) -> str:
        moved = (date.fromisoformat(text) + timedelta(days=self._by(DAY) // DAY)).isoformat()
        if len(self._dates) == _MOST_KNOWN:
            self._dates.clear()
        self._dates[text] = moved
        return moved

    def _by(self, unit: int) -> int:
        """The offset in whole units: of one and of its opposite the same, so that it comes back."""
        whole = abs(self.offset) // unit * unit
        return whole if self.offset >= 0 else -whole

    def _moved(self, text: str, match: re.Match[str], by_clock: bool) -> str:
        day, hour, _, second, zone = match.groups()
        if hour is None:
            return self._date(day)
        there = _moment(match)
        if by_clock and self._whole_days:
            before = there - _ahead(zone)
            there += timedelta(seconds=self._on_clocks(_seconds(before)))
        else:
            there += timedelta(seconds=self._by(1 if second else 60))
        spelled = there.isoformat(timespec="seconds")
        # A zone may be ahead by seconds, and a time without them has no room for these.
        end = 19 if second else 16
        return spelled[:10] + text[10] + spelled[11:end] + text[end:]

    def _count(self, text: str) -> str | None:
        match = _EPOCH.fullmatch(text)
        if match is None:
            return None
        count = int(match[1])
        first, end = _SECONDS if count < _SECONDS[1] else _MILLISECONDS
        if not first <= count < end:
            return None
        scale = 1 if first == _SECONDS[0] else 1000
        by = self.offset
        if self._whole_days and self.zone is not None:
            by = self._on_clocks(count // scale)
        moved = count + by * scale
        if not first <= moved < end:
            raise OutOfRangeError("a count of seconds or milliseconds would leave its range")
        return f"{moved}{match[2] or ''}"

    def _on_clocks(self, instant: int) -> int:
        """By how many seconds an instant moves, for the clocks in the zone to show the same. One
        that they would jump over comes an hour later; of one that they show twice, the first
        stays the first."""
        assert self.zone is not None
        try:
            there = datetime.fromtimestamp(instant, self.zone)
            moved = (there.replace(tzinfo=None) + timedelta(seconds=self.offset)).replace(
                tzinfo=self.zone, fold=there.fold
            )
            return int(moved.astimezone(UTC).timestamp()) - instant
        except (ValueError, OSError):
            raise OverflowError from None


def clock_of(text: str, zone: ZoneInfo | None, *, instant: bool = False) -> tuple[int, int] | None:
    """Seconds since 1970 that a date's own clock shows, and the clock's finest unit in seconds: of
    an instant the clock in ``zone``, else that of UTC. None for what is no date. Of two dates that
    one offset leads to one another, the clocks are apart by the offset."""
    match = _ISO.fullmatch(text)
    try:
        if match is None:
            return _counted_clock(text, zone)
        seconds = _seconds(_moment(match) - _ahead(match[5]))
        if zone is not None and match[2] and (instant or match[5] is not None):
            seconds += _zone_ahead(seconds, zone)
    except (ValueError, OverflowError, OSError):
        return None
    return seconds, DAY if match[2] is None else 60 if match[4] is None else 1


def _counted_clock(text: str, zone: ZoneInfo | None) -> tuple[int, int] | None:
    match = _EPOCH.fullmatch(text)
    if match is None or not _SECONDS[0] <= (count := int(match[1])) < _MILLISECONDS[1]:
        return None
    seconds = count if count < _SECONDS[1] else count // 1000
    return seconds + (_zone_ahead(seconds, zone) if zone else 0), 1


def _zone_ahead(instant: int, zone: ZoneInfo) -> int:
    ahead = datetime.fromtimestamp(instant, zone).utcoffset()
    assert ahead is not None
    return int(ahead.total_seconds())


def _moment(match: re.Match[str]) -> datetime:
    day, hour, minute, second, _ = match.groups()
    return datetime.fromisoformat(f"{day}T{hour or '00'}:{minute or '00'}:{second or '00'}")


def _seconds(moment: datetime) -> int:
    since = moment - _1970
    return since.days * DAY + since.seconds


def _ahead(zone: str | None) -> timedelta:
    """How far ahead of UTC a spelled offset is."""
    if zone is None or zone[-1] in "Zz":
        return timedelta()
    digits = re.sub(r"\D", "", zone)
    hours, minutes, seconds = (int(digits[n : n + 2] or 0) for n in (0, 2, 4))
    ahead = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -ahead if "-" in zone else ahead
