"""Database -> ``demo.toml``: write down which rows look like demo rows, and why."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from demo_snapshots.config.location import upwards
from demo_snapshots.config.masking import masked_url
from demo_snapshots.config.settings import (
    DEFAULT_DATABASE,
    DEFAULT_SNAPSHOTS,
    GIVEN_DATABASE,
    GIVEN_SNAPSHOTS,
    Config,
    configured_in,
)
from demo_snapshots.documents.sql.identifiers import write_identifier
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import Call, ConfigError, UsageError, Words
from demo_snapshots.model.rules import Follows, Marked
from demo_snapshots.selection.discovery import ExternalReference, Finding, Findings, look
from demo_snapshots.selection.markers import SAMPLED_ROWS
from demo_snapshots.store.backends.files import place, temporary_name

FILE = "demo.toml"
_WIDTH = 96


@dataclass(frozen=True, slots=True)
class InitResult:
    """``content`` is the file's text; ``written`` is false where it was only asked for."""

    path: Path
    written: bool
    content: str
    findings: Findings


def initialise(
    config: Config,
    *,
    directory: Path | None = None,
    write: bool = True,
    force: bool = False,
    latest: str | None = None,
) -> InitResult:
    """Look at the database and write a ``demo.toml`` in ``directory`` (the working directory).

    What it says selects the rows counted in its comments. A file that is there, or the section
    of a ``pyproject.toml`` that it would hide, is left alone unless ``force``: UsageError. It
    appears whole or not at all. With ``write`` false it is only returned. A password is not
    written, unless it stood in the ``demo.toml`` that is replaced. ``latest`` is the value of that
    key, which is left out if None.

    Raises UsageError, ConfigError, DatabaseError.
    """
    path = (directory or Path()) / FILE
    if write and not force:
        _require_free(path)
    with connect(config.database) as database:
        findings = look(database)
    content = "\n".join(_lines(config, findings, latest)) + "\n"
    if write:
        _write(path, content, force=force)
    return InitResult(path, write, content, findings)


def _require_free(path: Path) -> None:
    hint = Words(
        Call(force=True),
        " writes all the same, ",
        Call(write=False),
        " prints what it would write.",
    )
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already; nothing was written", hint=hint)
    if found := configured_in(upwards(path.parent)):
        file, _, section = found
        what = f"{file} has a [{'.'.join(section)}]" if section else f"{file} is there"
        raise UsageError(f"{what}, which {path} would hide; nothing was written", hint=hint)


def _write(path: Path, content: str, *, force: bool) -> None:
    temporary = temporary_name(path)
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if force:
            temporary.replace(path)
        else:
            place(temporary, path)
    except FileExistsError:
        raise UsageError(f"{path} is there already; nothing was written") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


# --- The file --------------------------------------------------------------------------------


def _lines(config: Config, findings: Findings, latest: str | None) -> Iterator[str]:
    yield "# Which rows are demo rows. Every key is explained in docs/configuration.md."
    yield from _comment(
        f"Written by demo init, which looked at {_counted(findings.looked_at, 'table')}:"
        f" at columns, foreign keys, and the first and last {SAMPLED_ROWS:,} rows of each."
    )
    yield ""
    yield from _demo_section(config, latest)
    if findings.tables:
        for finding in findings.tables:
            yield ""
            yield from _table(finding)
        yield from _references(findings.external)
    else:
        yield from _example(findings)


def _demo_section(config: Config, latest: str | None) -> Iterator[str]:
    origins = {setting.name: setting.origin for setting in config.settings}
    typed = {setting.name: setting.value for setting in config.settings}
    yield "[demo]"
    from_file = origins["database"] in (FILE, "pyproject.toml")
    is_option = origins["database"] == GIVEN_DATABASE
    if origins["database"] == "default":
        yield f"# database = {_text(DEFAULT_DATABASE)}"
    elif from_file or (is_option and masked_url(config.database) == config.database):
        yield f"database = {_text(config.database)}"
    else:
        named, why = origins["database"], ""
        if is_option:
            named, why = "--database", ", with a password, which is not written here"
        yield from _comment(f"The database is the one that {named} names{why}.")
    if origins["snapshots"] in (FILE, "pyproject.toml", GIVEN_SNAPSHOTS):
        yield f"snapshots = {_text(typed['snapshots'])}"
    else:
        yield f"# snapshots = {_text(DEFAULT_SNAPSHOTS)}"
    if latest:
        yield f"latest = {_text(latest)}"


