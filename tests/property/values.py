"""Values of every kind a row can hold, chosen to be awkward, and their raw literals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import strategies as st

PIECES = [
    *(
        "'",
        "''",
        '"',
        "\\",
        "\\'",
        "\\x00",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "\0",
        "\x01",
        "\x1b[31m",
        "\x7f",
    ),
    *(
        "),\n(",
        ";\n",
        ");\n",
        "--",
        "-- */ ",
        "/*",
        "*/",
        "/* /* */ ",
        "/*!40101 ",
        "#",
        "$$",
        "%s",
    ),
    *("X'00'", "CAST(X'41' AS CHAR)", "E'\\n'", "NULL", "TRUE", "1", " ", ".", ":x", "?"),
    *(
        "é",
        "ß",
        "\u0301",
        "\u2028",
        "\u202e",
        "\ufeff",
        "\ufffd",
        "\U0001f469\u200d\U0001f680",
        "\U0010ffff",
    ),
    "\n-- Export completed successfully\n",
    "INSERT INTO t (id) VALUES\n(1);\n",
]


def texts(max_size: int = 12) -> st.SearchStrategy[str]:
    """Text of any characters UTF-8 can hold, with a liking for what could end a literal."""
    any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=max_size)
    return st.lists(st.one_of(st.sampled_from(PIECES), any_text), max_size=6).map("".join)


VALUES: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**130), 10**130),
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.floats(allow_nan=False, allow_infinity=False),
    texts(),
    st.binary(max_size=80),
)


INT64 = st.integers(-(2**63), 2**63 - 1)

CELLS: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    INT64,
    # With digits after the point: without them it would be an integer.
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.floats(allow_nan=False, allow_infinity=False),
    texts(),
    st.binary(max_size=80),
)
"""What a cell of SQLite can hold: integers have 64 bits there."""


def literal(value: object) -> bytes:
    """``value`` as it stands in a raw row."""
    match value:
        case None:
            return b"NULL"
        case bool():
            return b"TRUE" if value else b"FALSE"
        case bytes():
            return b"X'" + value.hex().upper().encode() + b"'"
        case str() if "\0" in value:
            return b"CAST(X'" + value.encode().hex().upper().encode() + b"' AS CHAR)"
        case str():
            return b"'" + value.replace("'", "''").encode() + b"'"
        case float():
            return repr(value).encode()
        case Decimal():
            return format(value, "f").encode()
        case _:
            return str(value).encode()


def row(values: Sequence[object]) -> bytes:
    return b"(" + b",".join(literal(value) for value in values) + b")"
