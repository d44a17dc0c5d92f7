"""Database -> document -> store: save a scenario's demo rows as its next version."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Unpack

from msgspec.structs import replace

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.compression import packed
from demo_snapshots.documents.converting import in_form
from demo_snapshots.documents.opening import describe_whole, same_but_for_cuts
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import DemoError, NotConfirmedError, UsageError
from demo_snapshots.model.files import SavedFiles
from demo_snapshots.model.progress import no_progress
from demo_snapshots.model.results import ExportResult, VersionCheck
from demo_snapshots.model.snapshots import (
    MOST_PARTS,
    DocumentForm,
    Entry,
    Header,
    Packing,
    Parent,
    Part,
    Version,
    check_scenario_name,
)
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.options import ConfirmNew, ExportOptions
from demo_snapshots.operations.people import PeopleWatch, watching
from demo_snapshots.operations.snapshot import Rewriting, Snapshot, snapshot_of
from demo_snapshots.selection.demo_set import DemoSet, see
from demo_snapshots.store import Draft, Store

if TYPE_CHECKING:
    from demo_snapshots.operations.fresh import ExportDates

logger = logging.getLogger(__name__)


def export_scenario(
    scenario: str,
    config: Config,
    store: Store,
    *,
    now: datetime,
    **options: Unpack[ExportOptions],
) -> ExportResult:
    """Save the demo rows of ``scenario``, and those without a scenario, as its next version.

    ``now`` (aware) is the moment written into the document; its UTC day names the version.
    Rows, counts and schema come from one consistent read. Data equal to the latest version's
    writes nothing, unless ``auto_version``. No row carrying the scenario raises
    EmptyScenarioError, unless ``allow_empty``. Up to ``jobs`` connections read large data,
    where the engine can; the bytes written do not depend on it. A version appears whole or not
    at all; the store is locked for the whole export, so a higher version never holds older
    rows. With ``prove`` it is published only after it was imported into a scratch database and
    came out of that with the same bytes. Demo rows are not saved that hold what tells a person and
    a row outside the demo holds too, unless ``check_people`` is ``off``. ``compress`` is how the
    file is stored and ``format`` how it spells the rows, None as the configuration says; data equal
    to the latest version's is so however that one is stored. A latest version whose file was
    damaged is equal to nothing, and named in the result. The uploaded files that demo rows name,
    as ``config.files`` says, are saved with it.

    With ``delta`` the file holds only what changed since the latest version, or the one named: SQL,
    read together with that one by whatever reads the version. It is whole after all where a stock
    client could not load the changes row by row, where they would take as much room, and after
    eight on top of one another; the result says why.

    Evergreen dates that a fresh import has moved go into the file as the latest version has them,
    unless ``keep_dates``; the result says how far they were from that.

    Raises UsageError for a bad scenario name, ExportNotFoundError for an unknown version,
    NotConfirmedError, ConfigError, DatabaseError, SchemaError, ExportError, StoreError.
    """
    check_scenario_name(scenario)
    form = DocumentForm(options.get("format") or config.format)
    _require_parts(options, form)
    _require_meant(scenario, config, store, options.get("confirm_new"))
    moment = now.astimezone(UTC).replace(microsecond=0)
    given = options.get("connection")
    delta = options.get("delta", False)
    _require_sql(config, options)
    _require_provable(options)
    with connect(config.database, given) as database, store.lock(), database.reading():
        demo = see(database, config).of(scenario)
        version = Version(store.next_number(scenario), moment.date())
        latest, damaged = whole_latest(store, scenario)
        on = store.find(scenario, delta) if isinstance(delta, str) else latest
        dates = _dates(latest, store, demo, config, options)
        with (
            watching(demo, config.people, options.get("check_people")) as watch,
            snapshot_of(
                demo,
                version,
                moment,
                base=Parent(latest.version, latest.digest) if latest else None,
                allow_empty=options.get("allow_empty", False),
                jobs=1 if _in_parts(options) else options.get("jobs", 1),
                progress=options.get("progress", no_progress),
                watch=watch.see if watch else None,
                rewriting=tuple(_rewriting(demo, config, options, dates)),
                anchor=partial(dates.anchor, moment) if dates else None,
            ) as snapshot,
            with_files(snapshot, demo, config, store) as (snapshot, saved),
        ):
            result = _publish(snapshot, store, latest, damaged, on, demo, config, options, watch)
            result = replace(result, files=saved)
    return result if dates is None else dates.told(result, latest)


@contextmanager
def with_files(
    snapshot: Snapshot, demo: DemoSet, config: Config, store: Store, *, keep: bool = True
) -> Iterator[tuple[Snapshot, SavedFiles | None]]:
    """The snapshot with the uploaded files that its rows name, which are in the store in the block,
    and with ``keep`` afterwards, unless it fails."""
    if not config.files.places:
        yield snapshot, None
        return
    # Imported late: few projects have such files.
    from demo_snapshots.operations.uploads.saving import saving_files

    with saving_files(demo, config, store, keep=keep) as saving:
        header = snapshot.header.with_files(saving.files)
        yield replace(snapshot, header=header), saving.saved


def _require_provable(options: ExportOptions) -> None:
    if options.get("connection") is not None and options.get("prove"):
        raise UsageError(
            "a snapshot of an open connection cannot be proved: others do not see its rows",
            hint="Export without prove, or commit first and leave the connection out.",
        )


def _require_sql(config: Config, options: ExportOptions) -> None:
    form = options.get("format") or config.format
    if options.get("delta") and form != DocumentForm.SQL:
        raise UsageError(
            f"a delta is written in SQL, and not in {form.upper()}",
            hint=Words("Export it with ", Call(format="sql"), ", or whole."),
        )


def _dates(
    latest: Entry | None, store: Store, demo: DemoSet, config: Config, options: ExportOptions
) -> ExportDates | None:
    """How the dates there become those of the latest version again, unless they are to stay; None
    where none are evergreen."""
    if not config.has_evergreen:
        return None
    # Imported late: few projects have evergreen dates.
    from demo_snapshots.operations.fresh import ExportDates

    before = None if latest is None or options.get("keep_dates") else store.source(latest)
    return ExportDates.of(before, demo, config)


def _rewriting(
    demo: DemoSet, config: Config, options: ExportOptions, dates: ExportDates | None
) -> Iterator[Rewriting]:
    if dates and dates.shifted:
        yield dates.shifted
    if not config.people.anonymise:
        return
    if _in_parts(options):
        raise UsageError(
            "people.anonymise puts stand-ins into one file, and a version in parts is asked for",
            hint="Export it in one file.",
        )
    # Imported late: few exports make stand-ins.
    from demo_snapshots.transfer.anonymise import KEY, Anonymised

    found = config.environment.get(KEY) if config.environment else None
    yield Anonymised(demo, config.people.anonymise, found.value if found else None)


def _require_meant(scenario: str, config: Config, store: Store, confirm: ConfirmNew | None) -> None:
    if confirm is None or any(rule.scenario for rule in config.tables.values()):
        return
    known = store.scenarios()
    if known and scenario not in known and not confirm(scenario, known):
        raise NotConfirmedError("the answer was no; nothing was saved")


def _publish(
    snapshot: Snapshot,
    store: Store,
    latest: Entry | None,
    damaged: VersionCheck | None,
    on: Entry | None,
    demo: DemoSet,
    config: Config,
    options: ExportOptions,
    watch: PeopleWatch | None,
) -> ExportResult:
    header = snapshot.header
    packing = options.get("compress") or config.compress
    form = DocumentForm(options.get("format") or config.format)
    people = None
    if watch is not None and _in_parts(options):
        # Whoever writes the parts sees the rows of one part; what is refused is not written at all.
        watch.read(snapshot.source, header.statistics)
        people = watch.require_none()
    with _drafted(snapshot, store, packing, form, options) as (draft, digest, parts):
        proof, whole_because = None, None
        if watch is not None and people is None:
            people = watch.require_none()
        if options.get("prove"):
            # Imported late: an import is the half of this program that few exports need.
            from demo_snapshots.operations.roundtrip import prove

            proof = prove(draft.source, header, digest, demo, config)
        wanted = options.get("auto_version", False)
        if latest is not None and not wanted and holds(store, latest, draft, header, digest):
            logger.info("%s: unchanged since %s", header.scenario, latest.version)
            entry, written = latest, False
        elif options.get("delta"):
            # Imported late, as a proof is.
            from demo_snapshots.operations.delta import publish_delta

            entry, whole_because = publish_delta(
                store, draft, header, digest, on, damaged=damaged is not None
            )
            written = True
        else:
            entry, written = store.publish(draft, header, digest, parts=parts), True
    return ExportResult(
        scenario=header.scenario,
        version=entry.version,
        file=store.file(entry).name,
        statistics=header.statistics,
        file_size=entry.total_size,
        digest=entry.digest,
        written=written,
        proof=proof,
        damaged=damaged,
        delta=entry.delta if written else None,
        whole_because=whole_because,
        parts=len(entry.parts),
        people=people,
        included=header.included,
    )


@contextmanager
def _drafted(
    snapshot: Snapshot,
    store: Store,
    packing: Packing,
    form: DocumentForm,
    options: ExportOptions,
) -> Iterator[tuple[Draft, str, tuple[Part, ...]]]:
    """The snapshot as a draft, its content digest, and the parts that hold its rows, if it is to
    have some."""
    header = snapshot.header
    if _in_parts(options):
        # Imported late: few exports need it.
        from demo_snapshots.operations.parting import draft_in_parts

        with draft_in_parts(snapshot, store, packing, options) as drafted:
            yield drafted
        return
    with store.draft(header.scenario, header.version, packing, form) as draft:
        with packed(draft.file, packing) as file, in_form(file, form) as sql:
            digest = snapshot.write(sql)
        draft.file.flush()
        yield draft, digest, ()


def _in_parts(options: ExportOptions) -> bool:
    return options.get("parts") is not None or options.get("dask") is not None


def _require_parts(options: ExportOptions, form: DocumentForm) -> None:
    """Raise UsageError for parts that there cannot be."""
    parts = options.get("parts")
    if not _in_parts(options):
        return
    if parts is not None and not 1 <= parts <= MOST_PARTS:
        raise UsageError(
            Words(Call(parts=parts), f": a version has from 1 to {MOST_PARTS} parts"),
            hint="Give a number between these.",
        )
    if options.get("delta"):
        raise UsageError(
            "a delta is one file, and has no parts",
            hint=Words("Export without ", Call(delta=...), ", or in one file."),
        )
    if form is not DocumentForm.SQL:
        raise UsageError(
            f"a version in parts is SQL, and {form.upper()} is asked for",
            hint=Words("Export with ", Call(format="sql"), "."),
        )


def holds(store: Store, entry: Entry, draft: Draft, header: Header, digest: str) -> bool:
    """Whether a stored version has the content of a finished draft, of whatever format it is, and
    the same uploaded files. ``header`` and ``digest`` are the draft's."""
    if entry.files != header.files:
        return False
    return entry.digest == digest or (
        entry.statistics.total == header.statistics.total
        and same_but_for_cuts(store.source(entry), draft.source)
    )


def whole_latest(store: Store, scenario: str) -> tuple[Entry | None, VersionCheck | None]:
    """The latest version, or what is wrong with it: then the data has to be saved again, and
    nothing is equal to it."""
    from demo_snapshots.operations.verify import check_version

    files = store.inventory(scenario)
    newest = next((stored for stored in files if stored.present), None)
    if newest is None:
        return None, None
    check = check_version(newest, describe_whole)
    if check.problems:
        return None, check
    latest = store.latest(scenario)
    if latest is not None and latest.delta is not None:
        check = replace(check, problems=_chain_problems(store, latest))
    return (None, check) if check.problems else (latest, None)


def _chain_problems(store: Store, latest: Entry) -> tuple[str, ...]:
    """What is wrong with the versions that a delta is on top of."""
    try:
        for link in store.chain(latest)[:-1]:
            found = describe_whole(store.file(link))
            if (found.digest, found.sha256) != (link.digest, link.sha256):
                return (f"is on top of {link.version}, which was altered",)
    except DemoError as error:
        return (error.message,)
    return ()
