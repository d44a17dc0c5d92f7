"""What columns of a copy hold: templates, as expressions of the engine over staged rows."""

from __future__ import annotations

from collections.abc import Mapping

from demo_snapshots.errors import UsageError
from demo_snapshots.model.copies import CopyOf, pieces_of
from demo_snapshots.model.tables import Column, Kind, moments
from demo_snapshots.transfer.blocks import Block
from demo_snapshots.transfer.stage import Stage, Staging, naming

_KINDS = (Kind.TEXT, Kind.INTEGER, Kind.UUID)


def templates_by_column(staging: Staging, copy: CopyOf) -> dict[tuple[str, str], str]:
    """The templates of ``copy``, by the names of table and column. Raises UsageError for one of
    a column that is not in the snapshot or that something else decides on."""
    configured = staging.schema.configured
    found = {}
    for place, template in copy.templates.items():
        name, _, column = place.rpartition(".")
        stage = staging.stages.get(configured.get(name, name))
        if stage is None or column not in {each.name for each in stage.columns}:
            raise UsageError(
                f"{place}: the snapshot has no such column",
                hint="Nothing was changed. Say table.column of one that it has.",
            )
        if why := _why_not(staging, stage, stage.table.column(column)):
            raise UsageError(f"{place}: {why}", hint="Nothing was changed. Leave it out.")
        found[stage.table.name, column] = template
    return found


def _why_not(staging: Staging, stage: Stage, column: Column) -> str | None:
    """A clause that says why a column takes no template."""
    rule = staging.selection.rules[stage.table.name]
    if rule.scenario is not None and rule.scenario.column == column.name:
        return "it says which copy a row is of"
    if any(column.name in key.columns for key in stage.table.foreign_keys):
        return "it is part of a foreign key, which leads to the copy's own rows anyway"
    if column.name in stage.key and column.kind is not Kind.TEXT:
        return "it is a key, and every row of a copy gets a fresh one anyway"
    if column.kind not in _KINDS:
        return "only texts, whole numbers and UUIDs are made by a template"
    return None


class Templates:
    """The templates of a copy, as SQL."""

    def __init__(self, staging: Staging, copy: CopyOf) -> None:
        self.staging = staging
        self.dialect = staging.dialect
        self.copy = copy
        self.by_column = templates_by_column(staging, copy)

    def fill(self) -> None:
        """Have the staged rows hold what the templates say, but for keys."""
        for stage in self.staging.stages.values():
            made = {
                column: self.value(stage, column, template)
                for (table, column), template in self.by_column.items()
                if table == stage.table.name and column not in stage.key
            }
            if made:
                set_columns(self.staging, stage, made)

    def value(self, stage: Stage, name: str, template: str) -> str:
        """An expression for what a column holds by its template; NULL where it was and the
        template asks what it was."""
        column = stage.table.column(name)
        own = self.dialect.text_of(column, self.dialect.quote(name))
        parts = []
        for text, variable in pieces_of(template):
            parts += [self.dialect.text(text)] if text else []
            parts += [self._variable(stage, column, own, variable)] if variable else []
        text = self.dialect.joined(parts) if parts else self.dialect.text("")
        return self.dialect.from_text(column, text)

    def _variable(self, stage: Stage, column: Column, own: str, variable: str) -> str:
        match variable:
            case "copy":
                return self.dialect.text(self.copy.name)
            case "email_local":
                return self.dialect.before_at(own)
            case "email_domain":
                return self.dialect.after_at(own)
            case "next":
                return self._next(stage, column)
            case "uuid":
                seed = self.dialect.text(f"{self.copy.label} {stage.table.name} {column.name} ")
                return self.dialect.uuid_of(self.dialect.joined([seed, own]))
            case _:
                return own

    def _next(self, stage: Stage, column: Column) -> str:
        """The number moved out of the way of all that other rows have."""
        if column.kind is not Kind.INTEGER:
            raise UsageError(
                f"{stage.table.name}.{column.name}: {{next}} is for columns of whole numbers",
                hint="Nothing was changed.",
            )
        quoted = self.dialect.quote(column.name)
        if not stage.key:
            raise UsageError(f"{stage.table.name}.{column.name}: {{next}} needs a table with a key")
        block = Block(self.staging, stage, column.name)
        offset = block.kept if block.is_free else block.next
        return self.dialect.text_of(column, f"({quoted} + {offset})")


def set_columns(staging: Staging, stage: Stage, values: Mapping[str, str]) -> None:
    """Set columns of all staged rows to expressions over each row."""
    dialect = staging.dialect
    # A stage inherits ON UPDATE from its table on MariaDB.
    kept = {name: dialect.quote(name) for name in moments(stage.columns, values)}
    setting = ", ".join(
        f"{dialect.quote(name)} = {value}" for name, value in {**values, **kept}.items()
    )
    with naming(stage.table):
        staging.database.execute(f"UPDATE {stage.rows} SET {setting}")
