"""docs/format.md quotes the format's fixed lines letter by letter, and names all it should."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from demo_snapshots.documents.sql import header, polyglot, statements, writer
from demo_snapshots.model.tables import Kind

PAGE = (Path(__file__).parents[3] / "docs" / "format.md").read_text("utf-8")


@pytest.mark.parametrize(
    "quoted",
    [
        header.TITLE,
        polyglot.PREAMBLE_MYSQL,
        polyglot.BEGIN,
        polyglot.PREAMBLE_POSTGRESQL,
        polyglot.FOREIGN_KEYS_OFF,
        polyglot.FOREIGN_KEYS_ON,
        polyglot.OVERRIDING,
        statements.CLEANUP,
        statements.VERIFICATION,
        polyglot.COMMIT,
        polyglot.DIGEST_PREFIX,
        polyglot.COMPLETE,
        statements.advance_sequence("vaults", "id").rstrip("\n"),
        re.sub(
            r"FROM \(.+\) AS s, LATERAL \(.+\) AS k;\n",
            "FROM (…) AS s, LATERAL (…) AS k;",
            statements.advance_named_sequence("vaults", "id", "numbers"),
        ),
        statements.deferred(1).rstrip("\n"),
        statements.section("Vaults", 2).rstrip("\n"),
        f"{writer.MOST_BYTES:,} bytes",
        f"after {writer.MOST_ROWS} rows",
        f"& {writer.CUT} == 0",
        f"{header.MAX_LINES:,} lines",
        *(f"`{kind}`" for kind in Kind),
    ],
)
def test_the_page_says(quoted: str) -> None:
    assert quoted in PAGE
