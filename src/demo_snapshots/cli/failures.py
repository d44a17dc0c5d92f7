"""How a failure reaches the user: one line of what, one line of what to do, an exit status.

Only errors of the tree in ``errors.py`` and Click's usage errors come here. Anything else is a
bug and keeps its traceback.
"""

from __future__ import annotations

import json
import os
import sys

import click

from demo_snapshots.cli.terminal import configure_streams
from demo_snapshots.cli.wording import Wording
from demo_snapshots.errors import (
    DemoError,
    ExternalReferenceError,
    UsageError,
    ValidationFailedError,
)
from demo_snapshots.model.words import Call, Words

INTERRUPTED = 130
"""128 + SIGINT, what a shell expects of a program stopped by Ctrl-C."""
UNREAD = 1
"""The pipe was closed before all was written; Click's number for it."""


def as_demo_error(error: click.ClickException) -> UsageError:
    """Click's complaint about the command line, in the words and the tree of this program."""
    message = error.format_message().strip().removesuffix(".").replace("\n", " ")
    context: click.Context | None = getattr(error, "ctx", None)
    command: Call | str = "demo"
    if context and context.parent and context.command.name:
        command = Call(context.command.name)
    hint = Words("See what it takes with ", command, " --help.")
    return UsageError(message[:1].lower() + message[1:], hint=hint)


def error_as_dict(error: DemoError) -> dict[str, object]:
    """``error`` as ``--json`` shows it; the keys are documented in docs/json.md."""
    document: dict[str, object] = {
        "type": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }
    for name in ("problems", "available", "scenarios", "line", "lines", "conflicts", "found"):
        value = getattr(error, name, None)
        if value is not None:
            document[name] = value
    return document


def report_failure(error: DemoError, wording: Wording, *, as_json: bool) -> int:
    """Tell the user about ``error``, and a program on stdout if ``as_json``; gives the status.

    The lines on stderr are written in both cases, so that the log of a script that reads the
    JSON shows what went wrong as well. Problems that the message already names are not repeated.
    """
    configure_streams()
    sys.stdout.flush()
    click.echo(f"error: {in_words(error, wording)}", err=True)
    if as_json:
        print_document(error, wording)
    return error.exit_code


def in_words(error: DemoError, wording: Wording) -> str:
    """``error`` in lines: what failed, the problems it lists, the hint."""
    lines = [wording.line(error.message)]
    lines += [f"  - {wording.line(text)}" for text in error.problems if text not in error.message]
    if error.hint:
        lines.append(f"hint: {wording.line(error.hint)}")
    if isinstance(error, ExternalReferenceError):
        lines += map(wording.line, error.lines)
    return "\n".join(lines)


def print_document(error: DemoError, wording: Wording) -> None:
    """Print ``error`` as JSON on stdout. That of a validation that failed is the result, which
    has been shown."""
    if not isinstance(error, ValidationFailedError):
        document = wording.document({"error": error_as_dict(error)})
        click.echo(json.dumps(document, indent=2))


def report_interrupt() -> int:
    """Click has ended the line on which ^C stands."""
    click.echo("error: interrupted; what was not finished was rolled back", err=True)
    return INTERRUPTED


def give_up_writing() -> int:
    """Nobody reads any more; keep the interpreter from saying so when it flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return UNREAD
