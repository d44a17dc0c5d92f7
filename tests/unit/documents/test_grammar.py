"""What each kind of column takes as it is, and what it would refuse or change in silence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from demo_snapshots.documents.sql.grammar import Fault, RowGrammar
from demo_snapshots.documents.sql.statements import ANY_LOOKUP
from demo_snapshots.model.tables import Affinity, Column, Kind
from demo_snapshots.rows.literals import encode

BINARY = encode(b"X'00FF'").decode()
ODD = encode(b"'a\rb'").decode()
NUL = encode(b"CAST(X'6100' AS CHAR)").decode()

Case = tuple[Kind, dict[str, Any], str, str]
"""Kind and facets of a column; then what it takes and what it does not, between spaces."""

TYPED: list[Case] = [
    (Kind.INTEGER, {}, "0 -1 9223372036854775807 NULL", "1.0 1.5 1e3 '1' TRUE +1 - 0x10 ''"),
    (Kind.INTEGER, {"nullable": False}, "0", "NULL"),
    (Kind.INTEGER, {"unsigned": True}, "1 18446744073709551615", "-1 1.5"),
    (Kind.INTEGER, {"bits": 16}, "-32768 32767", "100000 -100000 1.0"),
    (Kind.DECIMAL, {}, "1 -1.50 1e5 123456789012345678901234567890.123", "'1' TRUE 1. .5 'NaN'"),
    (Kind.DECIMAL, {"extended": True}, "1 'NaN' 'Infinity' '-Infinity'", "'nan' 'inf' NaN"),
    (
        Kind.DECIMAL,
        {"precision": 5, "scale": 2},
        "0 999.99 -999.99 1.5 1.500 0001.5 0.05",
        "1000 1.555 1e2 1. - '1.5' TRUE",
    ),
    (Kind.DECIMAL, {"precision": 3, "scale": 0}, "999 999.000 -1", "1000 1.5 0.1"),
    (Kind.DECIMAL, {"precision": 2, "scale": 2}, "0.25 0", "1.0 0.255"),
    (Kind.FLOAT, {}, "0.1 1 -1.5e300 0.30000000000000004 5e-324", "'1' TRUE 'NaN' 1. .5 NaN"),
    (Kind.FLOAT, {}, "0.00012345678901234567", "0.1234567890123456789"),
    (Kind.FLOAT, {}, "'-0' -0 -0.0", "'0' '-0.0' '-1' '-0''"),
    (Kind.FLOAT, {"bits": 32}, "0.1 1.23456789 3.4e38", "1.2345678901"),
    (Kind.FLOAT, {"extended": True}, "'NaN' 'Infinity' '-Infinity' 1", "'-NaN' 'infinite'"),
    (Kind.BOOLEAN, {}, "TRUE FALSE 0 1 NULL", "2 -1 't' 'true' '1' 1.0 true"),
    (Kind.TEXT, {}, f"'' 'a' 'it''s' {ODD} {NUL}", f"1 TRUE 1.5 {BINARY} a 'a 'it's' E'a'"),
    (Kind.TEXT, {"nullable": False}, "''", "NULL"),
    (Kind.TEXT, {"nul": False}, f"'a' {ODD}", NUL),
    (Kind.BINARY, {}, BINARY, "'a' 1 TRUE '' X'00' X'0' '\\x00'"),
    (
        Kind.UUID,
        {},
        "'3f2a9c41-d0be-4a6e-9d5c-0123456789ab' '3F2A9C41-D0BE-4A6E-9D5C-0123456789AB'",
        "'3f2a9c41d0be4a6e9d5c0123456789ab' '' 1 'x' '3f2a9c41-d0be-4a6e-9d5c-0123456789ag'",
    ),
    (Kind.JSON, {}, "'{}' '[1,2]'", "1 TRUE"),
    (Kind.NATIVE, {}, "'[1,10)' '127.0.0.1/32'", "1 TRUE"),
    (
        Kind.DATE,
        {},
        "'2025-01-15'",
        "'2025-01-15T10:00:00' '2025-1-5' 20250115 '' '0044-03-15BC' 'infinity'",
    ),
    (
        Kind.DATE,
        {},
        "'2024-02-29' '2000-02-29' '0400-02-29' '2025-12-31' '0000-00-00' '2024-00-31'",
        "'2024-02-30' '2023-02-29' '1900-02-29' '0000-02-29' '2025-04-31' '2025-01-32'",
    ),
    (
        Kind.DATE,
        {"extended": True},
        "'infinity' '-infinity' '12025-01-15' '12000-02-29'",
        "'Infinity' '12025-02-29' '11900-02-29'",
    ),
    (
        Kind.TIME,
        {"precision": 0},
        "'10:00:00' '-838:59:59' '10:00:00.000'",
        "'10:00:00.5' '10:00:00+01' 10 'infinity'",
    ),
    (
        Kind.TIMESTAMP,
        {"precision": 3},
        "'2025-01-15T10:00:00' '2025-01-15T10:00:00.123' '2025-01-15T10:00:00.123000'",
        "'2025-01-15T10:00:00.1234' '2025-01-15T10:00:00Z' '2025-01-15T10:00:00+00:00'",
    ),
    (
        Kind.TIMESTAMP,
        {},
        "'2025-01-15T10:00:00.123456' '2025-01-15T10:00' '2025-01-15'",
        "'2025-01-15T10:00:00.1234567' 'now' 1736935200 'infinity' '10:00:00'",
    ),
    (Kind.TIMESTAMP, {"precision": 0}, "'2025-01-15T10:00:00'", "'2025-01-15T10:00:00.1'"),
    (
        Kind.TIMESTAMPTZ,
        {"extended": True},
        "'2025-01-15T10:00:00' 'infinity' '-infinity'",
        "'2025-01-15T10:00:00+00' '2025-01-15T10:00:00Z' 'today'",
    ),
]

ANY = f"NULL TRUE FALSE 0 -1 1.5 1e5 '' 'a' {ODD} {NUL} {BINARY}"
INT64 = "9223372036854775807 -9223372036854775808"
BEYOND = "9223372036854775808 -9223372036854775809 10000000000000000000"
LOOKS = "'1' '-1' '1.5' '1e5' '+.5' '1.'"

DYNAMIC: list[Case] = [
    (Kind.TEXT, {"affinity": Affinity.TEXT}, f"'a' '1' {ODD} {NUL} {BINARY} NULL", "1 1.5 TRUE"),
    (
        Kind.INTEGER,
        {"affinity": Affinity.INTEGER},
        f"0 {INT64} 1.5 'a' '' '1a' {BINARY} {ODD}",
        f"{BEYOND} {LOOKS} +1 a",
    ),
    (Kind.INTEGER, {"affinity": Affinity.INTEGER, "nullable": False}, "1", "NULL"),
    (Kind.DECIMAL, {"affinity": Affinity.NUMERIC}, f"1.5 {INT64} 'a' 'NaN'", f"{BEYOND} {LOOKS}"),
    (Kind.FLOAT, {"affinity": Affinity.REAL}, f"1.5 1e300 'a' {BINARY}", LOOKS),
    (Kind.TIMESTAMP, {"affinity": Affinity.NUMERIC}, "'2025-01-15T10:00:00.1234567+01' 1", LOOKS),
    (Kind.JSON, {"affinity": Affinity.NUMERIC}, "'{}' '[1]' '\"a\"' 'x'", LOOKS),
    (Kind.BOOLEAN, {"affinity": Affinity.NUMERIC}, "TRUE FALSE 1 2 'yes'", LOOKS),
    (Kind.NATIVE, {"affinity": Affinity.BLOB}, f"{LOOKS} {ANY} {INT64}", f"{BEYOND} X'00'"),
]


def literals(text: str) -> Iterator[str]:
    """The literals between the spaces of ``text``."""
    text = text.replace(BINARY, "<b>").replace(ODD, "<o>").replace(NUL, "<n>")
    for word in text.split(" "):
        yield {"<b>": BINARY, "<o>": ODD, "<n>": NUL}.get(word, word)


def verdicts() -> Iterator[tuple[Kind, dict[str, Any], str, bool]]:
    for kind, facets, taken, refused in TYPED + DYNAMIC:
        for text, verdict in ((taken, True), (refused, False)):
            for literal in literals(text):
                yield kind, facets, literal, verdict


def grammar(*columns: Column) -> RowGrammar:
    return RowGrammar([(each.name, each.kind, each) for each in columns])


def takes(column: Column, literal: str | bytes, source: Kind | None = None) -> bool:
    given = literal.encode() if isinstance(literal, str) else literal
    row = b"(" + given + b");\n"
    found = RowGrammar([(column.name, source or column.kind, column)])
    matched = found.match(row, 0) == len(row)
    assert matched or found.match(row, 0) == 0
    return matched


def test_days_before_christ_have_leap_years_of_their_own() -> None:
    column = Column("at", Kind.TIMESTAMP, extended=True)
    assert takes(column, "'0001-02-29 12:00:00 BC'")
    assert not takes(column, "'0001-02-29 12:00:00'")
    assert not takes(Column("at", Kind.TIMESTAMP), "'0001-02-29 12:00:00 BC'")


def test_negative_zero_is_a_number_to_a_column_of_numbers() -> None:
    def cell(affinity: Affinity, source: Kind = Kind.FLOAT) -> bool:
        column = Column("a", source, affinity=affinity)
        rows = RowGrammar([("a", source, column)], typed_cells=False)
        return rows.takes(b"('-0')")

    assert [affinity for affinity in Affinity if cell(affinity)] == [
        *(Affinity.INTEGER, Affinity.NUMERIC, Affinity.REAL)
    ]
    assert cell(Affinity.TEXT, Kind.TEXT)


def test_rows_that_something_ends_and_rows_that_nothing_does() -> None:
    rows = grammar(Column("a", Kind.INTEGER), Column("b", Kind.TEXT, nullable=False))
    special = ODD.encode()
    for good in (b"(1,'x')", b"(1,'x'),\n(2,'y')", b"(1," + special + b"),\n(2,'y')"):
        assert rows.takes(good)
        assert rows.match(good + b";\n", 0) == len(good) + 2
    for bad, culprit in ((b"(1,NULL)", "b"), (b"('1'," + special + b")", "a")):
        assert not rows.takes(b"(1,'x'),\n" + bad)
        assert not rows.takes(bad + b",\n(1,'x')")
        assert rows.culprit(bad) == culprit
    assert rows.culprit(b"(1,'x')") is None
    assert not rows.takes(b"(1,'x'),\n;")


@pytest.mark.parametrize(("kind", "facets", "literal", "verdict"), list(verdicts()))
def test_a_column_takes_only_what_it_keeps(
    kind: Kind, facets: dict[str, Any], literal: str, verdict: bool
) -> None:
    assert takes(Column("c", kind, **facets), literal) is verdict


@pytest.mark.parametrize(("kind", "facets", "literal", "verdict"), list(verdicts()))
def test_the_verdict_does_not_depend_on_the_rows_around(
    kind: Kind, facets: dict[str, Any], literal: str, verdict: bool
) -> None:
    """Beside a row of the usual forms and one of the others, so that both patterns are at work."""
    anything = Column("d", Kind.NATIVE, affinity=Affinity.BLOB)
    rows = [b"(%b,1),\n", b"(%b," + BINARY.encode() + b"),\n", b"(%b,'x');\n"]
    found = grammar(Column("c", kind, **facets), anything)
    text = b"".join(row % literal.encode() for row in rows)
    position = 0
    while (end := found.match(text, position)) > position:
        position = end
    assert position == (len(text) if verdict else 0)


@pytest.mark.parametrize(
    "moment", ["'2025-01-15 10:00:00'", "'2025-01-15 10:00:00.123456'", "'0044-03-15 10:00:00 BC'"]
)
def test_moments_have_a_space_between_day_and_clock(moment: str) -> None:
    christian = not moment.endswith("BC'")
    assert takes(Column("c", Kind.TIMESTAMP), moment) is christian
    assert takes(Column("c", Kind.TIMESTAMP, extended=True), moment)
    assert takes(Column("c", Kind.DATE), moment) is False


@pytest.mark.parametrize("looks", ["' 1'", "'1 '", "'\t1\n'", "' -1.5e+3 '"])
def test_a_number_in_blanks_looks_numeric_too(looks: str) -> None:
    assert not takes(Column("c", Kind.NATIVE, affinity=Affinity.NUMERIC), looks)
    assert takes(Column("c", Kind.TEXT, affinity=Affinity.TEXT), looks)


@pytest.mark.parametrize(
    ("length", "text", "verdict"),
    [
        (3, "abc", True),
        (3, "abcd", False),
        (3, "äöü", True),
        (3, "äöüß", False),
        (3, "🚀🚀🚀", True),
        (3, "🚀🚀🚀🚀", False),
        (3, "'''", True),
        (3, "''''", False),
        (3, "a''", True),
        (3, "abc ", False),
        (3, "", True),
        (0, "", True),
        (0, "a", False),
        (3, "a\r\n", True),
        (3, "a\r\n ", False),
        (3, "é\r\\", True),
        (3, "é\r\\\\", False),
        (3, "\x01''", True),
        (3, "\x01'''", False),
        (3, "\r🚀ß", True),
    ],
)
def test_length_counts_characters(length: int, text: str, verdict: bool) -> None:
    column = Column("c", Kind.TEXT, length=length)
    literal = encode(b"'" + text.replace("'", "''").encode() + b"'")
    assert takes(column, literal) is verdict


def test_a_decimal_into_a_float_has_the_digits_a_float_keeps() -> None:
    double, single = Column("c", Kind.FLOAT), Column("c", Kind.FLOAT, bits=32)
    assert takes(double, "0.123456789012345", Kind.DECIMAL)
    assert not takes(double, "0.12345678901234567", Kind.DECIMAL)
    assert takes(double, "0.000123456789012345", Kind.DECIMAL)
    assert not takes(double, "0.1234567890123456", Kind.DECIMAL)
    assert takes(double, "999999999999999", Kind.DECIMAL)
    assert not takes(double, "9999999999999999", Kind.DECIMAL)
    assert takes(single, "1.23456", Kind.DECIMAL)
    assert not takes(single, "1.2345678", Kind.DECIMAL)


@pytest.mark.parametrize("literal", list(literals(ANY + " " + LOOKS + " " + BEYOND)))
def test_without_a_target_any_literal_will_do(literal: str) -> None:
    row = f"({literal});\n".encode()
    assert RowGrammar([("c", Kind.INTEGER, None)]).match(row, 0) == len(row)


@pytest.mark.parametrize(
    "what",
    [
        *("now()", "(SELECT 1)", "1+1", "'a'||'b'", "1 ", " 1", "/**/1", "1--", "X'00'", "null"),
        *("x'00'", "true", "DEFAULT", "'a' 'b'", '"a"', "a", "$1", "?", "'a", "E'a'", "", "1,1"),
        *("CURRENT_TIMESTAMP", "CAST('1' AS CHAR)", "'a'::text", "@@version", "-", "--1", "1_000"),
        *("0x1F", "1e", "1.", ".5", "Infinity", "N'a'", "_utf8'a'", "b'1'", "\n1", "1\n", "NULL "),
    ],
)
def test_nothing_but_a_literal_is_a_value(what: str) -> None:
    row = f"({what});\n".encode()
    assert RowGrammar([("c", Kind.NATIVE, None)]).match(row, 0) == 0


@pytest.mark.parametrize(
    "row",
    [
        *("(1);", "(1)\n", "(1);;\n", "(1) ;\n", "( 1);\n", "(1); \n", "[1];\n", "1;\n"),
        *("(1),(2);\n", "(1,1);\n", "();\n", "((1));\n", "(1),\n\n(2);\n"),
    ],
)
def test_a_row_stands_on_a_line_of_its_own(row: str) -> None:
    text = row.encode()
    assert RowGrammar([("c", Kind.NATIVE, None)]).match(text, 0) < len(text)


ROW = (
    "(" + ",".join(["1", "-2.5e10", "'it''s'", ODD, BINARY, NUL, "NULL", "1" * 200]) + ")"
).encode()
EIGHT = [(f"c{n}", Kind.NATIVE, None) for n in range(8)]


@pytest.mark.parametrize("end", [b",\n", b";\n"])
def test_a_row_cut_anywhere_may_go_on(end: bytes) -> None:
    found, text = RowGrammar(EIGHT), ROW + end
    for cut in range(len(text)):
        assert found.match(text[:cut], 0) == 0
        assert found.fault(text[:cut], 0) is None, text[:cut]
    assert found.match(text, 0) == len(text)


def test_long_values_cut_anywhere_may_go_on() -> None:
    found = RowGrammar([("c", Kind.NATIVE, None)])
    for value in (b"'" + b"x''" * 60 + b"'", encode(b"'" + b"\r" * 90 + b"'"), b"-" + b"1" * 90):
        text = b"(" + value + b");\n"
        for cut in range(len(text)):
            assert found.fault(text[:cut], 0) is None, text[:cut]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (b"(1,2.5,3);\n", Fault(3, "b")),
        (b"(1,2,'x');\n", Fault(5, "c")),
        (b"(now(),2,3);\n", Fault(1)),
        (b"DROP TABLE t;\n", Fault(0)),
        (b"\n", Fault(0)),
        (b"(1,2,3)\n;", Fault(7)),
        (b"(1,2);\n", Fault(3)),
        (b"(1,2,3,4);\n", Fault(5)),
    ],
)
def test_a_fault_says_where_and_in_which_column(row: bytes, fault: Fault) -> None:
    found = grammar(*(Column(name, Kind.INTEGER) for name in "abc"))
    assert found.fault(row + b" " * 100, 0) == fault


@pytest.mark.parametrize(("kind", "affinity"), list(product(Kind, [None, *Affinity])))
def test_every_kind_has_a_grammar_that_knows_null(kind: Kind, affinity: Affinity | None) -> None:
    assert takes(Column("c", kind, affinity=affinity), "NULL")
    assert not takes(Column("c", kind, nullable=False, affinity=affinity), "NULL")
    assert not takes(Column("c", kind, affinity=affinity), "now()")


@pytest.mark.parametrize(
    "key", ["'DE'", "'it''s (here)'", ODD, NUL, BINARY, "12345678901234567890"]
)
def test_a_reference_by_natural_key_cut_anywhere_may_go_on(key: str) -> None:
    found = RowGrammar([("a", Kind.INTEGER, None), ("b", Kind.TEXT, None)], {"a": ANY_LOOKUP})
    where = f"iso_code={key} AND \"Number of ) the country\"=1 AND name='x\ny;'"
    row = f"(\n(SELECT id FROM countries WHERE {where})\n,'x');\n".encode()
    for cut in range(len(row)):
        assert found.match(row[:cut], 0) == 0
        assert found.fault(row[:cut], 0) is None, row[:cut]
    assert found.match(row, 0) == len(row)


def test_a_reference_by_natural_key_stands_only_where_it_may() -> None:
    row = b"(1,\n(SELECT id FROM countries WHERE iso='DE')\n);\n" + b" " * 100
    columns = [("a", Kind.INTEGER, None), ("b", Kind.INTEGER, None)]
    assert RowGrammar(columns, {"a": ANY_LOOKUP}).match(row, 0) == 0
    assert RowGrammar(columns, {"a": ANY_LOOKUP}).fault(row, 0) == Fault(3)
