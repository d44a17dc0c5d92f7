"""Configuration: command line, environment, ``demo.toml`` or ``pyproject.toml`` -> Config.

Precedence, first wins: the command line, the environment (``DATABASE_URL``,
``DEMO_SNAPSHOTS``), ``.env``, ``demo.toml`` (else ``[tool.demo-snapshots]`` in
``pyproject.toml``) in the working directory, the defaults. ``.env`` is one machine's own and
``demo.toml`` is committed, so the former wins. A file that has no ``[tables]`` means the sample
application's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from demo_snapshots.config.environment import Environment, Found
from demo_snapshots.config.masking import masked_place, masked_url
from demo_snapshots.errors import Call, ConfigError, ProtectedDatabaseError, Words
from demo_snapshots.model.progress import Setting
from demo_snapshots.model.snapshots import DocumentForm, Packing
from demo_snapshots.model.sources import is_bucket

DEFAULT_DATABASE = "sqlite:///database/demo.sqlite"
DEFAULT_SNAPSHOTS = "database/demo-snapshots"
DEFAULT_UNDO = 10
GIVEN_DATABASE = Words(Call(database=...))
"""The origin of a URL that the caller gave."""
GIVEN_SNAPSHOTS = Words(Call(snapshots=...))
"""The origin of a place that the caller gave."""


class _Strict(BaseModel):
    # Those that are only part of another need not be built on their own.
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


def _one_line_predicate(text: str) -> str:
    # The predicate is copied into documents, where a comment or a statement end would let it
    # change the meaning of what follows.
    if any(token in text for token in ("--", "/*", "*/", ";", "\n", "\r", "\0", "#")):
        raise ValueError("a predicate is one line without comments or ';'")
    if not text.strip():
        raise ValueError("a predicate cannot be empty")
    _require_balance(text)
    return text.strip()


_BALANCING = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|[()'"`]""")


def _require_balance(text: str) -> None:
    depth = 0
    for piece in _BALANCING.findall(text):
        depth += (piece == "(") - (piece == ")")
        if piece in ("'", '"', "`"):
            raise ValueError(f"a predicate's quotes go in pairs; one {piece} is left over")
        if depth < 0:
            raise ValueError("a predicate's parentheses go in pairs; one ) is left over")
    if depth:
        raise ValueError("a predicate's parentheses go in pairs; one ( is left over")
    if re.search(r"\\['\"`]", text):
        raise ValueError("engines differ in what a backslash before a quote means; avoid it")


Predicate = Annotated[str, AfterValidator(_one_line_predicate)]


class PredicatePerEngine(_Strict):
    """``{ sqlite = "…", postgresql = "…", mariadb = "…" }``"""

    sqlite: Predicate
    postgresql: Predicate
    mariadb: Predicate


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class FollowsAnyOf(_Strict):
    """``{ any = ["post_id", "page_id"] }``: foreign keys, each a column or a list of columns."""

    any: tuple[Annotated[tuple[str, ...], BeforeValidator(_as_list)], ...] = Field(min_length=2)


class TableRule(_Strict):
    """One ``[tables.NAME]``: exactly one of marker, follows and where."""

    marker: str | None = None
    follows: FollowsAnyOf | Annotated[tuple[str, ...], BeforeValidator(_as_list)] | None = None
    where: Predicate | PredicatePerEngine | None = None
    scenario: str | None = None
    breakdown: str | None = None
    json_references: dict[str, str] = Field(default_factory=dict, alias="json-references")

    @model_validator(mode="after")
    def _exactly_one(self) -> TableRule:
        given = [name for name in ("marker", "follows", "where") if getattr(self, name)]
        if len(given) != 1:
            what = "none" if not given else " and ".join(given)
            raise ValueError(f"needs exactly one of marker, follows and where; it has {what}")
        if self.follows and self.scenario:
            raise ValueError("a table that follows another takes its scenario from there")
        return self


class ByKey(_Strict):
    """``{ by-key = ["iso_code"] }``"""

    by_key: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = Field(alias="by-key")


