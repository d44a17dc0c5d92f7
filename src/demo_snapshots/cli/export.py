"""``demo export``"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import click

from demo_snapshots.cli.options import (
    NO_HOOKS,
    Session,
    WithExamples,
    common_options,
    examples,
    scenario_name,
)
from demo_snapshots.errors import UsageError
from demo_snapshots.model.snapshots import WHOLE_FORMS, DocumentForm, Packing

if TYPE_CHECKING:
    from demo_snapshots.operations.people import PeopleMode

# More read faster than one process can write, and each holds a few megabytes.
_MOST_JOBS = 4


def delta_version(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The callback of ``--delta``, which takes what follows it for a version."""
    if value and not re.match(r"v[0-9]", value):
        raise UsageError(
            f"--delta: {value!r} is no version",
            hint="Write --delta after SCENARIO, or --delta=v3.",
        )
    return value


@click.command(
    "export",
    cls=WithExamples,
    short_help="Save the demo rows as the next version.",
    epilog=examples(
        "demo export general",
        "demo export general --auto-version",
        "demo export tour --new",
        "demo export general --prove",
        "demo export general --compress=zstd",
        "demo export general --format=json",
        "demo export general --delta",
        "demo export general --parts=4",
        "demo export general --check-people=full",
        "demo export general --database postgresql://localhost/app",
    ),
)
@click.argument("scenario", callback=scenario_name)
@click.option("--auto-version", is_flag=True, help="Write a new version even of unchanged data.")
@click.option("--new", is_flag=True, help="Begin a scenario that is not there yet, unasked.")
@click.option("--allow-empty", is_flag=True, help="Write even if no row carries SCENARIO.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Connections that read large data from PostgreSQL; as many as cores, at most four.",
)
@click.option(
    "--prove",
    is_flag=True,
    help="Publish only what went into a scratch database and came out the same.",
)
@click.option(
    "--compress",
    type=click.Choice([packing.value for packing in Packing]),
    help="Compress the file while it is written.",
)
@click.option(
    "--format",
    type=click.Choice([form.value for form in WHOLE_FORMS]),
    help="What the file is written in.",
)
@click.option(
    "--delta",
    is_flag=False,
    flag_value="",
    metavar="VERSION",
    callback=delta_version,
    help="Write what changed since the latest version, or since VERSION.",
)
@click.option(
    "--parts",
    type=int,
    metavar="N",
    help="Write the rows into so many files, each with a range of the keys.",
)
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Have the workers of this Dask scheduler write the parts.",
)
@click.option(
    "--check-people",
    type=click.Choice(["auto", "full", "off"]),
    help="How many rows to search for real persons: part of large tables, all, none.",
)
@click.option(
    "--keep-dates",
    is_flag=True,
    help="Save evergreen dates as they stand, though a fresh import moved them.",
)
@NO_HOOKS
@common_options
def command(
    session: Session,
    scenario: str,
    auto_version: bool,
    new: bool,
    allow_empty: bool,
    jobs: int | None,
    prove: bool,
    compress: str | None,
    format: str | None,
    delta: str | None,
    parts: int | None,
    dask: str | None,
    keep_dates: bool,
    no_hooks: bool,
    check_people: PeopleMode | None,
) -> None:
    """Save SCENARIO's demo rows as the next version in the snapshot directory.

    Unchanged data writes nothing and says since which version it is unchanged. The file is
    plain SQL, unless another format is asked for: commit it, review it, load it with demo import,
    sqlite3, psql or mariadb. Demo rows that hold an e-mail address, phone number, IBAN or name of a
    row outside the demo are not saved.
    """
    from demo_snapshots.render import transfer as render

    with session.terminal.progress() as progress:

        def confirm_new(name: str, known: tuple[str, ...]) -> bool:
            progress.stop()
            question = render.new_scenario_question(name, known)
            return session.terminal.ask((), question, yes=new, option="--new")

        result = session.project.export(
            scenario,
            hooks=not no_hooks,
            auto_version=auto_version,
            confirm_new=confirm_new,
            allow_empty=allow_empty,
            jobs=jobs or min(os.cpu_count() or 1, _MOST_JOBS),
            prove=prove,
            compress=Packing(compress) if compress else None,
            format=DocumentForm(format) if format else None,
            delta=delta or delta is not None,
            parts=parts,
            dask=dask,
            check_people=check_people,
            keep_dates=keep_dates,
            progress=progress,
        )
    session.terminal.result(render.export_report(result), render.export_json(result))
