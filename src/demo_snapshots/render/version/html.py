"""A version as a page: what it is, then each table's rows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from demo_snapshots.model.changes import Value
from demo_snapshots.model.tables import Column, Table
from demo_snapshots.operations.show import Showing, ShownTable, ValueRow
from demo_snapshots.render.page.page import bar, foot, head, one_line, value_html
from demo_snapshots.render.report import counted, moment, number

_MOST = 32_000_000
"""Characters of a page that browsers still scroll and search at ease."""


def page_of(showing: Showing, most: int) -> Iterator[str]:
    """The page in parts, to be written one after the other, ``most`` rows of each table."""
    header = showing.header
    title = f"{header.scenario} {header.version}"
    yield from head(title)
    yield "<header>\n"
    yield f"<h1>{one_line(header.scenario)}</h1>\n"
    yield f'<p class="sides"><code>{header.version}</code></p>\n'
    tables = showing.described
    rows = sum(map(showing.count, tables))
    saved = f"Saved {moment(header.generated)} UTC from {one_line(header.source)}"
    counts = f"{counted(rows, 'row')} in {counted(len(tables), 'table')}"
    yield f'<p class="verdict">{counts}</p>\n<p class="sides">{saved}</p>\n'
    yield "</header>\n<main>\n"
    names = {table.name: f"table-{place}" for place, table in enumerate(tables)}
    yield from _contents(showing, tables, names)
    yield bar(())
    left = _MOST
    for table in showing.tables():
        for part in _table(table, names[table.table.name], most, left // 2):
            left -= len(part)
            yield part
    yield "</main>\n"
    yield foot("Shown by demo-snapshots.")


def _contents(showing: Showing, tables: tuple[Table, ...], names: dict[str, str]) -> Iterator[str]:
    yield '<div class="counts"><table>\n'
    yield "<thead><tr><th>Table</th><th>Columns</th><th>Rows</th></tr></thead>\n<tbody>\n"
    for table in tables:
        link = f'<a href="#{names[table.name]}">{one_line(table.name)}</a>'
        yield (
            f'<tr><th scope="row">{link}</th><td>{len(table.columns)}</td>'
            f"<td>{number(showing.count(table))}</td></tr>\n"
        )
    yield "</tbody>\n</table></div>\n"


def _table(shown: ShownTable, name: str, most: int, room: int) -> Iterator[str]:
    table = shown.table
    told = counted(shown.count, "row")
    if shown.included:
        told += ", not demo rows: they travel along"
    yield (
        f'<details class="table" id="{name}" open><summary><h2>{one_line(table.name)}</h2>'
        f'<span class="told">{told}</span></summary>\n'
    )
    done = 0
    if shown.count:
        yield '<div class="rows"><table>\n<thead><tr>'
        yield "".join(_heading(column, table) for column in table.columns)
        yield "</tr></thead>\n<tbody>\n"
        for row in shown.rows:
            part = _row(row, table)
            room -= len(part)
            if done == most or room < 0:
                break
            done += 1
            yield part
        yield "</tbody>\n</table></div>\n"
    if more := shown.count - done:
        every = "The command shows them with --limit, or all as JSON or CSV."
        yield f'<p class="more">{counted(more, "more row")} not on this page. {every}</p>\n'
    yield "</details>\n"


def _heading(column: Column, table: Table) -> str:
    key = ", key" if column.name in table.key else ""
    told = f'<span class="kind">{column.kind}{key}</span>'
    return f'<th scope="col">{one_line(column.name)} {told}</th>'


def _row(row: ValueRow, table: Table) -> str:
    cells = "".join(
        _cell(value, column, column.name in table.key)
        for value, column in zip(row, table.columns, strict=True)
    )
    return f'<tr class="c" data-kind="row">{cells}</tr>\n'


def _cell(value: Value, column: Column, is_key: bool) -> str:
    is_number = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    looks = " ".join(("number",) * is_number + ("is-key",) * is_key)
    told = f' class="{looks}"' if looks else ""
    name = one_line(column.name)
    # Within an element of its own, as a phone shows the cell as name and value.
    return (
        f'<td{told} data-name="{name}">'
        f'<span class="value" dir="auto">{value_html(value)}</span></td>'
    )
