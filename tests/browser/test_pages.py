"""The pages in a browser: on a desk and on a phone, by day and by night, and full of harm."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest
from hostile_values import HOSTILE
from playwright.sync_api import Browser, Dialog, Page, expect
from unit.render.changes import EVERY_KIND, added, changed, comparison, hostile, kept

from demo_snapshots.model.changes import Cell, TableDifference
from demo_snapshots.render.comparison.html import page_of

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
Open = Callable[..., Page]


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return SIZES[request.param]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a page from a file; nothing may be asked for besides, and nothing may be said."""
    contexts = []

    def opened(
        html: str,
        width: int = 1280,
        height: int = 900,
        scheme: Literal["light", "dark"] = "light",
        scripts: bool = True,
    ) -> Page:
        file = tmp_path / "page.html"
        file.write_text(html, "utf-8", "backslashreplace")
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", heard)
        page.goto(file.as_uri())
        return page

    def heard(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    asked: list[str] = []
    said: list[str] = []
    yield opened
    assert asked == [url for url in asked if url.startswith("file:")]
    assert len(asked) == len(contexts)
    assert said == []
    for context in contexts:
        context.close()


def html(changes, *tables, notes=()) -> str:
    found = comparison(changes, *tables, notes=notes)
    with closing(kept(changes)) as held:
        return "".join(page_of(found, held))


MANY = (
    *EVERY_KIND,
    *(changed(Cell("title", f"old {n}", f"new {n}"), key=(("id", n),)) for n in range(50, 80)),
    added("tags", id=1, name="garden"),
    added("tags", id=2, name="kitchen"),
)


def expect_articles(page: Page, count: int) -> None:
    """That so many are to be seen, as soon as the browser is done folding."""
    expect(page.locator("article:visible")).to_have_count(count)


def test_search_filters_and_folding(open_page, size):
    page = open_page(html(MANY, TableDifference("same", same=3)), *size)
    expect_articles(page, len(MANY))
    assert page.locator(".table:visible").count() == 2
    page.fill("#search", "kitchen")
    expect(page.locator("#found")).to_have_text("1 found")
    expect_articles(page, 1)
    assert page.locator(".table:visible h2").all_text_contents() == ["tags"]
    page.fill("#search", "TODOS new 77")
    expect(page.locator("#found")).to_have_text("1 found")
    page.fill("#search", "nowhere to be found")
    expect(page.locator("#found")).to_have_text("0 found")
    assert page.locator(".table:visible").count() == 0
    page.fill("#search", "")
    expect(page.locator("#found")).to_have_text("")
    expect_articles(page, len(MANY))

    page.get_by_label("Changed", exact=True).uncheck()
    page.get_by_label("Moved", exact=True).uncheck()
    page.get_by_label("Removed", exact=True).uncheck()
    assert page.locator("#found").text_content() == "3 found"
    assert {a.get_attribute("data-kind") for a in page.locator("article:visible").all()} == {
        "added"
    }
    page.get_by_label("Changed", exact=True).check()

    page.get_by_role("button", name="Fold all").click()
    expect_articles(page, 0)
    expect(page.get_by_role("button", name="Unfold all")).to_be_visible()
    page.locator("summary", has_text="tags").click()
    expect_articles(page, 2)
    page.get_by_role("button", name="Fold all").click()
    page.get_by_role("link", name="tags").click()
    expect(page.locator("#table-1 article").first).to_be_visible()


def test_a_key_leads_to_the_search(open_page):
    page = open_page(html(MANY))
    page.keyboard.press("/")
    page.keyboard.type("garden")
    expect(page.locator("#found")).to_have_text("1 found")


def test_without_scripts_all_is_there_and_nothing_pretends_to_work(open_page, size):
    page = open_page(html(MANY), *size, scripts=False)
    expect_articles(page, len(MANY))
    assert not page.locator("#bar").is_visible()
    # By the keyboard: while a page is laid out, a click may fall beside what it was meant for.
    page.locator("summary", has_text="tags").press("Enter")
    expect_articles(page, len(MANY) - 2)


def test_cells_stand_side_by_side_or_below_one_another_where_there_is_no_room(open_page):
    for (width, height), beside in ((SIZES["desktop"], True), (SIZES["phone"], False)):
        page = open_page(html(MANY), width, height)
        cell = page.locator(".cell").first
        old, new = (cell.locator(side).bounding_box() for side in (".old", ".new"))
        assert (abs(old["y"] - new["y"]) < 1) is beside
        assert (new["x"] > old["x"] + old["width"] - 1) is beside


def test_nothing_is_wider_than_the_screen(open_page, size):
    wide = "unbroken" * 200
    changes = [
        *hostile(),
        added("wide", **{wide[:60]: wide, "x": "1"}),
        changed(Cell(wide, "a", wide)),
    ]
    page = open_page(html(changes, TableDifference(wide, only_old=(wide,)), notes=(wide,)), *size)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= size[0]
    for part in ("article", ".value", "h2", ".note", ".fact"):
        for box in page.locator(part).all()[:40]:
            bounds = box.bounding_box()
            assert bounds is None or bounds["x"] + bounds["width"] <= size[0] + 1, part


def test_light_and_dark_can_be_read(open_page, size):
    grounds = []
    for scheme in ("light", "dark"):
        page = open_page(
            html(MANY, TableDifference("x", only_old=("y",)), notes=("z",)), *size, scheme
        )
        grounds.append(_luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")))
        places = (".old", ".new", ".old mark", ".new mark", ".name", ".told", ".fact", ".note")
        for place in (*places, ".key i", ".sides", ".chip.added", ".chip.changed", ".mark", "a"):
            colour, ground = page.locator(place).first.evaluate(_COLOURS)
            ratio = _contrast(colour, ground)
            assert ratio >= 4.5, f"{place} by {scheme}: {ratio:.2f}"
    assert grounds[0] > 0.8 > 0.1 > grounds[1]


_COLOURS = """element => {
  let ground = element;
  while (/, 0\\)$|transparent/.test(getComputedStyle(ground).backgroundColor))
    ground = ground.parentElement;
  return [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor];
}"""


def _luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_no_value_does_anything(open_page, size):
    names = ("<img src=x onerror='window.hacked = 1'>", '"><script>window.hacked = 1</script>')
    changes = [change for name in names for change in hostile(table=name)]
    page = open_page(html(changes, notes=names), *size)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, svg, iframe, object, link, form").count() == 0
    assert page.locator("script").count() == 1
    page.fill("#search", "onload=")
    expect(page.locator("#found")).to_have_text(re.compile(r"^[1-9]\d* found$"))
    assert page.locator(".value", has_text=HOSTILE[0]).count() > 0
    for link in page.locator("a").all():
        assert re.fullmatch(r"#table-\d+", link.get_attribute("href"))


def test_the_policy_stops_what_gets_in_all_the_same(browser, tmp_path):
    """Were an element or an attribute to get through: it is not run, loaded or applied."""
    text = html(EVERY_KIND).replace(
        "</main>",
        "<script>window.hacked = 1</script><img src='https://example.invalid/x'"
        " onerror='window.hacked = 2'><div id=styled style='color: red' onclick='hacked = 3'>"
        "x</div></main>",
    )
    file = tmp_path / "page.html"
    file.write_text(text, "utf-8")
    context = browser.new_context()
    page = context.new_page()
    failed = []
    page.on("requestfailed", lambda request: failed.append(request.failure))
    page.goto(file.as_uri())
    page.locator("#styled").click()
    assert page.evaluate("window.hacked") is None
    assert page.locator("#styled").evaluate("e => getComputedStyle(e).color") != "rgb(255, 0, 0)"
    assert all("csp" in str(reason).lower() for reason in failed)
    context.close()


def test_five_thousand_changes_are_searched_in_no_time(open_page):
    cells = [Cell("title", f"old {n}", f"new {n}") for n in range(5_000)]
    changes = [changed(cell, key=(("id", n),)) for n, cell in enumerate(cells)]
    with closing(kept(changes, 5_000)) as held:
        page = open_page("".join(page_of(comparison(changes), held)))
    seconds = page.evaluate("""async () => {
        const [search, found] = ["search", "found"].map((id) => document.getElementById(id));
        const start = performance.now();
        search.value = "new 4321";
        search.dispatchEvent(new Event("input"));
        while (!found.textContent) await new Promise((done) => setTimeout(done, 10));
        return (performance.now() - start) / 1000;
    }""")
    assert page.locator("#found").text_content() == "1 found"
    assert seconds < 5
