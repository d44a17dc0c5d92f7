"""``demo seed-enhanced``"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from demo_snapshots.cli.options import (
    FORCE,
    YES,
    Session,
    WithExamples,
    common_options,
    examples,
    refuse_production,
    scenario_name,
)
from demo_snapshots.errors import NotConfirmedError, UsageError

if TYPE_CHECKING:
    from demo_snapshots.fragments.scenario import Scenario
    from demo_snapshots.model import ExportResult


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        time = datetime.min.replace(tzinfo=UTC)
    if not 1900 <= time.year < 9999:
        raise UsageError(
            f"--as-of={value} is not a date or time between 1900 and 9998",
            hint="Write it like 2025-01-15 or 2025-01-15T09:30, in UTC.",
        )
    return time.replace(microsecond=0)


@click.command(
    "seed-enhanced",
    cls=WithExamples,
    short_help="Fill the sample application from a scenario.",
    epilog=examples(
        "demo seed-enhanced --scenario=general",
        "demo seed-enhanced --scenario-file=my.yaml --seed=7 --export",
        "demo seed-enhanced --scenario=writer --as-of=2025-01-15 --scale=100",
    ),
)
@click.option(
    "--scenario",
    metavar="NAME",
    callback=scenario_name,
    help="One that is shipped: general, writer or developer.",
)
@click.option("--scenario-file", metavar="PATH", help="Your own, a YAML file.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another number makes other rows."
)
@click.option(
    "--as-of",
    metavar="TIME",
    callback=_moment,
    help="The moment the demo leads up to, an ISO date or time in UTC; now by default.",
)
@click.option(
    "--scale",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Multiplies the counts, for load tests.",
)
@click.option("--export", is_flag=True, help="Export the scenario right after.")
@YES
@FORCE
@common_options
def command(
    session: Session,
    scenario: str | None,
    scenario_file: str | None,
    seed: int,
    as_of: datetime | None,
    scale: int,
    export: bool,
    yes: bool,
    force: bool,
) -> None:
    """Fill the sample application with the demo rows of a scenario.

    They replace those of that scenario there were; it asks first. The same scenario, --seed,
    --as-of and --scale make the same rows.
    """
    refuse_production(force)
    world = _load(scenario, scenario_file)
    from demo_snapshots import render
    from demo_snapshots.database.connect import make_engine
    from demo_snapshots.fragments.counting import demo_rows
    from demo_snapshots.fragments.seeding import seed as seed_rows

    name = world.scenario
    moment = as_of or session.now.replace(microsecond=0)
    engine = make_engine(session.config.database)
    replaced = demo_rows(engine, name)
    if replaced.total:
        plan = (
            render.Line(f"Seeding {name}", render.Look.STRONG),
            render.statistics_grid((("Now", replaced),)),
        )
        question = f"Replace {render.counted(replaced.total, 'demo row')} of {name}?"
        if not session.terminal.ask(plan, question, yes=yes):
            raise NotConfirmedError("the answer was no; nothing was changed")
    with session.terminal.progress() as progress:
        seeded = seed_rows(engine, world, seed=seed, as_of=moment, scale=scale, progress=progress)
    exported = _export(session, name) if export else None
    report: render.Report = (
        render.Line(f"Seeded {name}", render.Look.GOOD),
        render.statistics_grid((("Replaced", replaced), ("Seeded", seeded))),
        render.Facts((("Again", f"--seed={seed} --as-of={render.iso(moment)} --scale={scale}"),)),
    )
    if exported:
        report += (render.Line(""), *render.export_report(exported))
    document = {
        "scenario": name,
        "seed": seed,
        "as_of": render.iso(moment),
        "scale": scale,
        "replaced": render.statistics_json(replaced),
        "seeded": render.statistics_json(seeded),
        "export": render.export_json(exported) if exported else None,
    }
    session.terminal.result(report, document)


def _load(scenario: str | None, file: str | None) -> Scenario:
    from demo_snapshots.fragments.scenario import load_scenario, load_scenario_file, scenario_names

    if file is not None and scenario is not None:
        raise UsageError(
            "--scenario and --scenario-file contradict each other", hint="Give one of them."
        )
    if file is not None:
        return load_scenario_file(file)
    if scenario is None:
        raise UsageError(
            "no scenario given",
            hint=f"Give --scenario ({', '.join(scenario_names())}) or --scenario-file.",
        )
    return load_scenario(scenario)


def _export(session: Session, scenario: str) -> ExportResult:
    from demo_snapshots.exporting import export_scenario

    with session.terminal.progress() as progress:
        return export_scenario(
            scenario, session.config, session.store, now=session.now, progress=progress
        )
