"""Dates move by an offset and come back, and of a text nothing else is changed."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from demo_snapshots.rows.shift import DAY, OutOfRangeError, Shift, clock_of

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "days", "moved"),
    [
        ("2024-02-29", 366, "2025-03-01"),
        ("2025-12-31 23:59:59.123456", 1, "2026-01-01 23:59:59.123456"),
        ("2025-03-01T10:00Z", 7, "2025-03-08T10:00Z"),
        ("2025-03-01t10:00:00,5 +05:30", -1, "2025-02-28t10:00:00,5 +05:30"),
        ("2025-03-01T10:00:00-0800", 7, "2025-03-08T10:00:00-0800"),
        ("1741000000", 1, "1741086400"),
        ("1741000000.25", 1, "1741086400.25"),
        ("1741000000000", 1, "1741086400000"),
        ("2025-02-30", 1, None),
        ("0000-00-00 00:00:00", 1, None),
        ("infinity", 1, None),
        ("0044-03-15 BC", 1, None),
        ("2025-03-01 and more", 1, None),
        ("0", 1, None),
        ("123456789012345", 1, None),
        ("", 1, None),
    ],
)
def test_what_moves(text, days, moved):
    assert Shift(days * DAY).text(text) == moved
    if moved is not None:
        assert Shift(-days * DAY).text(moved) == text


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("2025-03-01 23:59:59.5", "2025-03-03 00:00:00.5"),
        ("2025-03-01T23:59Z", "2025-03-02T23:59Z"),
        ("2025-03-01", "2025-03-02"),
        ("1741000000123", "1741086401123"),
    ],
)
def test_exact_offsets_move_as_far_as_a_text_can_tell(text, moved):
    shift = Shift(DAY + 1)
    assert shift.text(text) == moved
    assert shift.back.text(moved) == text


@pytest.mark.parametrize(
    ("text", "instant", "days", "moved"),
    [
        ("2025-01-15T09:00:00Z", False, 182, "2025-07-16T08:00:00Z"),
        ("2025-01-15T10:00:00+01:00", False, 182, "2025-07-16T09:00:00+01:00"),
        ("2025-01-15 09:00:00", True, 182, "2025-07-16 08:00:00"),
        ("2025-01-15 09:00:00", False, 182, "2025-07-16 09:00:00"),
        ("1736931600", False, 182, str(1736931600 + 182 * DAY - 3600)),
        ("2025-03-23T01:30:00Z", False, 7, "2025-03-30T01:30:00Z"),
    ],
    ids=["Z", "offset", "timestamptz", "wall clock", "epoch", "a time that does not exist"],
)
def test_clocks_in_a_zone_stay(text, instant, days, moved):
    shift = Shift(days * DAY, BERLIN)
    assert shift.text(text, instant=instant) == moved
    there, here = (clock_of(each, BERLIN, instant=instant) or (0, 0) for each in (moved, text))
    assert there[0] - here[0] == days * DAY + (3600 if days == 7 else 0)


@pytest.mark.parametrize("text", ["9999-12-31", "99999999999", "0001-01-01T00:00:00"])
def test_out_of_range(text):
    days = -1 if text.startswith("0") else 1
    with pytest.raises(OutOfRangeError):
        Shift(days * DAY).text(text)
