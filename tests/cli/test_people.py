"""``demo export`` refuses real persons, ``demo verify --people`` lists what tells one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

CONFIG = """
[demo]
database = "sqlite:///shop.sqlite"

[tables.customers]
where = "id > 1"
"""
SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, phone TEXT, notes TEXT);
INSERT INTO customers VALUES
  (1, 'ada@okafor.de', '030/8765 4321', NULL),
  (2, 'jo@example.com', '+1 512 555 0112', '{"to": "info@shop.example"}'),
  (3, 'ben@brandt.fr', '030/8765 4321', '{"bank": "DE02 1203 0000 0000 2020 51"}');
"""


@pytest.fixture
def shop(workplace: Path) -> Path:
    (workplace / "demo.toml").write_text(CONFIG, "utf-8")
    with closing(sqlite3.connect(workplace / "shop.sqlite")) as connection:
        connection.executescript(SHOP)
    return workplace


def test_export_refuses_and_says_where(shop, demo):
    refused = demo("export", "tour")
    assert refused.status == 16
    assert "customers.phone: the phone number in the row with key 3" in refused.stderr
    assert "--check-people=off" in refused.stderr
    assert "8765" not in refused.stderr + refused.stdout
    error = json.loads(demo("export", "tour", "--json").stdout)["error"]
    assert (error["type"], error["exit_code"], error["found"]) == ("RealPersonError", 16, 1)
    assert demo("export", "tour", "--check-people=off", "--json").json["people"] is None


def test_verify_lists_by_table_column_and_key(shop, demo):
    assert demo("export", "tour", "--check-people=off").status == 0
    assert demo("verify").status == 0
    found = demo("verify", "tour", "--people")
    assert found.status == 52
    for place, what in (
        ("email", "e-mail address"),
        ("phone", "phone number"),
        ("notes.bank", "IBAN"),
    ):
        assert f"customers.{place}: the {what} in the row with key 3 (sha256:" in found.stdout
    assert found.stdout.count("key 3") == 3
    assert "key 2" not in found.stdout
    [version] = demo("verify", "--people", "--json").json["versions"]
    assert (version["problems"], version["people"]["values"]) == ([], 3)
    [file] = shop.glob("database/demo-snapshots/tour/tour_v1_*.sql")
    assert demo("verify", "--people", str(file)).status == 52
    allowed = [each["digest"] for each in version["people"]["first"]]
    rules = f"\n[people]\nallow = {json.dumps(allowed)}\n"
    (shop / "demo.toml").write_text(CONFIG + rules, "utf-8")
    clean = demo("verify", "--people", str(file))
    assert (clean.status, "Nothing in the rows tells a person." in clean.stdout) == (0, True)
