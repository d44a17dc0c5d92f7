"""``demo export --compress`` from beginning to end, on the sample application."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ENDINGS = {"gzip": ".sql.gz", "zstd": ".sql.zst"}
TOOLS = {"gzip": "zcat", "zstd": "zstdcat"}


def export(demo, how: str) -> Path:
    outcome = demo("export", "general", "--auto-version", f"--compress={how}", "--json")
    assert outcome.status == 0, outcome.stderr
    assert outcome.json["written"] is True
    return Path(outcome.json["path"])


@pytest.mark.parametrize("how", ENDINGS)
def test_there_and_back(demo, seeded, how):
    (plain,) = seeded.documents
    before = seeded.state()[0]
    path = export(demo, how)
    assert path.name.endswith(ENDINGS[how])
    assert path.stat().st_size * 3 < plain.stat().st_size
    assert demo("verify").status == 0
    assert demo("validate", "general").status == 0
    seeded.sql("DELETE FROM todos")
    assert demo("validate", "general").status == 50
    outcome = demo("import", "general", "--yes")
    assert outcome.status == 0, outcome.stderr
    assert f"File     {path}" in outcome.stdout
    assert seeded.state()[0] == before


@pytest.mark.parametrize("how", ENDINGS)
def test_a_file_with_any_name_is_imported(demo, seeded, how):
    before = seeded.state()[0]
    path = export(demo, how).rename(seeded.path / "demo.sql")
    seeded.sql("DELETE FROM todos")
    assert demo("import", "general", "--file=demo.sql", "--yes").status == 0
    assert seeded.state()[0] == before

    path.write_bytes(path.read_bytes()[:-20])
    refused = demo("import", "general", "--file=demo.sql", "--yes")
    assert refused.status == 21
    assert "demo.sql: the file was cut short" in refused.stderr
    assert seeded.state()[0] == before


@pytest.mark.parametrize("how", ENDINGS)
def test_the_stock_client_loads_what_the_stock_tool_unpacks(demo, seeded, how):
    if not shutil.which(TOOLS[how]) or not shutil.which("sqlite3"):
        pytest.skip("the tools are not there")
    before = seeded.state()[0]
    path = export(demo, how)
    seeded.sql("DELETE FROM todos")
    text = subprocess.run([TOOLS[how], path], check=True, capture_output=True).stdout
    command = ["sqlite3", "-bail", seeded.database]
    subprocess.run(command, input=text, check=True, capture_output=True)
    assert seeded.state()[0] == before


def test_unchanged_data_writes_nothing_whatever_the_ending(demo, seeded):
    for how in ("gzip", "zstd", "none"):
        outcome = demo("export", "general", f"--compress={how}", "--json")
        assert outcome.json["written"] is False
    assert demo("export", "general", "--auto-version", "--compress=gzip").status == 0
    assert demo("export", "general", "--json").json["written"] is False


def test_the_configuration_says_it_and_the_option_wins(demo, seeded):
    Path("demo.toml").write_text('[demo]\ncompress = "zstd"\n', "utf-8")
    settings = {s["name"]: s for s in demo("config", "--json").json["settings"]}
    assert (settings["compress"]["value"], settings["compress"]["from"]) == ("zstd", "demo.toml")
    outcome = demo("export", "general", "--auto-version", "--json")
    assert outcome.json["path"].endswith(".sql.zst")
    assert export(demo, "none").suffix == ".sql"
    Path("demo.toml").write_text('[demo]\ncompress = "rar"\n', "utf-8")
    refused = demo("export", "general")
    assert refused.status == 3
    assert "demo.toml: line 2: demo.compress" in refused.stderr


def test_proving_reads_what_was_compressed(demo, seeded):
    outcome = demo("export", "general", "--auto-version", "--compress=zstd", "--prove", "--json")
    assert outcome.status == 0, outcome.stderr
    assert outcome.json["proof"]["records"] == outcome.json["records"]["total"]


def test_import_asks_after_the_whole_compressed_file_was_checked(demo, seeded):
    path = export(demo, "gzip")
    rows = seeded.state()[0]
    path.write_bytes(path.read_bytes() + b"x")
    refused = demo("import", "general", f"--file={path}")
    assert refused.status == 21
    assert "something follows" in refused.stderr
    assert seeded.state()[0] == rows
