"""Whatever the date, and however it is spelled: moved and moved back it is what it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st
from unit.documents.documents import opened, rows_of, table, text, write

from demo_snapshots.documents.protocol import any_literals
from demo_snapshots.rows.literals import quote, records
from demo_snapshots.rows.shift import DAY, OutOfRangeError, Shift, clock_of
from demo_snapshots.selection.evergreen import EvergreenPlace
from demo_snapshots.transfer.evergreen import Shifted, not_coming_back

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
dates = st.datetimes(datetime(1200, 1, 1), datetime(8000, 1, 1))
recent = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1))
around_changes = st.builds(
    lambda day, minutes: datetime.fromisoformat(day) + timedelta(minutes=minutes),
    st.sampled_from(["2025-03-29", "2025-03-08", "2025-10-25", "2025-11-01", "2025-04-05"]),
    st.integers(0, 3000),
)
"""Days on which clocks are put forward or back somewhere."""
offsets = st.integers(-1500, 1500).map(lambda weeks: weeks * 7 * DAY)


@st.composite
def spelled(draw, moments=dates):
    moment = draw(moments)
    zone = draw(st.sampled_from(["", "Z", " +02", "+0530", "-08:00", "+00:19:32"]))
    time = draw(st.sampled_from(["%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%H:%M:%S,5"]))
    between = draw(st.sampled_from("T t"))
    whole = f"%Y-%m-%d{between}{time}{zone}"
    return draw(
        st.sampled_from([f"{moment:{whole}}", f"{moment.date()}", f"{int(moment.timestamp())}"])
    )


@given(spelled(), st.integers(-4000 * DAY, 4000 * DAY) | offsets)
def test_dates_come_back(text, offset):
    shift = Shift(offset)
    try:
        moved = shift.text(text)
    except OutOfRangeError:
        assume(False)
    if moved is None:
        assert not text.startswith("2"), "all of this are dates, but for counts of long ago"
    else:
        assert shift.back.text(moved) == text
        assert len(moved) == len(text) or text.isdigit()


@given(recent, st.timedeltas(timedelta(), timedelta(days=400)), offsets)
def test_order_and_distances_stay(moment, later, offset):
    one, other = (each.isoformat(" ") for each in (moment, moment + later))
    moved = [datetime.fromisoformat(Shift(offset).text(each) or "") for each in (one, other)]
    assert moved[1] - moved[0] == later
    assert moved[0] - moment == timedelta(seconds=offset)


EVENTS = table("events", text("at"), text("data"))
PLACES = {
    "events": (
        EvergreenPlace("events.at", "at", instant=True),
        EvergreenPlace("events.data[*].at", "data", ("[*]", "at")),
    )
}


@given(st.lists(spelled(around_changes), min_size=2, max_size=6), offsets, st.sampled_from(ZONES))
def test_in_a_zone_what_does_not_come_back_by_itself_is_known(texts, offset, name):
    """Of an hour that clocks show twice, or jump over, the document knows what it was."""
    data = json.dumps([{"n": "it's", "at": each} for each in texts])
    raw = [
        b"(%d,%b,%b)" % (number, quote(each).encode(), quote(data).encode())
        for number, each in enumerate(texts)
    ]
    document, shift = write([(EVENTS, raw)]), Shift(offset, ZoneInfo(name))
    moved = rows_of(Shifted(PLACES, shift).document(opened(document)).rows(any_literals))
    originals = not_coming_back(opened(document), PLACES, shift)
    back = Shifted(PLACES, shift.back, originals)
    batch = [b"(" + record + b")" for record in records(moved["events"])]
    assert list(back.rows(EVENTS, [batch])) == [raw]


@given(recent, offsets, st.sampled_from(ZONES))
def test_clocks_in_a_zone_stay(moment, offset, name):
    zone = ZoneInfo(name)
    text = moment.replace(tzinfo=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    moved = Shift(offset, zone).text(text) or ""
    was, now = (
        datetime.fromisoformat(each).astimezone(zone).replace(tzinfo=None) for each in (text, moved)
    )
    assert now - was - timedelta(seconds=offset) in (
        timedelta(),
        timedelta(hours=1),
        timedelta(minutes=30),
    )
    if now - was == timedelta(seconds=offset):
        there, here = (clock_of(each, zone) or (0, 0) for each in (moved, text))
        assert there[0] - here[0] == offset
