"""Every error a user can meet, drawn as a tree.

::

    DemoError                        1   never raised itself
    ├── UsageError                   2   arguments that contradict one another, bad names
    ├── ConfigError                  3   demo.toml, pyproject.toml, environment
    ├── DatabaseError                4   the database refused a statement
    │   ├── DatabaseUnreachableError 5   no connection, no such file, no such driver
    │   ├── DatabaseBusyError        6   a lock was waited for in vain
    │   └── CommitInDoubtError       8   the connection was lost during COMMIT
    ├── SchemaError                  7   tables or columns are missing or do not fit
    ├── ExportError                 10   the rows could not be written as a document
    │   ├── EmptyScenarioError      11   no row carries the scenario
    │   ├── ExternalReferenceError 12   a demo row references a row that is not demo data
    │   ├── UnportableValueError    13   a value that no document can carry
    │   ├── ProofError              15   the proof could not put the snapshot back as it was
    │   └── RealPersonError         16   demo rows hold what rows that are not demo data hold too
    ├── ExportNotFoundError         14   no such scenario, version or file in the store
    ├── ImportFailedError           20   nothing was changed; itself: an uploaded file is not back
    │   ├── KeyClashError           23   a real row already uses the key
    │   ├── RealRowsError           24   real rows would be deleted, changed or left dangling
    │   ├── VerificationError       25   the result was not the snapshot
    │   └── ExternalRowError        27   a row that demo rows reference is missing here
    ├── DocumentError               21   not one of ours, cut short, altered, not in the grammar
    │   └── UnfitValueError         22   a value its column would silently change
    ├── NotConfirmedError           26   no, or nobody there to ask
    ├── StoreError                  30   the snapshots could not be read or written
    │   ├── StoreBusyError          31   another process holds the store's lock
    │   ├── StoreUnreachableError   32   no answer from the bucket's server, or only failures
    │   ├── StoreDeniedError        33   no credentials, refused ones, no permission
    │   └── BucketNotFoundError     34   there is no such bucket
    ├── ScenarioError               40   a scenario file of the sample application
    ├── ValidationFailedError       50   validate or verify found something
    │   ├── PeopleFoundError        52   what tells a person stands in a saved version
    │   └── UpgradeDueError         71   a version fits by rules alone, or after an upgrade
    ├── ProtectedDatabaseError      51   production, or real rows that would be dropped
    ├── HookFailedError             53   a command of the project's own ended with a failure
    ├── MergeError                  60   two versions cannot be made one; nothing was written
    │   └── MergeConflictError      61   both changed the same, and nothing says whose is taken
    └── UpgradeError                70   a version could not be brought to the tables of today

The number is the process's exit status. Messages say what failed and on what; ``hint`` says what
to do. No row value or password appears in either. What they name of the library stands in Words.
"""

from __future__ import annotations

from enum import Enum, auto


class Fault(Enum):
    """What an error of a database's driver means for what was tried."""

    BUSY = auto()
    """A lock was waited for in vain."""
    UNFIT = auto()
    """A value that its column cannot hold."""
    DUPLICATE = auto()
    """A key or unique value that is there already."""
    OTHER = auto()


