"""``[files]``, resolved against tables: which columns name uploaded files."""

from __future__ import annotations

from msgspec import Struct

from demo_snapshots.config.files import FileRules
from demo_snapshots.errors import ConfigError
from demo_snapshots.model.tables import Table
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.selection.rules import INSIDE


class FilePlace(Struct, frozen=True):
    """A column of ``table`` that names files in ``directory``, or ``steps`` into its JSON, of which
    ``[*]`` is each item of a list. ``written`` is how the configuration calls it."""

    written: str
    table: Table
    column: str
    steps: tuple[str, ...]
    directory: str


def file_places(rules: FileRules, demo: DemoSet) -> tuple[FilePlace, ...]:
    """Raises ConfigError for a place that is in no table of the demo set."""
    return tuple(_place(written, directory, demo) for written, directory in rules.places.items())


def _place(written: str, directory: str, demo: DemoSet) -> FilePlace:
    tables = {name: demo.schema.tables[table] for name, table in demo.schema.configured.items()}
    tables |= {table.name: table for table in demo.external.included}
    # A name may hold dots: crm.media.path is a column of crm.media, if that is selected.
    known = [name for name in tables if written.startswith(f"{name}.")]
    if not known:
        raise ConfigError(
            f"files: {written!r} is in no table whose rows are exported",
            hint="Name a table of [tables], or one that [references] includes.",
        )
    name = max(known, key=len)
    table = tables[name]
    match = INSIDE.fullmatch(written[len(name) + 1 :])
    if match is None:
        raise ConfigError(
            f"files: {written!r} is neither a column nor a path into JSON",
            hint="It looks like media.path, posts.meta.cover or posts.meta.images[*].file.",
        )
    column = match["column"]
    if not table.has(column):
        raise ConfigError(f"files: {table.name} has no column {column!r}")
    if table.column(column).is_array:
        raise ConfigError(f"files: {written!r} is an array, in which no files are looked for")
    steps = match["path"].replace("[*]", ".[*]").split(".")[1:]
    return FilePlace(written, table, column, tuple(steps), directory)
