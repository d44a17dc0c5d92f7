"""Documents that are damaged or hostile: what was done to a good one, and what must be said.

Each case replaces one excerpt of BASE, which occurs there once, and then makes the digest anew,
as someone hostile would, unless the case says that it was damage. ``at`` is an excerpt of the
changed document that begins on the line which the error must name.
"""

from __future__ import annotations

from dataclasses import dataclass

from unit.documents.documents import sealed, table, text, write

from demo_snapshots.documents.sql.writer import Deferred
from demo_snapshots.errors import DocumentError, UnfitValueError
from demo_snapshots.model.rules import Follows, TableSelection, Where
from demo_snapshots.model.tables import Column, Kind

VAULTS = table("vaults", text(), Column("data", Kind.BINARY), text("bio"))
TODOS = table("todos", Column("vault_id", Kind.INTEGER), text("title", length=20))
TABLES = {"vaults": VAULTS, "todos": TODOS}

BASE = write(
    [
        (
            VAULTS,
            [
                b"(1,'Personal',NULL,'first')",
                b"(2,'Work',X'00FF','it''s; --\n/* text')",
                b"(3,'Odd',X'','line\r\n')",
                b"(4,'Last',NULL,'last')",
            ],
        ),
        (TODOS, [b"(10,1,'Call the dentist')", b"(11,NULL,'Buy milk')"]),
    ],
    selection={
        "vaults": TableSelection("vaults", Where("id < 100", "id < 100", "id < 100")),
        "todos": TableSelection("todos", Follows(("vault_id",), "vaults", ("id",))),
    },
    deferred=[Deferred(TODOS, ("vault_id",), ("title",), 1, [[b"(11,4)"]])],
    sequences=[("vaults", "id"), ("todos", "id")],
)


HERE = "\N{BROKEN BAR}".encode()


@dataclass(frozen=True)
class Case:
    """One change to BASE. ``at`` None: the error names no line, unless HERE stands in ``new``."""

    name: str
    old: str | bytes
    new: str | bytes
    at: str | bytes | None
    says: str
    error: type[DocumentError] = DocumentError
    damage: bool = False

    def document(self) -> bytes:
        old, new = _bytes(self.old), _bytes(self.new)
        assert BASE.count(old) == 1, old
        changed = BASE.replace(old, new.replace(HERE, b""))
        return changed if self.damage else sealed(changed)

    def line(self) -> int | None:
        if HERE in _bytes(self.new):
            before = BASE[: BASE.index(_bytes(self.old))] + _bytes(self.new).split(HERE)[0]
            return before.count(b"\n") + 1
        if self.at is None:
            return None
        document, at = self.document(), _bytes(self.at)
        assert document.count(at) == 1, at
        return document.count(b"\n", 0, document.index(at)) + 1


def _bytes(part: str | bytes) -> bytes:
    return part if isinstance(part, bytes) else part.encode()


NOT_A_ROW = "not a row of literals"
NOT_HERE = "not a statement that a snapshot holds here"
LAST = "(4,'Last',NULL,'last')"
FIRST = "(1,'Personal',NULL,'first')"
VAULT_INSERT = "INSERT INTO vaults (id, name, data, bio) VALUES\n"
TODO_INSERT = "INSERT INTO todos (id, vault_id, title) VALUES\n"
UPDATE = "UPDATE todos SET vault_id=4, title=title WHERE id=11;"


def _values() -> list[Case]:
    """Where a literal belongs, something that an engine would compute."""
    expressions = {
        "function call": "load_extension('x')",
        "function without arguments": "now()",
        "niladic function": "CURRENT_USER",
        "subselect": "(SELECT group_concat(name) FROM users)",
        "operator": "'a'||(SELECT 1)",
        "arithmetic": "1+1",
        "cast": "'a'::text",
        "column": "name",
        "quoted column": '"name"',
        "variable": "@@version",
        "parameter": "$1",
        "default": "DEFAULT",
        "comment in a row": "'a'/**/",
        "line comment in a row": "'a'--",
        "executable comment": "/*!50000 sleep(9) */",
        "executable comment after a value": "'a'/*!50000 ,(SELECT 1) */",
        "escape string": "E'\\''",
        "dollar string": "$$a$$",
        "adjacent strings": "'a' 'b'",
        "adjacent strings on lines": "'a'\n'b'",
        "backslash before the quote": "'\\''",
        "quote not doubled": "'it's'",
        "lower-case null": "null",
        "binary in one form": "X'00'",
        "space before": " 'a'",
        "space after": "'a' ",
        "two values": "'a',NULL",
        "empty": "",
        "unicode string": "U&'a'",
        "character set": "_utf8'a'",
        "sqlite function": "readfile('/etc/passwd')",
    }
    return [
        Case(what, LAST, f"(4,{value},NULL,'last')", "(4,", NOT_A_ROW)
        for what, value in expressions.items()
    ]


