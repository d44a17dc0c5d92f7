"""Two texts side by side, what differs in them marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from demo_snapshots.render.comparison.words import common_start
from demo_snapshots.render.page.page import left_out, many_lines

# With the blanks before it: a blank by itself stands everywhere, which makes comparing slow.
_WORD = re.compile(r"\s?\w+|\s?[^\w\s]|\s")
_MOST_TEXT = 20_000
_MOST_WORDS = 600
_CONTEXT = 120
_LONGEST_PIECE = 2_000
_LEAST_ALIKE = 4

Pieces = list[tuple[bool, str]]
"""A text in pieces, and whether each differs from the other text's."""


def marked(old: str, new: str) -> tuple[str, str]:
    """Both texts as HTML. What is long and alike, or too long, is left out with a note."""
    pieces = _by_words(old, new) if len(old) + len(new) <= _MOST_TEXT else None
    ours, theirs = pieces or _by_ends(old, new)
    alike = sum(len(text.strip()) for differs, text in ours if not differs)
    if pieces and alike * _LEAST_ALIKE < max(len(old), len(new)):
        # Marks would be everywhere, and what is alike is so by chance.
        ours, theirs = [(False, old)], [(False, new)]
    return _html(ours), _html(theirs)


def _by_ends(old: str, new: str) -> tuple[Pieces, Pieces]:
    """Split where the texts begin and end alike."""
    start = common_start(old, new)
    end = common_start(
        old[: start - 1 if start else None : -1], new[: start - 1 if start else None : -1]
    )
    return _split(old, start, end), _split(new, start, end)


def _split(text: str, start: int, end: int) -> Pieces:
    stop = len(text) - end
    return [(False, text[:start]), (True, text[start:stop]), (False, text[stop:])]


def _by_words(old: str, new: str) -> tuple[Pieces, Pieces] | None:
    """Split by words; None where they are too many to be compared each with each."""
    start = common_start(old, new)
    # From the start of a line or a word, so that no word is cut in two.
    start = max(old.rfind("\n", 0, start), old.rfind(" ", 0, start), 0)
    ours, theirs = _WORD.findall(old[start:]), _WORD.findall(new[start:])
    if max(len(ours), len(theirs)) > _MOST_WORDS:
        return None
    pieces: tuple[Pieces, Pieces] = ([(False, old[:start])], [(False, new[:start])])
    for what, *places in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        pieces[0].append((what != "equal", _joined(ours, places[0], places[1])))
        pieces[1].append((what != "equal", _joined(theirs, places[2], places[3])))
    return pieces


def _joined(words: Sequence[str], start: int, stop: int) -> str:
    return "".join(words[start:stop])


def _html(pieces: Pieces) -> str:
    long = sum(len(text) for _, text in pieces) > _LONGEST_PIECE
    return "".join(_pieces_html(pieces, long))


def _pieces_html(pieces: Pieces, long: bool) -> Iterator[str]:
    last = len(pieces) - 1
    for place, (differs, text) in enumerate(pieces):
        if not text:
            continue
        if differs or not last:
            half = _LONGEST_PIECE // 2
            before, after, most = half, half, _LONGEST_PIECE
        else:
            before, after = (_CONTEXT if place else 0), (_CONTEXT if place < last else 0)
            most = 3 * _CONTEXT if long else len(text)
        shown = many_lines(text)
        if len(text) > most:
            end = text[len(text) - after :]
            shown = left_out(text[:before], len(text) - before - after, end)
        elif differs:
            # A line's end that differs would not be seen.
            shown = shown.replace("\n", '<span class="escape">\\n</span>\n')
        yield f"<mark>{shown}</mark>" if differs else shown
