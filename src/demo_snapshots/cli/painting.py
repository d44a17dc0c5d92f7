"""Lines in several colours, by Rich. Imported only when such lines are to be drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.text import Text

from demo_snapshots.cli.screen import STYLES, screen
from demo_snapshots.render.spans import Spans
from demo_snapshots.render.visible import visible

_WIDTH_OF_NO_TERMINAL = 100


def width_of(stream: TextIO) -> int:
    """The columns of the terminal; 100 where there is none."""
    console = screen(stream)
    return console.width if console.is_terminal else _WIDTH_OF_NO_TERMINAL


def is_ascii(stream: TextIO) -> bool:
    """Whether the stream takes nothing but ASCII."""
    return screen(stream).options.ascii_only


def print_lines(lines: Iterable[Spans], stream: TextIO) -> None:
    """Write each line, control characters spelled out; a long one is wrapped by the terminal."""
    console = screen(stream)
    for line in lines:
        text = Text()
        for piece, look in line:
            text.append(visible(piece), STYLES[look])
        if console.is_terminal:
            console.print(text, soft_wrap=True)
        else:
            stream.write(f"{text.plain.rstrip()}\n")
    stream.flush()
