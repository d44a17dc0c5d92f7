"""The statements of a document, each beside the pattern that recognises it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from demo_snapshots.documents.sql.grammar import LITERAL, UNFINISHED
from demo_snapshots.documents.sql.identifiers import IDENTIFIER, read_identifier, write_identifier
from demo_snapshots.documents.sql.polyglot import ONLY, OVERRIDING, POSTGRESQL_ONLY, postgresql_only
from demo_snapshots.rows.literals import RAW_LITERAL, STRING, quote

_NAME = IDENTIFIER.encode()
_NAMES = _NAME + rb"(?:, " + _NAME + rb")*+"

# Between a keyword and its table: a table that others inherit from is changed and read without
# their rows (PostgreSQL).
_OF = rb"(?: |\n" + re.escape(ONLY.encode()) + rb"\n)"

# A whole statement whose tokens matter to stock clients only; the importer skips it.
# Predicates cannot hold a semicolon outside a string (config), so one ends the statement.
_TOKENS = rb"(?:[^'\";]++|'[^']*+'|\"[^\"]*+\")*+;\n"

SECTION = re.compile(rb"-- [^\n]+ \(([0-9]{1,15}) records?\)\n")
# Bytes are compiled when first needed, which for most documents is never: it takes milliseconds.
RELEASE = (
    rb"UPDATE"
    + _OF
    + rb"("
    + _NAME
    + rb") SET "
    + _NAME
    + rb"=NULL(?:, "
    + _NAME
    + rb"=NULL)*+ WHERE"
    + _TOKENS
)
CLEANUP = "-- Cleanup existing demo data"
DEFERRED = re.compile(rb"-- Deferred references \(([0-9]{1,15}) updates?\)\n")
DELETE = re.compile(rb"DELETE FROM" + _OF + rb"(" + _NAME + rb") WHERE" + _TOKENS)
INSERT = re.compile(
    rb"INSERT INTO ("
    + _NAME
    + rb") \(("
    + _NAMES
    + rb")\)(?: |\n(?P<overriding>"
    + re.escape(OVERRIDING.encode())
    + rb")\n)VALUES\n"
)
_ASSIGNMENT = _NAME + b"=(?:" + LITERAL + b"|" + _NAME + b")"
_CONDITION = _NAME + b"=" + LITERAL
_RAW_CONDITION = _NAME + b"=(?:" + RAW_LITERAL + b")"
_INCLUDING = (
    rb"INSERT INTO (?P<table>"
    + _NAME
    + rb") \((?P<names>"
    + _NAMES
    + rb")\)(?: |\n"
    + re.escape(OVERRIDING.encode())
    + rb"\n)SELECT "
)
INCLUDE = (
    _INCLUDING
    + rb"(?P<values>"
    + LITERAL
    + rb"(?:,"
    + LITERAL
    + rb")*+) WHERE NOT EXISTS \(SELECT 1 FROM"
    + _OF
    + rb"(?P<again>"
    + _NAME
    + rb") WHERE (?P<key>"
    + _CONDITION
    + rb"(?: AND "
    + _CONDITION
    + rb")*+)\);\n"
)
UNFINISHED_INCLUDE = (
    _INCLUDING
    + rb"(?:"
    + LITERAL
    + rb",)*+(?:(?:"
    + UNFINISHED
    + rb")\Z|(?:"
    + LITERAL
    + rb")?+[\x00-\xff]{0,1048576}+\Z)"
)
"""What may still become an INCLUDE, however long its values; what follows them is short."""
ANY_LOOKUP = (
    rb"\n\(SELECT "
    + _NAME
    + rb" FROM"
    + _OF
    + _NAME
    + rb" WHERE "
    + _CONDITION
    + rb"(?: AND "
    + _CONDITION
    + rb")*+\)\n"
)
LOOKUP = (
    rb"\n\(SELECT (?P<column>"
    + _NAME
    + rb") FROM"
    + _OF
    + rb"(?P<table>"
    + _NAME
    + rb") WHERE (?P<key>"
    + _RAW_CONDITION
    + rb"(?: AND "
    + _RAW_CONDITION
    + rb")*+)\)\n|'[^']*+(?:''[^']*+)*+'"
)
UPDATE = (
    rb"UPDATE"
    + _OF
    + rb"(?P<table>"
    + _NAME
    + rb") SET (?P<set>"
    + _ASSIGNMENT
    + rb"(?:, "
    + _ASSIGNMENT
    + rb")*+) WHERE (?P<where>"
    + _CONDITION
    + rb"(?: AND "
    + _CONDITION
    + rb")*+);\n"
)
_PAIR = rb"(" + _NAME + rb")=(?:(" + LITERAL + rb")|(" + _NAME + rb"))(?:, | AND |$)"
_RAW_PAIR = rb"(" + _NAME + rb")=(" + RAW_LITERAL + rb")(?: AND |\Z)"
SEARCH_PATH = re.compile(
    re.escape(POSTGRESQL_ONLY).encode() + rb"SET LOCAL search_path=" + _NAMES + rb";\n"
)
HIDDEN = (
    re.escape(POSTGRESQL_ONLY).encode()
    + rb"SELECT CAST\(nspname \|\| "
    + STRING
    + rb" AS integer\) FROM pg_namespace WHERE nspname <> "
    + STRING
    + rb" AND oid = \(SELECT relnamespace FROM pg_class WHERE oid = to_regclass\("
    + STRING
    + rb"\)\);\n"
)
CONSTRAINT = (
    re.escape(POSTGRESQL_ONLY).encode()
    + rb"(?:ALTER TABLE "
    + _NAME
    + rb" ALTER CONSTRAINT "
    + _NAME
    + rb" (?:NOT )?DEFERRABLE|SET CONSTRAINTS ALL (?:DEFERRED|IMMEDIATE));\n"
)
SEQUENCE = re.compile(re.escape(POSTGRESQL_ONLY).encode() + rb"SELECT setval\(" + _TOKENS)
VERIFICATION = "-- Verification"
VERIFY = re.compile(rb"SELECT (?=')" + _TOKENS)


def section(title: str, count: int) -> str:
    return f"-- {title} ({count} {'record' if count == 1 else 'records'})\n"


def deferred(count: int) -> str:
    return f"-- Deferred references ({count} {'update' if count == 1 else 'updates'})\n"


def of(keyword: str, table: str, *, only: bool) -> str:
    """``keyword`` and the table, for PostgreSQL without the rows of its heirs if ``only``."""
    between = f"\n{ONLY}\n" if only else " "
    return f"{keyword}{between}{write_identifier(table)}"


def require_visible(table: str, schema: str) -> str:
    """End the load (PostgreSQL) if by its bare name another schema's table would be found."""
    name = write_identifier(table)
    # A cast of nothing but literals would fail while the statement is planned, also if all is
    # well; where all is well this one has no row to do for.
    told = quote(f".{name} hides {write_identifier(schema)}.{name}")
    return postgresql_only(
        f"SELECT CAST(nspname || {told} AS integer) FROM pg_namespace"
        f" WHERE nspname <> {quote(schema)}"
        f" AND oid = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass({quote(name)}));"
    )


