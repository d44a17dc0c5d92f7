"""Database -> ``demo.toml``: write down which rows look like demo rows, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

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
from demo_snapshots.errors import ConfigError, UsageError
from demo_snapshots.model.rules import Follows, FollowsAny, Marked, Where
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.writing import (
    as_comment,
    comment,
    counted,
    follows_text,
    foreign_keys_section,
    key_text,
    list_text,
    plain,
    rows_in_words,
    sentence,
    text,
    text_or_list,
    unknown_types,
    uses_content_types,
)
from demo_snapshots.selection.discovery import (
    Choose,
    ExternalReference,
    Finding,
    Findings,
    first,
    look,
)
from demo_snapshots.selection.markers import SAMPLED_ROWS
from demo_snapshots.selection.undeclared import CONTENT_TYPES
from demo_snapshots.store.backends.files import place, temporary_name

FILE = "demo.toml"


class InitResult(Struct, frozen=True):
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
    choose: Choose = first,
) -> InitResult:
    """Look at the database and write a ``demo.toml`` in ``directory`` (the working directory).

    What it says selects the rows counted in its comments. A file that is there, or the section
    of a ``pyproject.toml`` that it would hide, is left alone unless ``force``: UsageError. It
    appears whole or not at all. With ``write`` false it is only returned. A password is not
    written, unless it stood in the ``demo.toml`` that is replaced. ``latest`` is the value of that
    key, which is left out if None. Where nothing marks demo rows and others may be the demo,
    ``choose`` says which, by its place in the list; the likeliest unless it is given.

    Raises UsageError, ConfigError, DatabaseError.
    """
    path = (directory or Path()) / FILE
    if write and not force:
        _require_free(path)
    with connect(config.database) as database:
        findings = look(database, choose)
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
    yield from comment(
        f"Written by demo init, which looked at {counted(findings.looked_at, 'table')}:"
        f" at columns, foreign keys, and the first and last {SAMPLED_ROWS:,} rows of each."
    )
    yield ""
    yield from _demo_section(config, latest)
    if findings.tables:
        for finding in findings.tables:
            yield ""
            yield from _table(finding, findings)
        yield from _other_candidates(findings)
        yield from foreign_keys_section(findings)
        yield from _references(findings)
    else:
        yield from _example(findings)


def _demo_section(config: Config, latest: str | None) -> Iterator[str]:
    origins = {setting.name: setting.origin for setting in config.settings}
    typed = {setting.name: setting.value for setting in config.settings}
    yield "[demo]"
    from_file = origins["database"] in (FILE, "pyproject.toml")
    is_option = origins["database"] == GIVEN_DATABASE
    if origins["database"] == "default":
        yield f"# database = {text(DEFAULT_DATABASE)}"
    elif from_file or (is_option and masked_url(config.database) == config.database):
        yield f"database = {text(config.database)}"
    else:
        named, why = origins["database"], ""
        if is_option:
            named, why = "--database", ", with a password, which is not written here"
        yield from comment(f"The database is the one that {named} names{why}.")
    if origins["snapshots"] in (FILE, "pyproject.toml", GIVEN_SNAPSHOTS):
        yield f"snapshots = {text(typed['snapshots'])}"
    else:
        yield f"# snapshots = {text(DEFAULT_SNAPSHOTS)}"
    if latest:
        yield f"latest = {text(latest)}"


def _table(finding: Finding, findings: Findings) -> Iterator[str]:
    first, *rest = finding.reasons
    yield from comment(f"{sentence(first)}: {rows_in_words(finding.rows, finding.exact)}.")
    for reason in rest:
        yield from comment(f"{sentence(reason)}.")
    if finding.key and finding.key.unknown:
        yield from comment(f"{unknown_types(finding.key)}.")
    rule = _rule(finding, findings)
    yield from as_comment(rule) if finding.doubtful else rule


def _rule(finding: Finding, findings: Findings) -> Iterator[str]:
    selection = finding.selection
    yield f"[tables.{key_text(finding.name)}]"
    match selection.rule:
        case Marked(field):
            yield f"marker = {text(str(field))}"
        case Follows() | FollowsAny() if finding.key:
            yield f"follows = {follows_text(finding.key, findings.configured)}"
        case Follows(columns):
            yield f"follows = {text_or_list(columns)}"
        case Where(condition) if not finding.subject:
            yield f"where = {text(condition)}"
        case _:
            where = f"{write_identifier(finding.subject)} IS NOT NULL"
            yield f"where = {text(where)}"
    if selection.scenario:
        yield f"scenario = {text(str(selection.scenario))}"
    if selection.breakdown:
        yield f"breakdown = {text(selection.breakdown)}"
    if evergreen := findings.evergreen.get(finding.name):
        yield f"evergreen = {text_or_list(evergreen)}"


def _other_candidates(findings: Findings) -> Iterator[str]:
    if findings.others:
        yield ""
        yield "# Other rows that may be the demo, in place of those above:"
    for each in findings.others:
        yield from comment(f"{each.table}, {rows_in_words(each.rows, True)}: {each.reason}.")
        yield from as_comment(
            (f"[tables.{key_text(each.table)}]", f"where = {text(each.condition)}")
        )


def _references(findings: Findings) -> Iterator[str]:
    by_table: dict[str, list[ExternalReference]] = {}
    for found in findings.external:
        by_table.setdefault(found.key.referenced_table, []).append(found)
    typed = uses_content_types(findings)
    if typed:
        yield from ("", "[references]", "# Their numbers are others in every database.")
        yield f'{CONTENT_TYPES} = {{ by-key = ["app_label", "model"] }}'
    if not by_table:
        return
    yield ""
    yield from comment(
        "Demo rows reference rows of these tables, which are not demo data. Export stops there"
        ' until you say what to do with them: "fail" (the default), "include" (they travel'
        ' along), "include-all" (and so does what they lead to), "null" (the reference is'
        " dropped), or by-key (the row is looked up where the snapshot is imported)."
    )
    if not typed:
        yield "[references]"
    for table, references in sorted(by_table.items()):
        natural = references[0].natural_key
        mode = f"{{ by-key = {list_text(natural)} }}" if natural else text("include")
        for found in references:
            path = f"{found.table}.{', '.join(found.key.columns)}"
            yield from comment(f"{path} -> {table}: {rows_in_words(found.rows, True)}.")
        yield f"# {key_text(findings.configured.get(table, table))} = {mode}"


def _example(findings: Findings) -> Iterator[str]:
    yield ""
    yield from comment(
        "Nothing was found that marks demo rows: no JSON with demo_seed, no boolean is_demo or"
        " demo, no column scenario, nobody and nothing called demo. Say which rows they are, by"
        " taking the # off and changing what fits; until then the tables of the sample"
        " application are meant."
    )
    for line in _example_rules(findings):
        yield f"# {line}".rstrip()


def _example_rules(findings: Findings) -> Iterator[str]:
    if not findings.example:
        yield from ("", "[tables.customers]", 'marker = "is_demo"', 'scenario = "scenario"')
        yield from ("", "[tables.orders]", 'follows = "customer_id"')
        return
    root, *followers = findings.example
    header, where = _rule(root, findings)
    yield from ("", header, f'{where}  # or: marker = "is_demo"')
    for finding in followers:
        header, *keys = _rule(finding, findings)
        yield from ("", header, f"{keys[0]}  # {plain(finding.reasons[0])}")
