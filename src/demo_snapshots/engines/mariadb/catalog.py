"""MariaDB's catalog: SHOW CREATE TABLE for the keys, information_schema for the rest.

A user who may only SELECT does not see in information_schema what foreign keys do on delete, and
one who may read some columns does not see keys on the others; SHOW CREATE TABLE tells everything
or refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pymysql

from demo_snapshots.engines.base.catalog import Catalog, Check, Keys, Names, Place, by_place
from demo_snapshots.engines.mariadb.dialect import SPATIAL, MariaDB
from demo_snapshots.model.tables import Column, ForeignKey, Kind, Table, Trigger

_NO_SUCH_TABLE = 1146
_COUNTER = re.compile(r" AUTO_INCREMENT=[0-9]+")


class MariaDBCatalog(Catalog):
    """The tables of the database that the connection was opened for."""

    dialect: MariaDB

    def tables(self) -> Names:
        return {
            None: sorted(n for n, kind in self._rows("SHOW FULL TABLES") if kind == "BASE TABLE")
        }

    def foreign_keys(self, names: Names) -> dict[Place, tuple[ForeignKey, ...]]:
        folded = self._folded(names)
        found: dict[Place, tuple[ForeignKey, ...]] = {}
        for name in names[None]:
            try:
                text = self._definition(name)
            except pymysql.ProgrammingError as error:
                if error.args[0] != _NO_SUCH_TABLE:
                    raise
                continue  # somebody else's, and gone since it was listed
            if keys := tuple(_foreign_keys(text, folded)):
                found[None, name] = keys
        return found

    def _folded(self, names: Names) -> dict[str, str]:
        """Names by what the server compares, where it compares regardless of case."""
        if not self._rows("SELECT @@lower_case_table_names")[0][0]:
            return {}
        return {name.lower(): name for name in names[None]}

    def keys(self, places: Iterable[Place]) -> dict[Place, Keys]:
        return {(None, name): _keys(self._definition(name)) for _, name in places}

    def _definition(self, table: str) -> str:
        return str(self._rows(f"SHOW CREATE TABLE {self.dialect.quote(table)}")[0][1])

    def columns(self, places: Iterable[Place]) -> dict[Place, tuple[Column, ...]]:
        return {(None, name): tuple(self._columns(name)) for _, name in places}

    def _columns(self, table: str) -> Iterator[Column]:
        where = f"table_schema = DATABASE() AND table_name = {self.dialect.text(table)}"
        json = self._json_columns(where)
        for name, *facts in self._rows(_COLUMNS.format(where=where)):
            yield _column(name, *facts, is_json=name in json)

    def _json_columns(self, where: str) -> set[str]:
        """MariaDB's JSON is LONGTEXT with a check."""
        if self.dialect.is_mysql:
            return set()
        clauses = self._rows(
            "SELECT check_clause FROM information_schema.check_constraints"
            f" WHERE {where.replace('table_schema', 'constraint_schema', 1)}"
        )
        return {
            match[2].replace(match[1] * 2, match[1])
            for (clause,) in clauses
            for match in re.finditer(r"json_valid\(([`\"])((?:(?!\1).|\1\1)+)\1\)", clause)
        }

    def checks(self, table: Table) -> tuple[Check, ...]:
        if self.dialect.is_mysql:
            return ()  # its clauses are not spelled as it reads them
        found = self._rows(
            "SELECT constraint_name, check_clause FROM information_schema.check_constraints"
            " WHERE constraint_schema = DATABASE()"
            f" AND table_name = {self.dialect.text(table.name)} ORDER BY constraint_name"
        )
        return tuple(Check(name, clause) for name, clause in found if "\\" not in clause)

    def stamp(self, tables: Sequence[Table]) -> object:
        names = sorted(self.dialect.table(table) for table in tables)
        made = [self._rows(f"SHOW CREATE TABLE {name}")[0][1] for name in names]
        return (
            [_COUNTER.sub("", text) for text in made],
            [row[:5] for row in self._rows("SHOW TRIGGERS")],
        )

    def triggers(self) -> dict[Place, tuple[Trigger, ...]]:
        return by_place(
            ((None, table), Trigger(name, event == "UPDATE"))
            for table, name, event in self._rows(_TRIGGERS)
        )


# MariaDB names triggers to whoever sees the table, MySQL to those with the TRIGGER privilege.
_TRIGGERS = """
SELECT event_object_table, trigger_name, event_manipulation FROM information_schema.triggers
WHERE event_object_schema = DATABASE()
ORDER BY event_object_table, trigger_name
"""


# --- Keys ------------------------------------------------------------------------------------