def release(table: str, columns: Sequence[str], predicate: str, *, only: bool = False) -> str:
    """Let go of references between tables that would keep rows from being deleted."""
    setting = ", ".join(f"{write_identifier(column)}=NULL" for column in columns)
    text = f"{of('UPDATE', table, only=only)} SET {setting} WHERE {predicate};\n"
    return text.replace(" \n", "\n")


def delete(table: str, predicate: str, *, only: bool = False) -> str:
    text = f"{of('DELETE FROM', table, only=only)} WHERE {predicate};\n"
    return text.replace(" \n", "\n")


def insert(table: str, columns: Sequence[str], *, overriding: bool) -> str:
    names = ", ".join(write_identifier(column) for column in columns)
    before = f"\n{OVERRIDING}\n" if overriding else " "
    return f"INSERT INTO {write_identifier(table)} ({names}){before}VALUES\n"


def read_names(names: bytes) -> tuple[str, ...]:
    """The names of a column list that INSERT recognised."""
    return tuple(read_identifier(match.decode()) for match in re.findall(_NAME, names))


def include(
    table: str,
    columns: Sequence[str],
    values: Sequence[bytes],
    key: Sequence[str],
    *,
    overriding: bool,
    only: bool = False,
) -> bytes:
    """A row outside the demo that travels along: inserted only where its key is missing."""
    name = write_identifier(table).encode()
    names = ", ".join(write_identifier(column) for column in columns).encode()
    before = f"\n{OVERRIDING}\n".encode() if overriding else b" "
    conditions = b" AND ".join(pairs([(column, values[columns.index(column)]) for column in key]))
    return b"INSERT INTO %s (%s)%sSELECT %s" % (
        name,
        names,
        before,
        b",".join(values),
    ) + b" WHERE NOT EXISTS (SELECT 1 %s WHERE %s);\n" % (
        of("FROM", table, only=only).encode(),
        conditions,
    )


def lookup(table: str, column: str, key: Sequence[str], *, only: bool = False) -> tuple[str, ...]:
    """A reference by natural key, as the texts between which the key's literals stand."""
    first, *others = (write_identifier(name) for name in key)
    source = of("FROM", table, only=only)
    start = f"\n(SELECT {write_identifier(column)} {source} WHERE {first}="
    return (start, *(f" AND {name}=" for name in others), ")\n")


def read_lookup(match: re.Match[bytes]) -> tuple[str, str, tuple[tuple[str, bytes], ...]]:
    """Table, column, and the key's names and raw literals, of what LOOKUP found."""
    key = tuple(
        (read_identifier(pair[1].decode()), pair[2])
        for pair in re.finditer(_RAW_PAIR, match["key"])
    )
    return (
        read_identifier(match["table"].decode()),
        read_identifier(match["column"].decode()),
        key,
    )


