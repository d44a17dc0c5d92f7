"""Parts written by the workers of a Dask cluster, which all see the one state that this process
reads.

A worker gets queries, the name of that state and the place of the store. Who may connect to the
database, and to the bucket, each worker knows from its own surroundings: no password is sent, and
none can stand in a scheduler's books, log or page.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from demo_snapshots.config.settings import load_config
from demo_snapshots.documents.opening import describe
from demo_snapshots.documents.sql.pieces import Contents
from demo_snapshots.engines.connection import connect
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import ConfigError, DemoError, ExportError, UsageError
from demo_snapshots.model.progress import Progress
from demo_snapshots.model.sources import is_bucket
from demo_snapshots.model.tables import Table
from demo_snapshots.model.tool import TOOL
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.parting import Task
from demo_snapshots.operations.snapshot import Snapshot
from demo_snapshots.store import Store, open_store
from demo_snapshots.transfer.extract import checked
from demo_snapshots.transfer.parting import Batches, Range

if TYPE_CHECKING:
    from distributed import Client, Future

_ADDRESS = re.compile(r"[a-z]+://[^@\s]+")
_WAIT = 30.0
_PARTS_A_THREAD = 2
"""A worker that dies, or is slow, leaves the others something to do."""


class Failure(Struct, frozen=True):
    """Why a worker did not write a part."""

    message: str
    hint: str | None


@contextmanager
def connected(address: str, database: Database) -> Generator[Client, None, None]:
    """The cluster at ``address``, for as long as the block lasts. Raises UsageError where it cannot
    be used, and ExportError where it does not answer, or has no worker."""
    if not _ADDRESS.fullmatch(address):
        raise UsageError(
            "what is named is not the address of a Dask scheduler",
            hint="It looks like tcp://scheduler:8786.",
        )
    if not database.can_share:
        raise UsageError(
            f"{database.label}: no other connection can see the state that an export reads;"
            " workers elsewhere need PostgreSQL, by its URL",
            hint=Words("Export with ", Call(parts=...), " alone: this process writes all parts."),
        )
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError(
            Words(Call(dask=...), " needs Dask, which is not installed"),
            hint="Install demo-snapshots[dask], here and where the workers run.",
        ) from error
    try:
        client = Client(address, timeout=_WAIT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ExportError(
            f"no Dask scheduler answers at {address}",
            hint="Start one with dask scheduler, and name the address that it shows.",
        ) from error
    with client, client.as_current():
        _require_workers(client)
        yield client


def _require_workers(client: Client) -> None:
    """Raise ExportError where there is none, and none comes for a while."""
    try:
        client.wait_for_workers(1, timeout=_WAIT)
    except TimeoutError as error:
        raise ExportError(
            "the Dask scheduler has no worker",
            hint="Start some with dask worker and the scheduler's address.",
        ) from error


def parts_for(client: Client) -> int:
    """How many parts its workers are to write, where nobody says it."""
    return _PARTS_A_THREAD * sum(map(int, client.nthreads().values()))


def written_elsewhere(
    client: Client, snapshot: Snapshot, tasks: Sequence[Task], store: Store, progress: Progress
) -> Generator[Contents, None, None]:
    """Have the workers write the parts, and give each, in order, once it is there. A part whose
    worker dies is written by another. Raises ExportError for one that none could write."""
    place = store.place if is_bucket(store.place) else str(Path(store.place).absolute())
    shared = snapshot.source.database.share()
    name = f"demo-export-{snapshot.header.scenario}-{os.urandom(8).hex()}"
    futures = {
        client.submit(
            write_part, task, place, shared, pure=False, key=f"{name}-{task.number}"
        ): task
        for task in tasks
    }
    came: dict[int, Contents | None] = {}
    taken = 0
    progress("parts", 0, len(tasks))
    try:
        for number, found in _results(client, futures):
            came[number] = found
            progress("parts", len(tasks) - len(futures), len(tasks))
            while taken < len(tasks) and tasks[taken].number in came:
                contents = came.pop(tasks[taken].number)
                taken += 1
                if contents is not None:
                    yield contents
    finally:
        with suppress(OSError):  # a scheduler that is gone
            client.cancel([*futures])


def _results(client: Client, futures: dict[Future, Task]) -> Iterator[tuple[int, Contents | None]]:
    """What becomes of each task, as soon as it is there. What has come is let go of on the worker:
    if that dies, it need not be made again."""
    while futures:
        for future in _done(client, futures):
            task = futures.pop(future)
            try:
                found: Contents | Failure | None = future.result()
            except Exception as error:
                # What a worker raises that is none of ours may repeat anything.
                raise ExportError(
                    f"part {task.number}: no worker could write it ({type(error).__name__})",
                    hint="The workers need demo-snapshots of this version; their log says more.",
                ) from None
            if isinstance(found, Failure):
                raise ExportError(f"part {task.number}: {found.message}", hint=found.hint)
            future.release()
            yield task.number, found


def _done(client: Client, futures: Iterable[Future]) -> Iterable[Future]:
    """Those that are done, one at least. Raises ExportError where nobody is left to do any."""
    from distributed import wait

    while True:
        try:
            return list(wait([*futures], timeout=_WAIT, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            _require_workers(client)
        except OSError:
            raise ExportError("the Dask scheduler is gone", hint="Export again.") from None


def write_part(task: Task, place: str, shared: str) -> Contents | Failure | None:
    """What a worker does: write one part into the store at ``place``, in the database's state
    ``shared``. The database is the one that its own surroundings name."""
    try:
        _require_same_version(task)
        config = load_config(environment=os.environ)
        with connect(config.database) as database:
            if not database.can_share:
                raise ConfigError(
                    f"a worker's database is {database.label}, which is not the one exported",
                    hint="Set DATABASE_URL where the workers run.",
                )
            with database.sharing(shared):

                def answer(table: Table, names: Sequence[str], query: str) -> Batches:
                    return checked(database, table, names, database.stream(query))

                def first(each: Range) -> Batches:
                    return answer(each.table, each.names, each.query)

                return task.write(open_store(place, describe), first, answer)
    except DemoError as error:
        hint = None if error.hint is None else str(error.hint)
        return Failure(error.message, hint)


def _require_same_version(task: Task) -> None:
    if task.header.tool != TOOL:
        raise ExportError(
            f"a worker has {TOOL}, and {task.header.tool} exports",
            hint="Install the same version where the workers run.",
        )
