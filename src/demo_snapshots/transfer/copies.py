"""A staged snapshot becomes a copy: values of its own, its name in every marker, fresh keys.

The keys follow from the snapshot's, so that a row keeps its key when the copy is made anew, and
what others keep of it still leads there. Numbers are moved by a block: a power of ten above the
snapshot's highest key, or a multiple of it; UUIDs follow from the old one and the copy's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from demo_snapshots.errors import ConfigError, KeyClashError
from demo_snapshots.model.copies import CopyOf
from demo_snapshots.model.rules import ways_of
from demo_snapshots.model.tables import Column, Kind
from demo_snapshots.model.words import Call, Words
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.transfer.blocks import Block
from demo_snapshots.transfer.free_keys import holds_uuids
from demo_snapshots.transfer.protect import is_real
from demo_snapshots.transfer.rekey import FreshKeys, renew_keys
from demo_snapshots.transfer.stage import Stage, Staging
from demo_snapshots.transfer.templates import Templates, set_columns

_MOVING = (Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.DATE, Kind.JSON)


def require_copyable(demo: DemoSet) -> None:
    """Raise ConfigError, naming the tables, where rows of copies could not be told from others."""
    rules = demo.selection.rules
    names = [
        name for name, rule in rules.items() if rule.scenario is None and not ways_of(rule.rule)
    ]
    if names:
        raise ConfigError(
            f"no copy can be told apart in {', '.join(names)}: the rows carry no scenario",
            problems=tuple(f"tables.{name}: no scenario" for name in names),
            hint="Say in demo.toml where these rows name their scenario (scenario = a column, or"
            " a place in JSON), or have them follow rows that do.",
        )


def stage_copy(staging: Staging, copy: CopyOf) -> None:
    """Make of the staged snapshot that copy of it, ``staging`` being narrowed to its rows.

    Raises UsageError for templates that do not fit, KeyClashError for keys that mean something and
    for unique values that other rows have, naming all of them, and ConfigError for rows that have
    no place for the copy's name.
    """
    templates = Templates(staging, copy)
    templates.fill()
    for stage in staging.stages.values():
        _label(staging, stage, copy)
    renew_keys(staging, _CopyKeys(staging, templates))
    _require_unique(staging)


def _label(staging: Staging, stage: Stage, copy: CopyOf) -> None:
    """Have the staged rows say that they are the copy's."""
    dialect = staging.dialect
    field = staging.selection.rules[stage.table.name].scenario
    if field is None or not staging.count(stage.rows):
        return
    place = f"{stage.table.name}.{field}"
    if field.column not in {column.name for column in stage.columns}:
        raise ConfigError(f"{place}: the snapshot does not have it, so no row can say which copy")
    value = dialect.text(copy.label)
    if field.path:
        column = stage.table.column(field.column)
        value = dialect.json_set(column, [(field.path, json.dumps(copy.label))])
    set_columns(staging, stage, {field.column: value})
    predicate = staging.selection.predicate(stage.table.name, copy.rows)
    unlike = staging.count(stage.rows, f"CASE WHEN {predicate} THEN 0 ELSE 1 END = 1")
    if unlike:
        raise ConfigError(
            f"{place}: {unlike} {'row has' if unlike == 1 else 'rows have'} no place for the copy's"
            " name, or would be no demo rows with it",
            hint="Nothing was changed. In a copy every row of the table carries marker and"
            " scenario itself.",
        )