def lookup_pattern(table: str, column: str, key: Sequence[str]) -> bytes:
    """What recognises exactly this lookup, whatever its literals."""
    either = (
        LITERAL.join(re.escape(text.encode()) for text in lookup(table, column, key, only=only))
        for only in (False, True)
    )
    return b"(?:" + b"|".join(either) + b")"


def update(
    table: str,
    assignments: Sequence[tuple[str, bytes]],
    untouched: Sequence[str],
    key: Sequence[tuple[str, bytes]],
    *,
    only: bool = False,
) -> bytes:
    """Raw literals for ``assignments`` and ``key``; ``untouched`` columns are set to themselves."""
    own = [write_identifier(name).encode() for name in untouched]
    setting = b", ".join([*pairs(assignments), *(name + b"=" + name for name in own)])
    return (
        of("UPDATE", table, only=only).encode()
        + b" SET "
        + setting
        + b" WHERE "
        + b" AND ".join(pairs(key))
        + b";\n"
    )


def pairs(values: Sequence[tuple[str, bytes]]) -> list[bytes]:
    """``name=literal`` of each."""
    return [write_identifier(name).encode() + b"=" + literal for name, literal in values]


def read_pairs(text: bytes) -> tuple[tuple[str, bytes], ...]:
    """Names and document literals of a SET or WHERE list, without columns set to themselves.

    Raises ValueError for a column set to another.
    """
    pairs = []
    for match in re.finditer(_PAIR, text):
        name, literal, column = match.groups()
        if literal is not None:
            pairs.append((read_identifier(name.decode()), literal))
        elif column != name:
            raise ValueError("a column set to another column")
    return tuple(pairs)


def read_untouched(text: bytes) -> tuple[str, ...]:
    """The columns of a SET list that are set to themselves."""
    names = (match[3] for match in re.finditer(_PAIR, text))
    return tuple(read_identifier(name.decode()) for name in names if name is not None)


def advance_sequence(table: str, column: str) -> str:
    """Bring the column's PostgreSQL sequence, if it has one, past the highest value."""
    sequence = f"pg_get_serial_sequence({quote(write_identifier(table))},{quote(column)})"
    name = write_identifier(column)
    highest = f"(SELECT max({name})+1 FROM {write_identifier(table)})"
    return (
        postgresql_only(
            f"SELECT setval({sequence}, GREATEST({highest}, nextval({sequence})), false);"
        )
        + "\n"
    )


def advance_named_sequence(
    table: str, column: str, sequence: str, schema: str | None = None
) -> str:
    """Bring a PostgreSQL sequence that is not the column's own, or counts otherwise than up by
    one, past the column's values: to the first free one in its own steps, whichever way it
    counts; where there is none within its bounds, it stays. So it does where it is missing."""
    name = ".".join(write_identifier(part) for part in (schema, sequence) if part)
    value = f"t.{write_identifier(column)}"
    furthest = f"CASE WHEN s.seqincrement>0 THEN max({value}) ELSE min({value}) END::numeric"
    within = "BETWEEN s.seqmin AND s.seqmax"
    # NEXTVAL of a sequence that has run out would be an error.
    left = f"coalesce(pg_sequence_last_value(seqrelid)+seqincrement::numeric {within},TRUE)"
    counter = (
        "SELECT *, nextval(seqrelid)::numeric AS due FROM pg_sequence AS s"
        f" WHERE seqrelid=to_regclass({quote(name)}) AND (seqcycle OR {left})"
    )
    keys = (
        f"SELECT s.due+(div({furthest}-s.due,s.seqincrement)+1)*s.seqincrement AS free"
        f" FROM {write_identifier(table)} AS t"
        f" WHERE {value} {within} AND ({value}-s.due)*s.seqincrement>=0"
    )
    to = f"(CASE WHEN k.free {within} THEN k.free ELSE s.due END)::bigint"
    return (
        postgresql_only(
            f"SELECT setval(s.seqrelid, {to}, false) FROM ({counter}) AS s, LATERAL ({keys}) AS k;"
        )
        + "\n"
    )


def verification(counts: Sequence[tuple[str, str, int, str]]) -> str:
    """``counts``: title, ``of`` FROM, expected rows and predicate of each table."""
    selects = [
        f"SELECT {quote(title)} AS type, COUNT(*) AS count, {expected} AS expected"
        f" {source} WHERE {predicate}".rstrip("\n")
        for title, source, expected, predicate in counts
    ]
    # A predicate that ends with a line break ends in what others read as a comment.
    end = "\n;\n" if counts and counts[-1][-1].endswith("\n") else ";\n"
    return "\nUNION ALL\n".join(selects).replace(" \n", "\n") + end
