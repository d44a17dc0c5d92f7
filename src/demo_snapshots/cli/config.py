"""``demo config``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from demo_snapshots.cli.options import Session, WithExamples, common_options, examples

if TYPE_CHECKING:
    from demo_snapshots.config.foreign_keys import UndeclaredKey
    from demo_snapshots.config.rules import Reference, TableRule
    from demo_snapshots.config.settings import Config
    from demo_snapshots.render.report import Report


@click.command(
    "config",
    cls=WithExamples,
    short_help="Show the settings in force and where they come from.",
    epilog=examples(
        "demo config",
        "demo config --json",
        "demo config --database postgresql://localhost/app",
    ),
)
@common_options
def command(session: Session) -> None:
    """Show which database, snapshot directory and tables are in force, and who said so.

    Passwords are masked. Reads the settings alone; no database is needed.
    """
    config = session.project.config
    production = config.production
    session.terminal.result(_report(config, production), _document(config, production))


def _report(config: Config, production: str | None) -> Report:
    from demo_snapshots.render.report import Facts, Grid, Heading, Line, Look, Row

    settings = tuple(Row((s.name, s.value, s.origin)) for s in config.settings)
    tables = tuple(Row((name, describe(rule))) for name, rule in config.tables.items())
    references = tuple((name, _mode(mode)) for name, mode in config.references.items())
    keys = tuple((_place(key), _target(key)) for key in config.foreign_keys)
    origin = {setting.name: setting.origin for setting in config.settings}["tables"]
    sample = "The tables are those of the sample application: no [tables] in demo.toml"
    return (
        Grid((Heading("Setting"), Heading("Value"), Heading("From")), settings),
        Grid((Heading("Table"), Heading("Its demo rows")), tables),
        *((Line(f"note: {sample}", Look.WARNING),) if origin.startswith("default") else ()),
        *((Line("Foreign keys that the database does not declare", Look.FAINT),) if keys else ()),
        *((Facts(keys),) if keys else ()),
        *_dates(config),
        Line("References to rows that are not demo data", Look.FAINT),
        Facts((*references, ("all others" if references else "all tables", _mode("fail")))),
        Line(
            f"Production, says {production}: import and seed-enhanced want --force"
            if production
            else "Not marked as production",
            Look.WARNING if production else Look.FAINT,
        ),
    )


def _dates(config: Config) -> Report:
    """Which dates move with today, and how."""
    from demo_snapshots.render.report import Facts, Line, Look

    if not config.has_evergreen:
        return ()
    steps = {"weeks": "by whole weeks", "days": "by whole days", "exact": "to the second"}
    when = "at every import" if config.fresh else "where an import is to be fresh"
    places = (
        (
            name,
            "all columns of dates" if rule.evergreen is True else ", ".join(rule.evergreen or ()),
        )
        for name, rule in config.tables.items()
        if rule.evergreen
    )
    clocks = (("clocks", f"stay as they are in {config.zone}"),) if config.zone else ()
    return (
        Line("Dates that move with today", Look.FAINT),
        Facts((*places, ("they move", f"{steps[config.shift]}, {when}"), *clocks)),
    )


def describe(rule: TableRule) -> str:
    """A rule in words."""
    if rule.marker:
        text = f"{rule.marker} is true"
    elif rule.ways:
        ways = (way if isinstance(way, tuple) else way.columns for way in rule.ways)
        text = f"reference a demo row by {' or '.join(map(', '.join, ways))}"
    elif isinstance(rule.where, str):
        text = f"where {rule.where}"
    elif rule.where:
        each = rule.where.as_dict().items()
        text = "where " + "; ".join(f"{engine}: {predicate}" for engine, predicate in each)
    if rule.scenario:
        text += f"; scenario in {rule.scenario}"
    if rule.breakdown:
        text += f"; counted by {rule.breakdown}"
    for place, target in rule.json_references.items():
        text += f"; {place} holds {target}"
    return text


def _place(key: UndeclaredKey) -> str:
    return f"{key.table}.{', '.join(key.columns)}"


def _target(key: UndeclaredKey) -> str:
    return "; ".join(
        f"{each.table}.{', '.join(each.columns)}"
        + (f" where {key.type} is {each.value}" if each.value else "")
        for each in key.targets
    )


def _mode(mode: Reference) -> str:
    if isinstance(mode, str):
        return {
            "fail": "fail: export stops and names them",
            "include": "include: the rows travel along",
            "include-all": "include-all: the rows travel along, and all that they lead to",
            "null": "null: the reference is dropped",
        }[mode]
    return f"by-key: looked up by {', '.join(mode.by_key)}"


def _document(config: Config, production: str | None) -> dict[str, object]:
    return {
        "settings": [
            {"name": setting.name, "value": setting.value, "from": setting.origin}
            for setting in config.settings
        ],
        "tables": [
            {"table": name, **rule.as_dict(), "in_words": describe(rule)}
            for name, rule in config.tables.items()
        ],
        "foreign_keys": [
            {
                "table": key.table,
                "columns": list(key.columns),
                "type": key.type,
                "references": [
                    {"table": each.table, "columns": list(each.columns), "type": each.value}
                    for each in key.targets
                ],
            }
            for key in config.foreign_keys
        ],
        "references": {
            name: mode if isinstance(mode, str) else mode.as_dict()
            for name, mode in config.references.items()
        },
        "fresh": config.fresh,
        "shift": config.shift,
        "zone": config.zone,
        "production": production,
    }
