"""URL -> the driver's own connection, or an error that names the database without its password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from demo_snapshots.engines.base.engine import Engine
from demo_snapshots.engines.urls import Url
from demo_snapshots.errors import ConfigError, DatabaseUnreachableError
from demo_snapshots.model.words import Call, Words


def open_url(url: Url, engine: Engine, label: str) -> Any:
    """The driver's own connection, in autocommit mode; errors call the database ``label``. Raises
    DatabaseUnreachableError, and ConfigError for what a URL cannot ask of the driver."""
    _require_file(url)
    try:
        return engine.open(url)
    except engine.error as error:
        raise DatabaseUnreachableError(
            f"cannot connect to {label}: {_reason(error, url)}",
            hint=Words(
                "Check the URL (",
                Call(database=...),
                ", DATABASE_URL, demo.toml) and that the server runs.",
            ),
        ) from None
    except ConfigError:
        raise
    except Exception as error:
        # Options of the URL become arguments of the driver, which looks at few of them: what one
        # of the wrong kind leads to may be any error. The network's it wraps in its own.
        if isinstance(error, OSError) and error.strerror:
            raise ConfigError(f"{label}: a file that the URL names: {error.strerror}") from None
        raise ConfigError(f"{label}: the driver cannot work with a part of this URL") from None


def _require_file(url: Url) -> None:
    if url.backend != "sqlite" or not url.database or url.database == ":memory:":
        return
    if not Path(url.database).is_file():
        raise DatabaseUnreachableError(
            f"no database file {url.database}",
            hint=Words(
                "Create it first (for the sample application: ",
                Call("migrate_fresh"),
                "), or name another with ",
                Call(database=...),
                ".",
            ),
        )


def _reason(error: Exception, url: Url) -> str:
    # The first line is the driver's own; later ones may repeat connection settings.
    text = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
    text = text.removeprefix("connection failed: ")
    return text.replace(url.password, "***") if url.password else text
