"""JSON and YAML from beginning to end, on the sample application."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

FORMS = ["json", "yaml"]


def export(demo, form: str, *options: str) -> Path:
    outcome = demo("export", "general", "--auto-version", f"--format={form}", "--json", *options)
    assert outcome.status == 0, outcome.stderr
    assert outcome.json["written"] is True
    return Path(outcome.json["path"])


@pytest.mark.parametrize("form", FORMS)
def test_there_and_back(demo, seeded, form):
    before = seeded.state()[0]
    path = export(demo, form)
    assert path.suffix == f".{form}"
    assert (path.parent / f"latest.{form}").read_bytes() == path.read_bytes()
    assert not (path.parent / "latest.sql").exists()
    assert demo("verify").status == 0
    assert demo("verify", str(path)).status == 0
    assert demo("validate", "general").status == 0
    seeded.sql("DELETE FROM todos")
    seeded.sql("UPDATE projects SET name = 'asdf'")
    assert demo("validate", "general").status == 50
    difference = demo("diff", "general", "--with-database", "--stat")
    assert "todos" in difference.stdout
    outcome = demo("import", "general", "--yes")
    assert outcome.status == 0, outcome.stderr
    assert f"File     {path}" in outcome.stdout
    assert seeded.state()[0] == before
    assert "no difference" in demo("diff", "general").stdout
    unchanged = demo("export", "general", "--json")
    assert unchanged.json["written"] is False
    assert unchanged.json["path"] == str(path)
    shown = demo("show", "general", "--table=contacts", "--json")
    assert shown.status == 0
    assert len(shown.stdout.splitlines()) == 26


def test_the_configuration_says_the_form(demo, seeded):
    Path("demo.toml").write_text('[demo]\nformat = "yaml"\ncompress = "zstd"\n', "utf-8")
    outcome = demo("export", "general", "--auto-version", "--prove", "--json")
    assert outcome.status == 0, outcome.stderr
    assert outcome.json["path"].endswith(".yaml.zst")
    assert demo("verify").status == 0
    (settings,) = (s for s in demo("config", "--json").json["settings"] if s["name"] == "format")
    assert settings == {"name": "format", "value": "yaml", "from": "demo.toml"}


def test_converting_there_and_back(demo, seeded):
    (document,) = seeded.documents
    outcome = demo("convert", str(document), "--to=json", "-o", "x.json.zst")
    assert outcome.status == 0, outcome.stderr
    assert "general v1" in outcome.stdout
    assert demo("convert", "x.json.zst", "--to=yaml", "--output=x.yaml", "-q").stdout == ""
    found = demo("convert", "x.yaml", "--to=sql", "-o", "x.sql", "--json").json
    assert (found["form"], found["total"]) == ("sql", 324)
    assert Path("x.sql").read_bytes() == document.read_bytes()
    assert f"Content digest: sha256:{found['digest']}" in document.read_text("utf-8")
    rows = yaml.safe_load(Path("x.yaml").read_bytes())["rows"]
    assert [len(rows[table]) for table in ("vaults", "todos")] == [6, 100]
    assert "no difference" in demo("diff", "--files", "x.yaml", str(document)).stdout


def test_converting_to_stdout(run_demo, demo, seeded):
    (document,) = seeded.documents
    done = run_demo("convert", str(document), "--to=json")
    assert done.status == 0
    assert len(json.loads(done.stdout)["rows"]["contacts"]) == 25
    assert demo("convert", str(document), "--to=json", "--json").status == 2


def test_what_cannot_be_converted_leaves_nothing(demo, seeded):
    (document,) = seeded.documents
    Path("cut.sql").write_bytes(document.read_bytes()[:-100])
    Path("x.json").write_text("mine", "utf-8")
    refused = demo("convert", "cut.sql", "--to=json", "-o", "x.json")
    assert refused.status == 21
    assert "cut.sql: line" in refused.stderr
    assert Path("x.json").read_text("utf-8") == "mine"
    assert demo("convert", "none.sql", "--to=json").status == 14
    assert demo("convert", str(document), "--to=json", "-o", "no/x.json").status == 2
    assert not [path for path in Path().iterdir() if path.name.endswith(".tmp")]


@pytest.mark.parametrize("form", FORMS)
def test_a_merge_takes_every_form_and_repair_keeps_it(demo, seeded, form):
    seeded.sql("UPDATE projects SET name = 'ours' WHERE id = 1")
    ours = export(demo, form)
    assert demo("import", "general", "--version=v1", "--yes").status == 0
    seeded.sql("UPDATE projects SET name = 'theirs' WHERE id = 2")
    theirs = export(demo, form)
    name = theirs.name.replace("v3", "v2").replace("_20", "_19", 1)
    text = theirs.read_text("utf-8").replace("v3_20", "v2_19", 1).replace(ours.name, name)
    theirs.with_name(name).write_text(text, "utf-8")
    theirs.unlink()
    repaired = demo("repair", "--json")
    assert repaired.status == 0, repaired.stderr
    assert [path.suffix for path in ours.parent.glob("general_v4*")] == [f".{form}"]
    assert demo("verify").status == 0
    merged = demo("merge", "general", "v2", "v4", "--base=v1", "--json")
    assert merged.status == 0, merged.stderr
    assert demo("import", "general", "--yes").status == 0
    names = seeded.sql("SELECT name FROM projects WHERE id < 3 ORDER BY id")
    assert names == [("ours",), ("theirs",)]


def test_a_backup_holds_every_form(demo, seeded):
    paths = [export(demo, form, "--compress=gzip") for form in FORMS]
    Path("demo.toml").write_text('[demo]\nformat = "json"\n', "utf-8")
    seeded.sql("DELETE FROM todos")
    saved = demo("backup", "all.tar", "--with-database")
    assert saved.status == 0, saved.stderr
    assert demo("restore", "all.tar", "--snapshots=other").status == 0
    assert demo("verify", "--snapshots=other").status == 0
    for path in paths:
        assert Path("other/general", path.name).read_bytes() == path.read_bytes()
    assert len([*Path("other/general").glob("general_v4*.json")]) == 1
    assert demo("import", "general", "--yes", "--snapshots=other").status == 0


def test_without_room_for_a_temporary_file_nothing_is_published(demo, seeded, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    before = seeded.state()
    refused = demo("export", "general", "--auto-version", "--format=json")
    assert refused.status == 10
    assert "the rows cannot wait in a temporary file: No such file" in refused.stderr
    assert seeded.state() == before


def test_a_wrong_ending_is_told(demo, seeded):
    path = export(demo, "json")
    path.rename(path.with_suffix(".yaml"))
    found = demo("verify", str(path.with_suffix(".yaml")))
    assert found.status == 50
    assert "has another ending than its form, JSON, would give it" in found.stderr + found.stdout


def test_an_import_of_sql_knows_no_yaml(workplace, seeded):
    program = (
        "import sys; from demo_snapshots.cli import main\n"
        "try: main()\n"
        "except SystemExit: print('yaml' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "import", "general", "--yes"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == "False"
