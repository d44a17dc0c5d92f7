"""What a report is made of. A report is a sequence of blocks without fonts or widths; the
terminal decides those. Pure: nothing is printed here."""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto

from msgspec import Struct


class Look(Enum):
    """What a text is, from which the terminal derives a colour."""

    PLAIN = auto()
    STRONG = auto()
    FAINT = auto()
    GOOD = auto()
    WARNING = auto()
    BAD = auto()


class Line(Struct, frozen=True):
    text: str
    look: Look = Look.PLAIN


class Facts(Struct, frozen=True):
    """Name and value, one pair a line; values are never cut."""

    pairs: tuple[tuple[str, str], ...]


class Heading(Struct, frozen=True):
    text: str
    numeric: bool = False


class Row(Struct, frozen=True):
    cells: tuple[str, ...]
    look: Look = Look.PLAIN
    after_rule: bool = False


class Grid(Struct, frozen=True):
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]


Block = Line | Facts | Grid
Report = tuple[Block, ...]


def file_size(size: int) -> str:
    """``size`` bytes in decimal units with three digits: ``999 B``, ``41.2 kB``, ``1.30 GB``."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 9.995:
            return f"{value:.2f} {unit}"
        if value < 99.95:
            return f"{value:.1f} {unit}"
        if value < 999.5:
            return f"{value:.0f} {unit}"
    return f"{value:.0f} TB"


def number(count: int) -> str:
    return f"{count:,}"


def counted(count: int, noun: str) -> str:
    """``1 row``, ``1,200 rows``."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M")


def iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
