"""Configuration: command line, environment, ``demo.toml`` or ``pyproject.toml`` -> Config.

Precedence, first wins: the command line, the environment (``DATABASE_URL``,
``DEMO_SNAPSHOTS``), ``demo.toml`` (else ``[tool.demo-snapshots]`` in ``pyproject.toml``) in the
working directory, the defaults. A file that has no ``[tables]`` means the sample application's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from demo_snapshots.errors import ConfigError
from demo_snapshots.model import Setting

DEFAULT_DATABASE = "sqlite:///database/demo.sqlite"
DEFAULT_SNAPSHOTS = "database/demo-snapshots"
ENGINES = ("sqlite", "postgresql", "mariadb")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _one_line_predicate(text: str) -> str:
    # The predicate is copied into documents, where a comment or a statement end would let it
    # change the meaning of what follows.
    if any(token in text for token in ("--", "/*", "*/", ";", "\n", "\r", "\0", "#")):
        raise ValueError("a predicate is one line without comments or ';'")
    if not text.strip():
        raise ValueError("a predicate cannot be empty")
    return text.strip()


Predicate = Annotated[str, BeforeValidator(_one_line_predicate)]


class PredicatePerEngine(_Strict):
    """``{ sqlite = "…", postgresql = "…", mariadb = "…" }``"""

    sqlite: Predicate
    postgresql: Predicate
    mariadb: Predicate


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class TableRule(_Strict):
    """One ``[tables.NAME]``: exactly one of marker, follows and where."""

    marker: str | None = None
    follows: Annotated[tuple[str, ...], BeforeValidator(_as_list)] | None = None
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


class _File(_Strict):
    demo: _DemoSection = _DemoSection()
    tables: dict[str, TableRule] = Field(default_factory=dict)
    references: dict[str, Reference] = Field(default_factory=dict)


class Config(_Strict):
    """Everything an operation needs to know: where the rows are, where the snapshots go, and
    which rows are demo rows. ``settings`` says where each value came from, for people."""

    database: str = DEFAULT_DATABASE
    snapshots: Path = Path(DEFAULT_SNAPSHOTS)
    tables: dict[str, TableRule]
    references: dict[str, Reference] = Field(default_factory=dict)
    settings: tuple[Setting, ...] = ()


def load_config(
    *,
    database: str | None = None,
    snapshots: str | Path | None = None,
    file: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Config:
    """Put the configuration together from all its sources.

    ``environment`` stands for ``os.environ`` (nothing is read from the process otherwise),
    ``directory`` for the working directory. Relative paths in a file are relative to the
    working directory, as the commands' own options are. Raises ConfigError naming file and key.
    """
    environment = environment or {}
    directory = directory or Path()
    parsed, origin = _read_file(Path(file) if file else None, directory)
    tables_origin = origin
    tables = parsed.tables
    if not tables:
        sample = resources.files("demo_snapshots") / "fragments" / "demo.toml"
        tables = _validate(tomllib.loads(sample.read_text("utf-8")), "fragments/demo.toml").tables
        tables_origin = "default (the sample application)"
    url, url_origin = _first(
        (database, "--database"),
        (environment.get("DATABASE_URL"), "DATABASE_URL"),
        (parsed.demo.database, origin),
        (DEFAULT_DATABASE, "default"),
    )
    store, store_origin = _first(
        (str(snapshots) if snapshots else None, "--snapshots"),
        (environment.get("DEMO_SNAPSHOTS"), "DEMO_SNAPSHOTS"),
        (parsed.demo.snapshots, origin),
        (DEFAULT_SNAPSHOTS, "default"),
    )
    return Config(
        database=url,
        snapshots=Path(store),
        tables=tables,
        references=parsed.references,
        settings=(
            Setting("database", url, url_origin),
            Setting("snapshots", store, store_origin),
            Setting("tables", ", ".join(tables), tables_origin),
        ),
    )


def _first(*candidates: tuple[str | None, str]) -> tuple[str, str]:
    return next((value, origin) for value, origin in candidates if value)


def _read_file(file: Path | None, directory: Path) -> tuple[_File, str]:
    if file is not None:
        content = _toml(file)
        if file.name == "pyproject.toml":
            content = content.get("tool", {}).get("demo-snapshots", {})
        return _validate(content, str(file)), str(file)
    if (directory / "demo.toml").exists():
        return _validate(_toml(directory / "demo.toml"), "demo.toml"), "demo.toml"
    if (directory / "pyproject.toml").exists():
        section = _toml(directory / "pyproject.toml").get("tool", {}).get("demo-snapshots")
        if section is not None:
            return _validate(section, "pyproject.toml [tool.demo-snapshots]"), "pyproject.toml"
    return _File(), "default"


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None


def _validate(content: dict[str, Any], name: str) -> _File:
    try:
        return _File.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function"))
        if first["type"] == "extra_forbidden":
            message = "unknown key"
        else:
            message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(
            f"{name}: {where}: {message}",
            hint="The keys are listed in docs/configuration.md.",
        ) from None
