"""Is every stored file the whole snapshot that was saved? No database is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from demo_snapshots.config.rules import PeopleRules
from demo_snapshots.documents.opening import describe, open_document, read_delta, reading, whole_at
from demo_snapshots.documents.protocol import Rows, Update, any_literals
from demo_snapshots.documents.sql.reader import any_lookup
from demo_snapshots.errors import DemoError, DocumentError, StoreDeniedError, StoreUnreachableError
from demo_snapshots.model.people import PeopleInFile, PersonFound
from demo_snapshots.model.progress import Progress, no_progress
from demo_snapshots.model.results import VersionCheck
from demo_snapshots.model.snapshots import (
    Description,
    DocumentForm,
    Entry,
    Stored,
    Version,
    check_scenario_name,
)
from demo_snapshots.model.sources import Source, source_of
from demo_snapshots.model.upkeep import FileCheck, Verification
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.uploads.stored import FilesCheck
from demo_snapshots.rows.literals import count_rows, records
from demo_snapshots.store import Store, unknown_scenario
from demo_snapshots.store.backends.files import is_stand_in
from demo_snapshots.store.contents import LATEST, version_of

_MOST_SHOWN = 100


def verify_exports(
    store: Store,
    scenario: str | None = None,
    *,
    people: PeopleRules | None = None,
    progress: Progress = no_progress,
) -> Verification:
    """Read every stored file of ``scenario``, or of all, from its first byte to its last.

    Each is checked against the grammar, its header's counts, its digest, and the size and
    SHA-256 in the manifest; deltas together with what they are on top of, too, and the uploaded
    files that versions name, each content once; the manifest and latest are checked against the
    files. Writes nothing and takes no lock. What is wrong comes back in the result, damaged files
    too; raises ExportNotFoundError for a scenario without a snapshot,
    and StoreError where the store cannot be read. With ``people``, which says what may be there,
    the rows are searched for what tells a person. ``progress`` counts versions.
    """
    files = store.inventory(None if scenario is None else check_scenario_name(scenario))
    if scenario is not None and not files:
        raise unknown_scenario(scenario, store.scenarios(), store.place)
    named = Counter((stored.scenario, stored.version.number) for stored in files if stored.present)
    versions = []
    files_check = FilesCheck(store)
    for done, stored in enumerate(files):
        progress(f"{stored.scenario} {stored.version}", done, len(files))
        check = check_version(stored, read_whole)
        twins = named[stored.scenario, stored.version.number] - 1
        if stored.present and twins:
            problem = Words(
                f"shares its number with {twins} other: ", Call("repair"), " gives one the next"
            )
            check = replace(check, problems=(*check.problems, problem))
        elif stored.recorded is not None and not check.problems:
            entry = stored.recorded
            wrong = (*_chain_problems(store, entry), *files_check.problems(entry.files))
            check = replace(check, problems=wrong)
        if people is not None and not check.problems and stored.recorded is not None:
            found = _people_in(store.source(stored.recorded), people)
            check = replace(check, people=found)
        versions.append(check)
    stale = tuple(f"{path}: a temporary file" for path in store.stale())
    return Verification(tuple(versions), store.inconsistencies(scenario), stale)


def _chain_problems(store: Store, entry: Entry) -> tuple[str, ...]:
    """What is wrong with what a delta is on top of."""
    if entry.delta is None:
        return ()
    try:
        read_whole(store.source(entry))
    except (StoreUnreachableError, StoreDeniedError):
        raise
    except DemoError as error:
        return (error.message,)
    return ()


def check_version(stored: Stored, read: Callable[[Source], Description]) -> VersionCheck:
    """Whether a stored file is what its name and the manifest say; ``read`` describes it, and
    says how closely it is looked at."""
    check = VersionCheck(stored.scenario, stored.version, stored.source.name, None, None, ())
    if not stored.present:
        return replace(check, problems=("is in the manifest, and there is no such file",))
    if stored.size is None:
        return replace(check, problems=("is not a regular file",))
    try:
        found = read(stored.source)
    except (StoreUnreachableError, StoreDeniedError):
        raise  # says nothing of the document
    except DemoError as error:
        reason = error.message.removeprefix(f"{stored.source.name}: ")
        return replace(check, size=stored.size, problems=(reason,))
    except OSError as error:
        return replace(check, size=stored.size, problems=(f"cannot be read: {error.strerror}",))
    return replace(
        check,
        size=found.total_size,
        records=found.header.statistics.total,
        problems=tuple(_contradictions(stored, found)),
    )


def _contradictions(stored: Stored, found: Description) -> list[str]:
    """What name and manifest say otherwise than the file itself."""
    header, recorded = found.header, stored.recorded
    problems = _misnamed(stored.source.name, (stored.scenario, stored.version), found)
    if recorded is None:
        problems.append("is not in the manifest")
        return problems
    if found.size != recorded.size:
        problems.append(f"has {found.size} bytes, and {recorded.size} in the manifest")
    if found.sha256 != recorded.sha256:
        problems.append("has another SHA-256 than in the manifest: it was altered")
    elif _told(recorded) != (
        found.digest,
        header.statistics,
        header.schema,
        found.parts,
        header.files,
    ):
        problems.append("is described otherwise in the manifest than it describes itself")
    return problems


def _misnamed(name: str, expected: tuple[str, Version], found: Description) -> list[str]:
    """What the name of a file says otherwise than its content."""
    header = found.header
    problems = []
    if (header.scenario, header.version) != expected:
        problems.append(f"says of itself that it is {header.scenario} {header.version}")
    if not name.endswith(found.packing.ending(found.form)):
        says = f"form, {found.form.upper()}"
        if f".{found.form}" in name:
            says = f"compression, {found.packing}"
        problems.append(f"has another ending than its {says}, would give it")
    return problems


def _told(entry: Entry) -> tuple[object, ...]:
    return entry.digest, entry.statistics, entry.schema, entry.parts, entry.files


def verify_files(
    paths: Iterable[Path],
    *,
    people: PeopleRules | None = None,
    progress: Progress = no_progress,
) -> tuple[FileCheck, ...]:
    """Read each file from its first byte to its last, in whatever directory it is.

    Each is checked against the grammar, its header's counts and its digest, and must be the
    snapshot that its name says, if it has a snapshot's name. No store is looked at: whether the
    manifest knows the files is for ``verify_exports``. What is wrong comes back in the result, a
    file that is not there too. ``people`` as for ``verify_exports``. ``progress`` counts files.
    """
    files = list(paths)
    checks = []
    for done, path in enumerate(files):
        progress(path.name, done, len(files))
        checks.append(_check_file(path, people))
    return tuple(checks)


def _check_file(path: Path, people: PeopleRules | None) -> FileCheck:
    def wrong(problem: str) -> FileCheck:
        return FileCheck(path, None, None, None, None, (problem,))

    try:
        if path.exists() and not path.is_file():
            return wrong("is not a regular file")  # a pipe would be waited for
        # Where git cannot make links, latest is a file with the name of the snapshot.
        linked = path.name in LATEST and is_stand_in(path)
        read = path.with_name(path.read_text("ascii")) if linked else path
        found = validate_export_file(read)
        persons = None
        if people is not None:
            is_delta = found.form is DocumentForm.DELTA
            persons = _people_in(whole_at(read) if is_delta else source_of(read), people)
    except OSError as error:
        return wrong(f"cannot be read: {error.strerror}")
    except DemoError as error:
        return wrong(error.message.removeprefix(f"{read}: "))
    says = (found.header.scenario, found.header.version)
    scenario = read.name.rpartition("_v")[0]
    version = version_of(scenario, read.name)
    expected = says if version is None else (scenario, version)
    records = found.header.statistics.total
    problems = tuple(_misnamed(read.name, expected, found))
    return FileCheck(path, *says, found.total_size, records, problems, persons)


def _people_in(source: Source, rules: PeopleRules) -> PeopleInFile:
    """What tells a person in the rows of a document that has been found whole: names alone do
    not, nor what is set aside for examples. Rows that travel along are searched too."""
    # Imported late: few look for persons.
    from demo_snapshots.people.rows import PeopleInRows

    looking: dict[str, PeopleInRows] = {}
    first: list[PersonFound] = []
    values = 0
    with reading(source) as stream:
        document = open_document(stream)
        header = document.header
        tables = {table.name: table for table in (*header.tables, *dict(header.includes))}
        for event in document.rows(any_literals, any_literals, any_lookup):
            if isinstance(event, Update):
                continue
            if event.table not in looking:
                looking[event.table] = PeopleInRows(
                    tables[event.table], event.columns, rules=rules, with_names=False
                )
            for record in records(event.text):
                for candidate in looking[event.table].found(record):
                    values += 1
                    first += [candidate.found] if values <= _MOST_SHOWN else []
    return PeopleInFile(values, tuple(first))


def validate_export_file(path: Path) -> Description:
    """Read the whole document at ``path`` and check its grammar, counts and digest; of a delta
    also what it makes of the files beside it.

    No database is needed. Raises DocumentError with the line, ExportNotFoundError.
    """
    found = read_whole(source_of(path))
    if found.form is DocumentForm.DELTA:
        read_whole(whole_at(path))
    return found


def read_whole(source: Source) -> Description:
    """As ``validate_export_file``, wherever the document comes from."""
    description = describe(source)
    if description.form is DocumentForm.DELTA:
        read_delta(source)
        return description
    statistics = description.header.statistics
    counted = dict.fromkeys((count.table for count in statistics.tables), 0)
    with reading(source) as stream:
        document = open_document(stream)
        for event in document.rows(any_literals, any_literals, any_lookup):
            if isinstance(event, Rows):
                counted[event.table] += count_rows(event.text)
        for table, rows in counted.items():
            if rows != statistics.rows(table):
                raise DocumentError(
                    f"{table}: {rows} rows, and the header counts {statistics.rows(table)}"
                )
    return description
