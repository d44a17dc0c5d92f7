"""``demo seed-enhanced``"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from demo_snapshots.cli.options import (
    FORCE,
    YES,
    Session,
    WithExamples,
    common_options,
    examples,
    moment,
    scenario_name,
)
from demo_snapshots.errors import NotConfirmedError, UsageError

if TYPE_CHECKING:
    from demo_snapshots.model.results import ExportResult
    from demo_snapshots.model.snapshots import Statistics
    from demo_snapshots.render.report import Report
    from demo_snapshots.sample.scenario import Scenario


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
    callback=moment,
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
    project = session.project
    project.config.refuse_production(force=force)
    world = _load(scenario, scenario_file)
    from demo_snapshots.sample.counting import demo_rows

    moment = as_of or project.clock().replace(microsecond=0)
    replaced = demo_rows(project.config.database, world.scenario)
    _ask(session, world.scenario, replaced, yes)
    with session.terminal.progress() as progress:
        seeded = project.seed(
            world, seed=seed, as_of=moment, scale=scale, force=force, progress=progress
        )
    exported = _export(session, world.scenario) if export else None
    outcome = _Outcome(world.scenario, seed, moment, scale, replaced, seeded, exported)
    session.terminal.result(_report(outcome), _document(outcome))


class _Outcome(Struct, frozen=True):
    scenario: str
    seed: int
    as_of: datetime
    scale: int
    replaced: Statistics
    seeded: Statistics
    exported: ExportResult | None


def _ask(session: Session, scenario: str, replaced: Statistics, yes: bool) -> None:
    from demo_snapshots.render.report import Line, Look, counted
    from demo_snapshots.render.statistics import statistics_grid

    if not replaced.total:
        return
    plan = (
        Line(f"Seeding {scenario}", Look.STRONG),
        statistics_grid((("Now", replaced),)),
    )
    question = f"Replace {counted(replaced.total, 'demo row')} of {scenario}?"
    if not session.terminal.ask(plan, question, yes=yes):
        raise NotConfirmedError("the answer was no; nothing was changed")


def _report(outcome: _Outcome) -> Report:
    from demo_snapshots.render.report import Facts, Line, Look, iso
    from demo_snapshots.render.statistics import statistics_grid
    from demo_snapshots.render.transfer import export_report

    repeat = f"--seed={outcome.seed} --as-of={iso(outcome.as_of)} --scale={outcome.scale}"
    columns = [("Replaced", outcome.replaced)] if outcome.replaced.total else []
    report: Report = (
        Line(f"Seeded {outcome.scenario}", Look.GOOD),
        statistics_grid([*columns, ("Seeded", outcome.seeded)]),
        Facts((("Repeat", repeat),)),
    )
    if outcome.exported:
        report += (Line(""), *export_report(outcome.exported))
    return report


def _document(outcome: _Outcome) -> dict[str, object]:
    from demo_snapshots.render.report import iso
    from demo_snapshots.render.statistics import statistics_json
    from demo_snapshots.render.transfer import export_json

    return {
        "scenario": outcome.scenario,
        "seed": outcome.seed,
        "as_of": iso(outcome.as_of),
        "scale": outcome.scale,
        "replaced": statistics_json(outcome.replaced),
        "seeded": statistics_json(outcome.seeded),
        "export": export_json(outcome.exported) if outcome.exported else None,
    }


def _load(scenario: str | None, file: str | None) -> Scenario:
    from demo_snapshots.sample.scenario import load_scenario, load_scenario_file, scenario_names

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
    with session.terminal.progress() as progress:
        return session.project.export(scenario, progress=progress)
