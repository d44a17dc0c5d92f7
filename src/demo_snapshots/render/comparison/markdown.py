"""A comparison as Markdown for a pull request: counts first, changes folded, within the size that
a forge takes.

Nothing from the data can become Markdown, HTML, a link, an image or a mention: values stand in
code blocks, on lines that begin with a mark of their own and hold no line break, so that none can
end the block; names stand in code spans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from demo_snapshots.model.changes import Change, Comparison, TableDifference, What
from demo_snapshots.render.comparison import words
from demo_snapshots.render.comparison.kept import KeptChanges
from demo_snapshots.render.report import counted, number
from demo_snapshots.render.visible import visible

MOST = 65_536
"""What GitHub takes as a comment, in characters. Counted here in bytes, which are never fewer."""
_ROOM_FOR_COUNTS = 16_000
_ROOM_FOR_THE_END = 500
_LONGEST_VALUE = 300
_MOST_CELLS = 40
_MARKS = {What.CHANGED: "!", What.MOVED: "!", What.ADDED: "+", What.REMOVED: "-"}
_PLAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_ .:→-]{0,100}[A-Za-z0-9_])?")


def markdown_of(comparison: Comparison, kept: KeptChanges) -> Iterator[str]:
    """The parts of the text, which all in all is no longer than MOST."""
    left = MOST - _ROOM_FOR_THE_END
    for part in _counts(comparison):
        left -= _size(part)
        yield part
    differing = [table for table in comparison.tables if table.differs]
    cut: list[TableDifference] = []
    for place, table in enumerate(differing):
        # What one table does not need is there for the others.
        share = left // (len(differing) - place)
        text = _details(table, comparison, kept, share)
        if text:
            left -= _size(text)
            yield text
        elif kept.kept(table.table):
            cut.append(table)
    if cut:
        yield f"\n_The changes of {counted(len(cut), 'more table')} did not fit in here._\n"


def _size(text: str) -> int:
    return len(text.encode(errors="backslashreplace"))


def _counts(comparison: Comparison) -> Iterator[str]:
    yield f"### {_code(words.title(comparison))}\n\n"
    yield f"{words.verdict(comparison).capitalize()}.\n"
    for note in comparison.notes:
        yield f"\nNote: {_code(note)}\n"
    if not comparison.differs:
        return
    titles = " | ".join(what.value.title() for what in words.ORDER)
    yield f"\n| Table | {titles} | Same |\n| --- |{' ---: |' * (len(words.ORDER) + 1)}\n"
    room = _ROOM_FOR_COUNTS
    rows = [(table, _row(_code(table.table), table)) for table in comparison.tables]
    differing = [row for table, row in rows if table.differs]
    for place, row in enumerate(differing):
        room -= _size(row)
        if room < 0:
            yield f"| _and {counted(len(differing) - place, 'more table')}_ |  |  |  |  |  |\n"
            break
        yield row
    alike = [table for table in comparison.tables if not table.differs]
    if alike:
        same = number(sum(table.same for table in alike))
        yield f"| {counted(len(alike), 'other table')} |  |  |  |  | {same} |\n"
    yield _row("**Total**", words.total(comparison))


def _row(name: str, table: TableDifference) -> str:
    counts = (*(words.count_of(table, what) for what in words.ORDER), table.same)
    return f"| {name} | {' | '.join(map(number, counts))} |\n"


def _details(
    table: TableDifference, comparison: Comparison, kept: KeptChanges, room: int
) -> str | None:
    """One table, folded, in at most ``room`` bytes; None if there is nothing that fits."""
    facts = "".join(f"{_code(fact)}\n\n" for fact in words.one_sided(table, comparison))
    counts = words.counts_in_words(table)
    head = f"\n<details>\n<summary>{_tag(table.table)}: {counts}</summary>\n\n{facts}"
    more = "_and {} more_\n\n"
    end = "</details>\n"
    room -= _size(head) + _size(end) + len(more) + 40
    blocks: list[str] = []
    shown = 0
    for change in kept.of(table.table):
        block = "".join(f"{line}\n" for line in _lines(change))
        room -= _size(block)
        if room < 0:
            break
        blocks.append(block)
        shown += 1
    if room < 0 and not blocks:
        return None
    if not blocks and not facts:
        return None
    left_out = kept.kept(table.table) - shown + kept.left_out(table.table)
    code = f"```diff\n{''.join(blocks)}```\n\n" if blocks else ""
    return f"{head}{code}{more.format(number(left_out)) if left_out else ''}{end}"


def _lines(change: Change) -> Iterator[str]:
    mark = _MARKS[change.what]
    key = words.key_in_words(change.key, _LONGEST_VALUE)
    if change.what is What.MOVED:
        yield f"{mark} {key} → {words.key_in_words(words.new_key(change), _LONGEST_VALUE)}"
        return
    times = f"({number(change.copies)} times)" if change.copies > 1 else ""
    head = f"{mark} {key} {times}".rstrip()
    if change.what is not What.CHANGED:
        yield f"{head}  {_row_in_words(change)}".rstrip()
        return
    if all(words.is_hidden(cell) for cell in change.cells):
        yield f"{head}  {', '.join(visible(cell.column) for cell in change.cells)}"
        return
    yield head
    for cell in change.cells[:_MOST_CELLS]:
        old, new = words.around(words.written(cell.old), words.written(cell.new), _LONGEST_VALUE)
        place = words.cut(visible(cell.place), _LONGEST_VALUE)
        yield f"-   {place}: {old}"
        yield f"+   {place}: {new}"
    if len(change.cells) > _MOST_CELLS:
        yield f"!   … and {number(len(change.cells) - _MOST_CELLS)} more values"


def _row_in_words(change: Change) -> str:
    keys = {name for name, _ in change.key}
    values = (
        f"{visible(cell.column)}: {words.cut(words.written(words.there(change, cell)), 60)}"
        for cell in change.cells[: _MOST_CELLS + len(keys)]
        if cell.column not in keys
    )
    return words.cut(", ".join(values), 2 * _LONGEST_VALUE)


def _code(text: str) -> str:
    """A name or a sentence in which nothing is Markdown: a code span of plain characters, or an
    element in which everything else is spelled by its number."""
    return f"`{text}`" if _PLAIN.fullmatch(text) else _tag(text)


def _tag(text: str) -> str:
    spelled = "".join(
        c if c.isascii() and (c.isalnum() or c == " ") else f"&#{ord(c)};"
        for c in words.cut(visible(text), _LONGEST_VALUE)
    )
    return f"<code>{spelled}</code>"
