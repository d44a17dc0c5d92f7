"""The options every command takes, before or after its name, and the session they add up to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from demo_snapshots.cli.host import Host
from demo_snapshots.cli.terminal import Terminal, configure_streams, log_lines_on_stderr
from demo_snapshots.cli.wording import Wording
from demo_snapshots.errors import UsageError

if TYPE_CHECKING:
    from demo_snapshots.project import Project

COMMON = (
    click.option(
        "--database",
        metavar="URL",
        help="Else DATABASE_URL, .env, demo.toml, sqlite:///database/demo.sqlite.",
    ),
    click.option(
        "--snapshots",
        metavar="DIR",
        help="Else DEMO_SNAPSHOTS, .env, demo.toml, database/demo-snapshots. Or a bucket's URL.",
    ),
    click.option(
        "--config",
        "config_file",
        metavar="FILE",
        help="Read this file in place of demo.toml or pyproject.toml.",
    ),
    click.option("--no-cache", is_flag=True, help="Keep nothing that comes from a bucket."),
    click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
    click.option("-v", "--verbose", count=True, help="Print log lines; twice for more."),
)

YES = click.option("-y", "--yes", is_flag=True, help="Answer the question with yes.")
NO_HOOKS = click.option(
    "--no-hooks", is_flag=True, help="Run none of the commands that the configuration names."
)
FORCE = click.option(
    "--force", is_flag=True, help="Even where APP_ENV or DEMO_ENV says production."
)


class Session(Struct, frozen=True, dict=True):
    """What the common options say. The configuration is read when first asked for."""

    terminal: Terminal
    database: str | None = None
    snapshots: str | None = None
    config_file: str | None = None
    no_cache: bool | None = None
    host: Host | None = None

    @cached_property
    def project(self) -> Project:
        """Raises ConfigError."""
        if self.host:
            open_project = self.host.open_project
        else:
            from demo_snapshots.opening import open_project

        return open_project(
            database=self.database,
            snapshots=self.snapshots,
            config_file=self.config_file,
            cache=False if self.no_cache else None,
        )


def common_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the common options, and its function the Session made of them.

    The same options before the command's name count as well; those after it win.
    """

    @functools.wraps(function)
    @click.pass_context
    def run(ctx: click.Context, /, **params: Any) -> None:
        given = {
            name: params.pop(name) or ctx.find_root().params.get(name)
            for name in (
                *("database", "snapshots", "config_file", "no_cache"),
                *("as_json", "quiet", "verbose"),
            )
        }
        configure_streams()
        group = ctx.find_root().command
        assert isinstance(group, click.Group)
        as_json, quiet = bool(given.pop("as_json")), bool(given.pop("quiet"))
        host = ctx.find_object(Host)
        terminal = Terminal(Wording(group, host.command_line if host else None), as_json, quiet)
        with log_lines_on_stderr(int(given.pop("verbose") or 0), quiet=terminal.quiet):
            function(Session(terminal, host=host, **given), **params)

    for option in reversed(COMMON):
        run = option(run)
    return run


def copy_options(function: Callable[..., None]) -> Callable[..., None]:
    """What the commands between the directory and a bucket take."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Show what would be copied, and stop there."),
        click.option("--bucket", metavar="URL", help="Else DEMO_BUCKET, .env, demo.toml."),
        click.argument("scenario", callback=scenario_name, required=False),
    ):
        function = option(function)
    return function


def examples(*lines: str) -> str:
    """The epilog of a command that is WithExamples."""
    return "\n".join(("Examples:", *(f"  {line}" for line in lines)))


class WithExamples(click.Command):
    """A command whose epilog is printed as it stands, beneath the options and in line with them."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.epilog:
            formatter.write(f"\n{self.epilog}\n")


Files = TypeVar("Files", str | None, tuple[str, ...] | None)


def on_this_machine(ctx: click.Context, param: click.Parameter, value: Files) -> Files:
    """The callback of a parameter that names files. Raises UsageError for a URL, and shows nothing
    of it: what is in it may be secret."""
    for name in (value,) if isinstance(value, str) else value or ():
        if "://" in name:
            raise UsageError(
                "a URL, where a file on this machine is wanted",
                hint="What is in a bucket is reached by --snapshots.",
            )
    return value


def names(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """The callback of a repeated option that takes names with commas between them."""
    return tuple(name.strip() for text in value for name in text.split(","))


def pairs(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """The callback of a repeated option of the form NAME=VALUE. Raises UsageError."""
    flag = max(param.opts, key=len)
    found: dict[str, str] = {}
    for text in value:
        name, equals, said = text.partition("=")
        if not (name and equals and said):
            raise UsageError(f"{flag} is of the form {param.make_metavar(ctx)}")
        if name in found:
            raise UsageError(f"{flag} says two things of {name}")
        found[name] = said
    return found


def moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """The callback of a parameter that says when: a date or time, in UTC unless it says another
    zone. Raises UsageError."""
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


TEMPLATES = click.option(
    "--set",
    "templates",
    metavar="TABLE.COLUMN=TEXT",
    multiple=True,
    callback=pairs,
    help="What a column holds in the copy, where {copy} is its name; may be repeated.",
)


def copy_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A parameter's callback. Raises UsageError, which states the rules for names."""
    from demo_snapshots.model.copies import check_copy_name

    return None if value is None else check_copy_name(value)


def scenario_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A parameter's callback. Raises UsageError, which states the rules for names."""
    from demo_snapshots.model.snapshots import check_scenario_name

    return None if value is None else check_scenario_name(value)
