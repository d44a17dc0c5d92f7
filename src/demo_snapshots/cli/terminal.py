"""Where text goes: results to stdout; questions, progress and log lines to stderr."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from demo_snapshots.cli.wording import Wording, visible
from demo_snapshots.errors import NotConfirmedError

if TYPE_CHECKING:
    from demo_snapshots.cli.screen import Bars
    from demo_snapshots.render.report import Report


class Terminal(Struct, frozen=True):
    """How this run speaks: as text, as JSON (``as_json``), or only in errors (``quiet``)."""

    wording: Wording
    as_json: bool = False
    quiet: bool = False

    def result(self, report: Report, document: Mapping[str, object]) -> None:
        """Print the outcome of a command on stdout; ``document`` in its place under --json."""
        if self.as_json:
            worded = self.wording.document(document)
            click.echo(json.dumps(worded, indent=2, ensure_ascii=not _speaks_unicode()))
        elif not self.quiet:
            from demo_snapshots.cli.screen import print_report

            print_report(report, sys.stdout, self.wording)

    def ask(self, plan: Report, question: str, *, yes: bool, option: str = "--yes") -> bool:
        """Whether to go on: ``yes``, or else what the user says to ``plan`` and ``question``.

        Both go to stderr, so that stdout holds the result alone. Raises NotConfirmedError where
        no terminal is there to ask on, and names the ``option`` that answers.
        """
        if yes:
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise NotConfirmedError(
                f"there is no terminal to ask on: {question}", hint=f"Answer with {option}."
            )
        from demo_snapshots.cli.screen import print_report

        print_report(plan, sys.stderr, self.wording)
        click.echo(f"\n{visible(question)} [y/N] ", nl=False, err=True)
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):
            click.echo(err=True)
        return answer.strip().lower() in ("y", "yes")

    def choose(self, choices: Report, question: str, count: int) -> int | None:
        """The number, from 1 to ``count``, that the user answers; 1 for an empty line, None for 0
        or no. Both go to stderr. 1 where no terminal is there to ask on."""
        if self.quiet or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return 1
        from demo_snapshots.cli.screen import print_report

        print_report(choices, sys.stderr, self.wording)
        while True:
            click.echo(f"\n{visible(question)} ", nl=False, err=True)
            answer = sys.stdin.readline()
            if not answer.endswith("\n"):
                click.echo(err=True)
                return None
            word = answer.strip().lower()
            if word in ("0", "n", "no"):
                return None
            if not word or (word.isdecimal() and 1 <= int(word) <= count):
                return int(word or 1)
            click.echo(f"A number from 0 to {count}, please.", err=True)

    @contextlib.contextmanager
    def progress(self) -> Iterator[Bars | Silence]:
        """Progress bars on stderr while the block runs; none unless stderr is a terminal."""
        if self.quiet or not sys.stderr.isatty():
            yield Silence()
            return
        from demo_snapshots.cli.screen import Bars

        bars = Bars(sys.stderr)
        try:
            yield bars
        finally:
            bars.stop()


class Silence:
    """The progress bars that nobody sees."""

    def __call__(self, table: str, done: int, total: int) -> None: ...

    def stop(self) -> None: ...


def configure_streams() -> None:
    """Never fail on a character that the terminal's encoding (cp1252, ASCII) cannot write."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def silence_libraries() -> None:
    """Keep what drivers log, and Python's warnings, off the terminal: they may hold values of
    rows. For a process that is the command's own; no library may do this to its user."""
    # Where no handler is at all, Python writes warnings and errors to stderr.
    logging.getLogger().addHandler(logging.NullHandler())
    logging.captureWarnings(True)


@contextlib.contextmanager
def log_lines_on_stderr(verbose: int, *, quiet: bool) -> Iterator[None]:
    """Send this package's log to stderr: warnings, INFO from ``verbose`` 1, DEBUG from 2."""
    logger = logging.getLogger("demo_snapshots")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LogLine())
    before = logger.level
    logger.setLevel(
        logging.ERROR if quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    )
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _LogLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname.lower()}: {visible(record.getMessage())}"


def _speaks_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
