"""The group of commands, and the one place where errors turn into exit statuses."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from demo_snapshots.cli import failures
from demo_snapshots.cli.commands import Commands
from demo_snapshots.cli.options import COMMON, WithExamples, examples
from demo_snapshots.cli.wording import Wording
from demo_snapshots.errors import DemoError
from demo_snapshots.model.tool import VERSION

_SHORT = {"diff": "compare-exports"}
"""Other names of commands."""


class Demo(WithExamples, click.Group):
    """Runs a command and ends the process with the error's own exit status."""

    commands: Mapping[str, click.Command]  # type: ignore[assignment]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Commands()

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        as_json = "--json" in (sys.argv[1:] if args is None else args)
        report = functools.partial(failures.report_failure, wording=Wording(self), as_json=as_json)
        try:
            try:
                status = self.run(args, prog_name or "demo", **extra)
            except DemoError as error:
                status = report(error)
            except click.Abort:
                status = failures.report_interrupt()
        except BrokenPipeError:
            # Click answers a pipe closed on a result in the same way.
            status = failures.give_up_writing()
        sys.exit(status)

    def run(self, args: Sequence[str] | None, prog_name: str = "demo", **extra: Any) -> int:
        """Run a command; its exit status. Raises DemoError, for what Click complains of as well,
        and click.Abort where the user interrupts."""
        try:
            status = super().main(args, prog_name, **{**extra, "standalone_mode": False})
        except click.ClickException as error:
            raise failures.as_demo_error(error) from error
        return status if isinstance(status, int) else 0

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or of that short name."""
        return super().get_command(ctx, _SHORT.get(cmd_name, cmd_name))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the work rather than of the alphabet."""
        return list(self.commands)


@click.group(
    cls=Demo,
    name="demo",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "demo export general      save the demo rows as the next version",
        "demo import general      put the latest version back",
        "demo list-exports        see what is saved",
    ),
)
@click.version_option(VERSION, message="demo %(version)s")
@click.pass_context
def demo(ctx: click.Context, /, **_common: Any) -> None:
    """Save the demo rows of a database as one plain SQL file, and put them back.

    Import replaces the demo rows and leaves every other row as it is. Each command has its own
    --help with examples; the exit statuses are listed in docs/commands.md.
    """
    if ctx.invoked_subcommand is None:
        if not ctx.params["as_json"]:
            click.echo(ctx.get_help() + "\n", err=True)
        raise click.UsageError("no command given", ctx)


for _option in COMMON:
    _option(demo)
