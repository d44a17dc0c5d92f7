"""URL -> a connection of sqlite3, in autocommit mode.

What an option after the question mark means is what it means in SQLAlchemy's URLs: those are
what an application beside this tool is configured with.
"""

from __future__ import annotations

import logging
import math
import re
import sqlite3
from pathlib import Path

from demo_snapshots.engines.urls import Url

logger = logging.getLogger(__name__)

# Our sessions set these, or need none of them.
_OF_NO_MATTER = {
    *("uri", "timeout", "isolation_level", "detect_types", "check_same_thread"),
    "cached_statements",
}


def open_connection(url: Url) -> sqlite3.Connection:
    for name in sorted(url.query.keys() - _OF_NO_MATTER):
        logger.warning("SQLite has no option %s: it is ignored", name)
    path = url.database or ":memory:"
    raw = sqlite3.connect(
        path if path == ":memory:" else Path(path).absolute(),
        isolation_level=None,
    )
    # SQLAlchemy brings these along, so conditions, checks and indexes may be written with them.
    raw.create_function("regexp", 2, _regexp, deterministic=True)
    raw.create_function("floor", 1, _floor, deterministic=True)
    return raw


def _regexp(pattern: str, text: str | None) -> bool | None:
    return None if text is None else re.search(pattern, text) is not None


def _floor(number: float | None) -> int | None:
    return None if number is None else math.floor(number)