class DemoError(Exception):
    """Root of the tree: one line of what failed and on what, an optional hint, and a line for each
    of several ``problems``, where there are such."""

    exit_code = 1

    def __init__(
        self, message: str, *, problems: tuple[str, ...] = (), hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.problems = problems
        self.hint = hint


class UsageError(DemoError):
    """Arguments that contradict one another, or a name outside its grammar."""

    exit_code = 2


class ConfigError(DemoError):
    """A configuration file or environment variable that cannot be used."""

    exit_code = 3


class DatabaseError(DemoError):
    """The database refused a statement; the open transaction was rolled back. ``fault`` is what
    the driver's error meant."""

    exit_code = 4

    def __init__(
        self, message: str, *, hint: str | None = None, fault: Fault = Fault.OTHER
    ) -> None:
        super().__init__(message, hint=hint)
        self.fault = fault


class DatabaseUnreachableError(DatabaseError):
    """No connection could be made."""

    exit_code = 5


class DatabaseBusyError(DatabaseError):
    """A lock was waited for, for a bounded time, in vain."""

    exit_code = 6


class CommitInDoubtError(DatabaseError):
    """The connection was lost before COMMIT was answered: all was changed, or nothing."""

    exit_code = 8


class SchemaError(DemoError):
    """Tables or columns are missing, or do not fit. ``problems`` has one line each."""

    exit_code = 7


class ExportError(DemoError):
    """The rows could not be written as a document; no version was published."""

    exit_code = 10


class EmptyScenarioError(ExportError):
    """No row carries the scenario. ``scenarios`` are those that rows do carry."""

    exit_code = 11

    def __init__(self, message: str, *, scenarios: tuple[str, ...], hint: str | None = None):
        super().__init__(message, hint=hint)
        self.scenarios = scenarios


class ExternalReferenceError(ExportError):
    """Demo rows reference rows that are not demo data, and the configuration says ``fail``.
    ``lines`` are what to paste into demo.toml to take along all that would be needed then."""

    exit_code = 12

    def __init__(self, message: str, *, hint: str | None = None, lines: tuple[str, ...] = ()):
        super().__init__(message, hint=hint)
        self.lines = lines


class UnportableValueError(ExportError):
    """A value that the document cannot carry, named by table, column and key."""

    exit_code = 13


class ProofError(ExportError):
    """The document, put into a scratch database, did not come out again the same, or there was
    no way to try; no version was published."""

    exit_code = 15


class RealPersonError(ExportError):
    """Demo rows hold an e-mail address, a phone number, an IBAN or a name that a row outside the
    demo holds too; no version was published. ``problems`` names the first of them by table,
    column and key, ``found`` says how many there are."""

    exit_code = 16

    def __init__(
        self, message: str, *, found: int, problems: tuple[str, ...] = (), hint: str | None = None
    ) -> None:
        super().__init__(message, problems=problems, hint=hint)
        self.found = found


class ExportNotFoundError(DemoError):
    """No such scenario, version or file. ``available`` names those there are."""

    exit_code = 14

    def __init__(
        self, message: str, *, available: tuple[str, ...] = (), hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.available = available


class ImportFailedError(DemoError):
    """The import was refused or rolled back: every row is as it was. Raised itself for an uploaded
    file that cannot be kept or put back; it says so where the rows are in by then."""

    exit_code = 20


class KeyClashError(ImportFailedError):
    """A key or unique value in the snapshot is in use by a row that is not demo data. ``table`` and
    ``columns`` name it, where it is one."""

    exit_code = 23

    def __init__(
        self,
        message: str,
        *,
        problems: tuple[str, ...] = (),
        hint: str | None = None,
        table: str = "",
        columns: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, problems=problems, hint=hint)
        self.table = table
        self.columns = columns


class RealRowsError(ImportFailedError):
    """Rows that are not demo data would be deleted, changed or left dangling."""

    exit_code = 24


class ExternalRowError(ImportFailedError):
    """A row outside the demo that demo rows reference is missing, or not the only one."""

    exit_code = 27


class VerificationError(ImportFailedError):
    """After the load the rows were not the snapshot's, or a foreign key did not hold."""

    exit_code = 25


class DocumentError(DemoError):
    """The file is not a whole, unaltered document in the strict grammar.

    ``line`` is the 1-based line of the file at which it stopped being one, where there is one.
    """

    exit_code = 21

    def __init__(self, message: str, *, line: int | None = None, hint: str | None = None) -> None:
        super().__init__(f"line {line}: {message}" if line is not None else message, hint=hint)
        self.line = line

    def within(self, file: object) -> DocumentError:
        """The same error, saying in which file, unless it says so already."""
        if self.message.startswith(f"{file}: "):
            return self
        error = type(self)(f"{file}: {self.message}", hint=self.hint)
        error.line = self.line
        return error


class UnfitValueError(DocumentError):
    """A value that its target column would refuse or silently change."""

    exit_code = 22


class NotConfirmedError(DemoError):
    """The question was answered with no, or there was nobody to ask."""

    exit_code = 26


class StoreError(DemoError):
    """The snapshots could not be read or written; nothing is half done."""

    exit_code = 30


class StoreBusyError(StoreError):
    """Another process holds the store's lock."""

    exit_code = 31


class StoreUnreachableError(StoreError):
    """The server that keeps the snapshots did not answer, or failed several times. What was being
    written when that happened may be there; it is whole then."""

    exit_code = 32


class StoreDeniedError(StoreError):
    """The server that keeps the snapshots refused the credentials or what was asked with them."""

    exit_code = 33


class BucketNotFoundError(StoreError):
    """There is no such bucket."""

    exit_code = 34


class ScenarioError(DemoError):
    """A scenario file that does not fit its schema, named by file, line and key."""

    exit_code = 40


class ValidationFailedError(DemoError):
    """``validate`` found the database, or ``verify`` the store, other than it should be. The
    command line raises it when the result is shown, with the ``problems`` that the result did
    not show; in Python the result says so itself."""

    exit_code = 50


class PeopleFoundError(ValidationFailedError):
    """``verify`` was asked for what tells a person, found it, and nothing worse."""

    exit_code = 52


class UpgradeDueError(ValidationFailedError):
    """``validate`` was asked about the schema, and a latest version fits the tables only by the
    rules for what became of them, or once it is upgraded. Raised by the command line alone."""

    exit_code = 71


class ProtectedDatabaseError(DemoError):
    """The environment says production, or tables or rows that are not demo data would go."""

    exit_code = 51


class HookFailedError(DemoError):
    """A command that the configuration has run before an export or after an import failed."""

    exit_code = 53


class MergeError(DemoError):
    """Two versions cannot be made one; nothing was written. ``problems`` has one line each."""

    exit_code = 60


class MergeConflictError(MergeError):
    """Both sides changed the same, and nothing says whose change is taken. ``conflicts`` says how
    many there are; ``problems`` names the first of them by table, key and cell."""

    exit_code = 61

    def __init__(
        self,
        message: str,
        *,
        conflicts: int,
        problems: tuple[str, ...] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, problems=problems, hint=hint)
        self.conflicts = conflicts


class UpgradeError(DemoError):
    """A version could not be brought to the tables of today; nothing was written, and the real
    database is as it was."""

    exit_code = 70