def _statements() -> list[Case]:
    """Another statement, in every place where one could be read."""
    smuggled = {
        "drop": "DROP TABLE vaults;",
        "shell of sqlite3": ".shell touch /tmp/x",
        "shell of psql": "\\! touch /tmp/x",
        "copy to program": "\\copy vaults to program 'sh'",
        "system of mariadb": "system touch x",
        "attach": "ATTACH 'x' AS y;",
        "executable comment": "/*!50000 DROP TABLE vaults */;",
        "postgresql only": "/* /* */ -- */ DROP TABLE vaults;",
        "commit": "COMMIT;",
        "comment": "-- nothing",
        "insert of another shape": "INSERT INTO vaults SELECT 1;",
        "delete": "DELETE FROM vaults WHERE 1=1;",
        "blank line": "",
    }
    places = {
        "before a section": ("-- Vaults (4 records)\n", "{}\n-- Vaults (4 records)\n"),
        "after a heading": ("-- Todos (2 records)\n", "-- Todos (2 records)\n{}\n"),
        "among the rows": (LAST, "{}\n" + LAST),
        "after the rows": (LAST + ";\n", LAST + ";\n{}\n"),
        "before an update": (UPDATE, "{}\n" + UPDATE),
        "after the updates": (UPDATE + "\n", UPDATE + "\n{}\n"),
        "in the preamble": ("BEGIN;\n", "BEGIN;\n{}\n"),
        "before the clean-up": ("-- Cleanup existing", "{}\n-- Cleanup existing"),
        "before the verification": ("-- Verification\n", "{}\n-- Verification\n"),
        "after the verification": ("COMMIT;\n-- Content", "{}\nCOMMIT;\n-- Content"),
        "after the commit": ("-- Content digest", "{}\n-- Content digest"),
        "at the end": (
            "-- Export completed successfully\n",
            "-- Export completed successfully\n{}\n",
        ),
    }
    return [
        Case(f"{what} {where}", old, new.replace("{}", HERE.decode() + statement), None, "")
        for what, statement in smuggled.items()
        for where, (old, new) in places.items()
        if (what, where) not in _SEEN_LATER
    ]


# A blank line ends a section, and a second COMMIT is seen after the first: by the line after.
_SEEN_LATER = {
    ("blank line", "after a heading"),
    ("blank line", "after the rows"),
    ("blank line", "after the updates"),
    ("commit", "after the verification"),
}

