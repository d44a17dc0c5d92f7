"""Words and TOML for a ``demo.toml`` that is read by people."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from demo_snapshots.model.tables import ForeignKey
from demo_snapshots.selection.assumed import AssumedKey
from demo_snapshots.selection.discovery import Findings, share

_WIDTH = 96


def rows_in_words(rows: int | None, exact: bool) -> str:
    """``12 rows now``, ``at least 12 rows now``, or that they were not counted."""
    if rows is None:
        return "not counted, the table is large"
    return f"{'' if exact else 'at least '}{counted(rows, 'row')} now"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def sentence(text: str) -> str:
    # A column's own name at the beginning keeps its case.
    return (
        text[:1].upper() + text[1:]
        if text.startswith(("its ", "they ", "their ", "every ", "the "))
        else text
    )


def comment(text: str) -> Iterator[str]:
    yield from (
        f"# {line}"
        for line in textwrap.wrap(
            plain(text), _WIDTH, break_long_words=False, break_on_hyphens=False
        )
    )


def plain(text: str) -> str:
    # A name may hold a line break, which would end the comment.
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def as_comment(lines: Iterable[str]) -> Iterator[str]:
    return (f"# {line}" for line in lines)


# --- TOML ------------------------------------------------------------------------------------


def key_text(name: str) -> str:
    bare = name and name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare or set(name) == {"_"} else text(name)


def text(text: str) -> str:
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    # JSON's escapes are TOML's too; only DEL is one that TOML wants escaped as well.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def list_text(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(text, texts))}]"


def text_or_list(texts: tuple[str, ...]) -> str:
    return text(texts[0]) if len(texts) == 1 else list_text(texts)


# --- Foreign keys that the database does not declare -----------------------------------------


def follows_text(assumed: AssumedKey, configured: Mapping[str, str]) -> str:
    """What stands after ``follows`` for a table that follows by it."""
    columns = assumed.columns
    own = f"column = {text(columns[0])}"
    only = assumed.keys[0].only
    told = f", type = {text(only.column)}" if only else ""
    return f"{{ {own}{told}, references = {_targets(assumed, configured)} }}"


def foreign_keys_section(findings: Findings) -> Iterator[str]:
    """The section that names those by which no table follows."""
    if not findings.assumed:
        return
    yield ""
    yield from comment(
        "Foreign keys that the database does not declare, of demo tables or to them, as the names"
        " of columns have it and the rows bear out. Take out what is none."
    )
    yield "[foreign-keys]"
    for assumed in findings.assumed:
        yield from comment(f"{share(assumed)}.")
        if assumed.unknown:
            yield from comment(f"{unknown_types(assumed)}.")
        name = f"{findings.configured.get(assumed.table, assumed.table)}.{assumed.columns[0]}"
        targets = _targets(assumed, findings.configured)
        only = assumed.keys[0].only
        if only:
            targets = f"{{ type = {text(only.column)}, references = {targets} }}"
        yield f"{text(name)} = {targets}"


def unknown_types(assumed: AssumedKey) -> str:
    """Which types no table was found for, in words."""
    return f"No table was found for {', '.join(assumed.unknown)}: add what they mean"


def _targets(assumed: AssumedKey, configured: Mapping[str, str]) -> str:
    def target(key: ForeignKey) -> str:
        table = configured.get(key.referenced_table, key.referenced_table)
        return text(f"{table}.{key.referenced_columns[0]}")

    if assumed.keys[0].only is None:
        return target(assumed.keys[0])
    each = (f"{key_text(key.only.value)} = {target(key)}" for key in assumed.keys if key.only)
    return f"{{ {', '.join(each)} }}"


def uses_content_types(findings: Findings) -> bool:
    """Whether rows are told by Django's content types."""
    keys = (*findings.assumed, *(finding.key for finding in findings.tables if finding.key))
    return any(k.only and k.only.is_content_type for assumed in keys for k in assumed.keys)
