"""Reports and progress bars by Rich. Imported only when something is to be drawn."""

from __future__ import annotations

import os
from typing import TextIO

from rich.box import Box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from demo_snapshots.cli.wording import Wording, visible
from demo_snapshots.render.report import Facts, Grid, Line, Look, Report

STYLES = {
    Look.PLAIN: "",
    Look.STRONG: "bold",
    Look.FAINT: "dim",
    Look.GOOD: "bold green",
    Look.WARNING: "yellow",
    Look.BAD: "bold red",
}
_RULES = Box("    \n    \n ── \n    \n ── \n ── \n    \n    \n")
_ASCII_RULES = Box("    \n    \n -- \n    \n -- \n -- \n    \n    \n", ascii=True)
_WIDE = 1000
"""Columns where nobody looks: a table in a pipe or a file is never cut."""


def screen(stream: TextIO) -> Console:
    """A console on ``stream``: without styles under NO_COLOR, uncut where it is no terminal."""
    console = Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )
    if not console.is_terminal:
        console.width = _WIDE
    return console


def print_report(report: Report, stream: TextIO, wording: Wording) -> None:
    """Write ``report`` to ``stream``."""
    console = screen(stream)
    if console.is_terminal:
        _print_blocks(console, report, wording)
        return
    with console.capture() as captured:
        _print_blocks(console, report, wording)
    stream.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    stream.flush()


def _print_blocks(console: Console, report: Report, wording: Wording) -> None:
    for place, block in enumerate(report):
        if place and Grid in (type(block), type(report[place - 1])):
            console.print()
        if isinstance(block, Line):
            console.print(Text(wording.line(block.text), STYLES[block.look]), soft_wrap=True)
        elif isinstance(block, Facts):
            _print_facts(console, block, wording)
        else:
            _print_grid(console, block, wording)


def _print_facts(console: Console, facts: Facts, wording: Wording) -> None:
    # Not a Rich table: a path is never wrapped or cut, so that it can be copied.
    width = max(len(name) for name, _ in facts.pairs)
    for name, value in facts.pairs:
        line = Text("  ")
        line.append(name.ljust(width), style="dim")
        line.append(f"  {wording.line(value)}")
        console.print(line, soft_wrap=True)


def _print_grid(console: Console, grid: Grid, wording: Wording) -> None:
    table = Table(
        box=_ASCII_RULES if console.options.ascii_only else _RULES,
        border_style="dim",
        header_style="dim",
        show_edge=False,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for heading in grid.headings:
        right = heading.numeric
        table.add_column(heading.text, justify="right" if right else "left", no_wrap=True)
    for row in grid.rows:
        if row.after_rule:
            table.add_section()
        table.add_row(*(Text(wording.line(cell), STYLES[row.look]) for cell in row.cells))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


class Bars:
    """A bar for the table at hand, from the first call on; taken off the screen by ``stop``."""

    def __init__(self, stream: TextIO) -> None:
        self._progress = Progress(
            TextColumn("  {task.description}", markup=False),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            console=screen(stream),
            transient=True,
        )
        self._task = self._progress.add_task("")
        self._running = False

    def __call__(self, table: str, done: int, total: int) -> None:
        name = visible(table)
        self._progress.update(self._task, description=name, completed=done, total=total)
        # Started before, it would show the last table's bar, or none's, for a moment.
        if not self._running:
            self._progress.start()
            self._running = True

    def stop(self) -> None:
        """Clear the bar, so that a question or a result can be written. May be called twice."""
        if self._running:
            self._progress.stop()
            self._running = False
