"""A latest version that is not what was exported keeps nobody from exporting the next one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from integration.live import Demo, Live

from demo_snapshots.model.results import ExportResult
from demo_snapshots.model.snapshots import Packing
from demo_snapshots.operations.repair import repair_store
from demo_snapshots.operations.verify import verify_exports

_TABLE = (
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, demo BOOLEAN, body TEXT)",
    "INSERT INTO notes VALUES (1, TRUE, 'one'), (2, TRUE, 'two'), (3, TRUE, 'three')",
)


@pytest.fixture
def live(sqlite_url: str) -> Live:
    live = Live(sqlite_url)
    live.run(*_TABLE)
    return live


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    file = tmp_path / "demo.toml"
    file.write_text('[tables.notes]\nmarker = "demo"\n', encoding="utf-8")
    return Demo(tmp_path / "snapshots", file)


def _rows_replaced(text: bytes) -> bytes:
    row = b"(2,TRUE,'two'),\n"
    assert row in text
    return text.replace(row, b"-" * (len(row) - 1) + b"\n")


SAME_SIZE: dict[str, Callable[[bytes], bytes]] = {
    "last line": lambda text: text[:-5] + b"xxxx\n",
    "digest line": lambda text: re.sub(rb"sha256:[0-9a-f]{64}", b"sha256:" + b"0" * 64, text),
    "one byte": lambda text: text.replace(b"'two'", b"'twx'"),
    "rows": _rows_replaced,
    "header": lambda text: text.replace(b"Tool: demo", b"Tool: dem0"),
    "first line": lambda text: b"x" + text[1:],
    "zeros": lambda text: text[:200] + b"\0" * (len(text) - 200),
}
OTHER_SIZE: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda text: text[: len(text) // 2],
    "empty": lambda text: b"",
    "a row deleted": lambda text: text.replace(b"(2,TRUE,'two'),\n", b""),
    "longer text": lambda text: text.replace(b"'two'", b"'twenty'"),
    "something follows": lambda text: text + b"-- more\n",
    "merge": lambda text: b"<<<<<<< ours\n" + text,
    "line ends": lambda text: text.replace(b"\n", b"\r\n"),
}
DAMAGES = {**SAME_SIZE, **OTHER_SIZE}


def _require_told(live: Live, demo: Demo, first: ExportResult) -> None:
    second = demo.export(live)
    assert (second.written, second.version.number) == (True, 2)
    assert second.damaged is not None
    assert (second.damaged.version, second.damaged.file) == (first.version, str(first.path))
    assert second.damaged.problems
    third = demo.export(live)
    assert (third.written, third.version, third.damaged) == (False, second.version, None)
    demo.load(live, third.path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_next_version_is_saved_and_the_damage_told(live: Live, demo: Demo, damage: str) -> None:
    first = demo.export(live)
    assert first.damaged is None
    found = DAMAGES[damage](first.path.read_bytes())
    assert found != first.path.read_bytes()
    assert (len(found) == first.file_size) == (damage in SAME_SIZE)
    first.path.write_bytes(found)
    _require_told(live, demo, first)


@pytest.mark.parametrize("damage", ["one byte", "cut short"])
def test_so_it_is_where_the_data_is_another(live: Live, demo: Demo, damage: str) -> None:
    first = demo.export(live)
    first.path.write_bytes(DAMAGES[damage](first.path.read_bytes()))
    live.run("UPDATE notes SET body = 'new' WHERE id = 1")
    _require_told(live, demo, first)


@pytest.mark.parametrize("cut", [0, 20])
def test_so_it_is_of_a_compressed_one(live: Live, demo: Demo, cut: int) -> None:
    first = demo.export(live, compress=Packing.GZIP)
    stored = bytearray(first.path.read_bytes())
    stored[len(stored) // 2] ^= 0x55
    first.path.write_bytes(stored[: len(stored) - cut])
    _require_told(live, demo, first)


def test_damage_that_the_books_have_followed_is_damage(live: Live, demo: Demo) -> None:
    """Whatever took the lock meanwhile has described the file as it is."""
    first = demo.export(live)
    first.path.write_bytes(OTHER_SIZE["a row deleted"](first.path.read_bytes()))
    repair_store(demo.store)
    second = demo.export(live)
    assert second.written
    assert second.damaged is not None
    assert [check.version.number for check in verify_exports(demo.store).damaged] == [1]


def test_text_that_looks_like_the_end_of_the_rows_is_no_damage(live: Live, demo: Demo) -> None:
    end = "\n/*!40014 SET FOREIGN_KEY_CHECKS=1 */;\n"
    live.insert("notes", (4, 1, f"a{end}b{end}"))
    first = demo.export(live)
    second = demo.export(live)
    assert (second.written, second.damaged, second.version) == (False, None, first.version)


@pytest.mark.parametrize("damage", ["last line", "cut short"])
def test_a_proved_export_of_damaged_data(live: Live, demo: Demo, damage: str) -> None:
    first = demo.export(live)
    first.path.write_bytes(DAMAGES[damage](first.path.read_bytes()))
    second = demo.export(live, prove=True)
    assert second.written
    assert second.damaged is not None
    assert second.proof is not None
