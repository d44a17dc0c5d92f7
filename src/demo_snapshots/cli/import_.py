"""``demo import``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from demo_snapshots.cli.options import (
    FORCE,
    NO_HOOKS,
    TEMPLATES,
    YES,
    Session,
    WithExamples,
    common_options,
    copy_name,
    examples,
    moment,
    names,
    on_this_machine,
    pairs,
    scenario_name,
)
from demo_snapshots.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from demo_snapshots.model.results import ImportPlan


@click.command(
    "import",
    cls=WithExamples,
    short_help="Replace the demo rows by a saved version.",
    epilog=examples(
        "demo import general",
        "demo import general --version=v1",
        "demo import general --file=demo.sql --yes",
        "demo import general --file=by-hand.yaml",
        "demo import general --missing-only",
        "demo import general --only contacts,todos --dry-run",
        "demo import general --fresh",
        "demo import writer --new-ids --keep-other-scenarios",
        "demo import general --copy=acme --set users.email={email_local}+acme@demo.example",
        "demo import general --rename-column contacts.phone=mobile --default contacts.locale=en",
    ),
)
@click.argument("scenario", callback=scenario_name)
@click.option("--latest", is_flag=True, help="The latest version; the default.")
@click.option("--version", metavar="V", help="That version: v1_2025-01-15, or just v1.")
@click.option(
    "--file",
    metavar="PATH",
    callback=on_this_machine,
    help="Any snapshot file that names SCENARIO, or rows written by hand.",
)
@click.option(
    "--keep-other-scenarios",
    is_flag=True,
    help="Replace only the rows that export SCENARIO would save.",
)
@click.option(
    "--new-ids",
    is_flag=True,
    help="Give the snapshot's rows fresh keys, carried through every reference.",
)
@click.option(
    "--add",
    is_flag=True,
    help="Replace nothing: add the snapshot, with fresh keys, beside the rows there are.",
)
@click.option(
    "--missing-only",
    is_flag=True,
    help="Replace nothing: add those rows whose keys no demo row has.",
)
@click.option(
    "--only",
    metavar="TABLE,…",
    multiple=True,
    callback=names,
    help="The rows of these tables; all other demo rows stay as they are.",
)
@click.option(
    "--fresh/--no-fresh",
    "fresh",
    default=None,
    help="Move the dates that the configuration calls evergreen, so that they lead up to today.",
)
@click.option(
    "--as-of",
    metavar="TIME",
    callback=moment,
    help="Move them as if it were then: 2026-11-24 or 2026-11-24T09:00, UTC.",
)
@click.option(
    "--copy",
    metavar="NAME",
    callback=copy_name,
    help="Make a copy of SCENARIO beside it, or that one anew, with fresh keys.",
)
@TEMPLATES
@click.option(
    "--drop-column",
    "drop_columns",
    metavar="TABLE.COLUMN",
    multiple=True,
    help="Leave out a column that the database no longer has; may be repeated.",
)
@click.option(
    "--rename-column",
    "rename_columns",
    metavar="TABLE.OLD=NEW",
    multiple=True,
    callback=pairs,
    help="What a column of the snapshot is called today; may be repeated.",
)
@click.option(
    "--rename-table",
    "rename_tables",
    metavar="OLD=NEW",
    multiple=True,
    callback=pairs,
    help="What a table of the snapshot is called today; may be repeated.",
)
@click.option(
    "--default",
    "defaults",
    metavar="TABLE.COLUMN=VALUE",
    multiple=True,
    callback=pairs,
    help="The value of a column that the snapshot does not have; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Check, show what would be replaced, and stop there.")
@NO_HOOKS
@YES
@FORCE
@common_options
def command(
    session: Session,
    scenario: str,
    latest: bool,
    version: str | None,
    file: str | None,
    keep_other_scenarios: bool,
    new_ids: bool,
    add: bool,
    missing_only: bool,
    only: tuple[str, ...],
    fresh: bool | None,
    as_of: datetime | None,
    copy: str | None,
    templates: dict[str, str],
    drop_columns: tuple[str, ...],
    rename_columns: dict[str, str],
    rename_tables: dict[str, str],
    defaults: dict[str, str],
    dry_run: bool,
    no_hooks: bool,
    yes: bool,
    force: bool,
) -> None:
    """Replace the demo rows of the database by SCENARIO as it was saved.

    One transaction: afterwards the demo rows are exactly the snapshot's, every other row is as
    it was; if anything fails, all rows are. Asks first where demo rows would be replaced.
    """
    _refuse_two_sources(latest, version, file)
    from demo_snapshots.render import transfer as render

    if not no_hooks:
        session.project.require_hooks()
    with session.terminal.progress() as progress:

        def confirm(plan: ImportPlan) -> bool:
            progress.stop()
            question = render.import_question(plan)
            return session.terminal.ask(render.import_plan(plan), question, yes=False)

        result = session.project.import_(
            scenario,
            version=version,
            file=file,
            hooks=False,
            confirm=None if yes else confirm,
            force=force,
            keep_other_scenarios=keep_other_scenarios,
            new_ids=new_ids,
            add=add,
            missing_only=missing_only,
            only=only or None,
            fresh=fresh,
            as_of=as_of,
            copy=copy,
            templates=templates,
            drop_columns=drop_columns,
            rename_columns=rename_columns,
            rename_tables=rename_tables,
            defaults=defaults,
            dry_run=dry_run,
            progress=progress,
        )
    if not no_hooks:
        session.project.after_import(result)
    session.terminal.result(render.import_report(result), render.import_json(result))


def _refuse_two_sources(latest: bool, version: str | None, file: str | None) -> None:
    options = {"--latest": latest, "--version": version is not None, "--file": file is not None}
    given = [name for name, is_given in options.items() if is_given]
    if len(given) > 1:
        raise UsageError(
            f"{' and '.join(given)} contradict each other", hint="Give one of them, or none."
        )
