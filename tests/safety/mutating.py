"""Documents that were tampered with: a good one, and a few changes that know its grammar.

A ``Tampering`` is plain numbers, so that Hypothesis can make it smaller when it finds something;
``apply`` is pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

_TOKEN = re.compile(
    rb"'(?:[^']|'')*'|-- [^\n]*|/\*!?|\*/|[A-Za-z_][A-Za-z_0-9]*|[0-9.]+|\s+|.", re.DOTALL
)

LITERALS = [
    *(b"NULL", b"TRUE", b"FALSE", b"0", b"-0", b"1", b"2", b"3", b"7", b"1001", b"1002", b"999"),
    *(b"-1", b"2147483648", b"9223372036854775807", b"9223372036854775808", b"1e309", b"1.5"),
    *(b"0.1000000000000000055511151231257827", b"1e-400", b"00", b"0x10", b"1.", b".5", b"+1"),
    *(b"''", b"'x'", b"''''", b"'Demo 1'", b"'s3nsitive'", b"'a\\'", b"'\\'", b"'a''b'"),
    *(b"'--'", b"'/*'", b"'*/'", b"');'", b"'a\nb'", b"'\n'", b"'\xf0\x9f\x90\x98'"),
    *(b"'2025-01-15 10:00:00'", b"'2025-02-30 10:00:00'", b"'now'", b"'NaN'", b"'Infinity'"),
    *(b"'" + b"x" * 41 + b"'", b"'" + b"9" * 70 + b"'", b"'{\"demo_seed\": true}'", b"'{}'"),
    *(b"'{\"demo_seed\": false}'", b'\'{"demo_seed": 1, "scenario": "other"}\'', b"'{'", b"'7'"),
    *(b"\n/* /* */ X'00' -- */ '\\x00'\n", b"\n/* /* */ CAST(X'0D' AS CHAR) -- */ E'\\r'\n"),
    *(b"\n/* /* */ X'00' -- */ '\\xFF'\n", b"X'00'", b"E'\\n'", b"$$x$$", b"'a' 'b'", b"U&'x'"),
]
HOSTILE = [
    *(b"DROP TABLE visits;", b"\nDROP TABLE visits;\n", b"DELETE FROM visits;", b"; DELETE FROM"),
    *(b"UPDATE visits SET who='x';", b"UPDATE vaults SET visited=9 WHERE id=1001;\n", b"COMMIT;"),
    *(b"\nCOMMIT;\n", b"ROLLBACK;", b"BEGIN;", b"ATTACH 'x' AS y;", b"PRAGMA foreign_keys=OFF;"),
    *(b"/*!50000 DROP TABLE visits */;", b"/* /* */ -- */ DROP TABLE visits;\n", b"/*", b"*/"),
    *(
        b"--",
        b"-- x\n",
        b"\n.shell true\n",
        b"\n\\! true\n",
        b"\\.",
        b"\n\\.\n",
        b"\0",
        b"\r",
        b"\r\n",
    ),
    *(b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x1b[2J", b"\x07", b"\xe2\x80\xae"),
    *(b"(SELECT name FROM vaults WHERE id=1001)", b"\n(SELECT id FROM vaults WHERE name='x')\n"),
    *(b"pg_sleep(9)", b"load_extension('x')", b"randomblob(9)", b"1+1", b"'a'||'b'", b"id", b"?"),
    *(
        b"$1",
        b"%s",
        b"@@version",
        b"CURRENT_USER",
        b"DEFAULT",
        b"CAST(1 AS CHAR)",
        b"(",
        b")",
        b",",
    ),
    *(b"(" * 50, b"[" * 5000, b";", b"'", b'"', b"`", b"\n", b" ", b"\t", b"INSERT INTO visits"),
    *(
        b"INSERT INTO visits (id, vault_id, who) VALUES\n(1,1,'x');\n",
        b"visits",
        b"vaults",
        b"notes",
    ),
    *(b"sqlite_schema", b"pg_catalog.pg_class", b" OR 1=1", b" WHERE id=1001", b" ON CONFLICT DO"),
    *(
        b"TRUNCATE visits;",
        b"VALUES",
        b"UNION ALL SELECT",
        b"<<<<<<< HEAD\n",
        b"-- Total Vaults: 9\n",
    ),
]


@dataclass(frozen=True)
class Change:
    """``kind`` chooses what is done; the numbers say where and with what, modulo what there is."""

    kind: int
    at: int
    other: int

    def __call__(self, document: bytes) -> bytes:
        return _KINDS[self.kind % len(_KINDS)](document, self.at, self.other)


@dataclass(frozen=True)
class Tampering:
    """Changes to one of several documents, and what the tamperer puts right again."""

    document: int
    changes: tuple[Change, ...]
    counts: bool
    digest: bool

    def apply(self, documents: Sequence[bytes]) -> bytes:
        document = documents[self.document % len(documents)]
        for change in self.changes:
            document = change(document)
        if self.counts:
            document = recounted(document)
        return resealed(document) if self.digest else document


def tamperings() -> st.SearchStrategy[Tampering]:
    number = st.integers(0, 9999)
    change = st.builds(Change, st.integers(0, len(_KINDS) - 1), number, number)
    changes = st.lists(change, min_size=1, max_size=4).map(tuple)
    often = st.integers(0, 7).map(bool)
    return st.builds(Tampering, st.integers(0, 3), changes, often, often)


# --- What a tamperer puts right --------------------------------------------------------------


def rows_part(document: bytes) -> tuple[int, int] | None:
    """Where the bytes lie that the digest is of."""
    cleanup = document.find(b"-- Cleanup existing")
    start = document.find(b"\n\n-- ", max(cleanup, 0))
    end = document.rfind(b"/*!40014 SET FOREIGN_KEY_CHECKS=1 */;\n")
    return (start + 2, end) if -1 not in (cleanup, start, end) and start + 2 <= end else None


def accepted_rows(document: bytes) -> bytes:
    """The bytes that the digest is of, in a document whose digest is right. What the importer
    passes over before them may look like their beginning."""
    end = document.rindex(b"/*!40014 SET FOREIGN_KEY_CHECKS=1 */;\n")
    for blank in re.finditer(rb"\n\n(?=-- )", document[:end]):
        rows = document[blank.end() : end]
        if hashlib.sha256(rows).hexdigest().encode() in document[end:]:
            return rows
    raise AssertionError("a document with a wrong digest was accepted")


def resealed(document: bytes) -> bytes:
    part = rows_part(document)
    if part is None:
        return document
    digest = hashlib.sha256(document[slice(*part)]).hexdigest().encode()
    head, tail = document[: part[1]], document[part[1] :]
    return head + re.sub(rb"sha256:[0-9a-f]{64}", b"sha256:" + digest, tail)


_SECTION = re.compile(
    rb"^-- (\w+) \([0-9]+ records?\)\n(INSERT[^;]*?VALUES\n)(.*?);\n\n", re.M | re.S
)


def recounted(document: bytes) -> bytes:
    """The counts of the header, of each section and of the verification follow the rows."""
    total = 0
    for section in list(_SECTION.finditer(document)):
        title, rows = section[1], len(re.findall(rb"^\(", section[3], re.MULTILINE))
        total += rows
        count, word = b"%d" % rows, b"record" if rows == 1 else b"records"
        for pattern, new in (
            (rb"^-- %s \([0-9]+ records?\)$", b"-- " + title + b" (" + count + b" " + word + b")"),
            (rb"^-- Total %s: [0-9]+$", b"-- Total " + title + b": " + count),
        ):
            document = re.sub(pattern % title, new, document, flags=re.M)
        document = re.sub(
            rb"(SELECT '%s' AS type, COUNT\(\*\) AS count, )[0-9]+" % title,
            rb"\g<1>" + count,
            document,
        )
    return re.sub(
        rb"^-- Total Records: [0-9]+$", b"-- Total Records: %d" % total, document, flags=re.M
    )


# --- The changes -----------------------------------------------------------------------------


def _tokens(document: bytes) -> list[bytes]:
    return _TOKEN.findall(document)


def _literal_places(tokens: list[bytes]) -> list[int]:
    """Values in rows: what stands between brackets or commas."""
    return [
        place
        for place in range(1, len(tokens) - 1)
        if tokens[place - 1] in (b"(", b",") and tokens[place + 1] in (b")", b",")
    ]


def _replace_literal(document: bytes, at: int, other: int) -> bytes:
    tokens = _tokens(document)
    places = _literal_places(tokens)
    if places:
        tokens[places[at % len(places)]] = LITERALS[other % len(LITERALS)]
    return b"".join(tokens)


def _swap_literals(document: bytes, at: int, other: int) -> bytes:
    tokens = _tokens(document)
    places = _literal_places(tokens)
    if places:
        one, two = places[at % len(places)], places[other % len(places)]
        tokens[one], tokens[two] = tokens[two], tokens[one]
    return b"".join(tokens)


def _copy_literal(document: bytes, at: int, other: int) -> bytes:
    tokens = _tokens(document)
    places = _literal_places(tokens)
    if places:
        tokens[places[at % len(places)]] = tokens[places[other % len(places)]]
    return b"".join(tokens)


def _replace_token(document: bytes, at: int, other: int) -> bytes:
    tokens = _tokens(document)
    if tokens:
        tokens[at % len(tokens)] = (LITERALS + HOSTILE)[other % len(LITERALS + HOSTILE)]
    return b"".join(tokens)


def _insert_token(document: bytes, at: int, other: int) -> bytes:
    tokens = _tokens(document)
    tokens.insert(at % (len(tokens) + 1), HOSTILE[other % len(HOSTILE)])
    return b"".join(tokens)


def _delete_tokens(document: bytes, at: int, other: int) -> bytes:
    tokens = _tokens(document)
    if tokens:
        start = at % len(tokens)
        del tokens[start : start + 1 + other % 4]
    return b"".join(tokens)


def _swap_tokens(document: bytes, at: int, other: int) -> bytes:
    tokens = _tokens(document)
    if tokens:
        one, two = at % len(tokens), other % len(tokens)
        tokens[one], tokens[two] = tokens[two], tokens[one]
    return b"".join(tokens)


def _double_token(document: bytes, at: int, other: int) -> bytes:
    tokens = _tokens(document)
    if tokens:
        tokens.insert(other % len(tokens), tokens[at % len(tokens)])
    return b"".join(tokens)


def _lines(
    document: bytes, at: int, other: int, act: Callable[[list[bytes], int, int], object]
) -> bytes:
    lines = document.splitlines(keepends=True)
    if lines:
        act(lines, at % len(lines), other % len(lines))
    return b"".join(lines)


def _delete_line(document: bytes, at: int, other: int) -> bytes:
    return _lines(document, at, other, lambda lines, one, _: lines.pop(one))


def _move_line(document: bytes, at: int, other: int) -> bytes:
    return _lines(document, at, other, lambda lines, one, two: lines.insert(two, lines.pop(one)))


def _double_line(document: bytes, at: int, other: int) -> bytes:
    return _lines(document, at, other, lambda lines, one, two: lines.insert(two, lines[one]))


def _delete_row(document: bytes, at: int, other: int) -> bytes:
    rows = re.findall(rb"^\([^\n]*\),\n", document, re.MULTILINE)
    return document.replace(rows[at % len(rows)], b"", 1) if rows else document


def _double_row(document: bytes, at: int, other: int) -> bytes:
    """A row once more, under another key."""
    rows = re.findall(rb"^\([0-9]+,[^\n]*\),\n", document, re.MULTILINE)
    if not rows:
        return document
    row = rows[at % len(rows)]
    return document.replace(row, row + re.sub(rb"^\([0-9]+", b"(%d" % (other % 1100), row), 1)


def _edit_header(document: bytes, at: int, other: int) -> bytes:
    def edit(lines: list[bytes], one: int, two: int) -> None:
        line = one % min(len(lines), 16)
        key, mark, value = lines[line].partition(b": ")
        values = [*LITERALS, *HOSTILE, value.strip() + b"0", b"x" * 300, b"general", b"other"]
        lines[line] = key + mark + values[other % len(values)] + b"\n"

    return _lines(document, at, other, edit)


def _flip(document: bytes, at: int, other: int) -> bytes:
    if not document:
        return document
    place = (at * 7919 + other) % len(document)
    return document[:place] + bytes([document[place] ^ (1 << other % 8)]) + document[place + 1 :]


def _cut(document: bytes, at: int, other: int) -> bytes:
    return document[: len(document) - at % 600]


def _splice(document: bytes, at: int, other: int) -> bytes:
    if not document:
        return document
    start, to = at % len(document), other % len(document)
    return document[:to] + document[start : start + 40 + other % 400] + document[to:]


WITHOUT_GRAMMAR = (_delete_line, _move_line, _double_line, _flip, _cut, _splice)
"""Those that may be done to anything."""

# Those that leave a document in which much is right come several times: they get deepest.
_KINDS: Sequence[Callable[[bytes, int, int], bytes]] = (
    *(_replace_literal, _replace_literal, _replace_literal, _swap_literals, _copy_literal),
    *(_delete_row, _double_row, _double_row, _edit_header, _replace_token, _insert_token),
    *(_insert_token, _delete_tokens, _swap_tokens, _double_token, *WITHOUT_GRAMMAR),
)
