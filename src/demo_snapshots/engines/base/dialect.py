"""How an engine is spoken to: the SQL that differs, and what most engines say alike.

A dialect writes SQL and runs none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from demo_snapshots.model.tables import Column, ForeignKey, OfType, Table


class Dialect(ABC):
    """One engine's ways in SQL."""

    name: str
    enforces_foreign_keys = False
    """Whether foreign keys act (check, cascade) while an import changes rows. Where they do
    not, the import verifies them by query before it commits."""
    join_in_order = "JOIN"
    """Between a stage and its table: for each row of the one that of the other is looked up by its
    key, where the engine would not choose so by itself."""

    # --- Names -------------------------------------------------------------------------------

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def table(self, table: Table) -> str:
        """The table's name in SQL, with its schema if it has one."""
        name = self.quote(table.name)
        return f"{self.quote(table.schema)}.{name}" if table.schema else name

    def rows_of(self, table: Table) -> str:
        """The table in FROM, UPDATE and DELETE: its own rows alone."""
        return self.table(table)

    def found_by_key(self, table: Table, condition: str) -> str:
        """The rows that meet a condition, for FROM; nothing but that there is one can be asked of
        each. The key's index leads to them where ``Session.prefer_indexes`` was called."""
        return f"{self.rows_of(table)} WHERE {condition}"

    def temporary(self, name: str) -> str:
        """A temporary table's name in SQL."""
        return self.quote(name)

    def columns(self, names: Iterable[str], alias: str = "") -> str:
        prefix = f"{alias}." if alias else ""
        return ", ".join(prefix + self.quote(name) for name in names)

    def row_value(self, names: Sequence[str], alias: str = "") -> str:
        """The columns as what stands before IN: one bare, several in parentheses."""
        columns = self.columns(names, alias)
        return columns if len(names) == 1 else f"({columns})"

    def text(self, value: str) -> str:
        """``value`` as a string literal of this engine under our session settings."""
        return "'" + value.replace("'", "''") + "'"

    def locking(self, select: str) -> str:
        """A subquery, for what is checked within ``begin_write``, whose rows stay as they are
        until the end of the transaction where foreign keys do not see to that themselves."""
        return select

    def references(self, key: ForeignKey, alias: str = "") -> str:
        """A condition: a row has a reference by ``key``, to whatever row."""
        prefix = f"{alias}." if alias else ""
        given = [f"{prefix}{self.quote(name)} IS NOT NULL" for name in key.columns]
        return " AND ".join([*given, *([self.of_type(key.only, alias)] if key.only else [])])

    def of_type(self, only: OfType, alias: str = "") -> str:
        """A condition: a row is one that ``only`` tells."""
        column = f"{alias}.{self.quote(only.column)}" if alias else self.quote(only.column)
        if not only.is_content_type:
            return f"{column} = {self.text(only.value)}"
        label, _, model = only.value.partition(".")
        return (
            f"{column} IN (SELECT id FROM django_content_type"
            f" WHERE app_label = {self.text(label)} AND model = {self.text(model)})"
        )

    # --- Rows out ----------------------------------------------------------------------------

    @abstractmethod
    def literal(self, column: Column) -> str:
        """An SQL expression for the column's value as a raw literal (see rows.literals)."""

    @abstractmethod
    def concatenate(self, parts: Sequence[str]) -> str:
        """An SQL expression that joins text expressions."""

    @abstractmethod
    def order(self, column: Column) -> str:
        """An ORDER BY term: integers numerically, everything else by its UTF-8 bytes."""

    def row(self, parts: Sequence[str]) -> str:
        """An SQL expression for a raw row ``(…)`` of literal expressions."""
        pieces = ["'('"]
        for index, part in enumerate(parts):
            pieces += [part] if index == 0 else ["','", part]
        return self.concatenate([*pieces, "')'"])

    def special_values(self, columns: Sequence[Column]) -> str | None:
        """A condition: a row holds a value that ``quick_rows`` would spell otherwise; None if
        no row can."""
        return None

    def quick_rows(
        self, columns: Sequence[Column], empty: Mapping[str, str], source: str, *, special: bool
    ) -> str | None:
        """A query for ``stream`` that gives the same raw rows sooner, where the engine has one
        for these columns. ``empty`` are conditions under which a column is written as NULL;
        ``source`` begins with FROM; ``special`` says that there may be rows with
        ``special_values``."""
        return None

    def text_of(self, column: Column, expression: str) -> str:
        """An expression for a column's value as text, for labels and messages."""
        return f"CAST({expression} AS CHAR)"

    def ending(self, expression: str, count: int) -> str:
        """An expression for the last ``count`` characters of a text."""
        return f"right({expression}, {count})"

    # --- Selection ---------------------------------------------------------------------------

    @abstractmethod
    def json_text(self, column: Column, path: Sequence[str]) -> str:
        """The JSON value at ``path`` inside ``column`` as text (``true`` or ``1`` for true),
        NULL where there is none, or where the column's text is not JSON. Never an error."""

    @abstractmethod
    def json_values(self, column: Column, path: str) -> tuple[str, str]:
        """What joins the rows of alias ``t`` with every value at a path like ``[*].id`` inside
        ``column``, to stand after ``FROM … AS t``, and an expression for such a value as text.
        Text that is not JSON has none."""

    @abstractmethod
    def json_set(self, column: Column, changes: Sequence[tuple[tuple[str | int, ...], str]]) -> str:
        """An expression for the column's JSON with the value after each of these steps
        replaced by the JSON given."""

    def lead_array(self, rows: str, column: Column, mapping: str) -> str:
        """A statement that replaces the keys in the arrays of ``column`` by those that the table
        ``mapping`` has for them, old and new. Only where there are arrays."""
        raise NotImplementedError

    @abstractmethod
    def new_uuid(self) -> str:
        """An expression for a fresh UUID, other for each row, as text or of the UUID type."""

    def plain_text(self, name: str) -> str:
        """A column's value as text, as JSON would hold it."""
        return f"CAST({self.quote(name)} AS CHAR)"

    # --- Texts made of texts -----------------------------------------------------------------

    def joined(self, parts: Sequence[str]) -> str:
        """An expression for texts one after the other; NULL where one of them is."""
        return f"({' || '.join(parts)})"

    @abstractmethod
    def before_at(self, text: str) -> str:
        """An expression for what stands before the ``@`` of an e-mail address."""

    @abstractmethod
    def after_at(self, text: str) -> str:
        """An expression for what stands after it."""

    def hash_of(self, text: str) -> str:
        """An expression for 32 hexadecimal digits that follow from a text."""
        return f"md5({text})"

    def uuid_of(self, text: str) -> str:
        """An expression for a UUID, as text, that follows from a text."""
        digits = self.hash_of(text)
        pieces = ((1, 8), (9, 4), (14, 3), (18, 3), (21, 12))
        first, second, third, fourth, last = (f"substr({digits}, {n}, {m})" for n, m in pieces)
        # One of version 8, whose bits are whoever's who makes it (RFC 9562, 5.8).
        return self.joined([first, "'-'", second, "'-8'", third, "'-8'", fourth, "'-'", last])

    def from_text(self, column: Column, text: str) -> str:
        """An expression for a value of the column, a text, number or UUID, made of a text."""
        return text

    # --- Rows in -----------------------------------------------------------------------------

    def sql_literal(self, raw_literal: bytes) -> str:
        """A raw literal as this engine's SQL spells it."""
        return raw_literal.decode()

    @abstractmethod
    def create_temporary(self, name: str, select: str, key: Sequence[str]) -> str:
        """A statement that makes a temporary table of a query's rows, with its column types;
        its ``key`` columns, if any, are unique."""

    def index_temporary(self, name: str, key: Sequence[str]) -> list[str]:
        """Statements, once it is filled, that make joins on the table's ``key`` quick."""
        return []

    @abstractmethod
    def same(self, a: str, b: str, columns: Sequence[Column]) -> str:
        """A condition: these columns of aliases ``a`` and ``b`` hold the same image, not just
        equal values (1 and 1.0, 'abc' and 'ABC' differ)."""

    def update_from(
        self,
        table: str,
        assignments: Sequence[tuple[str, str]],
        source: str,
        condition: str,
        untouched: Sequence[str] = (),
    ) -> str:
        """UPDATE ``table`` AS t FROM ``source`` AS s WHERE ``condition``; ``assignments`` are
        columns of the one and the columns of the other they are set to. Columns ``untouched`` are
        as they were, even if an ON UPDATE sits on them."""
        setting = ", ".join(
            f"{self.quote(name)} = s.{self.quote(other)}" for name, other in assignments
        )
        return f"UPDATE {table} AS t SET {setting} FROM {source} AS s WHERE {condition}"

    def match(self, a: str, b: str, columns: Iterable[str]) -> str:
        """``a.x = b.x AND a.y = b.y``"""
        names = [self.quote(name) for name in columns]
        return " AND ".join(f"{a}.{name} = {b}.{name}" for name in names)

    def delete_matching(self, table: str, source: str, condition: str) -> str:
        """DELETE from ``table`` AS t the rows for which ``source`` AS s holds a match."""
        return (
            f"DELETE FROM {table} AS t WHERE EXISTS (SELECT 1 FROM {source} AS s WHERE {condition})"
        )


def json_path(steps: Sequence[str | int]) -> str:
    """``$[0]."id"``: a path as SQLite and MariaDB read it."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in steps)


def quoted(expression: str) -> str:
    """An SQL expression that puts text without quotes in it between single quotes."""
    return f"'''' || {expression} || ''''"
