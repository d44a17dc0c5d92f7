"""Text of unknown origin on one line."""

from __future__ import annotations


def visible(text: str) -> str:
    """``text`` on one line, control characters spelled out.

    Names, kinds and values come from files and databases; an escape sequence among them must not
    reach the terminal, and what turns the direction of writing must not hide what follows.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
