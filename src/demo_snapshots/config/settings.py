"""Configuration: command line, environment, ``demo.toml`` or ``pyproject.toml`` -> Config.

Precedence, first wins: the command line, the environment (``DATABASE_URL``,
``DEMO_SNAPSHOTS``), ``.env``, ``demo.toml`` (else ``[tool.demo-snapshots]`` in
``pyproject.toml``), the defaults. ``.env`` is one machine's own and ``demo.toml`` is committed, so
the former wins. Both are looked for from the working directory up (``location.py``). A file that
has no ``[tables]`` means the sample application's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from demo_snapshots.config.checking import UnfitError, checked
from demo_snapshots.config.environment import Environment, Found
from demo_snapshots.config.files import FileRules, file_rules
from demo_snapshots.config.foreign_keys import (
    ByType,
    Undeclared,
    UndeclaredKey,
    require_names,
    undeclared_keys,
)
from demo_snapshots.config.location import from_here, upwards, url_from_here
from demo_snapshots.config.masking import masked_place, masked_url
from demo_snapshots.config.rules import (
    CompareRules,
    CopyRules,
    DriftRule,
    Hooks,
    PeopleRules,
    Reference,
    TableRule,
    UpgradeRules,
)
from demo_snapshots.config.strict import Strict
from demo_snapshots.config.toml import line_of, parse, read_text
from demo_snapshots.errors import ConfigError, ProtectedDatabaseError
from demo_snapshots.model.progress import Setting
from demo_snapshots.model.snapshots import DocumentForm, Packing
from demo_snapshots.model.sources import is_bucket
from demo_snapshots.model.words import Call, Words

DEFAULT_DATABASE = "sqlite:///database/demo.sqlite"
DEFAULT_SNAPSHOTS = "database/demo-snapshots"
DEFAULT_UNDO = 10
GIVEN_DATABASE = Words(Call(database=...))
"""The origin of a URL that the caller gave."""
GIVEN_SNAPSHOTS = Words(Call(snapshots=...))
"""The origin of a place that the caller gave."""


ShiftUnit = Literal["weeks", "days", "exact"]
"""In what steps the dates of a fresh import move."""


class _DemoSection(Strict, frozen=True):
    database: str | None = None
    snapshots: str | None = None
    bucket: str | None = None
    cache: bool | None = None
    compress: Packing | None = None
    format: Literal["sql", "json", "yaml"] | None = None
    undo: Annotated[int, Meta(ge=0, le=1000)] | None = None
    latest: Literal["link", "copy"] | None = None
    fresh: bool = False
    shift: ShiftUnit = "weeks"
    zone: str | None = None


class _File(Strict, frozen=True, rename={"foreign_keys": "foreign-keys"}):
    demo: _DemoSection = _DemoSection()
    compare: CompareRules = CompareRules()
    copies: CopyRules = CopyRules()
    hooks: Hooks = Hooks()
    people: PeopleRules = PeopleRules()
    drift: tuple[DriftRule, ...] = ()
    upgrade: UpgradeRules = UpgradeRules()
    tables: dict[str, TableRule] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)
    foreign_keys: dict[str, str | ByType] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        file_rules(self.files)
        try:
            require_names(self.foreign_keys)
        except UnfitError as error:
            raise UnfitError(error.message, "foreign-keys", *error.place) from None


class Config(Struct, frozen=True):
    """Everything an operation needs to know: where the rows are, where the snapshots go, and
    which rows are demo rows. ``settings`` says where each value came from, for people, with
    passwords masked."""

    database: str
    snapshots: str
    tables: dict[str, TableRule]
    bucket: str | None = None
    cache: bool = True
    compress: Packing = Packing.PLAIN
    format: DocumentForm = DocumentForm.SQL
    undo: int = DEFAULT_UNDO
    latest: Literal["link", "copy"] | None = None
    fresh: bool = False
    """Whether imports are fresh unless they are asked not to be."""
    shift: ShiftUnit = "weeks"
    zone: str | None = None
    """Where the clocks are that a fresh import leaves as they were."""
    references: dict[str, Reference] = field(default_factory=dict)
    foreign_keys: tuple[UndeclaredKey, ...] = ()
    compare: CompareRules = CompareRules()
    copies: CopyRules = CopyRules()
    hooks: Hooks = Hooks()
    people: PeopleRules = PeopleRules()
    files: FileRules = FileRules()
    drift: tuple[DriftRule, ...] = ()
    upgrade: UpgradeRules = UpgradeRules()
    settings: tuple[Setting, ...] = ()
    environment: Environment | None = None
    directory: Path = Path()
    """Where the project is, from the working directory: that of its configuration file."""

    @property
    def undo_directory(self) -> str:
        """Where what imports replaced is kept, which is one machine's own: the snapshots'
        directory, or the default one where they are in a bucket."""
        there = from_here(DEFAULT_SNAPSHOTS, self.directory)
        return there if is_bucket(self.snapshots) else self.snapshots

    @property
    def has_evergreen(self) -> bool:
        """Whether any dates move with today."""
        return any(rule.evergreen for rule in self.tables.values())

    @property
    def production(self) -> str | None:
        """What says that this is production, None if nothing does. Raises ConfigError where a
        line of ``.env`` that would say so cannot be read."""
        return self.environment.production if self.environment else None

    def refuse_production(self, *, force: bool = False) -> None:
        """Raise ProtectedDatabaseError in production, unless ``force``: what every operation
        asks that replaces or drops rows."""
        if not force and self.production is not None:
            raise ProtectedDatabaseError(
                f"{self.production} says that this is production; nothing was changed",
                hint=Words(
                    "If this database is the right one all the same, add ", Call(force=True), "."
                ),
            )


class ApplicationSettings(Struct, frozen=True):
    """What a ``demo.toml`` would hold, from an application that keeps it among its own settings."""

    content: Mapping[str, object]
    name: str
    """What people call it."""


def load_config(
    *,
    database: str | None = None,
    snapshots: str | Path | None = None,
    file: str | Path | None = None,
    cache: bool | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    settings: ApplicationSettings | None = None,
) -> Config:
    """Put the configuration together from all its sources.

    ``environment`` stands for ``os.environ`` (nothing is read from the process otherwise). Files
    are looked for from ``directory``, the working directory if None, and paths in them begin where
    they lie; those in ``file``, which is read in place of ``demo.toml``, and in the environment in
    the working directory. ``settings`` are those of an application, in place of a file that nobody
    names: paths in them begin in ``directory``. Raises ConfigError naming file and key; a line of
    ``.env`` that cannot be read is an error only where its variable is needed.
    """
    places = list(upwards(directory or Path()))
    if settings is not None and file is None:
        parsed, origin, home = _accepted(settings), settings.name, places[0]
    else:
        parsed, origin, home = _read_file(Path(file) if file else None, places)
    surroundings = Environment.read(environment or {}, _beside(".env", places, home))
    tables, tables_origin, copies = parsed.tables, origin, parsed.copies
    if not tables:
        sample = _sample()
        tables, tables_origin = sample.tables, "default (the sample application)"
        copies = CopyRules({**sample.copies.set, **copies.set})
    place = Path() if file else home
    url = _database(database, surroundings, _given(parsed.demo.database, origin, place), home)
    store = _store(snapshots, surroundings, _given(parsed.demo.snapshots, origin, place), home)
    bucket = surroundings.get("DEMO_BUCKET") or _given(parsed.demo.bucket, origin)
    compress, form, undo = _kept(parsed.demo, origin)
    in_force = {
        "database": replace(url, value=masked_url(url.value)),
        "snapshots": replace(store, value=masked_place(store.value)),
        "bucket": bucket and replace(bucket, value=masked_place(bucket.value)),
        "compress": compress,
        "format": form,
        "undo": undo,
        "tables": Found(", ".join(tables), tables_origin),
    }
    return Config(
        database=url.value,
        snapshots=store.value,
        bucket=bucket.value if bucket else None,
        cache=parsed.demo.cache is not False if cache is None else cache,
        compress=Packing(compress.value),
        format=DocumentForm(form.value),
        latest=parsed.demo.latest,
        fresh=parsed.demo.fresh,
        shift=parsed.demo.shift,
        zone=parsed.demo.zone,
        undo=int(undo.value),
        tables=tables,
        references=parsed.references,
        foreign_keys=_undeclared(parsed.foreign_keys, tables),
        compare=parsed.compare,
        copies=copies,
        hooks=parsed.hooks,
        people=parsed.people,
        files=file_rules(parsed.files),
        drift=parsed.drift,
        upgrade=parsed.upgrade,
        settings=tuple(
            Setting(name, str(it.value), it.origin) for name, it in in_force.items() if it
        ),
        environment=surroundings,
        directory=home,
    )


def _store(
    option: str | Path | None, surroundings: Environment, file: Found | None, home: Path
) -> Found:
    found = (
        _given(str(option or ""), GIVEN_SNAPSHOTS)
        or surroundings.get("DEMO_SNAPSHOTS")
        or file
        or Found(DEFAULT_SNAPSHOTS, "default", home)
    )
    return replace(found, value=from_here(found.value, found.directory))


def _kept(demo: _DemoSection, origin: str) -> tuple[Found, Found, Found]:
    """How versions are stored and written, and how many imports can be undone."""
    undo = "" if demo.undo is None else str(demo.undo)
    return (
        _given(demo.compress, origin) or Found(Packing.PLAIN, "default"),
        _given(demo.format, origin) or Found(DocumentForm.SQL, "default"),
        _given(undo, origin) or Found(str(DEFAULT_UNDO), "default"),
    )


def _sample() -> _File:
    # Not by importlib.resources, which takes as long to import as all that reads a configuration.
    sample = Path(__file__).parents[1] / "sample" / "demo.toml"
    return _validate(sample.read_text("utf-8"), "sample/demo.toml")


def _undeclared(
    section: Mapping[str, str | ByType], tables: Mapping[str, TableRule]
) -> tuple[UndeclaredKey, ...]:
    follows = {
        name: tuple(way for way in rule.ways if isinstance(way, Undeclared))
        for name, rule in tables.items()
    }
    return undeclared_keys(section, follows)


def _beside(name: str, places: Sequence[Path], home: Path) -> Path:
    """The first of the ``places`` up to ``home`` that has such a file; ``home`` if none has."""
    near = places[: places.index(home) + 1]
    return next((place for place in near if (place / name).exists()), home)


def _given(value: str | None, origin: str, directory: Path = Path()) -> Found | None:
    return Found(value, origin, directory) if value else None


def _database(
    option: str | None, surroundings: Environment, file: Found | None, home: Path
) -> Found:
    found = _given(option, GIVEN_DATABASE) or surroundings.database or file
    if found is None:
        found = Found(DEFAULT_DATABASE, "default", home)
        if named := surroundings.get("DB_CONNECTION"):
            raise ConfigError(
                f"{named.origin}: the connection is none that this tool can look up",
                hint=Words(
                    "sqlite, pgsql, mariadb and mysql it knows. Give the database's URL in"
                    " DATABASE_URL, with ",
                    Call(database=...),
                    " or in demo.toml.",
                ),
            )
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", found.value):
        raise ConfigError(
            Words(found.origin, ": the database URL is not a URL"),
            hint="It looks like sqlite:///database/demo.sqlite or "
            "postgresql://user:password@host/database.",
        )
    return replace(found, value=url_from_here(found.value, found.directory))


def _read_file(file: Path | None, places: Sequence[Path]) -> tuple[_File, str, Path]:
    """What it says, its name, and the directory of the project."""
    if file is not None:
        inside = SECTION if file.name == "pyproject.toml" else ()
        return _validate(read_text(file), str(file), inside), str(file), places[0]
    found = configured_in(places)
    if found is None:
        return _File(), "default", places[0]
    path, text, section = found
    return _validate(text, str(path), section), str(path), path.parent


def configured_in(places: Iterable[Path]) -> tuple[Path, str, tuple[str, ...]] | None:
    """The first file in one of these directories that configures this tool, its text, and where
    in it. Raises ConfigError where one cannot be read."""
    for place in places:
        for name, section in (("demo.toml", ()), ("pyproject.toml", SECTION)):
            path = place / name
            if path.exists():
                text = read_text(path)
                if not section or _has_section(text, str(path)):
                    return path, text, section
    return None


SECTION = ("tool", "demo-snapshots")
"""Where ``pyproject.toml`` keeps what ``demo.toml`` holds."""


def _has_section(text: str, name: str) -> bool:
    return SECTION[1] in parse(text, name).get(SECTION[0], {})


def _accepted(settings: ApplicationSettings) -> _File:
    try:
        return checked(settings.content, _File)
    except UnfitError as error:
        place = ".".join(map(str, error.place))
        raise ConfigError(
            f"{settings.name}: {place}{': ' if place else ''}{error.message}",
            hint="The keys are listed in docs/configuration.md.",
        ) from None


def _validate(text: str, name: str, section: tuple[str, ...] = ()) -> _File:
    content = parse(text, name)
    for key in section:
        content = content.get(key, {})
    try:
        return checked(content, _File)
    except UnfitError as error:
        keys = tuple(map(str, error.place))
        line = line_of(text, (*section, *keys))
        place = f"{name}: line {line}" if line else name
        raise ConfigError(
            f"{place}: {'.'.join(keys)}: {error.message}",
            hint="The keys are listed in docs/configuration.md.",
        ) from None
