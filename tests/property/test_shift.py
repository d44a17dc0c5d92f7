"""Whatever the date, and however it is spelled: moved and moved back it is what it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, example, given
from hypothesis import strategies as st
from unit.documents.documents import header, opened, rows_of, table, text, write

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.protocol import any_literals
from demo_snapshots.operations.fresh import Fresh
from demo_snapshots.rows.literals import quote, records
from demo_snapshots.rows.shift import DAY, OutOfRangeError, Shift, clock_of
from demo_snapshots.selection.evergreen import EvergreenPlace
from demo_snapshots.transfer.evergreen import Shifted, not_coming_back

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
ends = st.builds(
    lambda year, day, minutes: datetime.fromisoformat(f"{year}-{day}") + timedelta(minutes=minutes),
    st.sampled_from([1600, 1900, 2000, 2024, 2025, 2100, 7996]),
    st.sampled_from(["02-27", "02-28", "12-30", "12-31"]),
    st.integers(0, 4000),
)
"""Ends of Februaries, which are leap years' and others', and of years."""
dates = ends | st.datetimes(datetime(1200, 1, 1), datetime(8000, 1, 1))
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
    zone = draw(st.sampled_from(["", "Z", "z", " +02", "+0530", "-08:00", "+00:19:32"]))
    fraction = draw(st.just("") | st.from_regex(r"[.,][0-9]{1,12}", fullmatch=True))
    time = draw(st.sampled_from(["%H:%M", "%H:%M:%S", f"%H:%M:%S{fraction}"]))
    between = draw(st.sampled_from("T t"))
    whole = f"%Y-%m-%d{between}{time}{zone}"
    count = int(moment.replace(tzinfo=UTC).timestamp())
    counts = f"{count}", f"{count}.{fraction[1:] or 0}", f"{count}{draw(st.integers(100, 999))}"
    return draw(st.sampled_from([f"{moment:{whole}}", f"{moment.date()}", *counts]))


@given(spelled(), st.integers(-4000 * DAY, 4000 * DAY) | offsets)
def test_dates_come_back(text, offset):
    shift = Shift(offset)
    try:
        moved = shift.text(text)
    except OutOfRangeError:
        assume(False)
    is_count = text[4:5] != "-"
    if moved is None:
        assert is_count, "of long ago, or of a time to come"
    else:
        assert shift.back.text(moved) == text
        assert len(moved) == len(text) or is_count
        (was, unit), (now, _) = (clock_of(each, None) or (0, 0) for each in (text, moved))
        assert abs(now - was - offset) < unit, "that far, but for what the text cannot tell"


@given(
    spelled(recent | around_changes), st.integers(-4000 * DAY, 4000 * DAY), st.sampled_from(ZONES)
)
def test_moved_exactly_instants_come_back_in_any_zone(text, offset, name):
    assume(offset % DAY)
    shift = Shift(offset, ZoneInfo(name))
    for instant in (False, True):
        moved = shift.text(text, instant=instant)
        assert moved is None or shift.back.text(moved, instant=instant) == text


MIXED = table("notes", *(text(name) for name in ("at", "title", "due", "seen", "count")))
"""Dates before, between and after other columns."""
cell = st.none() | spelled(recent) | st.text(st.sampled_from("a',)(\\\n"), max_size=5)


@given(
    st.lists(st.tuples(*[cell] * 5), max_size=4),
    st.sets(st.sampled_from(["at", "due", "seen", "count"]), min_size=1),
    offsets | st.integers(-DAY, DAY),
    st.sampled_from([None, *ZONES]),
)
def test_of_a_row_just_the_dates_move(rows, names, offset, zone):
    """Whatever way is taken through the row, and whatever stands beside them."""
    shift = Shift(offset, ZoneInfo(zone) if zone else None)
    columns = ("at", "title", "due", "seen", "count")
    places = {"notes": tuple(EvergreenPlace(f"notes.{name}", name) for name in sorted(names))}
    moves = Shifted(places, shift).of("notes", columns)
    assert moves is not None
    for row in rows:
        wanted = tuple(
            shift.text(value) or value if name in names and value is not None else value
            for name, value in zip(columns, row, strict=True)
        )
        assert moves.record(_raw(row)) == _raw(wanted)


def _raw(row: tuple[str | None, ...]) -> bytes:
    return ",".join("NULL" if value is None else quote(value) for value in row).encode()


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)) | around_changes,
    st.timedeltas(timedelta(), timedelta(days=5000)),
    st.sampled_from([1, DAY, 7 * DAY]),
    st.sampled_from([None, *ZONES]),
)
def test_nothing_before_the_moment_of_a_snapshot_lands_after_now(moment, later, unit, name):
    zone = ZoneInfo(name) if name else None
    fresh = Fresh(Config(database="", snapshots="", tables={}), {}, unit, zone)
    begun, now = moment.replace(tzinfo=UTC, microsecond=0), moment.replace(tzinfo=UTC) + later
    offset = fresh.offset_to(now, header((EVENTS, 0), generated=begun))
    assert offset % unit == 0
    text = begun.isoformat().replace("+00:00", "Z")
    moved = datetime.fromisoformat(Shift(offset, zone).text(text) or "")
    assert moved <= now
    assert now - moved < timedelta(seconds=unit) + timedelta(hours=1)


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


values = spelled(recent) | st.sampled_from(
    ["soon", "it's", "\u00c4", "2025-02-30", "2025-01-01x", "a,'2025-01-01'),\n(1", ",NULL),\n("]
)


@given(
    st.lists(st.lists(values, min_size=1, max_size=4), min_size=1, max_size=5),
    st.integers(-500, 500).map(lambda weeks: weeks * 7 * DAY) | st.just(3600),
    st.none() | st.sampled_from(ZONES).map(ZoneInfo),
)
@example([["2025-01-01", "\u00c4", "2025-01-01"]], 7 * DAY, None)
def test_many_rows_move_as_each_of_their_values_does(rows, offset, zone):
    """And nothing else: of a JSON text what is at the path, however else it is spelled there."""
    document, moved = (
        write([(EVENTS, [_event(number, *row) for number, row in enumerate(many)])])
        for many in (rows, [_moved(row, Shift(offset, zone)) for row in rows])
    )
    shifted = Shifted(PLACES, Shift(offset, zone)).document(opened(document))
    assert rows_of(shifted.rows(any_literals)) == rows_of(opened(moved).rows(any_literals))


def _event(number, at, *inside):
    data = [{"at": each, "was": {"at": "2025-01-01"}} for each in inside]
    return b"(%d,%b,%b)" % (number, quote(at).encode(), quote(json.dumps(data)).encode())


def _moved(row, shift):
    return [shift.text(each, instant=not n) or each for n, each in enumerate(row)]


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
