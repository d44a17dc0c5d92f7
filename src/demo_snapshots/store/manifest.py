"""The manifest and the list of schemas: JSON that people review and git merges.

The documents are the truth. The manifest spares reading them, and keeps the one thing they
cannot tell: the highest number ever used. So nothing in it is trusted further than that: an
entry must be of the shape written here, under the one path its scenario and version allow, and
fit the file's size; everything else is dropped, and the file read instead.

Both files are written the same for the same contents: fixed order of keys, two spaces, ``\\n``
line ends, one at the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct, field, to_builtins

from demo_snapshots.model.files import FileList
from demo_snapshots.model.snapshots import (
    DeltaOf,
    DocumentForm,
    Entry,
    Parent,
    Part,
    Statistics,
    TableCount,
    Version,
    is_part_name,
)
from demo_snapshots.model.tables import Table
from demo_snapshots.store.contents import (
    ENDINGS,
    MAX_NUMBER,
    Contents,
    is_scenario_name,
    kept_as,
)

FORMAT = 1
_HEX = re.compile(r"[0-9a-f]{64}")
# The header's lines are shown on terminals, which obey control characters.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Json = dict[str, Any]


class Recorded(Struct, frozen=True):
    """What a manifest says: entries by path, highest numbers by scenario. ``damage`` says what
    in it was not of the manifest's shape; that part is left out."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    highest: Mapping[str, int] = field(default_factory=dict)
    damage: tuple[str, ...] = ()


# --- The manifest ----------------------------------------------------------------------------


def render_manifest(contents: Contents) -> str:
    """The manifest's text: scenarios by name, versions from the oldest up, so that a new one
    is added at the end of its scenario. Of files that differ in their endings alone it has
    one; the others are read, until a repair has given them numbers of their own."""
    scenarios: Json = {}
    for name in sorted(contents.highest):
        latest = contents.newest(name)
        scenarios[name] = {
            "highest": contents.highest[name],
            "latest": str(latest.version) if latest else None,
            "versions": {
                str(entry.version): _render_entry(entry) for entry in reversed(contents.of(name))
            },
        }
    return _render({"format": FORMAT, "scenarios": scenarios})


def parse_manifest(text: str) -> Recorded:
    """What ``render_manifest`` wrote, as far as ``text`` still says it. Never raises.

    Of a text that git left conflict markers in, both sides are read: the highest numbers are
    the higher ones, and the entries those of both.
    """
    sides = _conflict_sides(text)
    if sides is None:
        return _parse_side(text)
    parsed = [_parse_side(side) for side in sides]
    highest: dict[str, int] = {}
    entries: dict[str, Entry] = {}
    for side in parsed:
        # What the two sides say differently of one file is settled by reading the file.
        differing = {
            path for path, entry in side.entries.items() if entries.get(path, entry) != entry
        }
        entries = {
            path: entry
            for path, entry in {**entries, **side.entries}.items()
            if path not in differing
        }
        for name, number in side.highest.items():
            highest[name] = max(number, highest.get(name, 0))
    return Recorded(entries, highest, ("it holds merge-conflict markers",))


def _conflict_sides(text: str) -> tuple[str, str] | None:
    ours: list[str] = []
    theirs: list[str] = []
    readers: tuple[list[str], ...] = (ours, theirs)
    found = False
    for line in text.splitlines():
        if line.startswith("<<<<<<< "):
            readers, found = (ours,), True
        elif line.startswith("||||||| "):
            readers = ()
        elif line == "=======":
            readers = (theirs,)
        elif line.startswith(">>>>>>> "):
            readers = (ours, theirs)
        else:
            for reader in readers:
                reader.append(line)
    return ("\n".join(ours), "\n".join(theirs)) if found else None


def _parse_side(text: str) -> Recorded:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return Recorded(damage=("it is not JSON",))
    if not isinstance(parsed, dict) or parsed.get("format") != FORMAT:
        return Recorded(damage=(f"it is not of format {FORMAT}",))
    scenarios = parsed.get("scenarios")
    if not isinstance(scenarios, dict):
        return Recorded(damage=("it has no scenarios",))
    entries: dict[str, Entry] = {}
    highest: dict[str, int] = {}
    damage: list[str] = []
    for name, scenario in scenarios.items():
        if not is_scenario_name(name) or not isinstance(scenario, dict):
            damage.append("it holds something that is not a scenario")
            continue
        number = scenario.get("highest")
        if type(number) is int and 0 <= number <= MAX_NUMBER:
            highest[name] = number
        else:
            damage.append(f"the highest number of {name} is not a number")
        versions = scenario.get("versions")
        for version, content in (versions if isinstance(versions, dict) else {}).items():
            try:
                entry = _parse_entry(name, version, content)
            except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
                damage.append(f"an entry of {name} is not one of ours")
            else:
                entries[entry.path] = entry
    return Recorded(entries, highest, tuple(dict.fromkeys(damage)))


# --- One entry -------------------------------------------------------------------------------


def _render_entry(entry: Entry) -> Json:
    return {
        "path": entry.path,
        "size": entry.size,
        "sha256": entry.sha256,
        "digest": entry.digest,
        "generated": entry.generated.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "source": entry.source,
        "schema": entry.schema,
        "migration": entry.migration,
        "tool": entry.tool,
        "total": entry.statistics.total,
        "tables": [_render_count(count) for count in entry.statistics.tables],
        **_render_included(entry.included),
        **_render_delta(entry.delta),
        **_render_parts(entry.parts),
        **({} if entry.files is None else {"files": to_builtins(entry.files)}),
    }


def _render_included(included: Statistics) -> Json:
    return {"included": [_render_count(c) for c in included.tables]} if included.tables else {}


