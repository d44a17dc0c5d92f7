"""A comparison as Markdown, read by a Markdown parser with raw HTML on, as forges have it."""

from __future__ import annotations

import re
from contextlib import closing

import pytest
from hostile_values import SECRET
from markdown_it import MarkdownIt
from unit.render.changes import EVERY_KIND, added, changed, comparison, hostile, kept

from demo_snapshots.model.changes import Cell, TableDifference
from demo_snapshots.render.comparison.markdown import MOST, markdown_of

PARSER = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table")


def shown(changes, *tables, notes=(), hidden=False, most=1_000):
    found = comparison(changes, *tables, notes=notes)
    with closing(kept(changes, most, hidden=hidden)) as held:
        text = "".join(markdown_of(found, held))
    assert len(text.encode()) <= MOST
    return text


def test_counts_come_first_and_changes_are_folded():
    text = shown(EVERY_KIND, TableDifference("same", same=4))
    table, details = text.split("<details>", 1)
    assert "| `todos` | 2 | 1 | 1 | 1 | 97 |\n" in table
    assert "| 1 other table |  |  |  |  | 4 |\n" in table
    assert table.startswith("### `general v3_2025-01-15 → v4_2025-01-20`\n")
    assert "2 changed, 1 moved, 1 added, 1 removed in 1 table.\n" in table
    code = details.split("```")[1]
    assert code == (
        "diff\n"
        "! id=7\n"
        '-   state: "open"\n'
        '+   state: "done"\n'
        '! order_id=3, line="a b"\n'
        '-   metadata.priority: "low"\n'
        '+   metadata.priority: "high"\n'
        "-   metadata.inbox[0].at: (absent)\n"
        '+   metadata.inbox[0].at: {"a": [1]}\n'
        "-   price: 1.00\n"
        "+   price: NULL\n"
        "-   done: false\n"
        "+   done: true\n"
        "-   picture: X'00FF'\n"
        "+   picture: X''\n"
        '-   note: ""\n'
        "+   note: NULL\n"
        "! id=3 → id=103\n"
        '- id=5  title: "gone", due: NULL\n'
        '+ id=101  title: "new", state: "open"\n'
    )


def test_without_values():
    text = shown(EVERY_KIND, hidden=True)
    assert "! id=7  state\n" in text
    assert '! order_id=3, line="a b"  metadata, price, done, picture, note\n' in text
    assert "- id=5\n+ id=101\n" in text
    assert not re.search("open|gone|priority|inbox", text)


def test_no_difference():
    text = shown([], TableDifference("todos", same=3))
    assert text.endswith("\n\nNo difference.\n")


NAMES = (
    "a|b",
    "`code`",
    "<b onclick=x>",
    "@octocat",
    "*bold* _it_ [a](b) ![c](d)",
    "two\nlines\n\n# heading",
    "</summary></details><script>",
    "\x1b[31m\u202e",
)


def tokens(text):
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


OURS = re.compile(r"</?(?:details|summary|code)>|&#\d+;|[A-Za-z0-9 :,]|\s")


@pytest.mark.parametrize("name", NAMES)
def test_names_and_values_are_nothing_but_text(name):
    changes = [change for table in (name, "pages") for change in hostile(table=table)[:40]]
    changes.append(changed(Cell(name, "a", "b", (name,)), key=((name, name),)))
    tables = (TableDifference(name + "2", only_old=(name,), missing="new"),)
    text = shown(changes, *tables, notes=(f"of {name}",))
    found = list(tokens(text))
    assert {token.type for token in found} <= {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text"),
        *("table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close"),
        *("tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close", "softbreak"),
        *("html_block", "html_inline", "fence", "code_inline", "text_special"),
        *("strong_open", "strong_close", "em_open", "em_close"),
    }
    for token in found:
        if token.type in ("html_block", "html_inline"):
            assert not OURS.sub("", token.content), token.content
        if token.type == "fence":
            assert token.info == "diff"
            assert all(line[:2] in ("! ", "+ ", "- ") for line in token.content.splitlines())
        if token.type == "text":
            assert "@octocat" not in token.content or _within_code(text, "&#64;octocat")
    rows = [token for token in found if token.type == "tr_open"]
    cells = [token for token in found if token.type in ("td_open", "th_open")]
    assert len(cells) == 6 * len(rows)


def _within_code(text: str, what: str) -> bool:
    return all(
        text.rfind("<code>", 0, match.start()) > text.rfind("</code>", 0, match.start())
        for match in re.finditer(re.escape(what), text)
    )


def test_values_are_in_no_hidden_one():
    assert SECRET not in shown(hostile(), hidden=True)


def test_what_is_too_long_is_cut_and_told():
    changes = [
        added(table, id=number, title=f"{'x' * 200} {number}")
        for table in ("first", "second", "third")
        for number in range(1_000)
    ]
    text = shown(changes)
    assert len(text) > MOST * 0.9
    left_out = [int(found.replace(",", "")) for found in re.findall(r"_and ([\d,]+) more_", text)]
    assert len(left_out) == 3, "no table takes the place of all"
    assert sum(left_out) + text.count("\n+ id=") == 3_000
    assert text.count("<details>") == text.count("</details>") == 3
    assert text.count("```") == 6


def test_thousands_of_tables_are_cut_and_told():
    changes = [added(f"table_{number}", id=1) for number in range(5_000)]
    text = shown(changes)
    assert re.search(r"\| _and [\d,]+ more tables_ \|", text)
    assert re.search(r"_The changes of [\d,]+ more tables did not fit in here\._", text)
    assert "| **Total** | 0 | 0 | 5,000 | 0 |" in text


def test_one_row_of_many_long_values_fits():
    cells = [Cell(f"column_{n}", "a" * 5_000, "b" * 5_000) for n in range(400)]
    text = shown([changed(*cells)])
    assert "!   … and 360 more values\n" in text
