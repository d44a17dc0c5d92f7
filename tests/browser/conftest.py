"""A real browser: Chromium, by the path in CHROMIUM or where Debian has it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from database_engines import missing
from playwright.sync_api import Browser, sync_playwright

_PLACES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    given = os.environ.get("CHROMIUM")
    found = next((place for place in (given, *_PLACES) if place and Path(place).exists()), None)
    if found is None:
        missing("no Chromium here: apt-get install chromium, or its path in CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=found,
            # As root, and where /dev/shm is small, as in containers.
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        yield started
        started.close()
