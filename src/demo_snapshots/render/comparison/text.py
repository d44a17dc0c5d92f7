"""A comparison for a terminal: what a line is made of; the terminal decides the colours."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from demo_snapshots.model.changes import Cell, Change, Comparison, TableDifference, What
from demo_snapshots.render.comparison import words
from demo_snapshots.render.comparison.kept import KeptChanges
from demo_snapshots.render.report import (
    Grid,
    Heading,
    Line,
    Look,
    Report,
    Row,
    counted,
    number,
)
from demo_snapshots.render.spans import Spans
from demo_snapshots.render.visible import visible

_MARKS = {
    What.CHANGED: ("~", Look.WARNING),
    What.MOVED: ("~", Look.WARNING),
    What.ADDED: ("+", Look.GOOD),
    What.REMOVED: ("-", Look.BAD),
}
_LEAST_WIDTH = 40


class TextForm(Struct, frozen=True):
    """Lines of at most ``width`` columns, as far as names leave room for values."""

    width: int
    signs: words.Signs = words.UNICODE

    def lines(self, comparison: Comparison, kept: KeptChanges) -> Iterator[Spans]:
        """Each table that differs, with the changes that were kept of it."""
        for table in comparison.tables:
            if table.differs:
                yield ()
                yield from self._table(table, comparison, kept)

    def _table(
        self, table: TableDifference, comparison: Comparison, kept: KeptChanges
    ) -> Iterator[Spans]:
        yield ((table.table, Look.STRONG), (f"  {words.counts_in_words(table)}", Look.FAINT))
        for fact in words.one_sided(table, comparison):
            yield ((f"  {fact}", Look.WARNING),)
        for change in kept.of(table.table):
            yield from self._change(change)
        if more := kept.left_out(table.table):
            yield ((f"  {self.signs.dots} and {number(more)} more", Look.FAINT),)

    def _change(self, change: Change) -> Iterator[Spans]:
        mark, look = _MARKS[change.what]
        room = max(self.width, _LEAST_WIDTH) - 4
        key = words.key_in_words(change.key, room // 2, self.signs)
        if change.what is What.MOVED:
            after = words.key_in_words(words.new_key(change), room // 2, self.signs)
            yield ((f"  {mark} {key} {self.signs.arrow} {after}", look),)
            return
        if change.copies > 1:
            key = f"{key} ({number(change.copies)} times)".lstrip()
        start = f"  {mark} {key}".rstrip()
        if all(words.is_hidden(cell) for cell in change.cells):
            names = ", ".join(cell.column for cell in change.cells)
            yield ((start, look), (f"  {names}" if names else "", Look.PLAIN))
        elif change.what is What.CHANGED:
            yield from self._changed(start, look, change.cells)
        else:
            yield (
                (start, look),
                (f"  {self._row(change, self.width - len(start) - 2)}", Look.PLAIN),
            )

    def _row(self, change: Change, room: int) -> str:
        """A row that one side alone has, its key said already, in what room there is."""
        said = {name for name, _ in change.key}
        parts: list[str] = []
        length = 0
        for cell in change.cells:
            if cell.column in said:
                continue
            value = words.written(words.there(change, cell))
            parts.append(f"{cell.column}: {words.cut(value, 40, self.signs)}")
            length += len(parts[-1]) + 2
            if length > room:
                break
        return words.cut(", ".join(parts), max(room, _LEAST_WIDTH), self.signs)

    def _changed(self, start: str, look: Look, cells: tuple[Cell, ...]) -> Iterator[Spans]:
        [first, *rest] = cells
        room = self.width - len(start) - 2
        if not rest and room - len(self._place(first)) > _LEAST_WIDTH:
            yield ((start + "  ", look), *self._cell(first, room))
            return
        yield ((start, look),)
        for cell in cells:
            yield (("      ", Look.PLAIN), *self._cell(cell, self.width - 6))

    def _cell(self, cell: Cell, room: int) -> Spans:
        """``metadata.priority: "low" → "high"``"""
        place = self._place(cell)
        most = max((room - len(place) - 4 - len(self.signs.arrow)) // 2, _LEAST_WIDTH // 4)
        old, new = words.around(words.written(cell.old), words.written(cell.new), most, self.signs)
        return (
            (f"{place}: ", Look.FAINT),
            (old, Look.BAD),
            (f" {self.signs.arrow} ", Look.FAINT),
            (new, Look.GOOD),
        )

    def _place(self, cell: Cell) -> str:
        return words.cut(visible(cell.place), max(self.width // 2, _LEAST_WIDTH), self.signs)


def heading(comparison: Comparison, signs: words.Signs = words.UNICODE) -> Spans:
    """Which sides, and whether they differ."""
    name = words.title(comparison, signs)
    if comparison.differs:
        return ((name, Look.STRONG),)
    return ((f"{name}: no difference", Look.GOOD),)


def totals(comparison: Comparison, *, always: bool = True) -> Report:
    """The counts by table, the alike tables in one row, and what else there is to know. Unless
    ``always``, not of a single table, whose counts stand above its changes."""
    notes = tuple(Line(f"note: {note}", Look.WARNING) for note in comparison.notes)
    if not comparison.differs or not (always or len(comparison.tables) > 1):
        return notes
    alike = [table for table in comparison.tables if not table.differs]
    rows = [_row(table) for table in comparison.tables if table.differs]
    if alike:
        same = number(sum(table.same for table in alike))
        rows.append(Row((counted(len(alike), "other table"), "", "", "", "", same), Look.FAINT))
    rows.append(_row(words.total(comparison), Look.STRONG, after_rule=True))
    titles = (*(what.value.title() for what in words.ORDER), "Same")
    headings = (Heading("Table"), *(Heading(title, numeric=True) for title in titles))
    return (Grid(headings, tuple(rows)), *notes)


def _row(table: TableDifference, look: Look = Look.PLAIN, *, after_rule: bool = False) -> Row:
    counts = (*(words.count_of(table, what) for what in words.ORDER), table.same)
    return Row((table.table, *map(number, counts)), look, after_rule=after_rule)
