"""A comparison as a page: counts, then each table's changes, the cells side by side."""

from __future__ import annotations

from collections.abc import Iterator

from demo_snapshots.model.changes import (
    Cell,
    Change,
    Comparison,
    NamedValues,
    TableDifference,
    Value,
    What,
)
from demo_snapshots.render.comparison import words
from demo_snapshots.render.comparison.kept import KeptChanges
from demo_snapshots.render.page.marked import marked
from demo_snapshots.render.page.page import bar, foot, head, one_line, value_html
from demo_snapshots.render.report import counted, number

_MOST = 32_000_000
"""Characters of a page that browsers still scroll and search at ease."""
_MOST_CELLS = 200
_WIDE = 60
_LONGEST_NAME = 200
_MARKS = {What.CHANGED: "~", What.MOVED: "→", What.ADDED: "+", What.REMOVED: "−"}


def page_of(comparison: Comparison, kept: KeptChanges) -> Iterator[str]:
    """The page in parts, to be written one after the other."""
    title = words.title(comparison)
    yield from head(title)
    yield "<header>\n"
    yield f"<h1>{one_line(comparison.scenario)}</h1>\n"
    yield f'<p class="sides"><code>{one_line(title)}</code></p>\n'
    same = "" if comparison.differs else " same-all"
    yield f'<p class="verdict{same}">{words.verdict(comparison).capitalize()}</p>\n'
    for note in comparison.notes:
        yield f'<p class="note">{one_line(note)}</p>\n'
    yield "</header>\n<main>\n"
    names = {table.table: f"table-{place}" for place, table in enumerate(comparison.tables)}
    if comparison.differs:
        yield from _counts(comparison, names)
        yield bar(what.value for what in words.ORDER)
    left = _MOST
    for table in comparison.tables:
        if table.differs:
            for part in _table(table, comparison, kept, names[table.table], left // 2):
                left -= len(part)
                yield part
    yield "</main>\n"
    yield foot("Compared by demo-snapshots.")


def _counts(comparison: Comparison, names: dict[str, str]) -> Iterator[str]:
    titles = "".join(f"<th>{what.value.title()}</th>" for what in words.ORDER)
    yield '<div class="counts"><table>\n'
    yield f"<thead><tr><th>Table</th>{titles}<th>Same</th></tr></thead>\n<tbody>\n"
    for table in comparison.tables:
        if table.differs:
            name = f'<a href="#{names[table.table]}">{one_line(table.table)}</a>'
            yield _count_row(name, table)
    alike = [table for table in comparison.tables if not table.differs]
    if alike:
        same = number(sum(table.same for table in alike))
        yield (
            f'<tr class="alike"><th>{counted(len(alike), "other table")}</th>'
            f"{'<td></td>' * len(words.ORDER)}<td>{same}</td></tr>\n"
        )
    total = _count_row("Total", words.total(comparison))
    yield f"</tbody>\n<tfoot>{total}</tfoot>\n</table></div>\n"


def _count_row(name: str, table: TableDifference) -> str:
    cells = "".join(
        f'<td class="{what if count else "zero"}">{number(count)}</td>'
        for what in words.ORDER
        for count in (words.count_of(table, what),)
    )
    return f'<tr><th scope="row">{name}</th>{cells}<td>{number(table.same)}</td></tr>\n'


def _table(
    table: TableDifference, comparison: Comparison, kept: KeptChanges, name: str, room: int
) -> Iterator[str]:
    yield (
        f'<details class="table" id="{name}" open><summary><h2>{one_line(table.table)}</h2>'
        f'<span class="told">{words.counts_in_words(table)}</span></summary>\n'
    )
    for fact in words.one_sided(table, comparison):
        yield f'<p class="fact">{one_line(fact[:1].upper() + fact[1:])}</p>\n'
    shown = 0
    for change in kept.of(table.table):
        part = "".join(_change(change))
        room -= len(part)
        if room < 0:
            break
        yield part
        shown += 1
    if more := kept.kept(table.table) - shown + kept.left_out(table.table):
        every = "The command shows them with --limit, or all as JSON."
        yield f'<p class="more">{counted(more, "more change")} not on this page. {every}</p>\n'
    yield "</details>\n"


def _change(change: Change) -> Iterator[str]:
    what = change.what
    yield f'<article class="c {what}" data-kind="{what}"><h3>'
    yield f'<span class="mark" title="{what}">{_MARKS[what]}</span>'
    yield f'<span class="key">{_key(change.key)}'
    if what is What.MOVED:
        yield f" <i>→</i> {_key(words.new_key(change))}"
    if change.copies > 1:
        yield f" <i>({number(change.copies)} times)</i>"
    yield "</span></h3>\n"
    if change.cells and all(words.is_hidden(cell) for cell in change.cells):
        names = ", ".join(one_line(cell.column) for cell in change.cells)
        yield f'<p class="columns">{names}</p>\n'
    elif what is What.CHANGED:
        for cell in change.cells[:_MOST_CELLS]:
            yield _cell(cell)
        if len(change.cells) > _MOST_CELLS:
            more = number(len(change.cells) - _MOST_CELLS)
            yield f'<p class="columns">… {more} more values</p>\n'
    elif what is not What.MOVED:
        yield from _row(change)
    yield "</article>\n"


def _key(key: NamedValues) -> str:
    return ", ".join(
        f"<i>{one_line(name)}</i> <b>{one_line(words.cut(words.written(value), 200))}</b>"
        for name, value in key
    )


def _cell(cell: Cell) -> str:
    old, new = _sides(cell.old, cell.new)
    place = one_line(words.cut(cell.place, _LONGEST_NAME))
    return (
        f'<div class="cell"><span class="name">{place}</span>'
        f'<div class="value old" dir="auto">{old}</div>'
        f'<div class="value new" dir="auto">{new}</div></div>\n'
    )


def _sides(old: Value, new: Value) -> tuple[str, str]:
    if isinstance(old, str) and isinstance(new, str) and old and new:
        return marked(old, new)
    return value_html(old), value_html(new)


def _row(change: Change) -> Iterator[str]:
    """A row that one side alone has, its key said already."""
    keys = {name for name, _ in change.key}
    cells = [cell for cell in change.cells if cell.column not in keys]
    if not cells:
        return
    yield '<dl class="row">'
    for cell in cells[:_MOST_CELLS]:
        value = words.there(change, cell)
        wide = isinstance(value, (str, bytes)) and len(value) > _WIDE
        yield (
            f"<div{' class=wide' if wide else ''}><dt>{one_line(cell.column)}</dt>"
            f'<dd class="value" dir="auto">{value_html(value)}</dd></div>'
        )
    if len(cells) > _MOST_CELLS:
        yield f"<div><dt>… {number(len(cells) - _MOST_CELLS)} more values</dt></div>"
    yield "</dl>\n"
