"""A version as CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from decimal import Decimal

from hostile_values import HOSTILE

from demo_snapshots.model.changes import Value
from demo_snapshots.model.tables import Column, Kind, Table
from demo_snapshots.render.version.csv import csv_of, file_names

TABLE = Table(
    "t", tuple(Column(name, Kind.TEXT) for name in ("id", "a,b", 'c"d', "e\nf")), key=("id",)
)


def test_null_and_empty_text_are_told_apart():
    rows: list[tuple[Value, ...]] = [
        (1, None, "", "x"),
        (Decimal("1.50"), True, b"\x00\xff", 'say "a", b\r\nc'),
    ]
    assert "".join(csv_of(TABLE, rows, Counter())) == (
        '"id","a,b","c""d","e\nf"\r\n1,,"","x"\r\n1.50,true,"\\x00ff","say ""a"", b\r\nc"\r\n'
    )


def test_any_text_is_read_back_by_an_rfc_4180_reader():
    values = [value for value in HOSTILE if "\0" not in value]
    rows = [(n, value, value, value) for n, value in enumerate(values)]
    text = "".join(csv_of(TABLE, rows, Counter()))
    csv.field_size_limit(1_000_000)
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert [row[1] for row in read[1:]] == values


def test_texts_that_look_like_formulas_are_counted_and_left_alone():
    formulas: Counter[str] = Counter()
    rows = [
        (n, text, None, "a=b") for n, text in enumerate(["=1+1", "+49", "-1", "@x", "\t=", "x"])
    ]
    text = "".join(csv_of(TABLE, rows, formulas))
    assert '0,"=1+1",' in text
    assert formulas == {"a,b": 5}


def test_numbers_are_no_formulas():
    formulas: Counter[str] = Counter()
    assert "".join(csv_of(TABLE, [(-1, Decimal("-1.5"), None, None)], formulas)).endswith(
        "-1,-1.5,,\r\n"
    )
    assert not formulas


def test_no_table_s_name_leads_out_of_the_directory():
    names = ["todos", "../etc/passwd", "a/b", "..", "TODOS", "Ü b", "nul\0", "con:x"]
    files = file_names(Table(name, ()) for name in names)
    assert files["todos"] == "todos.csv"
    assert files["../etc/passwd"] == "..%2Fetc%2Fpasswd.csv"
    assert files["TODOS"] == "TODOS%2.csv"
    assert len({name.lower() for name in files.values()}) == len(names)
    assert not any(set(name) & set("/\\:\0 ") for name in files.values())
