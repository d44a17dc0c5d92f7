"""Pages as they are written: nothing of a value is anything but text, and nothing is too much."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from contextlib import closing
from html.parser import HTMLParser

import pytest
from hostile_values import SECRET
from unit.render.changes import EVERY_KIND, added, changed, comparison, hostile, kept

from demo_snapshots.model.changes import Cell, TableDifference
from demo_snapshots.render.comparison.html import page_of
from demo_snapshots.render.page.marked import marked

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "script"),
    *("h1", "h2", "h3", "p", "code", "i", "b", "span", "mark", "div", "a", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tfoot", "tr", "th", "td", "details", "summary", "article"),
    *("input", "label", "button"),
}
VOID = {"meta", "input"}


class Reader(HTMLParser):
    """Checks that elements nest, and remembers what there is."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def page(changes, *tables, notes=(), hidden=False, most=1_000):
    found = comparison(changes, *tables, notes=notes)
    with closing(kept(changes, most, hidden=hidden)) as held:
        return "".join(page_of(found, held))


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_a_page_of_hostile_values_has_none_but_our_elements():
    names = ("<b>\"'&", "\x1b[31m\u202e", "</details>")
    changes = [change for name in names for change in hostile(table=name)]
    text = page(changes, TableDifference('"><x>', only_old=("<i>",), missing="new"), notes=("<b>",))
    reader = read(text)
    assert set(reader.tags) <= TAGS
    assert reader.tags.count("script") == reader.tags.count("style") == 1
    assert not {name for name in reader.attributes if name.startswith("on")} | (
        reader.attributes & {"style", "src", "srcset", "action"}
    )
    shown = "".join(reader.text)
    assert all(c.isprintable() or c in "\n\t" for c in shown)
    assert "<script>window.hacked = 1</script>" in shown
    assert "abc\\u202egnp.exe" in shown


def test_the_policy_names_the_one_style_and_the_one_script():
    text = page(EVERY_KIND)
    found = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert found is not None
    policy = found[1]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for element in ("style", "script"):
        [content] = re.findall(rf"<{element}>(.*?)</{element}>", text, re.S)
        digest = b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert not re.search(r"\b(?:https?:)?//|url\(|@import", text)


def test_without_values():
    assert SECRET not in page(hostile(), hidden=True)
    shown = "".join(read(page(EVERY_KIND, hidden=True)).text)
    assert "metadata, price, done, picture, note" in shown
    assert not re.search("open|gone|priority", shown.split("var(")[-1].split('"use strict"')[0])


def test_a_large_comparison_is_cut_with_a_note():
    changes = [added(id=number, title="x") for number in range(5_000)]
    text = page(changes, most=1_000)
    assert text.count("<article") == 1_000
    assert "4,000 more changes not on this page" in text
    read(text)


@pytest.mark.slow
def test_a_page_has_a_limit_in_all():
    changes = [added(f"table_{n % 4}", id=n, title="<" * 1_900) for n in range(12_000)]
    changes.sort(key=lambda change: change.table)
    text = page(changes, most=12_000)
    assert 20_000_000 < len(text) < 33_000_000
    left_out = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) more changes not", text)]
    assert sum(left_out) + text.count("<article") == 12_000
    assert all(f">table_{n}</h2>" in text for n in range(4))


def test_no_difference_is_said_and_there_is_nothing_to_search():
    text = page([], TableDifference("todos", same=3))
    assert '<p class="verdict same-all">No difference</p>' in text
    assert 'id="bar"' not in text


# --- Marks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "shown_old", "shown_new"),
    [
        ("a b c", "a x c", "a<mark> b</mark> c", "a<mark> x</mark> c"),
        ("low", "high", "low", "high"),
        ("one two", "one two ", "one two", "one two<mark> </mark>"),
        (
            "a\nb",
            "a\r\nb",
            "a\nb",
            'a<mark><span class="escape">\\r</span></mark>\nb',
        ),
        ("<b>", "<b>\n", "&lt;b&gt;", '&lt;b&gt;<mark><span class="escape">\\n</span>\n</mark>'),
    ],
)
def test_what_differs_is_marked(old, new, shown_old, shown_new):
    assert marked(old, new) == (shown_old, shown_new)


def test_long_texts_are_shown_where_they_differ():
    old = "start " + "word " * 50_000 + "OLD" + " more" * 50_000
    shown = marked(old, old.replace("OLD", "NEW"))
    assert ["<mark>OLD</mark>" in shown[0], "<mark>NEW</mark>" in shown[1]] == [True, True]
    assert all(len(side) < 1_000 for side in shown)
    assert shown[0].count("characters not shown") == 2


def test_marking_takes_no_time_that_anybody_notices():
    cells = [Cell("x", f"{n} " * 9_000, f"{n + 1} " * 9_000) for n in range(5)]
    assert "characters not shown" in page([changed(*cells)])
