"""An engine: how its URLs are opened, and what speaks to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from demo_snapshots.engines.base.catalog import Catalog
from demo_snapshots.engines.base.session import Session
from demo_snapshots.engines.urls import Url


class Engine(Struct, frozen=True):
    """``open`` gives the driver's own connection for a URL, in autocommit mode. It raises
    ConfigError for options that make no sense, and what the driver raises: its own errors,
    TypeError for options that it does not know, ValueError for bad values."""

    open: Callable[[Url], Any]
    session: Callable[[Any], Session]
    catalog: Callable[[Session], Catalog]
    error: type[Exception]
