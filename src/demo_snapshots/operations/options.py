"""How to export and how to import: what the verbs take besides what they work on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from demo_snapshots.model.progress import Progress
    from demo_snapshots.model.results import ImportPlan
    from demo_snapshots.model.snapshots import DocumentForm, Packing
    from demo_snapshots.operations.people import PeopleMode
    from demo_snapshots.operations.replaced import UndoKeeping
    from demo_snapshots.store.blobs import Blobs

ConfirmNew = Callable[[str, tuple[str, ...]], bool]
"""Asked before a scenario is begun beside those there are (their names are given), where no rule
names a column that says which rows are of it: any name would do, a mistyped one too. False exports
nothing. None stands for yes."""


class ExportOptions(TypedDict, total=False):
    """How to export; what is not given is false or None."""

    auto_version: bool
    """Write a new version even of data equal to the latest version's."""
    allow_empty: bool
    """Write even if no row carries the scenario."""
    jobs: int
    """Connections that may read large data at once; 1 if not given. The bytes written do not
    depend on it."""
    prove: bool
    """Publish only what was imported into a scratch database and came out the same."""
    compress: Packing | None
    """How the file is stored; None as the configuration says."""
    format: DocumentForm | None
    """How the file spells the rows; None as the configuration says."""
    check_people: PeopleMode | None
    """How closely to look for real persons in the demo rows; None as the configuration says."""
    confirm_new: ConfirmNew | None
    """Asked before a scenario is begun that nothing but its name tells from the others."""
    delta: bool | str
    """Write only what changed since the latest version, or since the version of that name."""
    parts: int | None
    """Write the rows into that many files of about the same number of rows, or into fewer where
    there is not enough to part; None: into one."""
    dask: str | None
    """The address of a Dask scheduler, as ``tcp://host:8786``, whose workers write the parts: two
    for each of their threads, unless ``parts`` is given."""
    keep_dates: bool
    """Save evergreen dates as they stand, though a fresh import has moved them."""
    connection: object
    """An open connection to read from, in place of the configured database: see ImportOptions."""
    progress: Progress
    """Told how many rows of each table have been written."""


Value = str | int | float | bool
"""What a column gets; text, where it comes from a command line."""


class DriftOptions(TypedDict, total=False):
    """What became of the snapshot's tables, besides what the configuration says; nothing if not
    given. Columns are ``table.column``, their tables called as they are today."""

    rename_tables: Mapping[str, str]
    """What tables of the snapshot are called today, by the name they had."""
    rename_columns: Mapping[str, str]
    """What columns of the snapshot are called today, by ``table.column`` as it was."""
    defaults: Mapping[str, Value]
    """What columns that the snapshot does not have get, by ``table.column``."""
    drop_columns: Sequence[str]
    """``table.column`` names that the snapshot has and the database need not."""


Confirm = Callable[["ImportPlan"], bool]
"""Asked before demo rows are replaced by others; False leaves everything as it is. By then the
whole file has been checked, and compared with the rows there are: where they are the same, there
is nothing to ask. None stands for yes, for checking the file while it loads, and for not
comparing."""


class ImportOptions(DriftOptions, total=False):
    """How to import; what is not given is false, empty or None."""

    confirm: Confirm | None
    """Asked if any demo row would be replaced by another."""
    connection: object
    """An open connection of SQLAlchemy, psycopg, PyMySQL or sqlite3 to work on, in place of the
    configured database: inside its transaction, which its owner commits or rolls back; a
    transaction of its own where the connection commits each statement."""
    force: bool
    """Even where the configuration says that this is production."""
    keep_other_scenarios: bool
    """Replace only the rows that exporting the document's scenario would select."""
    new_ids: bool
    """Give the snapshot's rows fresh keys, carried through every reference."""
    add: bool
    """Replace nothing: add the snapshot, with fresh keys, beside the demo rows there are."""
    missing_only: bool
    """Replace nothing: add those rows of the snapshot whose keys no demo row has."""
    only: Collection[str] | None
    """Import the rows of these tables, and leave all other demo rows as they are; None for all."""
    copy: str | None
    """Make that copy of the scenario beside what is there, or anew: rows with fresh keys, told by
    its name."""
    templates: Mapping[str, str]
    """What columns hold in the copy, by ``table.column``, besides what the configuration says."""
    dry_run: bool
    """Check and compare, and change nothing; nobody is asked and nothing kept."""
    blobs: Blobs | None
    """Where the contents of the snapshot's uploaded files are; not put back if not given."""
    as_of: datetime | None
    """The moment that evergreen dates lead up to; None: they are the document's."""
    undo: UndoKeeping | None
    """Where to keep what is replaced, so that it can be put back; nowhere if not given."""
    progress: Progress
    """Told how many bytes of the document have been loaded."""
