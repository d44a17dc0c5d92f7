"""What README and docs show is what happens: their sessions, samples, commands and links."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner
from database_engines import stock_client
from object_servers import CERTIFICATES
from warm_demo import WarmDemo

from demo_snapshots import errors
from demo_snapshots.cli import demo as demo_command
from demo_snapshots.config.settings import load_config

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = (
    README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
)
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
AS_OF = "--as-of=2025-01-15T10:00"


class Block(NamedTuple):
    """A fenced block; ``page`` and ``line`` say where, for the name of the test."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path, *languages: str) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2])
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
        if match[1] in languages
    ]


def all_blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page, *languages)]


def settled(text: str) -> list[str]:
    """The lines of ``text`` without what differs from day to day: dates, times, file sizes, and
    the widths of columns that hold them."""
    text = re.sub(r"\d{4}-\d\d-\d\d", "DATE", text)
    text = re.sub(r"\b\d\d:\d\d(:\d\d)?\b", "TIME", text)
    text = re.sub(r"\b\d+(\.\d+)? (bytes|kB)", "SIZE", text)
    text = re.sub(r" +", " ", re.sub("─+", "─", text))
    return [line.strip() for line in text.splitlines() if line.strip()]


def moved(text: str, days: int) -> str:
    """The text with its dates so many days later."""

    def later(match: re.Match[str]) -> str:
        return (date.fromisoformat(match[0]) + timedelta(days)).isoformat()

    return re.sub(r"\d{4}-\d\d-\d\d", later, text)


def is_like(shown: str, real: str) -> bool:
    """Whether ``real`` is ``shown``, in which … stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), real) is not None


def run(*arguments: str, **environment: str) -> str:
    """Run a command in this process, and give all that it printed."""
    result = CliRunner().invoke(demo_command, arguments, env=environment, prog_name="demo")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sample application's database, ``general`` in it and exported."""
    place = tmp_path_factory.mktemp("docs") / "template"
    place.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        run("migrate-fresh")
        run("seed-enhanced", "--scenario=general", AS_OF, "--export")
    return place