Reference = Literal["fail", "include", "null"] | ByKey


class _DemoSection(_Strict):
    database: str | None = None
    snapshots: str | None = None
    bucket: str | None = None
    cache: bool | None = None
    compress: Packing | None = None
    format: DocumentForm | None = None
    undo: Annotated[int, Field(ge=0, le=1000)] | None = None
    latest: Literal["link", "copy"] | None = None


class CompareRules(_Strict):
    """``[compare]``: columns that no comparison looks at: ``table.column``, or ``column`` of
    every table that has one."""

    ignore: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()


class _File(_Strict):
    demo: _DemoSection = _DemoSection()
    compare: CompareRules = CompareRules()
    tables: dict[str, TableRule] = Field(default_factory=dict)
    references: dict[str, Reference] = Field(default_factory=dict)


class Config(_Strict):
    """Everything an operation needs to know: where the rows are, where the snapshots go, and
    which rows are demo rows. ``settings`` says where each value came from, for people, with
    passwords masked."""

    database: str = DEFAULT_DATABASE
    snapshots: str = DEFAULT_SNAPSHOTS
    bucket: str | None = None
    cache: bool = True
    compress: Packing = Packing.PLAIN
    format: DocumentForm = DocumentForm.SQL
    undo: int = DEFAULT_UNDO
    latest: Literal["link", "copy"] | None = None
    tables: dict[str, TableRule]
    references: dict[str, Reference] = Field(default_factory=dict)
    compare: CompareRules = CompareRules()
    settings: tuple[Setting, ...] = ()
    _environment: Environment | None = PrivateAttr(default=None)

    @property
    def undo_directory(self) -> str:
        """Where what imports replaced is kept, which is one machine's own: the snapshots'
        directory, or the default one where they are in a bucket."""
        return DEFAULT_SNAPSHOTS if is_bucket(self.snapshots) else self.snapshots

    @property
    def production(self) -> str | None:
        """What says that this is production, None if nothing does. Raises ConfigError where a
        line of ``.env`` that would say so cannot be read."""
        return self._environment.production if self._environment else None

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