def _table(finding: Finding) -> Iterator[str]:
    first, *rest = finding.reasons
    yield from _comment(f"{_sentence(first)}: {rows_in_words(finding.rows, finding.exact)}.")
    for reason in rest:
        yield from _comment(f"{_sentence(reason)}.")
    yield from _as_comment(_rule(finding)) if finding.doubtful else _rule(finding)


def _rule(finding: Finding) -> Iterator[str]:
    selection = finding.selection
    yield f"[tables.{_key(finding.name)}]"
    match selection.rule:
        case Marked(field):
            yield f"marker = {_text(str(field))}"
        case Follows(columns):
            yield f"follows = {_text_or_list(columns)}"
        case _:
            where = f"{write_identifier(finding.subject)} IS NOT NULL"
            yield f"where = {_text(where)}"
    if selection.scenario:
        yield f"scenario = {_text(str(selection.scenario))}"
    if selection.breakdown:
        yield f"breakdown = {_text(selection.breakdown)}"


def _references(external: Iterable[ExternalReference]) -> Iterator[str]:
    by_table: dict[str, list[ExternalReference]] = {}
    for found in external:
        by_table.setdefault(found.key.referenced_table, []).append(found)
    if not by_table:
        return
    yield ""
    yield from _comment(
        "Demo rows reference rows of these tables, which are not demo data. Export stops there"
        ' until you say what to do with them: "fail" (the default), "include" (they travel'
        ' along), "null" (the reference is dropped), or by-key (the row is looked up where the'
        " snapshot is imported)."
    )
    yield "[references]"
    for table, references in sorted(by_table.items()):
        natural = references[0].natural_key
        mode = f"{{ by-key = {_list(natural)} }}" if natural else _text("include")
        for found in references:
            path = f"{found.table}.{', '.join(found.key.columns)}"
            yield from _comment(f"{path} -> {table}: {rows_in_words(found.rows, True)}.")
        yield f"# {_key(table)} = {mode}"


def _example(findings: Findings) -> Iterator[str]:
    yield ""
    yield from _comment(
        "Nothing was found that marks demo rows: no JSON with demo_seed, no boolean is_demo or"
        " demo, no column scenario. Say which rows they are, by taking the # off and changing"
        " what fits; until then the tables of the sample application are meant."
    )
    for line in _example_rules(findings):
        yield f"# {line}".rstrip()


def _example_rules(findings: Findings) -> Iterator[str]:
    if not findings.example:
        yield from ("", "[tables.customers]", 'marker = "is_demo"', 'scenario = "scenario"')
        yield from ("", "[tables.orders]", 'follows = "customer_id"')
        return
    root, *followers = findings.example
    yield from ("", f"[tables.{_key(root.name)}]")
    where = f"{write_identifier(root.subject)} IN (1, 2)"
    yield f'where = {_text(where)}  # or: marker = "is_demo"'
    for finding in followers:
        header, *keys = _rule(finding)
        yield from ("", header, f"{keys[0]}  # {_plain(finding.reasons[0])}")


# --- Words and TOML --------------------------------------------------------------------------


def rows_in_words(rows: int | None, exact: bool) -> str:
    """``12 rows now``, ``at least 12 rows now``, or that they were not counted."""
    if rows is None:
        return "not counted, the table is large"
    return f"{'' if exact else 'at least '}{_counted(rows, 'row')} now"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _sentence(text: str) -> str:
    # A column's own name at the beginning keeps its case.
    return text[:1].upper() + text[1:] if text.startswith(("its ", "they ", "every ")) else text


def _comment(text: str) -> Iterator[str]:
    yield from (
        f"# {line}"
        for line in textwrap.wrap(
            _plain(text), _WIDTH, break_long_words=False, break_on_hyphens=False
        )
    )


def _plain(text: str) -> str:
    # A name may hold a line break, which would end the comment.
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _as_comment(lines: Iterable[str]) -> Iterator[str]:
    return (f"# {line}" for line in lines)


def _key(name: str) -> str:
    bare = name and name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare or set(name) == {"_"} else _text(name)


def _text(text: str) -> str:
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    # JSON's escapes are TOML's too; only DEL is one that TOML wants escaped as well.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"


def _text_or_list(texts: tuple[str, ...]) -> str:
    return _text(texts[0]) if len(texts) == 1 else _list(texts)
