"""What the documents of each format beside this file say. They are kept for ever: a change here,
or of a byte there, would mean that snapshots people have committed are read differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from unit.documents.documents import table, text, write

from demo_snapshots.documents.sql.statements import ANY_LOOKUP
from demo_snapshots.documents.sql.writer import Deferred, Section
from demo_snapshots.model.rules import Field, Follows, Marked, TableSelection, Where
from demo_snapshots.model.snapshots import Statistics, TableCount
from demo_snapshots.model.tables import Column, Kind, Table

FILES = Path(__file__).parent
MARKED = Marked(Field("metadata", ("demo_seed",)))
FOR_ALL = Where("1 = 1", "1 = 1", "1 = 1")


@dataclass(frozen=True)
class Example:
    """``schema`` makes the tables in SQLite; ``stored`` are rows other than ``sections`` once the
    deferred references are set."""

    name: str
    schema: str
    sections: Sequence[tuple[Table, Sequence[bytes]]]
    selection: Mapping[str, TableSelection]
    fields: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)
    stored: Mapping[str, Sequence[bytes]] = field(default_factory=dict)

    def write(self) -> bytes:
        return write(self.sections, self.fields, selection=self.selection, **self.content)

    def path(self, number: int) -> Path:
        """The document of that format."""
        return FILES / f"format{number}" / f"{self.name}.sql"

    def rows(self, name: str) -> Sequence[bytes]:
        """The rows of the table of that name after a load."""
        found = next(rows for described, rows in self.sections if described.name == name)
        return self.stored.get(name, found)


def plain(table: Table) -> Table:
    """``table`` as a header describes it."""
    columns = tuple(Column(each.name, each.kind, each.nullable) for each in table.columns)
    return Table(table.name, columns, table.key)


def rules(**given: Any) -> dict[str, TableSelection]:
    return {name: TableSelection(name, rule) for name, rule in given.items()}


VAULTS = table(
    "vaults",
    text(nullable=False),
    text("slug", nullable=False),
    text("description"),
    Column("metadata", Kind.JSON),
    Column("created_at", Kind.TIMESTAMP),
)
FRAGMENTS = table(
    "fragments",
    Column("vault_id", Kind.INTEGER, nullable=False),
    text("type", nullable=False),
    text("message"),
    Column("duplicate_of_id", Kind.INTEGER),
    Column("updated_at", Kind.TIMESTAMP),
)
SEED = b'{"demo_seed": true, "scenario": "general"}'

EVERYDAY = Example(
    "everyday",
    """
    CREATE TABLE vaults (id INTEGER PRIMARY KEY, name TEXT NOT NULL, slug TEXT NOT NULL,
      description TEXT, metadata JSON, created_at DATETIME);
    CREATE TABLE fragments (id INTEGER PRIMARY KEY, vault_id INTEGER NOT NULL REFERENCES vaults,
      type TEXT NOT NULL, message TEXT, duplicate_of_id INTEGER REFERENCES fragments,
      updated_at DATETIME);
    """,
    [
        (
            VAULTS,
            [
                b"(1,'Personal','personal','Home, health and holidays','%b',"
                b"'2025-01-15 10:00:00')" % SEED,
                b"(2,'Work','work',NULL,'%b','2025-01-15 10:00:00.25')" % SEED,
            ],
        ),
        (
            FRAGMENTS,
            [
                b"(4,1,'todo','Pick up dry cleaning from Main Street by 6pm',NULL,"
                b"'2025-01-15 10:00:00')",
                "(9,1,'todo','Don''t forget:\n- the café\n- 🚀',NULL,NULL)".encode(),
                b"(10,2,'chat_message','Shall we ship; on Friday?',9,'2025-01-15 11:00:00')",
            ],
        ),
    ],
    rules(vaults=MARKED, fragments=Follows(("vault_id",), "vaults", ("id",))),
    {
        "source": "postgresql 15.18",
        "tool": "demo-snapshots 0.1.0",
        "migration": "0001_initial",
        "statistics": Statistics(
            (
                TableCount("vaults", 2),
                TableCount("fragments", 3, (("chat_message", 1), ("todo", 2))),
            )
        ),
    },
    {
        "deferred": [Deferred(FRAGMENTS, ("duplicate_of_id",), ("updated_at",), 1, [[b"(4,9)"]])],
        "sequences": [("vaults", "id"), ("fragments", "id")],
    },
    {
        "fragments": [
            b"(4,1,'todo','Pick up dry cleaning from Main Street by 6pm',9,'2025-01-15 10:00:00')",
            "(9,1,'todo','Don''t forget:\n- the café\n- 🚀',NULL,NULL)".encode(),
            b"(10,2,'chat_message','Shall we ship; on Friday?',9,'2025-01-15 11:00:00')",
        ]
    },
)

VALUES = table(
    "every_kind",
    Column("amount", Kind.DECIMAL),
    Column("ratio", Kind.FLOAT),
    text("words"),
    Column("done", Kind.BOOLEAN),
    Column("bytes", Kind.BINARY),
    Column("token", Kind.UUID),
)
ODD_VALUES = Example(
    "odd_values",
    """
    CREATE TABLE every_kind (id INTEGER PRIMARY KEY, amount NUMERIC, ratio REAL, words TEXT,
      done BOOLEAN, bytes BLOB, token TEXT);
    """,
    [
        (
            VALUES,
            [
                b"(-9223372036854775808,-0.5,5e-324,'',TRUE,X'',NULL)",
                b"(-1,1234567890.25,1.7976931348623157e+308,'''',FALSE,X'00',NULL)",
                b"(0,NULL,0.1,'),\n(1,''x'');\n-- \\n \\'' /* */ \t',NULL,X'0D0A2700FF',NULL)",
                b"(1,0.25,0.30000000000000004,'a\r\nb',NULL,NULL,NULL)",
                b"(2,1,1.0,CAST(X'610062' AS CHAR),NULL,NULL,NULL)",
                b"(3,2,-1e+16,'\x01\x08\x0b\x0c\x1b[31m''\\\x7f',NULL,NULL,NULL)",
                "(4,3,2.5,'Ärger 表 👩‍🚀 \ufeff',NULL,NULL,NULL)".encode(),
                "(5,3,2.5,'é\r表\r👩‍🚀\t\n',NULL,NULL,NULL)".encode(),
                b"(9223372036854775807,4,3.5,'NULL',NULL,NULL,'3f2a9c41-d0be-4a6e-9d5c-0123456789ab')",
            ],
        )
    ],
    rules(every_kind=FOR_ALL),
)

ORDERS = table("Order", text("a,b"), Column("größe", Kind.INTEGER), key=("a,b", "größe"))
LINES = table(
    "records",
    text("order name"),
    Column("größe", Kind.INTEGER, nullable=False),
    Column('say "hi"', Kind.JSON),
)
PLAIN = table("log_", Column("key", Kind.INTEGER), text("select"), key=())
ODD_NAMES = Example(
    "odd_names",
    '''
    CREATE TABLE "Order" ("a,b" TEXT, "größe" INTEGER, PRIMARY KEY ("größe", "a,b"));
    CREATE TABLE records (id INTEGER PRIMARY KEY, "order name" TEXT, "größe" INTEGER NOT NULL,
      "say ""hi""" JSON);
    CREATE TABLE log_ ("key" INTEGER, "select" TEXT);
    ''',
    [
        (ORDERS, [b"('one',1)", b"('two; --',1)", b"('one',2)"]),
        (LINES, [b"(1,'one',2,'[]')", b"(2,'two; --',1,NULL)"]),
        (PLAIN, [b"(NULL,NULL)", b"(1,'twice')", b"(1,'twice')"]),
    ],
    {
        "Order": TableSelection("Order", Where('"größe" < 9', '"größe" < 8', '"größe" < 7')),
        "records": TableSelection(
            "records", Follows(("order name", "größe"), "Order", ("a,b", "größe"))
        ),
        "log_": TableSelection("log_", Where("1 = 1", "TRUE", "1 = 1")),
    },
    {"scenario": "odd-names_2", "extra": (("Note", "kept: as it is"), ("Note", "twice"))},
    {
        "deferred": [
            Deferred(ORDERS, ("a,b",), (), 1, [[b"('one',1,'uno')"]]),
            Deferred(LINES, ('say "hi"',), ("order name",), 1, [[b"(2,'\r')"]]),
        ],
        "search_path": ("Demo Data", "public"),
        "postponed": [("records", "fk Order")],
        "defers": True,
        "sequences": [("records", "id"), ("Order", "größe")],
    },
    {
        "Order": [b"('uno',1)", b"('two; --',1)", b"('one',2)"],
        "records": [b"(1,'one',2,'[]')", b"(2,'two; --',1,'\r')"],
    },
)

NUMBERS = table("numbers", text())
GROUPS = Example(
    "groups",
    "CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT);",
    [(NUMBERS, [b"(%d,'number %d')" % (number, number) for number in range(1, 1002)])],
    rules(numbers=FOR_ALL),
)

# The first rows end no statement by themselves, and one of the last ones does.
_UNCUT = [row for n in range(1, 1200) if crc32(row := b"(%d,'number %d')" % (n, n)) & 127]
STATEMENTS = Example(
    "statements",
    "CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT);",
    [(NUMBERS, [*_UNCUT[:1100], b"(2064,'number 2064')", b"(2065,'number 2065')"])],
    rules(numbers=FOR_ALL),
)

EMPTY = Example(
    "empty",
    "CREATE TABLE vaults (id INTEGER PRIMARY KEY, name TEXT);"
    "CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT);",
    [(table("vaults", text()), []), (NUMBERS, [])],
    rules(vaults=FOR_ALL, numbers=Follows(("id",), "vaults", ("id",))),
)

COUNTRIES = table("countries", text("iso", nullable=False), Column("flag", Kind.BINARY))
PEOPLE = table(
    "people", text(), Column("country_id", Kind.INTEGER), Column("home_id", Kind.INTEGER)
)
HOMES = table("homes", Column("owner_id", Kind.INTEGER, nullable=False))
OUTSIDE = Example(
    "outside",
    """
    CREATE TABLE countries (id INTEGER PRIMARY KEY, iso TEXT NOT NULL, flag BLOB);
    CREATE TABLE languages (id INTEGER PRIMARY KEY, "it's" TEXT, region INTEGER);
    INSERT INTO languages VALUES (7,'en',1),(8,'de',1);
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, country_id INTEGER, home_id INTEGER);
    CREATE TABLE homes (id INTEGER PRIMARY KEY, owner_id INTEGER NOT NULL);
    """,
    [
        (
            PEOPLE,
            [
                b"(1,'Ada',5,NULL)",
                b"(2,'Ben',\n(SELECT id FROM languages WHERE \"it's\"='de' AND region=1)\n,NULL)",
                b"(3,'Cleo',\n(SELECT id FROM languages WHERE \"it's\"='none')\n,NULL)",
            ],
        ),
        (HOMES, [b"(10,1)"]),
    ],
    rules(people=FOR_ALL, homes=Follows(("owner_id",), "people", ("id",))),
    {"includes": ((plain(COUNTRIES), 2),)},
    {
        "includes": [Section(COUNTRIES, [[b"(5,'DE',X'00FF')", b"(6,'it''s\r',NULL)"]])],
        "deferred": [
            Deferred(PEOPLE, ("home_id",), (), 1, [[b"(1,10)"]], between_tables=True),
        ],
        "overriding": ("people",),
        "lookups": {("people", "country_id"): ANY_LOOKUP},
    },
    {"people": [b"(1,'Ada',5,10)", b"(2,'Ben',8,NULL)", b"(3,'Cleo',NULL,NULL)"]},
)

_EXAMPLES = (EVERYDAY, ODD_VALUES, ODD_NAMES, GROUPS, EMPTY, OUTSIDE)
EXAMPLES = {1: _EXAMPLES, 2: (*_EXAMPLES, STATEMENTS)}
"""By format."""
