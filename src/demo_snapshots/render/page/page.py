"""What all pages have in common: head and foot, and text of any origin as HTML."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files

from demo_snapshots.model.changes import NOTHING, Json, Value
from demo_snapshots.render.report import counted
from demo_snapshots.render.visible import visible

_LONGEST = 2_000
_KEPT = 400


def head(title: str) -> Iterator[str]:
    """Up to and with the start of the body.

    The policy names the hashes of the one style and the one script: nothing else is applied, run,
    loaded or sent, whatever the values hold.
    """
    style, script = _part("page.css"), _part("page.js")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{_hash(style)}'",
            f"script-src 'sha256-{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    yield (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n'
        "<head>\n"
        '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{one_line(title)}</title>\n"
        f"<style>{style}</style>\n"
        "</head>\n"
        "<body>\n"
    )


def bar(kinds: Iterable[str]) -> str:
    """Search, a box to tick for each of ``kinds``, folding. Hidden until the script works."""
    boxes = "".join(
        f'<label class="chip {kind}"><input type="checkbox" value="{kind}" checked>'
        f" {kind.title()}</label>\n"
        for kind in kinds
    )
    return (
        '<div id="bar" hidden>\n'
        '<input id="search" type="search" placeholder="Search tables, keys and values"'
        ' aria-label="Search tables, keys and values" autocomplete="off" spellcheck="false">\n'
        f"{boxes}"
        '<button id="fold" type="button">Fold all</button>\n'
        '<span id="found" role="status"></span>\n'
        "</div>\n"
    )


def foot(told: str) -> str:
    """From the end of what the page is about to its end."""
    return (
        f"<footer>{told} This page is one file and loads nothing.</footer>\n"
        f"<script>{_part('page.js')}</script>\n"
        "</body>\n"
        "</html>\n"
    )


def _part(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _hash(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()


def one_line(text: str) -> str:
    """``text`` as HTML, in an element or an attribute, control characters spelled out."""
    return escape(visible(text))


_ODD = re.compile(r"[^\x20-\x7e\n\t]")


def many_lines(text: str) -> str:
    """``text`` as HTML in an element that keeps its lines, other control characters spelled out
    in elements of their own."""
    escaped = escape(text)
    if not _ODD.search(escaped):
        return escaped
    return _ODD.sub(_spelled, escaped)


def _spelled(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable():
        return character
    return f'<span class="escape">{visible(character)}</span>'


def value_html(value: Value) -> str:
    """What stands in an element for a value: text as it is, and what is no text told apart."""
    match value:
        case None:
            return "<i>NULL</i>"
        case "" if not isinstance(value, Json):
            return "<i>empty</i>"
        case str():
            return shortened(value)
        case b"":
            return "<i>binary, empty</i>"
        case bytes():
            told = shortened(value[:_LONGEST].hex().upper(), len(value) * 2)
            return f"<i>binary, {counted(len(value), 'byte')}</i> {told}"
        case bool():
            return "true" if value else "false"
    return "<i>absent</i>" if value is NOTHING else shortened(str(value))


def shortened(text: str, length: int | None = None) -> str:
    """``text`` as HTML, what is too long left out of its middle. ``length`` is that of the whole
    where ``text`` is its beginning."""
    length = length or len(text)
    if length <= _LONGEST:
        return many_lines(text)
    return left_out(text[: _LONGEST - _KEPT], length - _LONGEST, text[-_KEPT:])


def left_out(before: str, characters: int, after: str) -> str:
    """Two pieces of text, and how much is not shown between them."""
    told = f'<span class="cut"> … {characters:,} characters not shown … </span>'
    return f"{many_lines(before)}{told}{many_lines(after)}"
