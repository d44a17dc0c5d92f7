"""A management command made of the command of ``demo`` that has the same name.

Its options, arguments and help are those of the Click command, which also checks what they are
given: here they are only told to Django, and handed on.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, NoReturn

import click
from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter
from django.db import DEFAULT_DB_ALIAS

from demo_snapshots.cli import demo
from demo_snapshots.cli.failures import INTERRUPTED, give_up_writing, in_words, print_document
from demo_snapshots.cli.host import Host
from demo_snapshots.cli.terminal import configure_streams
from demo_snapshots.errors import DatabaseUnreachableError, DemoError
from demo_snapshots.integrations.django.management.arguments import add_argument, words
from demo_snapshots.integrations.django.management.stream import Stream
from demo_snapshots.integrations.django.management.wording import (
    WORDING,
    command_line,
    in_management,
)
from demo_snapshots.integrations.django.project import (
    open_project,
    project_directory,
    require_file,
)

_BY_DJANGO = ("database", "verbose")
"""Options in whose place there are Django's: ``--database ALIAS``, ``--verbosity``."""


def management_command(name: str) -> type[DemoCommand]:
    """The management command for the command of that name."""
    return type("Command", (DemoCommand,), {"click_command": demo.commands[name]})


class DemoCommand(BaseCommand):
    """Runs ``click_command`` on one of Django's databases."""

    click_command: click.Command
    # What is saved and put back has nothing to do with the rest of the project.
    requires_system_checks = ()

    @property
    def help(self) -> str:
        return in_management(inspect.cleandoc(self.click_command.help or ""))

    @property
    def parameters(self) -> list[click.Parameter]:
        return [each for each in self.click_command.params if each.name not in _BY_DJANGO]

    def create_parser(self, prog_name: str, subcommand: str, **extra: Any) -> Any:
        # `--version` is that of a snapshot where a command has it, and else Django's.
        extra = {"conflict_handler": "resolve", "formatter_class": _HelpFormatter, **extra}
        lines = (self.click_command.epilog or "").splitlines()
        # Their databases are URLs.
        epilog = in_management("\n".join(line for line in lines if "--database" not in line))
        return super().create_parser(prog_name, subcommand, epilog=epilog, **extra)

    def add_arguments(self, parser: Any) -> None:
        for parameter in self.parameters:
            add_argument(parser, parameter)
        parser.add_argument(
            "--database",
            metavar="ALIAS",
            default=DEFAULT_DB_ALIAS,
            help="The database in DATABASES; default: %(default)s.",
        )

    def handle(self, *_: object, **options: Any) -> None:
        name = self.click_command.name
        arguments = [str(name), *_verbosity(options), *words(self.parameters, options)]
        opening = functools.partial(_open_project, options["database"])
        host = Host(opening, command_line, project_directory())
        if self._called_from_command_line:
            configure_streams()
        with self._streams(), _colours(options):
            try:
                if name == "init" and options["write"] is None:
                    require_file()
                status = demo.run(arguments, obj=host)
            except DemoError as error:
                self._fail(error, as_json=bool(options["as_json"]))
            except click.Abort as error:
                message = "interrupted; what was not finished was rolled back"
                raise CommandError(message, returncode=INTERRUPTED) from error
            except BrokenPipeError:
                sys.exit(give_up_writing())
        if status and self._called_from_command_line:
            sys.exit(status)
        if status:
            message = f"{command_line(str(name))} ended with status {status}"
            raise CommandError(message, returncode=status)

    @contextmanager
    def _streams(self) -> Iterator[None]:
        with redirect_stdout(Stream(self.stdout)), redirect_stderr(Stream(self.stderr)):
            yield

    def _fail(self, error: DemoError, *, as_json: bool) -> NoReturn:
        if isinstance(error, DatabaseUnreachableError):
            error.hint = "Check DATABASES in the settings, and that the server runs."
        if as_json:
            print_document(error, WORDING)
        raise CommandError(in_words(error, WORDING), returncode=error.exit_code) from error


def _open_project(alias: str, *, database: None, **options: Any) -> Any:
    return open_project(alias, **options)


def _verbosity(options: dict[str, Any]) -> list[str]:
    return (["--quiet"], [], ["-v"], ["-vv"])[options["verbosity"]]


@contextmanager
def _colours(options: dict[str, Any]) -> Iterator[None]:
    """Have reports drawn with or without colours, as Django was told. Where it was told nothing,
    the environment and the terminal decide."""
    plain = options["no_color"] or os.environ.get("DJANGO_COLORS") == "nocolor"
    name = "FORCE_COLOR" if options["force_color"] else "NO_COLOR" if plain else None
    if name is None or name in os.environ:
        yield
        return
    os.environ[name] = "1"
    try:
        yield
    finally:
        del os.environ[name]


class _HelpFormatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Django's order, and the paragraphs as they are."""
