"""Documents in JSON and YAML: what they say, and that nothing is lost on the way."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from golden.examples import FILES
from unit.documents.documents import header, in_format_1, read, rows_of, table, text, write
from unit.documents.forms import JSON, SQL, YAML, as_form, digest_of, events_of

from demo_snapshots.documents.converting import renumber
from demo_snapshots.documents.json.reader import json_items
from demo_snapshots.documents.opening import describe_whole, read_tail
from demo_snapshots.documents.protocol import Included, Rows, any_literals
from demo_snapshots.documents.translation import TranslatedDocument
from demo_snapshots.documents.values import is_kept
from demo_snapshots.documents.yaml.reader import yaml_items
from demo_snapshots.errors import DocumentError, UnfitValueError
from demo_snapshots.model.snapshots import DocumentForm, Version
from demo_snapshots.model.tables import Column, Kind, Table

GOLDEN = sorted(FILES.glob("format[12]/*.sql"))
SCHEMA = json.loads(
    resources.files("demo_snapshots.documents.json").joinpath("schema-1.json").read_text("utf-8")
)
EVERYDAY = (FILES / "format2/everyday.sql").read_bytes()
OUTSIDE = (FILES / "format2/outside.sql").read_bytes()
TODOS = table("todos", text(), Column("price", Kind.DECIMAL), Column("data", Kind.BINARY))


def todos(*rows: bytes) -> bytes:
    return write([(TODOS, rows)])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_form_holds_the_same(path: Path) -> None:
    document = path.read_bytes()
    in_sql = as_form(document, SQL)
    assert (in_sql == document) == (path.parent.name == "format2")
    in_json = as_form(document, JSON)
    in_yaml = as_form(document, YAML)
    if len(document) < 10_000:
        jsonschema.validate(json.loads(in_json), SCHEMA)
    assert as_form(in_json, YAML) == in_yaml
    assert as_form(in_yaml, JSON) == in_json
    assert as_form(in_yaml, SQL) == as_form(in_json, SQL) == in_sql
    assert digest_of(in_yaml) == digest_of(in_json) == digest_of(in_sql)
    assert rows_of(events_of(in_yaml)) == rows_of(events_of(in_json)) == rows_of(read(document))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_what_json_says() -> None:
    special = b"it's\r\n\0"
    in_json = json.loads(
        as_form(
            todos(
                b"(1,'it''s \xf0\x9f\x9a\x80',10.5,X'00FF')",
                b"(2,CAST(X'" + special.hex().upper().encode() + b"' AS CHAR),10.50,NULL)",
            ),
            JSON,
        )
    )
    assert in_json["rows"]["todos"] == [
        {"id": 1, "name": "it's 🚀", "price": 10.5, "data": {"$bytes": "AP8="}},
        {"id": 2, "name": "it's\r\n\0", "price": {"$number": "10.50"}, "data": None},
    ]
    outside = json.loads(as_form(OUTSIDE, JSON))
    assert outside["rows"]["people"][1]["country_id"] == {
        "$ref": {"table": "languages", "column": "id", "key": {"it's": "de", "region": 1}}
    }
    everyday = json.loads(as_form(EVERYDAY, JSON))
    assert everyday["rows"]["vaults"][0]["metadata"] == {
        "$json": {"demo_seed": True, "scenario": "general"}
    }


def test_what_yaml_says() -> None:
    in_yaml = as_form(todos(b"(1,'two\nlines',10.50,NULL)", b"(2,'yes',1e5,NULL)"), YAML)
    assert in_yaml.decode().partition("rows:\n")[2].partition("digest")[0] == (
        "  todos:\n"
        "    - id: 1\n      name: |-\n        two\n        lines\n      price: 10.50\n"
        "      data: null\n"
        '    - id: 2\n      name: "yes"\n      price: 1e5\n      data: null\n'
    )


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        *(
            (text, True)
            for text in [
                "0",
                "1",
                "-1",
                "9007199254740992",
                "0.1",
                "-2.5",
                "5e-324",
                "1e+22",
                "1.5e+300",
            ]
        ),
        *(
            (text, False)
            for text in [
                "-0",
                "-0.0",
                "0.0",
                "1.0",
                "1.10",
                "9007199254740993",
                "007",
                "1e5",
                "1E+22",
            ]
        ),
        *((text, False) for text in ["1e+16", "1e-05", "1e-07", "0.1000000000000000055", "1e999"]),
    ],
)
def test_a_number_is_one_where_doubles_keep_it_and_spell_it_so(number: str, kept: bool) -> None:
    assert is_kept(number) == kept
    if kept:
        assert json.dumps(json.loads(number)) == number


def relaid(document: bytes) -> Iterator[bytes]:
    """The same JSON, laid out by other hands."""
    content = json.loads(document)
    yield json.dumps(content, indent=3).encode()
    yield json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()
    yield document.replace(b"\n", b"\r\n")


def test_json_may_be_laid_out_otherwise(tmp_path: Path) -> None:
    document = as_form(EVERYDAY, JSON)
    for other in relaid(document):
        assert as_form(other, SQL) == EVERYDAY
        (tmp_path / "x.json").write_bytes(other)
        assert read_tail(tmp_path / "x.json").digest == digest_of(document)


def test_yaml_may_be_written_otherwise(tmp_path: Path) -> None:
    document = as_form(EVERYDAY, YAML)
    dumped = yaml.safe_dump(yaml.safe_load(document), sort_keys=False, allow_unicode=True, width=40)
    commented = b"# Mine\n\n---\n" + document.replace(b"rows:", b"rows: # all") + b"# the end\n"
    for other in (dumped.encode(), commented, document.replace(b"\n", b"\r\n")):
        assert as_form(other, SQL) == EVERYDAY
        (tmp_path / "x.yaml").write_bytes(other)
        assert read_tail(tmp_path / "x.yaml").digest == digest_of(document)


def test_names_longer_than_yaml_takes_on_a_line() -> None:
    long = "n" * 3000
    wide = Table(long, (Column("id", Kind.INTEGER), Column(long, Kind.JSON)), ("id",))
    rows = [b'(1,\'{"%s": {"a": 1}}\')' % long.encode(), b"(2,NULL)"]
    document = write([(wide, rows)])
    in_yaml = as_form(document, YAML)
    assert as_form(in_yaml, SQL) == document
    assert as_form(as_form(in_yaml, JSON), SQL) == document


@pytest.mark.parametrize("items", [json_items, yaml_items])
@pytest.mark.parametrize("step", [1, 7, 100])
def test_it_is_read_however_the_stream_comes(items: Any, step: int) -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(step)

    document = as_form(EVERYDAY, JSON if items is json_items else YAML)
    opened = TranslatedDocument(items(Trickle(document)))
    assert rows_of(opened.rows(any_literals)) == rows_of(read(EVERYDAY))


@pytest.mark.parametrize("form", [JSON, YAML])
def test_an_unfit_value_is_told_with_the_line_of_its_row(form: DocumentForm) -> None:
    rows = [b"(%d,'a\nb',1.5,NULL)" % number for number in range(700)]
    rows[650] = b"(650,'many',1.5,NULL)"
    document = as_form(todos(*rows), form)
    target = table(
        "todos", text(length=3), Column("price", Kind.DECIMAL), Column("data", Kind.TEXT)
    )
    with pytest.raises(UnfitValueError, match=r"todos\.name would not take") as caught:
        events_of(document, {"todos": target}.__getitem__)
    begins = document.index(b'{"id": 650,' if form is JSON else b"- id: 650\n")
    assert caught.value.line == document.count(b"\n", 0, begins) + 1


@pytest.mark.parametrize("form", [JSON, YAML])
def test_another_number_and_nothing_else(form: DocumentForm, tmp_path: Path) -> None:
    document = as_form(OUTSIDE, form)
    out = io.BytesIO()
    renumber(io.BytesIO(document), out, Version.parse("v7_2025-01-15"))
    assert out.getvalue() == document.replace(b"v1_2025-01-15", b"v7_2025-01-15", 1)
    (tmp_path / "x").write_bytes(gzip.compress(out.getvalue()))
    found = describe_whole(tmp_path / "x")
    assert (found.form, found.header.version.number) == (form, 7)
    assert found.digest == digest_of(OUTSIDE)


def test_a_document_of_format_1_has_the_digest_of_format_2() -> None:
    rows = [b"(%d,'x',1,NULL)" % number for number in range(2000)]
    document = todos(*rows)
    old = in_format_1(document)
    assert digest_of(old) != digest_of(document)
    assert as_form(old, JSON) == as_form(document, JSON)
    assert as_form(old, SQL) == document


def test_included_rows_are_told_apart() -> None:
    events = events_of(as_form(OUTSIDE, YAML))
    assert [type(event) for event in events][:3] == [Included, Included, Rows]
    with pytest.raises(DocumentError, match="which the configuration does not include"):
        list(TranslatedDocument(json_items(io.BytesIO(as_form(OUTSIDE, JSON)))).rows(any_literals))


def test_lines_of_a_header_that_nobody_knows_are_kept() -> None:
    document = write([(TODOS, [])], {"extra": (("Note", "kept: as it is"), ("Note", "twice"))})
    assert json.loads(as_form(document, JSON))["other"][0] == ["Note", "kept: as it is"]
    assert as_form(as_form(document, YAML), SQL) == document
    assert header((TODOS, 0)).format == 2
