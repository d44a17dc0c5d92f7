"""One version, put into databases again and again, as tests do."""

from __future__ import annotations

from datetime import datetime, timedelta

from demo_snapshots.config.settings import Config
from demo_snapshots.documents.opening import open_document, read_tail, reading
from demo_snapshots.documents.protocol import Document
from demo_snapshots.engines.connection import connect
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import (
    CommitInDoubtError,
    DatabaseBusyError,
    DatabaseError,
    UnfitValueError,
    VerificationError,
)
from demo_snapshots.model.progress import no_progress
from demo_snapshots.model.results import ImportResult
from demo_snapshots.model.snapshots import Entry, check_scenario_name
from demo_snapshots.operations.drift import drift_of
from demo_snapshots.operations.import_ import import_document
from demo_snapshots.selection.demo_set import DemoSet, see
from demo_snapshots.store import Store, unknown_scenario
from demo_snapshots.transfer.compare import compare
from demo_snapshots.transfer.known import KnownSnapshot, can_be_known, known, locked, stamped
from demo_snapshots.transfer.load import load_document, read_events
from demo_snapshots.transfer.stage import Staging

_IN_MEMORY = 8_000_000
"""Bytes of a document from which on its rows are read from the file each time."""


_MOST_ATTEMPTS = 5
"""How often is found out what makes the next time quick, which itself takes as long as an import:
where the tables are others from test to test, it is in vain."""


class Fixture:
    """A version of a scenario, to be loaded by many tests. Its file is read and checked the first
    time, and looked at no more. Not for several threads at once.

    ``version`` is ``v1`` or ``v1_2025-01-15``, the latest there is now if None. Evergreen dates are
    moved so that they lead up to ``as_of``, each time the same, or not at all if that is None.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        scenario: str,
        version: str | None = None,
        as_of: datetime | None = None,
    ) -> None:
        """Raises ExportNotFoundError, ProtectedDatabaseError."""
        config.refuse_production()
        check_scenario_name(scenario)
        entry = store.find(scenario, version) if version else store.latest(scenario)
        if entry is None:
            raise unknown_scenario(scenario, store.scenarios(), store.place)
        self.entry: Entry = entry
        self._config = config
        self._source = store.source(entry)
        self._as_of = as_of
        self._known: KnownSnapshot | None = None
        self._dates_later = timedelta()
        self._attempts = _MOST_ATTEMPTS

    def load(self, connection: object = None) -> ImportResult:
        """Make the demo rows the version's: in the transaction of ``connection``, or in the
        configured database. With the outcome of ``import_scenario_version``, and its errors.

        After the first time it takes a short way where that leads to the same: the tables are
        what they were, and either hold no demo row, or those of the version, to the last value.
        """
        return self._short_way(connection) or self._long_way(connection)

    def is_loaded(self, connection: object = None) -> bool:
        """Whether the demo rows are known to be the version's; False may mean that it takes a
        comparison to tell."""
        if self._known is None:
            return False
        try:
            with connect(self._config.database, connection) as database, database.reading():
                return self._known.fits(database) and self._known.is_there(database)
        except DatabaseBusyError:
            raise
        except DatabaseError:
            return False

    def _short_way(self, connection: object) -> ImportResult | None:
        if self._known is None:
            return None
        try:
            with connect(self._config.database, connection) as database:
                return self._put(self._known, database)
        except (DatabaseBusyError, CommitInDoubtError):
            raise
        except (DatabaseError, VerificationError, UnfitValueError):
            # A key in use, say: everything is as it was, and the import can tell what it is.
            return None

    def _put(self, snapshot: KnownSnapshot, database: Database) -> ImportResult | None:
        if not snapshot.fits(database):
            return None
        with database.writing(locked(snapshot.demo)):
            done = snapshot.put(database)
        if done is None:
            return None
        replaced, changed = done
        return ImportResult(
            scenario=self.entry.scenario,
            version=self.entry.version,
            source=self._source.name,
            replaced=replaced,
            statistics=snapshot.header.statistics,
            changed=changed,
            route="direct" if changed else "merge",
            dates_later=self._dates_later,
        )

    def _long_way(self, connection: object) -> ImportResult:
        result = import_document(
            self._source,
            self._config,
            scenario=self.entry.scenario,
            connection=connection,
            as_of=self._as_of,
        )
        self._dates_later = result.dates_later
        if self._attempts:
            self._attempts -= 1
            self._known = self._learn(connection)
        return result

    def _learn(self, connection: object) -> KnownSnapshot | None:
        """Compare the demo rows with the version once more, and note what they are, within one
        transaction that is rolled back."""
        size = read_tail(self._source).size
        if size > _IN_MEMORY:
            return None
        with (
            connect(self._config.database, connection) as database,
            reading(self._source) as stream,
            database.writing((), keep=False),
        ):
            document = open_document(stream)
            demo = see(database, self._config)
            header = document.header
            if drift_of(header, demo.schema, self._config) or not can_be_known(demo, header):
                return None
            # Now: the staging makes tables of its own.
            stamp = database.stamp(stamped(demo))
            events = read_events(self._dated(document, demo), demo)
            stream.seek(0)
            staging = Staging(demo, header.tables)
            staging.create()
            again = self._dated(open_document(stream), demo)
            load_document(again, staging, size, no_progress, include=False)
            if not all(table.same for table in compare(staging)):
                return None
            return known(staging.demo, header, events, stamp)

    def _dated(self, document: Document, demo: DemoSet) -> Document:
        """The document with its dates as the import has moved them."""
        if not self._dates_later:
            return document
        # Imported late: few projects have evergreen dates.
        from demo_snapshots.operations.fresh import Fresh

        seconds = self._dates_later // timedelta(seconds=1)
        return Fresh.of(demo, self._config).shifted(seconds).document(document)