@pytest.fixture
def place(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the template, as the working directory."""
    copy = tmp_path / "place"
    shutil.copytree(template, copy, symlinks=True)
    monkeypatch.chdir(copy)
    return copy


def sql(script: str, path: str = "database/demo.sqlite") -> None:
    connection = sqlite3.connect(path)
    try:
        connection.executescript(script)
    finally:
        connection.close()


# --- The README ------------------------------------------------------------------------------


@pytest.fixture
def shell(tmp_path: Path, warm_demo: WarmDemo) -> Callable[[str], str]:
    """Run a command line in a scratch directory, and give what it printed on both streams."""
    if os.name == "nt":
        pytest.skip("the sessions are those of a POSIX shell")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sqlite3").symlink_to(stock_client("sqlite3"))
    demo = programs / "demo"
    demo.write_text(warm_demo.script(), "utf-8")
    demo.chmod(0o755)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"

    def type_it(command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=scratch,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=60,
        )
        return done.stdout

    return type_it


SHOP = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, is_demo BOOLEAN NOT NULL);
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers
    );
    CREATE TABLE plans (id INTEGER PRIMARY KEY, tenant TEXT NOT NULL);
    INSERT INTO customers VALUES (1, 'Real', FALSE), (2, 'Demo', TRUE), (3, 'Sample', TRUE);
    INSERT INTO orders VALUES (1, 1), (2, 2), (3, 3);
    INSERT INTO plans VALUES (1, 'demo'), (2, 'acme');
"""


@pytest.mark.parametrize("session", blocks(README, "console"), ids=str)
def test_the_sessions_are_what_happens(session, shell, tmp_path):
    sql(SHOP, str(tmp_path / "scratch" / "shop.sqlite"))
    for command, shown in commands_and_outputs(session.text):
        assert settled(shell(command)) == settled(shown), command


def test_the_sessions_about_comparing_are_what_happens(shell):
    """One story, over all blocks of the page."""
    for session in blocks(ROOT / "docs" / "comparing.md", "console"):
        for command, shown in commands_and_outputs(session.text):
            assert settled(shell(command)) == settled(shown), command


def test_the_session_about_backups_is_what_happens(shell):
    """One session, told in several blocks."""
    for block in blocks(ROOT / "docs" / "backup.md", "console"):
        for command, shown in commands_and_outputs(block.text):
            assert settled(shell(command)) == settled(shown), command


def test_the_session_about_migrations_is_what_happens(shell):
    for block in blocks(ROOT / "docs" / "migrations.md", "console"):
        for command, shown in commands_and_outputs(block.text):
            assert settled(shell(command)) == settled(shown), command


def test_the_session_about_copies_is_what_happens(shell):
    [session] = blocks(ROOT / "docs" / "copies.md", "console")
    for command, shown in commands_and_outputs(session.text):
        assert settled(shell(command)) == settled(shown), command


def test_the_session_about_parts_is_what_happens(shell):
    """One session, told in several blocks."""
    for block in blocks(ROOT / "docs" / "parts.md", "console"):
        for command, shown in commands_and_outputs(block.text):
            assert settled(shell(command)) == settled(shown), command


def test_the_session_about_people_is_what_happens(shell):
    for block in blocks(ROOT / "docs" / "people.md", "console"):
        for command, shown in commands_and_outputs(block.text):
            assert settled(shell(command)) == settled(shown), command


def test_the_session_about_uploaded_files_is_what_happens(shell):
    [session] = blocks(ROOT / "docs" / "files.md", "console")
    for command, shown in commands_and_outputs(session.text):
        assert settled(shell(command)) == settled(shown), command


def test_the_session_about_fresh_dates_is_what_happens(shell):
    """One session, told in two blocks, between which 300 days pass. It is told of a January."""
    now = datetime.now(UTC)
    later, told = now + timedelta(days=300), datetime(2025, 1, 15, tzinfo=UTC)
    whole = (now - told) // timedelta(weeks=1) * 7
    for block in blocks(ROOT / "docs" / "fresh.md", "console"):
        for command, shown in commands_and_outputs(block.text):
            today = moved(command, whole).replace("--fresh", f"--as-of={later:%Y-%m-%dT%H:%M}")
            assert settled(shell(today)) == settled(shown), command


def test_the_session_about_forms_is_what_happens(shell):
    for session in blocks(ROOT / "docs" / "documents.md", "console"):
        for command, shown in commands_and_outputs(session.text):
            assert settled(shell(command)) == settled(shown), command


def test_the_session_about_deltas_is_what_happens(shell):
    for block in blocks(ROOT / "docs" / "deltas.md", "console"):
        for command, shown in commands_and_outputs(block.text):
            assert settled(shell(command)) == settled(shown), command


def test_the_session_without_foreign_keys_is_what_happens(shell):
    [session] = blocks(ROOT / "docs" / "undeclared.md", "console")
    for command, shown in commands_and_outputs(session.text):
        assert settled(shell(command)) == settled(shown), command


def test_the_session_about_django_is_what_happens(shell, tmp_path):
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -B "$@"\n', "utf-8")
    python.chmod(0o755)
    for block in blocks(ROOT / "docs" / "django.md", "console"):
        for command, shown in commands_and_outputs(block.text):
            assert settled(shell(command)) == settled(shown), command


def test_the_scripts_of_other_frameworks_can_be_typed():
    [composer] = blocks(ROOT / "docs" / "laravel.md", "json")
    for script in json.loads(composer.text)["scripts"].values():
        _, name, *rest = script.split()
        demo_command.commands[name].make_context(name, rest)
    [rake] = blocks(ROOT / "docs" / "rails.md", "ruby")
    [verbs] = re.findall(r"%w\[(.*?)\]", rake.text)
    assert {*verbs.split()} <= {*demo_command.commands}


def test_the_session_of_merging_is_what_happens(shell, monkeypatch):
    """One session, told in several blocks; the texts of git are those of its version."""
    identity = {"NAME": "a", "EMAIL": "a@example.org"}
    for who in ("AUTHOR", "COMMITTER"):
        for what, value in identity.items():
            monkeypatch.setenv(f"GIT_{who}_{what}", value)
    for level in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{level}", os.devnull)
    for block in blocks(ROOT / "docs" / "merging.md", "console"):
        for command, shown in commands_and_outputs(block.text):
            real = settled(shell(command))
            if "git merge" in command:
                assert set(settled(shown)) <= set(real)
            else:
                assert real == settled(shown), command


def test_every_command_of_a_session_is_found():
    first, second = (list(commands_and_outputs(b.text)) for b in blocks(README, "console"))
    assert [command.split()[0] for command, _ in first].count("demo") == 7
    assert "INSERT" in first[4][0]
    assert second[0][1].startswith("Wrote demo.toml")


def commands_and_outputs(session: str) -> Iterator[tuple[str, str]]:
    """Each command of a session with what it printed; ``> `` goes on with a command."""
    for part in re.split(r"^\$ ", re.sub(r"^# .*\n", "", session, flags=re.M), flags=re.M)[1:]:
        lines = part.splitlines()
        end = 1
        while end < len(lines) and lines[end].startswith("> "):
            end += 1
        command = "\n".join((lines[0], *(line[2:] for line in lines[1:end])))
        yield command, "\n".join(lines[end:])


def test_the_session_is_on_the_first_screen():
    session = blocks(README, "console")[0]
    assert session.line < 10
    assert session.text.count("\n") < 50
    assert max(map(len, session.text.splitlines())) <= 100


def test_the_lines_of_the_file_are_a_real_file_s(place):
    [document] = place.glob("database/demo-snapshots/general/general_v*.sql")
    real = iter(settled(document.read_text("utf-8")))
    [excerpt] = blocks(README, "sql")
    for line in settled(excerpt.text):
        assert line == "…" or any(is_like(line, there) for there in real), line


def test_the_directory_is_a_real_one_s(place):
    run("export", "general", "--auto-version")
    store = place / "database" / "demo-snapshots"
    real = {
        path.relative_to(store).as_posix()
        for path in store.rglob("*")
        if not path.is_dir() and not path.name.startswith(".")
    }
    [drawing] = (b for b in blocks(README, "text") if b.text.startswith("database/demo-snapshots"))
    drawn = [line.split(" -> ")[0] for line in drawing.text.splitlines()[1:]]
    assert sorted(settled("\n".join(drawn))) == sorted(settled("\n".join(real)))


def test_the_configuration_of_one_s_own_database_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sql(SHOP, "shop.sqlite")
    [config] = blocks(README, "toml")
    Path("demo.toml").write_text(config.text, "utf-8")
    assert "Total 5" in " ".join(run("export", "tour").split())
    sql("DELETE FROM orders; DELETE FROM customers WHERE is_demo", "shop.sqlite")
    sql("INSERT INTO orders VALUES (1, 1)", "shop.sqlite")
    run("import", "tour", "--yes")
    assert "exactly this snapshot" in run("validate", "tour")


@pytest.mark.parametrize("block", all_blocks("python"), ids=str)
def test_python_runs(block, place, capsys):
    exec(compile(block.text, str(block), "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.parametrize("block", all_blocks("toml"), ids=str)
def test_configurations_are_understood(block, tmp_path):
    file = tmp_path / "demo.toml"
    keys_of_a_table = not re.search(r"^\[", block.text, re.M)
    file.write_text("[tables.plans]\n" * keys_of_a_table + block.text, "utf-8")
    assert load_config(file=file).tables


# --- Links -----------------------------------------------------------------------------------


def links(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_leads_to_every_page():
    pages = {page.relative_to(ROOT).as_posix() for page in PAGES[1:]}
    assert pages <= set(links(README))


# --- Commands --------------------------------------------------------------------------------


def commands_in(page: Path) -> Iterator[tuple[list[str], bool]]:
    """The words of every ``demo`` command that the page shows, and whether it is in a block;
    a sentence may name a command, or an option, without what it takes."""
    text = page.read_text("utf-8")
    lines = [(line, False) for line in re.findall(r"(?<!`)`(demo [^`\n]+)`", text)]
    for block in blocks(page, "console", "sh", "yaml", ""):
        for line in block.text.replace("\\\n", " ").splitlines():
            # In a session what follows no prompt was printed.
            if block.language != "console" or line.startswith("$ "):
                lines.append((re.sub(r"^(\$ |\s*- run: )", "", line), True))
    for line, in_block in lines:
        for command in re.split(r"&&|\|\|?|;| > ", line):
            is_pattern = re.search(r"[\[…]|\bCOMMAND\b", command)
            if command.strip().startswith("demo ") and not is_pattern:
                words = shlex.split(command.replace("SCENARIO", "general"), comments=True)
                yield words[1:], in_block


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_can_be_typed(page):
    for words, in_block in commands_in(page):
        name = next((word for word in words if command_named(word)), None)
        if name is None:
            assert words[0] in ("--help", "--version"), f"no such command: demo {words}"
            continue
        rest = list(words)
        rest.remove(name)
        lax = () if in_block else (click.MissingParameter, click.BadOptionUsage)
        with suppress(click.exceptions.Exit, *lax):
            command = command_named(name)
            assert command is not None
            command.make_context(name, rest)


def command_named(name: str) -> click.Command | None:
    """By its name or its short name."""
    return demo_command.get_command(click.Context(demo_command), name)


def test_commands_are_found_where_they_are_shown():
    assert (["validate", "--schema"], True) in list(commands_in(ROOT / "docs" / "overview.md"))
    assert (["import", "general", "--yes"], True) in list(commands_in(README))


# --- Troubleshooting -------------------------------------------------------------------------


def test_every_error_is_explained_under_its_status():
    for name, value in inspect.getmembers(errors, inspect.isclass):
        if issubclass(value, errors.DemoError):
            heading = f"\n## Status {value.exit_code}: {name}\n"
            assert heading in TROUBLESHOOTING, f"docs/troubleshooting.md lacks {heading!r}"


def test_every_message_shown_is_a_real_one(place, monkeypatch):
    for name in CERTIFICATES:
        monkeypatch.delenv(name)
    samples = re.findall(r"^error: .*$", TROUBLESHOOTING, re.M)
    assert len(samples) > 25
    real = [line for said in mishaps() for line in said.splitlines() if line.startswith("error: ")]
    for sample in samples:
        assert any(is_like(sample, line) for line in real), f"{sample}\nis none of\n{real}"


def mishaps() -> Iterator[str]:
    """Everything that can go wrong in a minute, one after the other, in one directory."""
    general = ("import", "general", "--yes")
    yield run("import", "general", "--latest", "--version=v1")
    yield run("import", "general", "--fresh", "--no-fresh", "--as-of=2030-01-01")
    yield run("exprot")
    yield run("diff")
    yield run("diff", "general", "--stat", "--limit=1")
    yield run("show", "general", "--table=nowhere")
    yield run("show", "general", "--html=nowhere/page.html")
    yield run("diff", "general")
    yield run("diff", "general", "--with-database", "--ignore=todos.nothing")
    yield run("diff", "general", "--with-database", "--ignore=todos.id")
    yield run("export", "General")
    yield run("verify", "nowhere.sql")
    yield run("cleanup-exports", "--keep=0")
    yield run("list-exports", "--snapshots=ftp://bucket")
    yield run("push")
    amazon = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    bucket = ("list-exports", "--snapshots=s3://bucket/demo")
    yield run(*bucket, AWS_ENDPOINT_URL="http://127.0.0.1:1", **amazon)
    yield run("list-exports", "--snapshots=az://container/demo")
    Path("bad.toml").write_text('[tables.contacts]\nmaker = "is_demo"\n', "utf-8")
    yield run("export", "general", "--config=bad.toml")
    sample = (ROOT / "src/demo_snapshots/sample/demo.toml").read_text("utf-8")
    follows = 'follows = "fragment_id"\nevergreen = '
    assert f"{follows}true" in sample
    never = re.sub("^evergreen = .*$", "", sample, flags=re.M)
    for text in (sample.replace(f"{follows}true", f'{follows}"id"'), never):
        Path("bad.toml").write_text(text, "utf-8")
        yield run(*general, "--as-of=2030-01-01", "--config=bad.toml")
    Path("bad.toml").write_text('[tables.contacts]\nmarker = "meta.x"\n', "utf-8")
    yield run("export", "general", "--config=bad.toml")
    for text in undeclared_mishaps():
        Path("bad.toml").write_text(text, "utf-8")
        yield run("export", "general", "--config=bad.toml")
    yield run("export", "general", "--config=missing.toml")
    yield run("export", "general", "--database=nonsense")
    yield run("export", "general", "--database=oracle://host/name")
    yield run("export", "general", "--database=sqlite://demo.sqlite")
    yield run("export", "general", "--database=mysql://host/name?connect_timeout=soon")
    yield run("export", "general", "--database=mysql://host/name?cursorclass=x")
    Path("notes.txt").write_text("a few words, but no database\n" * 10, "utf-8")
    yield run("export", "general", "--database=sqlite:///notes.txt")
    yield run(*general, "--database=sqlite:///missing.sqlite")
    yield run(*general, "--database=postgresql://user:secret@127.0.0.1:1/nowhere")
    yield run("export", "genral")
    yield from mishaps_with_people()
    yield run("import", "writer")
    yield run("import", "general", "--version=v7")
    yield run(*general, "--file=nope.sql")
    yield from (run(*general, f"--file={name}") for name in spoilt_documents())
    yield run("import", "writer", "--file=whole.sql")
    yield run_without_a_part()
    Path("file").touch()
    yield run("export", "general", "--snapshots=file")
    Path("my.yaml").write_text("scenario: mine\n", "utf-8")
    yield run("seed-enhanced", "--scenario-file=my.yaml")
    yield run("seed-enhanced", "--scenario=nowhere")
    yield run(*general, APP_ENV="production")
    Path("hooks.toml").write_text('[hooks]\nafter-import = ["exit 4", "exit 0"]\n', "utf-8")
    yield run(*general, "--config=hooks.toml")
    yield from mishaps_with_copies()
    yield from mishaps_by_hand()
    yield from mishaps_in_merging()
    yield from mishaps_with_deltas(general)
    yield from mishaps_in_the_database(general)
    Path("database/demo-snapshots/general/general_v2_2025-01-15.sql").write_text("torn", "utf-8")
    yield run(*general)
    for _ in range(2):
        yield run("backup", "demo.tar.zst")
    yield run("restore", "notes.txt")


def undeclared_mishaps() -> Iterator[str]:
    """Configurations of foreign keys that are none."""
    vaults = '[tables.vaults]\nmarker = "metadata.demo_seed"\n[foreign-keys]\n'
    yield '[tables.todos]\nfollows = "title"\n'
    yield f'{vaults}"todos.fragment_id" = "nowhere.id"\n'
    types = '{ type = "state", references = { nothing = "vaults.id" } }'
    yield f'{vaults}"todos.fragment_id" = {types}\n'


def mishaps_with_people() -> Iterator[str]:
    path = Path("database/demo.sqlite")
    whole = path.read_bytes()
    sql("INSERT INTO contacts (name, email) VALUES ('Ada', 'ada@okafor.de')")
    sql("UPDATE contacts SET email = 'ada@okafor.de' WHERE id = 1")
    yield run("export", "general")
    run("export", "general", "--check-people=off", "--snapshots=people")
    yield run("verify", "--people", "--snapshots=people")
    path.write_bytes(whole)


def mishaps_with_copies() -> Iterator[str]:
    yield run("import", "general", "--copy=Acme")
    yield run("export", "general@acme")
    yield run("import", "general", "--copy=acme", "--set", "vaults.slug={nix}")
    yield run("import", "general", "--copy=acme", "--new-ids")
    yield run("import", "general", "--copy=acme", "--set", "vaults.slug={value}")
    yield run("remove", "general", "--copy=acme", "--yes")
    Path("bad.toml").write_text('[tables.contacts]\nmarker = "metadata.demo_seed"\n', "utf-8")
    run("export", "few", "--new", "--config=bad.toml", "--snapshots=few")
    yield run("import", "few", "--copy=acme", "--config=bad.toml", "--snapshots=few")


def mishaps_by_hand() -> Iterator[str]:
    path = Path("by-hand.yaml")
    rows = "demo_rows: 1\nscenario: general\nrows:\n  contacts:\n    - nome: Anna\n"
    path.write_text(rows, "utf-8")
    yield run("convert", path.name, "--to=sql")
    yield run("import", "general", f"--file={path.name}", "--yes")


def run_without_a_part() -> str:
    run("export", "general", "--parts=2", "--snapshots=in-parts")
    [head] = Path("in-parts/general").glob("general_v*.parts.sql")
    for part in head.parent.glob("*_part_*"):
        part.unlink()
    return run("import", "general", "--yes", f"--file={head}")


def spoilt_documents() -> Iterator[str]:
    [whole] = Path("database/demo-snapshots/general").glob("general_v*.sql")
    text = whole.read_text("utf-8")
    changes: dict[str, Callable[[str], str]] = {
        "whole.sql": str,
        "other.sql": lambda _: "SELECT 1;\n",
        "cut.sql": lambda text: text[: len(text) // 2],
        "altered.sql": lambda text: text.replace("'active'", "'done'", 1),
        "added.sql": lambda text: text.replace("\n-- Projects", "\nDROP TABLE todos;\n-- Projects"),
        "newer.sql": lambda text: text.replace("-- Format: 2\n", "-- Format: 5\n"),
    }
    for name, change in changes.items():
        Path(name).write_text(change(text), "utf-8", newline="\n")
        yield name
    changed = {
        "twice.json": ('"version": ', '"scenario": "general", "version": '),
        "tagged.yaml": ("scenario: ", "scenario: !x "),
    }
    for name, (old, new) in changed.items():
        run("convert", "whole.sql", f"--to={name.rpartition('.')[2]}", f"--output={name}")
        document = Path(name).read_text("utf-8").replace(old, new, 1)
        Path(name).write_text(document, "utf-8", newline="\n")
        yield name


def mishaps_in_merging() -> Iterator[str]:
    merge = ("merge", "general", "v2", "v3")
    whole = Path("database/demo.sqlite").read_bytes()
    for title in ("One", "Other"):
        sql(f"UPDATE todos SET title = '{title}' WHERE id = 1")
        run("export", "general")
    yield run(*merge, "--base=v1")
    sql("ALTER TABLE todos ADD COLUMN effort INTEGER")
    yield run(*merge)
    Path("database/demo.sqlite").write_bytes(whole)
    documents = sorted(Path("database/demo-snapshots/general").glob("general_v[23]_*.sql"))
    for document in documents:
        text = re.sub(r"^-- Base: .*\n", "", document.read_text("utf-8"), flags=re.M)
        document.write_text(text, "utf-8", newline="\n")
    yield run(*merge)
    for document in documents:
        document.unlink()


def mishaps_with_deltas(general: tuple[str, ...]) -> Iterator[str]:
    store = Path("database/demo-snapshots/general")
    sql("UPDATE todos SET title = 'Changed' WHERE id = 1")
    run("export", "general", "--delta")
    yield run("export", "general", "--delta", "--format=json")
    [delta] = store.glob("general_v*.delta.sql")
    [base] = store.glob("general_v1_*.sql")
    base.rename("elsewhere")
    yield run(*general)
    yield run(*general, f"--file={delta}")
    Path("elsewhere").rename(base)
    content = base.read_bytes()
    base.write_bytes(content.replace(b"'active'", b"'done'", 1))
    yield run(*general, f"--file={delta}")
    base.write_bytes(content)
    text = delta.read_text("utf-8").replace("'Changed'", "'Another'")
    delta.write_text(text, "utf-8", newline="\n")
    yield run(*general, f"--file={delta}")
    delta.unlink()


def mishaps_in_upgrading() -> Iterator[str]:
    """Where ``contacts.phone`` has been renamed."""
    rules = '[[drift]]\nrename-columns = { "contacts.phone" = "mobile" }\n'
    Path("drift.toml").write_text(rules, "utf-8")
    yield run("validate", "general", "--schema", "--config=drift.toml")
    Path("upgrade.toml").write_text('[upgrade]\nalembic = ["no-such-alembic"]\n', "utf-8")
    yield run("upgrade", "general", "--config=upgrade.toml")


def mishaps_in_the_database(general: tuple[str, ...]) -> Iterator[str]:
    whole = Path("database/demo.sqlite").read_bytes()

    def after(script: str, *arguments: str) -> str:
        Path("database/demo.sqlite").write_bytes(whole)
        sql(script)
        return run(*arguments)

    marked = """'{"demo_seed": true, "scenario": "general"}'"""
    vault = f"INSERT INTO vaults (id, name, slug, metadata) VALUES (99, 'L', 'late', {marked});"
    real = "INSERT INTO projects (id, name, vault_id) VALUES (99, 'Real', 99);"
    yield after("DELETE FROM todos; DELETE FROM chat_sessions", "validate", "general")
    yield after("UPDATE todos SET title = 'Edited' WHERE id = 1", "import", "general")
    yield after("ALTER TABLE contacts DROP COLUMN phone", *general)
    yield after("DROP TABLE todos", *general)
    renamed = "ALTER TABLE contacts RENAME COLUMN phone TO mobile"
    yield after(renamed, *general, "--rename-column", "contacts.fax=mobile")
    yield after(renamed, *general, "--default", "contacts.mobile")
    yield from mishaps_in_upgrading()
    trimmed = (
        "CREATE TABLE kept AS SELECT * FROM todos; DROP TABLE todos; CREATE TABLE todos"
        " (id INTEGER PRIMARY KEY, fragment_id INTEGER REFERENCES fragments (id),"
        " due TEXT CHECK (due = '')); PRAGMA ignore_check_constraints = ON;"
        " INSERT INTO todos SELECT id, fragment_id, 'x' FROM kept; DROP TABLE kept"
    )
    yield after(trimmed, "export", "general", "--prove")
    yield after("UPDATE vaults SET metadata = NULL WHERE id = 1", "export", "general")
    infinity = "UPDATE chat_sessions SET message_count = 9e999 WHERE id = 3"
    yield after(infinity, "export", "general")
    text = "UPDATE contacts SET phone = CAST(x'ff' AS TEXT) WHERE id = 3"
    yield after(text, "export", "general")
    yield after("UPDATE contacts SET metadata = NULL WHERE id IN (2, 4)", *general)
    yield after(vault + real, *general)
    yield after("INSERT INTO contacts (name) VALUES ('Ada')", "migrate-fresh", "--yes")
    yield after("CREATE TABLE orders (id INTEGER)", "migrate-fresh", "--yes")