CASES = [
    *_values(),
    Case(
        "fraction into integer", "(10,1,", "(10,1.5,", "(10,1.5", "todos.vault_id", UnfitValueError
    ),
    Case("text into integer", "(10,1,", "(10,'1',", "(10,'1'", "todos.vault_id", UnfitValueError),
    Case("TRUE into text", "'Buy milk'", "TRUE", "(11,NULL,TRUE", "todos.title", UnfitValueError),
    Case("number into text", "'Buy milk'", "1", "(11,NULL,1", "todos.title", UnfitValueError),
    Case("text too long", "Buy milk", "x" * 21, "(11,", "todos.title", UnfitValueError),
    Case(
        "text into binary",
        "(1,'Personal',NULL",
        "(1,'Personal','a'",
        "(1,'P",
        "vaults.data",
        UnfitValueError,
    ),
    Case("NULL into a key", "(11,NULL", "(NULL,NULL", "(NULL", "todos.id", UnfitValueError),
    Case(
        "unfit update",
        "SET vault_id=4",
        "SET vault_id='4'",
        "UPDATE",
        "todos.vault_id",
        UnfitValueError,
    ),
    Case(
        "unfit update of a moment",
        ", title=title",
        ", title=5",
        "UPDATE",
        "todos.title",
        UnfitValueError,
    ),
    Case("update of another column", ", title=title", ", title=name", "UPDATE", "another column"),
    Case(
        "update of an unknown column", "SET vault_id=4", "SET owner=4", "UPDATE", "no column owner"
    ),
    Case(
        "update of another table", "UPDATE todos", "UPDATE users", "UPDATE", "described table's key"
    ),
    Case("update of every row", " WHERE id=11;", ";", "UPDATE", NOT_HERE),
    Case("update by another column", "WHERE id=11", "WHERE vault_id=1", "UPDATE", "table's key"),
    Case("update by more", "WHERE id=11", "WHERE id=11 OR 1=1", "UPDATE", NOT_HERE),
    Case("update with a function", "SET vault_id=4", "SET vault_id=now()", "UPDATE", NOT_HERE),
    Case(
        "update with a subselect", "SET vault_id=4", "SET vault_id=(SELECT 1)", "UPDATE", NOT_HERE
    ),
    Case("one update less than counted", UPDATE + "\n", HERE, None, NOT_HERE),
    Case(
        "more updates than counted",
        UPDATE + "\n",
        UPDATE + "\n" + UPDATE.replace("4", "3") + "\n",
        UPDATE.replace("4", "3"),
        "expected",
    ),
    Case("endless updates", "(1 update)", f"({'9' * 5000} updates)", "-- Deferred", ""),
    Case("endless rows", "(4 records)", f"({'9' * 5000} records)", "-- Vaults (", NOT_HERE),
    Case(
        "wrong count in a heading",
        "(4 records)",
        "(3 records)",
        "INSERT INTO vaults",
        "counts 4 rows",
    ),
    Case("wrong count in the header", "Total Vaults: 4", "Total Vaults: 3", None, "add up"),
    Case(
        "rows of another table",
        TODO_INSERT,
        TODO_INSERT.replace("todos", "users"),
        "INSERT INTO users",
        "another table",
    ),
    Case(
        "rows of the other table",
        TODO_INSERT,
        TODO_INSERT.replace("todos", "vaults"),
        "INSERT INTO vaults (id, vault_id",
        "another table",
    ),
    Case(
        "more columns",
        TODO_INSERT,
        TODO_INSERT.replace("title", "title, admin"),
        "INSERT INTO todos",
        "other columns",
    ),
    Case(
        "other columns",
        TODO_INSERT,
        TODO_INSERT.replace("title", "admin"),
        "INSERT INTO todos",
        "other columns",
    ),
    Case(
        "columns in another order",
        TODO_INSERT,
        TODO_INSERT.replace("id, vault_id", "vault_id, id"),
        "INSERT INTO todos",
        "other columns",
    ),
    Case(
        "insert or replace",
        TODO_INSERT,
        TODO_INSERT.replace("INSERT", "INSERT OR REPLACE"),
        "INSERT OR",
        "expected",
    ),
    Case(
        "another schema",
        TODO_INSERT,
        TODO_INSERT.replace("todos", "main.todos"),
        "INSERT INTO main",
        NOT_HERE,
    ),
    Case("rows on one line", FIRST + ",\n", FIRST + ",", "(1,'P", NOT_A_ROW),
    Case("on conflict", LAST + ";", LAST + "\nON CONFLICT DO NOTHING;", "(4,", NOT_A_ROW),
    Case("returning", LAST + ";", LAST + " RETURNING *;", "(4,", NOT_A_ROW),
    Case(
        "two forms of a binary value",
        "X'00FF' --",
        "X'00FE' --",
        "/* /* */ X'00FE'",
        "binary value differ",
    ),
    Case(
        "two forms of a text",
        "E'line\\r\\n'",
        "E'line\\r\\nx'",
        "/* /* */ CAST(X'6C",
        "text differ",
    ),
    Case(
        "text that is not UTF-8",
        "X'6C696E650D0A' AS CHAR) -- */ E'line",
        "X'FF696E650D0A' AS CHAR) -- */ E'\\xffine",
        "/* /* */ CAST(X'FF",
        "not UTF-8",
    ),
    Case("odd digits", "X'00FF' --", "X'00FFA' --", "(2,'Work',", NOT_A_ROW),
    Case(
        "lower-case digits",
        "X'00FF' -- */ '\\x00FF'",
        "X'00ff' -- */ '\\x00ff'",
        "(2,'Work',",
        NOT_A_ROW,
    ),
    Case(
        "escape of a quote", "E'line\\r\\n'", "E'line\\r\\n\\''", ",\n/* /* */ CAST(X'6C", NOT_A_ROW
    ),
    Case(
        "unknown escape",
        "E'line\\r\\n'",
        "E'line\\r\\n\\u0041'",
        ",\n/* /* */ CAST(X'6C",
        NOT_A_ROW,
    ),
    Case(
        "a binary value on the row's line",
        "\n/* /* */ X'00FF'",
        "/* /* */ X'00FF'",
        "(2,'Work'",
        NOT_A_ROW,
    ),
    Case(
        "a statement in the second form",
        "'\\x00FF'\n",
        "'\\x00FF' DROP TABLE x;\n",
        "(2,'Work'",
        NOT_A_ROW,
    ),
    Case("not UTF-8 in a row", "Buy milk", b"Buy \xff", b"(11,NULL", "not UTF-8"),
    Case("half a surrogate pair", "Buy milk", b"Buy \xed\xa0\x80", b"(11,NULL", "not UTF-8"),
    Case("overlong quote", "Buy milk", b"Buy \xc0\xa7", b"(11,NULL", "not UTF-8"),
    Case("not UTF-8 in the header", "sqlite 3", b"sqlite \xff", "-- Source", "not UTF-8"),
    Case(
        "not UTF-8 in a heading", "-- Todos (2", b"-- Todo\xff (2", b"-- Todo\xff (2", "not UTF-8"
    ),
    Case("NUL", "Buy milk", b"Buy\0milk", b"(11,NULL", "control character"),
    Case("terminal escape in a row", "Buy milk", b"\x1b[2J", b"(11,NULL", "control character"),
    Case(
        "terminal escape in the header",
        "sqlite 3",
        "sqlite \x1b]0;x\x07",
        "-- Source",
        "control character",
    ),
    Case("C1 escape in the header", "sqlite 3", "sqlite \x9b2J", "-- Source", "not a header line"),
    Case(
        "text turned round in the header",
        "sqlite 3",
        "sqlite \u202e3",
        "-- Source",
        "not a header line",
    ),
    Case("carriage return in a row", "Buy milk", b"Buy\rmilk", b"(11,NULL", "carriage return"),
    Case(
        "byte order mark",
        "-- Demo Data Export",
        "\ufeff-- Demo Data Export",
        "\ufeff",
        "not a demo snapshot",
    ),
    Case(
        "text after the end",
        "-- Export completed successfully\n",
        "-- Export completed successfully\nDROP TABLE vaults;\n",
        "DROP TABLE",
        "follows the end",
    ),
    Case(
        "line break after the end",
        "-- Export completed successfully\n",
        "-- Export completed successfully\n\N{BROKEN BAR}\n",
        None,
        "follows the end",
    ),
    Case("no last line", "-- Export completed successfully\n", "", "-- Content", "cut short"),
    Case(
        "no line end at the end",
        "-- Export completed successfully\n",
        "-- Export completed successfully",
        "-- Content",
        "cut short",
    ),
    Case("one row changed", "Buy milk", "Buy beer", "-- Content digest", "altered", damage=True),
    Case(
        "one row less",
        "(11,NULL,'Buy milk')",
        "(11,NULL,'Buy')",
        "-- Content digest",
        "altered",
        damage=True,
    ),
    Case(
        "digest of another",
        "-- Content digest: sha256:",
        "-- Content digest: sha256:0",
        "-- Content digest",
        NOT_HERE,
        damage=True,
    ),
    Case(
        "clean-up of another table",
        "DELETE FROM todos",
        "DELETE FROM users",
        "DELETE FROM vaults",
        "clean-up of todos",
    ),
    Case(
        "clean-up without condition",
        "DELETE FROM vaults WHERE (id < 100);",
        "DELETE FROM vaults;",
        "DELETE FROM vaults",
        NOT_HERE,
    ),
    Case(
        "clean-up and more",
        "DELETE FROM vaults WHERE (id < 100);",
        "DELETE FROM vaults WHERE (id < 100); DROP TABLE x;",
        "DELETE FROM vaults",
        NOT_HERE,
    ),
    Case(
        "statement between the last two lines",
        "-- Export completed",
        "DROP TABLE vaults;\n-- Export completed",
        "-- Content digest",
        NOT_HERE,
    ),
    Case("second end of a section", LAST + ";\n\n", LAST + ";\n\n\N{BROKEN BAR}\n", None, NOT_HERE),
    Case("second commit", "COMMIT;\n", "COMMIT;\n\N{BROKEN BAR}COMMIT;\n", None, NOT_HERE),
    *_statements(),
]
