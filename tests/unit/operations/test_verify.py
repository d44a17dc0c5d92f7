"""Every stored file is read again, and whatever was done to one is found and named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from unit.store.snapshots import DAY, directory_store, document, save

from demo_snapshots.errors import DocumentError, ExportNotFoundError
from demo_snapshots.model.snapshots import Version
from demo_snapshots.model.upkeep import Verification
from demo_snapshots.operations.verify import (
    validate_export_file,
    verify_exports,
    verify_files,
)
from demo_snapshots.rows.literals import count_rows
from demo_snapshots.store import Store

V1 = "general/general_v1_2025-01-15.sql"
MANIFEST = "metadata/export_manifest.json"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = directory_store(tmp_path)
    save(store)
    save(store, rows=3)
    save(store, "writer")
    return store


def problems(result: Verification) -> dict[str, tuple[str, ...]]:
    return {f"{v.scenario} v{v.version.number}": v.problems for v in result.versions if v.problems}


def test_whole_versions_are_listed_newest_first(store: Store) -> None:
    seen: list[tuple[str, int, int]] = []
    result = verify_exports(store, progress=lambda *told: seen.append(told))
    assert result.valid
    assert [(v.scenario, v.version.number, v.records) for v in result.versions] == [
        ("general", 2, 3),
        ("general", 1, 2),
        ("writer", 1, 2),
    ]
    assert seen[-1] == ("writer v1_2025-01-15", 2, 3)
    assert len(verify_exports(store, "writer").versions) == 1
    with pytest.raises(ExportNotFoundError):
        verify_exports(store, "nobody")


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(text: bytes) -> bytes:
        assert old in text
        return text.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(replaced(b"(1,'x')", b"(1,'y')"), "the file was altered", id="a value"),
        pytest.param(replaced(b"(1,'x')", b"(1,x())"), "not a row of literals", id="a call"),
        pytest.param(replaced(b"10:30:00Z", b"10:31:00Z"), "another SHA-256", id="its header"),
        pytest.param(replaced(b"(1,'x'),\n", b""), "counts 2", id="a row gone"),
        pytest.param(lambda text: text[:-30], "cut short", id="its end"),
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), "line ends", id="CR LF"),
        pytest.param(
            lambda text: document("general", Version(9, DAY)),
            "says of itself that it is general v9_2025-01-15",
            id="another version",
        ),
    ],
)
def test_what_was_done_to_a_file_is_named(
    tmp_path: Path, store: Store, change: Callable[[bytes], bytes], words: str
) -> None:
    path = tmp_path / V1
    text = change(path.read_bytes())
    if words == "counts 2":
        # With its digest made right again: only the count tells.
        text = with_digest(text)
    path.write_bytes(text)
    found = problems(verify_exports(store))
    assert list(found) == ["general v1"]
    assert words in "; ".join(found["general v1"])


def with_digest(text: bytes) -> bytes:
    from hashlib import sha256

    start = text.index(b"-- Vaults (")
    rows = text[start : text.index(b"/*!40014 SET FOREIGN_KEY_CHECKS=1 */;")]
    mark = b"-- Content digest: sha256:"
    at = text.index(mark) + len(mark)
    return text[:at] + sha256(rows).hexdigest().encode() + text[at + 64 :]


def test_a_missing_row_is_found_though_the_digest_is_right(tmp_path: Path, store: Store) -> None:
    path = tmp_path / V1
    path.write_bytes(with_digest(replaced(b"(1,'x'),\n", b"")(path.read_bytes())))
    with pytest.raises(DocumentError, match="vaults: 1 rows, and the header counts 2"):
        validate_export_file(path)


def test_files_and_manifest_that_do_not_fit_one_another(tmp_path: Path, store: Store) -> None:
    (tmp_path / V1).unlink()
    (tmp_path / "general/general_v3_2025-01-15.sql").write_bytes(
        document("general", Version(3, DAY))
    )
    other = date(2025, 1, 16)
    (tmp_path / "writer/writer_v1_2025-01-16.sql").write_bytes(
        document("writer", Version(1, other))
    )
    (tmp_path / "writer/.writer_v2.tmp-0123456789abcdef").touch()
    result = verify_exports(store)
    found = problems(result)
    assert found["general v1"] == ("is in the manifest, and there is no such file",)
    assert found["general v3"] == ("is not in the manifest",)
    assert "shares its number" in found["writer v1"][-1]
    assert "general/latest.sql is not v3_2025-01-15" in result.problems
    assert len(result.notes) == 1
    with store.lock():
        pass
    assert list(problems(verify_exports(store))) == ["writer v1"]


def test_the_manifest_and_latest_are_checked(tmp_path: Path, store: Store) -> None:
    manifest = tmp_path / MANIFEST
    text = manifest.read_text("utf-8")
    manifest.write_text(text.replace('"highest": 2', '"highest": 2, "more": 1'), "utf-8")
    assert verify_exports(store).problems == (f"{manifest.name} is not in line with the files",)
    manifest.write_text(f"<<<<<<< ours\n{text}=======\n{text}>>>>>>> theirs\n", "utf-8")
    assert "merge-conflict markers" in verify_exports(store).problems[0]
    manifest.write_text(text, "utf-8")
    (tmp_path / "general/latest.sql").unlink()
    assert verify_exports(store).problems == ("general/latest.sql is not v2_2025-01-15",)
    manifest.unlink()
    found = verify_exports(store)
    assert found.problems[0] == "there is no export_manifest.json"
    assert len(found.damaged) == 3


def test_rows_are_counted_whatever_they_hold() -> None:
    assert count_rows(b"(1,'a'),\n(2,'),\n(3')") == 2
    assert count_rows(b"(1,'it''s'),\n(2,'''),\n(')") == 2
    lookup = b"\n(SELECT id FROM t WHERE a='),\n(')"
    assert count_rows(b"(" + lookup + b"," + lookup + b"),\n(" + lookup + b",1)") == 2
    lookup = b"\n(SELECT id FROM t WHERE \"it's\"='de')\n"
    assert count_rows(b"(1," + lookup + b"),\n(2,NULL),\n(3," + lookup + b")") == 3


def test_files_are_checked_wherever_they_are(tmp_path: Path, store: Store) -> None:
    whole = tmp_path / V1
    elsewhere = tmp_path / "elsewhere.sql"
    elsewhere.write_bytes(whole.read_bytes())
    other = tmp_path / "general_v9_2025-01-15.sql.gz"
    other.write_bytes(whole.read_bytes())
    damaged = tmp_path / "damaged.sql"
    damaged.write_bytes(whole.read_bytes().replace(b"(1,'x')", b"(1,'y')"))
    (tmp_path / MANIFEST).unlink()  # it plays no part
    seen: list[tuple[str, int, int]] = []
    checks = verify_files(
        [whole, elsewhere, other, damaged, tmp_path / "missing.sql", tmp_path],
        progress=lambda *told: seen.append(told),
    )
    assert [(check.scenario, str(check.version), check.records) for check in checks[:3]] == [
        ("general", "v1_2025-01-15", 2)
    ] * 3
    assert [check.problems for check in checks] == [
        (),
        (),
        (
            "says of itself that it is general v1_2025-01-15",
            "has another ending than its compression, none, would give it",
        ),
        (checks[3].problems[0],),
        ("cannot be read: No such file or directory",),
        ("is not a regular file",),
    ]
    assert "the file was altered" in checks[3].problems[0]
    assert str(tmp_path) not in checks[3].problems[0]
    assert seen[-1] == (tmp_path.name, 5, 6)


def test_a_latest_that_git_could_not_link_is_what_it_names(tmp_path: Path, store: Store) -> None:
    latest = tmp_path / "general" / "latest.sql"
    latest.unlink()
    latest.write_text("general_v2_2025-01-15.sql", "ascii")
    [check] = verify_files([latest])
    assert (check.path, check.records, check.problems) == (latest, 3, ())
    (tmp_path / "general/general_v2_2025-01-15.sql").unlink()
    [check] = verify_files([latest])
    assert check.problems == ("cannot be read: No such file or directory",)