def load_config(
    *,
    database: str | None = None,
    snapshots: str | Path | None = None,
    file: str | Path | None = None,
    cache: bool | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Config:
    """Put the configuration together from all its sources.

    ``environment`` stands for ``os.environ`` (nothing is read from the process otherwise),
    ``directory`` for the working directory, to which paths in a file are relative as well. Raises
    ConfigError naming file and key; a line of ``.env`` that cannot be read is an error only where
    its variable is needed.
    """
    directory = directory or Path()
    surroundings = Environment.read(environment or {}, directory)
    parsed, origin = _read_file(Path(file) if file else None, directory)
    tables, tables_origin = parsed.tables, origin
    if not tables:
        sample = resources.files("demo_snapshots") / "sample" / "demo.toml"
        tables = _validate(sample.read_text("utf-8"), "sample/demo.toml").tables
        tables_origin = "default (the sample application)"
    url = _database(database, surroundings, _given(parsed.demo.database, origin))
    store = (
        _given(str(snapshots or ""), GIVEN_SNAPSHOTS)
        or surroundings.get("DEMO_SNAPSHOTS")
        or _given(parsed.demo.snapshots, origin)
        or Found(DEFAULT_SNAPSHOTS, "default")
    )
    bucket = surroundings.get("DEMO_BUCKET") or _given(parsed.demo.bucket, origin)
    compress = _given(parsed.demo.compress, origin) or Found(Packing.PLAIN, "default")
    form = _given(parsed.demo.format, origin) or Found(DocumentForm.SQL, "default")
    kept = parsed.demo.undo
    undo = Found(str(DEFAULT_UNDO), "default") if kept is None else Found(str(kept), origin)
    config = Config(
        database=url.value,
        snapshots=store.value,
        bucket=bucket.value if bucket else None,
        cache=parsed.demo.cache is not False if cache is None else cache,
        compress=Packing(compress.value),
        format=DocumentForm(form.value),
        latest=parsed.demo.latest,
        undo=int(undo.value),
        tables=tables,
        references=parsed.references,
        compare=parsed.compare,
        settings=(
            Setting("database", masked_url(url.value), url.origin),
            Setting("snapshots", masked_place(store.value), store.origin),
            *((Setting("bucket", masked_place(bucket.value), bucket.origin),) if bucket else ()),
            Setting("compress", str(compress.value), compress.origin),
            Setting("format", str(form.value), form.origin),
            Setting("undo", undo.value, undo.origin),
            Setting("tables", ", ".join(tables), tables_origin),
        ),
    )
    config._environment = surroundings
    return config


def _given(value: str | None, origin: str) -> Found | None:
    return Found(value, origin) if value else None


def _database(option: str | None, surroundings: Environment, file: Found | None) -> Found:
    found = _given(option, GIVEN_DATABASE) or surroundings.database or file
    if found is None:
        found = Found(DEFAULT_DATABASE, "default")
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
    return found


def _read_file(file: Path | None, directory: Path) -> tuple[_File, str]:
    if file is not None:
        if file.name == "pyproject.toml":
            return _validate(_text(file), str(file), SECTION), str(file)
        return _validate(_text(file), str(file)), str(file)
    for name, section in (("demo.toml", ()), ("pyproject.toml", SECTION)):
        if (directory / name).exists():
            text = _text(directory / name)
            if not section or has_section(text, name):
                return _validate(text, name, section), name
    return _File(), "default"


SECTION = ("tool", "demo-snapshots")
"""Where ``pyproject.toml`` keeps what ``demo.toml`` holds."""


def has_section(text: str, name: str) -> bool:
    """Whether a ``pyproject.toml`` (called ``name`` in a ConfigError) configures this tool."""
    return SECTION[1] in _toml(text, name).get(SECTION[0], {})


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8") from None


def _toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not TOML: {error}") from None


def _validate(text: str, name: str, section: tuple[str, ...] = ()) -> _File:
    content = _toml(text, name)
    for key in section:
        content = content.get(key, {})
    try:
        return _File.model_validate(content)
    except ValidationError as error:
        # Where several types were tried, the one that got furthest in says most.
        first = max(error.errors(), key=lambda e: (e["type"] == "value_error", len(e["loc"])))
        # Pydantic puts the names of the types it tried among the keys.
        keys = tuple(str(part) for part in first["loc"] if not _is_type(str(part)))
        line = line_of(text, (*section, *keys))
        place = f"{name}: line {line}" if line else name
        if first["type"] == "extra_forbidden":
            message = "unknown key"
        else:
            message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(
            f"{place}: {'.'.join(keys)}: {message}",
            hint="The keys are listed in docs/configuration.md.",
        ) from None


def _is_type(part: str) -> bool:
    return part.startswith(("function-", "literal[", "constrained-")) or part in (
        "ByKey",
        "PredicatePerEngine",
    )


def line_of(text: str, keys: tuple[str, ...]) -> int | None:
    """The line of a TOML text that sets the value at ``keys``, or else the nearest one that
    leads there; None where no line does.

    Lines are read one by one, so a line inside a multi-line string may be taken for one of its
    own: good enough to point at, and never an error.
    """
    best, nearest = 0, None
    header: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        opened = re.match(r"\s*\[([^\[\]]+)\]\s*(#.*)?$", line)
        assigned = re.match(r"""\s*((?:"[^"]*"|'[^']*'|[^=#"'])+)=""", line)
        if opened:
            path = header = _path(opened[1])
        elif assigned:
            path = (*header, *_path(assigned[1]))
        else:
            continue
        if best < len(path) and path == keys[: len(path)]:
            best, nearest = len(path), number
    return nearest


def _path(dotted: str) -> tuple[str, ...]:
    try:
        found: Any = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    keys: list[str] = []
    while isinstance(found, dict):
        key, found = next(iter(found.items()))
        keys.append(key)
    return tuple(keys)