class _CopyKeys(FreshKeys):
    def __init__(self, staging: Staging, templates: Templates) -> None:
        super().__init__(staging)
        self.templates = templates

    def of(self, stage: Stage) -> str:
        template = self.templates.by_column.get((stage.table.name, stage.key[0]))
        if template is not None:
            return self.templates.value(stage, stage.key[0], template)
        return super().of(stage)

    def offset(self, stage: Stage, quoted: str) -> int:
        lowest = self.database.scalar(f"SELECT min({quoted}) FROM {stage.rows}")
        if lowest is None:
            return 0
        if int(lowest) < 0:
            return super().offset(stage, quoted)
        block = Block(self.staging, stage, stage.key[0])
        return block.kept if block.is_free and self._is_told(stage, block) else block.next

    def uuid(self, stage: Stage, column: Column) -> str:
        template = "{uuid}"
        return self.templates.value(stage, column.name, template)

    def meaningful(self, stage: Stage) -> KeyClashError:
        place = f"{stage.table.name}.{', '.join(stage.key)}"
        message = f"{place}: a key that means something, so a copy needs another"
        if len(stage.key) > 1:
            hint = "Nothing was changed. Tables whose key is several such columns cannot be copied."
            return KeyClashError(message, hint=hint)
        return KeyClashError(
            message, hint=_say([f"{stage.table.name}.{stage.key[0]}"], ["{value}-{copy}"])
        )

    def _is_told(self, stage: Stage, block: Block) -> bool:
        """Whether the copy's rows are those of the snapshot moved by the block: at least one of
        them is alike but for what it references. A snapshot that has outgrown its block would lead
        others to rows that they did not mean."""
        led = [place for place, _ in self.staging.selection.rules[stage.table.name].json_references]
        compared = [
            column
            for column in stage.columns
            if column.name not in stage.key
            and not any(column.name in key.columns for key in stage.table.foreign_keys)
            and not any(_is_in(place, column.name) for place in led)
        ]
        # Dates may have been moved, those inside JSON too.
        compared = [column for column in compared if column.kind not in _MOVING] or compared
        alike = self.dialect.same("t", "s", compared)
        return bool(compared) and self.staging.count(block.moved, alike) > 0


def _is_in(place: str, column: str) -> bool:
    return place == column or place.startswith((f"{column}.", f"{column}["))


def _require_unique(staging: Staging) -> None:
    """Raise KeyClashError, naming every unique key that would not hold, and what would help."""
    clashes = [
        (stage, names, count)
        for stage in staging.stages.values()
        for names in stage.table.uniques
        if set(names) <= {column.name for column in stage.columns}
        and (count := _clashing(staging, stage, names))
    ]
    if not clashes:
        return
    problems = tuple(
        f"{stage.table.name}.{', '.join(names)}: {count} of the copy's rows"
        f" {'has' if count == 1 else 'have'} what another row has"
        for stage, names, count in clashes
    )
    helped = [
        (f"{stage.table.name}.{column.name}", template)
        for stage, names, _ in clashes
        for column, template in _helping(stage, names)
    ]
    raise KeyClashError(
        f"the copy would have {len(clashes)} unique"
        f" {'value' if len(clashes) == 1 else 'values'} in common with other rows",
        problems=problems,
        hint=_say(*zip(*helped, strict=True)) if helped else "Nothing was changed.",
    )


def _clashing(staging: Staging, stage: Stage, names: Sequence[str]) -> int:
    """How many staged rows have the unique values of another's row, or of one another."""
    dialect = staging.dialect
    target = stage.target
    real = is_real(staging, stage, "t") if stage.key else "1 = 1"
    if not stage.key:
        own = staging.demo_predicate(stage)
        target = staging.chosen(stage, f"CASE WHEN {own} THEN 0 ELSE 1 END = 1")
    taken = staging.count(
        f"{stage.rows} AS s JOIN {target} AS t ON {dialect.match('s', 't', names)}", real
    )
    given = " AND ".join(f"{dialect.quote(name)} IS NOT NULL" for name in names)
    columns = dialect.columns(names)
    twice = (
        f"(SELECT count(*) AS n FROM {stage.rows} WHERE {given}"
        f" GROUP BY {columns} HAVING count(*) > 1) AS g"
    )
    return taken or int(staging.database.scalar(f"SELECT COALESCE(sum(n), 0) FROM {twice}"))


def _helping(stage: Stage, names: Sequence[str]) -> Iterator[tuple[Column, str]]:
    """A template for one of the columns, the first that takes one."""
    for name in names:
        column = stage.table.column(name)
        if name in stage.key or any(name in key.columns for key in stage.table.foreign_keys):
            continue
        if column.kind is Kind.TEXT and "mail" in name.lower():
            yield column, "{email_local}+{copy}@{email_domain}"
        elif holds_uuids(column):
            yield column, "{uuid}"
        elif column.kind is Kind.TEXT:
            yield column, "{value}-{copy}"
        elif column.kind is Kind.INTEGER:
            yield column, "{next}"
        else:
            continue
        return


def _say(places: Sequence[str], templates: Sequence[str]) -> Words:
    return Words(
        "Nothing was changed. Say what they hold in the copy, here or in [copies.set]: ",
        Call(templates=dict(zip(places, templates, strict=True))),
    )