# Our sessions have names in double quotes (ANSI_QUOTES). A line that begins like this is never
# inside a string, where line breaks are written \n, nor inside a name, where quotes are doubled.
_NAME = r'"(?:[^"]|"")+"'
_PART = rf"{_NAME}(?:\(\d+\))?(?: ASC| DESC)?"
_PARTS = rf"{_PART}(?:, ?{_PART})*"
# Keys on expressions, and those WITHOUT OVERLAPS of a period, are not unique by their columns.
_KEY = rf"^  (PRIMARY|UNIQUE) KEY (?:{_NAME} )?(?:USING \w+ )?\(({_PARTS})\)"
_FOREIGN_KEY = (
    rf"^  CONSTRAINT (?P<name>{_NAME}) FOREIGN KEY \((?P<columns>{_PARTS})\)"
    rf" REFERENCES (?:(?P<schema>{_NAME})\.)?(?P<table>{_NAME}) \((?P<referenced>{_PARTS})\)"
    r"(?: MATCH \w+)?(?: ON DELETE (?P<rule>RESTRICT|CASCADE|SET NULL|NO ACTION|SET DEFAULT))?"
)


def _keys(definition: str) -> Keys:
    primary: tuple[str, ...] = ()
    uniques = []
    for kind, parts in re.findall(_KEY, definition, re.MULTILINE):
        if kind == "PRIMARY":
            primary = _names(parts)
        else:
            uniques.append(_names(parts))
    return Keys(primary, tuple(uniques))


def _foreign_keys(definition: str, folded: Mapping[str, str]) -> Iterator[ForeignKey]:
    for match in re.finditer(_FOREIGN_KEY, definition, re.MULTILINE):
        (table,) = _names(match["table"])
        schema = _names(match["schema"] or "")
        yield ForeignKey(
            name=_names(match["name"])[0],
            columns=_names(match["columns"]),
            referenced_table=table if schema else folded.get(table.lower(), table),
            referenced_columns=_names(match["referenced"]),
            on_delete=match["rule"] or "NO ACTION",
            referenced_schema=schema[0] if schema else None,
        )


def _names(quoted: str) -> tuple[str, ...]:
    return tuple(name[1:-1].replace('""', '"') for name in re.findall(_NAME, quoted))


# --- Columns ---------------------------------------------------------------------------------

_COLUMNS = """
SELECT column_name, data_type, column_type, is_nullable = 'YES', column_default,
       extra, COALESCE(generation_expression, ''), character_maximum_length,
       numeric_precision, numeric_scale, datetime_precision, character_set_name
FROM information_schema.columns WHERE {where} ORDER BY ordinal_position
"""

_KINDS = {
    "tinyint": (Kind.INTEGER, 8),
    "smallint": (Kind.INTEGER, 16),
    "mediumint": (Kind.INTEGER, 24),
    "int": (Kind.INTEGER, 32),
    "bigint": (Kind.INTEGER, 64),
    "year": (Kind.INTEGER, 16),
    "bit": (Kind.INTEGER, 64),
    "decimal": (Kind.DECIMAL, None),
    "float": (Kind.FLOAT, 32),
    "double": (Kind.FLOAT, 64),
    **dict.fromkeys(("char", "varchar", "enum", "set"), (Kind.TEXT, None)),
    **dict.fromkeys(("tinytext", "text", "mediumtext", "longtext"), (Kind.TEXT, None)),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), (Kind.BINARY, None)),
    **dict.fromkeys(("binary", "varbinary", "vector"), (Kind.BINARY, None)),
    # As the server keeps them: four bytes of SRID, then well-known binary.
    **dict.fromkeys(SPATIAL, (Kind.BINARY, None)),
    "json": (Kind.JSON, None),
    "date": (Kind.DATE, None),
    "time": (Kind.TIME, None),
    "datetime": (Kind.TIMESTAMP, None),
    "timestamp": (Kind.TIMESTAMPTZ, None),
    "uuid": (Kind.UUID, None),
}


def _column(
    name: str,
    data_type: str,
    declared: str,
    nullable: int,
    default: str | None,
    extra: str,
    generation: str,
    characters: int | None,
    precision: int | None,
    scale: int | None,
    fraction: int | None,
    charset: str | None,
    *,
    is_json: bool,
) -> Column:
    kind, bits = _KINDS.get(data_type, (Kind.NATIVE, None))
    if is_json and kind is Kind.TEXT:
        kind = Kind.JSON
    elif declared.startswith("tinyint(1)"):
        kind = Kind.BOOLEAN
    elif declared == "bit(1)":
        kind, bits = Kind.BOOLEAN, None
    times = (Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)
    sized = data_type in ("char", "varchar", "binary", "varbinary")
    return Column(
        name=name,
        kind=kind,
        nullable=bool(nullable),
        native=declared if data_type in ("enum", "set") else data_type,
        # MariaDB spells the default of a nullable column without one NULL.
        has_default=default not in (None, "NULL") or "auto_increment" in extra.lower(),
        generated=bool(generation),
        length=characters if sized else None,
        precision=fraction if kind in times else precision if kind is Kind.DECIMAL else None,
        scale=scale if kind is Kind.DECIMAL else None,
        unsigned="unsigned" in declared or data_type in ("bit", "year"),
        bits=bits,
        charset=charset,
        default=None if default == "NULL" else default,
    )