def _render_delta(delta: DeltaOf | None) -> Json:
    if delta is None:
        return {}
    on = {"version": str(delta.on.version), "digest": delta.on.digest}
    return {"delta": {"on": on, "whole_size": delta.whole_size}}


def _render_parts(parts: tuple[Part, ...]) -> Json:
    if not parts:
        return {}
    return {"parts": [{"file": p.name, "size": p.size, "sha256": p.sha256} for p in parts]}


def recordable(entry: Entry) -> bool:
    """Whether the manifest can hold it: it would be read back the same."""
    try:
        return _parse_entry(entry.scenario, str(entry.version), _render_entry(entry)) == entry
    except ValueError:
        return False


def _parse_entry(scenario: str, text: str, content: Json) -> Entry:
    version = Version.parse(text)
    if content["path"] not in [f"{scenario}/{scenario}_{version}{ending}" for ending in ENDINGS]:
        raise ValueError("a path that is not the version's own")
    generated = datetime.fromisoformat(content["generated"])
    if generated.utcoffset() != timedelta(0):
        raise ValueError("not a time in UTC")
    return Entry(
        scenario=scenario,
        version=version,
        path=content["path"],
        size=_whole(content["size"]),
        sha256=_hex(content["sha256"]),
        digest=_hex(content["digest"]),
        generated=generated,
        source=_line(content["source"]),
        schema=_line(content["schema"]),
        statistics=Statistics(tuple(_parse_count(count) for count in content["tables"])),
        tool=_line(content["tool"]),
        migration=None if content["migration"] is None else _line(content["migration"]),
        delta=_parse_delta(content.get("delta"), content["path"]),
        parts=tuple(_parse_part(scenario, part) for part in _parts(content)),
        included=Statistics(tuple(map(_parse_count, content.get("included", [])))),
        files=_parse_files(content.get("files")),
    )


def _parse_files(content: Json | None) -> FileList | None:
    if content is None:
        return None
    files = FileList(
        count=_whole(content["count"]),
        size=_whole(content["size"]),
        sha256=_hex(content["sha256"]),
        list_size=_whole(content["list_size"]),
    )
    return FileList.parse(str(files))


def _parse_delta(content: Json | None, path: str) -> DeltaOf | None:
    if (content is not None) != (kept_as(path)[1] is DocumentForm.DELTA):
        raise ValueError("not a delta and its name")
    if content is None:
        return None
    on = Parent(Version.parse(content["on"]["version"]), _hex(content["on"]["digest"]))
    return DeltaOf(on, _whole(content["whole_size"]))


def _parts(content: Json) -> Sequence[Json]:
    parts = content.get("parts", [])
    if not isinstance(parts, list):
        raise ValueError("not a list of parts")
    if bool(parts) and kept_as(content["path"])[1] is not DocumentForm.PARTS:
        raise ValueError("parts of a file that has none")
    return parts


def _parse_part(scenario: str, content: Json) -> Part:
    name = _line(content["file"])
    if not is_part_name(scenario, name):
        raise ValueError("not the name of a part")
    return Part(name, _whole(content["size"]), _hex(content["sha256"]))


def _render_count(count: TableCount) -> Json:
    rendered: Json = {"table": count.table, "rows": count.rows}
    if count.breakdown:
        rendered["breakdown"] = dict(count.breakdown)
    return rendered


def _parse_count(content: Json) -> TableCount:
    breakdown = content.get("breakdown", {}).items()
    return TableCount(
        _text(content["table"]),
        _whole(content["rows"]),
        tuple((_text(value), _whole(rows)) for value, rows in breakdown),
    )


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a whole number")
    return value


def _hex(value: object) -> str:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise ValueError("not a SHA-256")
    return value


def _line(value: object) -> str:
    if not isinstance(value, str) or _CONTROL.search(value):
        raise ValueError("not a line of text")
    return _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    value.encode()  # raises UnicodeEncodeError, a ValueError, for lone surrogates
    return value


# --- Schemas ---------------------------------------------------------------------------------


def render_schemas(contents: Contents, tables_of: Callable[[str], tuple[str, ...]]) -> str:
    """The text of the list of schemas: for each fingerprint its tables, column by column, and
    which engines, migrations and versions have it. ``tables_of`` gives a fingerprint's lines."""
    schemas: Json = {}
    for fingerprint in sorted({entry.schema for entry in contents.entries}):
        using = [entry for entry in contents.entries if entry.schema == fingerprint]
        schemas[fingerprint] = {
            "tables": list(tables_of(fingerprint)),
            "sources": sorted({entry.source for entry in using}),
            "migrations": sorted({entry.migration for entry in using if entry.migration}),
            "versions": {
                name: [str(e.version) for e in reversed(using) if e.scenario == name]
                for name in sorted({entry.scenario for entry in using})
            },
        }
    return _render({"format": FORMAT, "schemas": schemas})


def parse_schemas(text: str) -> dict[str, tuple[str, ...]]:
    """The table lines by fingerprint, as far as ``text`` still says them. Never raises."""
    try:
        schemas = json.loads(text)["schemas"].items()
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return {}
    known: dict[str, tuple[str, ...]] = {}
    for fingerprint, schema in schemas:
        lines = schema.get("tables") if isinstance(schema, dict) else None
        if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
            known[fingerprint] = tuple(lines)
    return known


def table_line(table: Table) -> str:
    """``vaults: id integer key, description text null``, as a document's header says it."""
    columns = []
    for column in table.carried:
        words = [column.name, column.kind.value]
        if column.name in table.key:
            place = table.key.index(column.name) + 1
            words.append("key" if len(table.key) == 1 else f"key{place}")
        if column.nullable:
            words.append("null")
        columns.append(" ".join(words))
    return f"{table.name}: {', '.join(columns)}"


def _render(content: Json) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
