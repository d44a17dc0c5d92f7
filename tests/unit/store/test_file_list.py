"""The list of a version's uploaded files is nobody's word: what no export wrote is refused."""

from __future__ import annotations

import hashlib
import io
import json

import pytest

from demo_snapshots.errors import DocumentError
from demo_snapshots.model.files import FileList, NamedFile, name_fault
from demo_snapshots.store.file_list import TITLE, list_line, read_list

SHA256 = hashlib.sha256(b"x").hexdigest()


def file(name: str, directory: str = "up", size: int = 1) -> NamedFile:
    return NamedFile(directory, name, size, SHA256)


def read(text: bytes, count: int, size: int) -> list[NamedFile]:
    files = FileList(count, size, hashlib.sha256(text).hexdigest(), len(text))
    return list(read_list(io.BytesIO(text), files))


def test_what_was_written_is_read() -> None:
    files = [file("A.jpg"), file("ä b/c.txt", size=0), file("a.jpg", "zz")]
    text = TITLE + b"".join(map(list_line, files))
    assert read(text, 3, 2) == files
    assert FileList.parse(str(FileList(3, 2, SHA256, 100))) == FileList(3, 2, SHA256, 100)
    for said in (str(FileList(3, 2, SHA256, 100)) + " ", "0 with 0 bytes", "", "-1 with 2 bytes"):
        with pytest.raises(ValueError, match="not what is said"):
            FileList.parse(said)


def line(**changed: object) -> bytes:
    content = {"directory": "up", "name": "a", "size": 1, "sha256": SHA256, **changed}
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([line(name="../a")], "a name has an empty part, . or .. "),
        ([line(name="a/../../b")], "a name has an empty part"),
        ([line(name="/a")], "is absolute"),
        ([line(name="a\\b")], "holds one of"),
        ([line(name="")], "has an empty part"),
        ([line(name=None)], "not a line"),
        ([line(name="a"), line(name="A")], "a name is there twice"),
        ([line(name="b"), line(name="a")], "out of order"),
        ([line(name="a"), line(name="a")], "a name is there twice"),
        ([line(sha256=SHA256[1:])], "not a line"),
        ([line(sha256="../../x")], "not a line"),
        ([line(size=-1)], "not a line"),
        ([line(size=True)], "not a line"),
        ([line(more=1)], "not a line"),
        ([line().replace(b": ", b":")], "not a line"),
        ([line()[:-1]], "not a line"),
        ([line(), b"\n"], "not a line"),
        ([b"[" * 100_000], "not a line"),
        ([line(name="x" * 20_000)], "not a line"),
        ([b"\xff\n"], "not a line"),
        ([line().replace(b'"a"', b'"\\ud800"')], "not a line|holds"),
        ([line(), line(name="b")], "other counts"),
        ([line(size=2)], "other counts"),
        ([], "other counts"),
    ],
)
def test_what_no_export_wrote_is_refused(lines: list[bytes], told: str) -> None:
    with pytest.raises(DocumentError, match=told.strip()):
        read(TITLE + b"".join(lines), 1, 1)


def test_a_list_is_the_one_that_the_version_says() -> None:
    text = TITLE + line()
    with pytest.raises(DocumentError, match="it was altered"):
        list(read_list(io.BytesIO(text), FileList(1, 1, SHA256, len(text))))
    with pytest.raises(DocumentError, match="it is none"):
        read(b"-- Demo Data Export\n", 1, 1)


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "ä/ö.txt", ".hidden/x", "COM.txt", "console", "a b", "x" * 255, "日本.png", "a..b"],
)
def test_names_that_every_system_takes(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *("CON", "nul.txt", "a/Com1.log", "a:b", "a\0b", "a\nb", "a ", "a.", "x" * 256),
        *("é" * 128, "a//b", "a/", "./a", "..", ".a.tmp-0123456789abcdef", "a\u2028b", "a?b"),
    ],
)
def test_names_that_some_system_does_not_take(name: str) -> None:
    assert name_fault(name) is not None
