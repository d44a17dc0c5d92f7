"""Streams, terminals, signals: what goes where, and what happens when it cannot."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from demo_snapshots.cli import demo as demo_command
from demo_snapshots.cli.screen import print_report
from demo_snapshots.cli.wording import Wording
from demo_snapshots.render.report import Facts, Grid, Heading, Line, Row

pytestmark = pytest.mark.slow

pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")

ESCAPE = "\x1b["
COMMAND = [sys.executable, "-m", "demo_snapshots"]


class OnATerminal:
    """A run of the command whose input and standard error are a terminal."""

    def __init__(self, *arguments: str, stdout: bool = False, **environment: str) -> None:
        self.screen, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=terminal,
            stdout=terminal if stdout else subprocess.PIPE,
            stderr=terminal,
            env={**os.environ, "TERM": "xterm-256color", **environment},
        )
        os.close(terminal)
        self.seen = ""

    def wait_for(self, text: str) -> None:
        while text not in self.seen:
            part = self._read()
            assert part, f"{text!r} is not in {self.seen!r}"
            self.seen += part

    def interrupt(self) -> None:
        """Ctrl-C at a question, and again if the first came between the question's last letter and
        the read: Python sees such a signal only when a line is typed."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)

    def type(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def _read(self) -> str:
        try:
            return os.read(self.screen, 4096).decode(errors="replace")
        except OSError:  # Linux's way of saying that the other end is closed
            return ""

    def finish(self) -> tuple[int, str]:
        """The status and what went to stdout, where that is not the terminal."""
        output = ""
        if self.process.stdout:
            output = self.process.stdout.read().decode()
            self.process.stdout.close()
        while part := self._read():
            self.seen += part
        os.close(self.screen)
        return self.process.wait(timeout=30), output


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("yes\n", 0), ("n\n", 26), ("\n", 26)])
def test_the_question_and_its_answer(seeded, answer, status):
    seeded.sql("DELETE FROM chat_sessions")
    before = seeded.state()
    run = OnATerminal("import", "general")
    run.wait_for("[y/N] ")
    assert "demo rows" in run.seen
    assert "Replace 3" in run.seen
    run.type(answer)
    ended, output = run.finish()
    assert ended == status
    assert ("Imported general" in output) == (status == 0)
    assert (seeded.state() == before) == (status == 26)


def test_end_of_input_is_a_no(seeded):
    seeded.sql("UPDATE fragments SET title = 'Edited' WHERE id = 1")
    before = seeded.state()
    run = OnATerminal("import", "general")
    run.wait_for("[y/N] ")
    run.type("\x04")
    assert run.finish()[0] == 26
    assert seeded.state() == before


@pytest.mark.parametrize("command", [["import", "general"], ["migrate-fresh"]])
def test_interrupt(seeded, command):
    seeded.sql("UPDATE fragments SET title = 'Edited' WHERE id = 1")
    before = seeded.state()
    run = OnATerminal(*command)
    run.wait_for("[y/N] ")
    run.interrupt()
    status, output = run.finish()
    assert status == 130
    assert output == ""
    assert "error: interrupted" in run.seen
    assert "Traceback" not in run.seen
    assert seeded.state() == before


def test_json_on_a_terminal_keeps_the_question_off_stdout(seeded):
    seeded.sql("UPDATE fragments SET title = 'Edited' WHERE id = 1")
    run = OnATerminal("import", "general", "--json")
    run.wait_for("[y/N] ")
    run.type("y\n")
    status, output = run.finish()
    assert status == 0
    assert json.loads(output)["scenario"] == "general"


def test_colours_on_a_terminal_only_and_not_with_no_color(seeded, demo):
    run = OnATerminal("list-exports", stdout=True)
    assert run.finish()[0] == 0
    assert ESCAPE in run.seen
    run = OnATerminal("list-exports", stdout=True, NO_COLOR="1")
    assert run.finish()[0] == 0
    assert "latest" in run.seen
    assert ESCAPE not in run.seen
    assert ESCAPE not in demo("list-exports").stdout


def test_progress_bars_on_a_terminal_only(seeded, demo):
    seed = ("seed-enhanced", "--scenario=general", "--scale=60", "--yes")
    run = OnATerminal(*seed)
    assert run.finish()[0] == 0
    assert "fragments" in run.seen
    assert run.seen.endswith(f"{ESCAPE}2K"), "the bar was taken off the screen"
    assert demo(*seed).stderr == ""
    run = OnATerminal(*seed, "--quiet")
    assert run.finish()[0] == 0
    assert run.seen == ""


@pytest.mark.parametrize("arguments", [["--help"], ["list-exports"], ["list-exports", "--json"]])
def test_a_closed_pipe(seeded, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, *arguments], stdout=writer, stderr=subprocess.PIPE, encoding="utf-8"
    )
    os.close(writer)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_pipe_under_an_error(workplace, closed):
    reader, writer = os.pipe()
    os.close(reader)
    command = [*COMMAND, "list-exports", "nowhere", "--json"]
    stdout, stderr = (
        writer if name == closed else subprocess.PIPE for name in ("stdout", "stderr")
    )
    done = subprocess.run(command, stdout=stdout, stderr=stderr, encoding="utf-8")
    os.close(writer)
    assert done.returncode == 1
    assert "Traceback" not in (done.stderr or "")
    assert "BrokenPipe" not in (done.stderr or "")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_every_encoding_can_be_written(seeded, run_demo, encoding):
    seeded.sql("UPDATE fragments SET type = 'Ω–' || char(27) || '[2J' WHERE type = 'todo'")
    done = run_demo("export", "general", PYTHONIOENCODING=encoding)
    assert done.status == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert ("Ω" in done.stdout) == (encoding == "utf-8")
    document = run_demo("export", "general", "--json", PYTHONIOENCODING=encoding).json
    fragments = [t for t in document["records"]["tables"] if t["table"] == "fragments"]
    assert [kind[:2] for kind in fragments[0]["breakdown"]].count("Ω–") == 1


def test_control_characters_do_not_reach_the_terminal():
    stream = io.StringIO()
    hostile = "a\x1b[2Jb\nc\x85\udc80é"
    report = (
        Line(hostile),
        Facts((("name", hostile),)),
        Grid((Heading("x"),), (Row((hostile,)),)),
    )
    print_report(report, stream, Wording(demo_command))
    shown = r"a\x1b[2Jb\nc\x85\udc80é"
    assert [line.strip() for line in stream.getvalue().splitlines()] == [
        shown,
        f"name  {shown}",
        "",
        "x",
        "─" * len(shown),
        shown,
    ]


def test_quiet_prints_errors_only(seeded, demo):
    for command in (["export", "general"], ["list-exports"], ["validate", "general"]):
        outcome = demo(*command, "--quiet")
        assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")
    assert demo("list-exports", "nowhere", "-q").errors


def test_quiet_does_not_silence_json(seeded, demo):
    assert demo("--quiet", "list-exports", "--json").json["scenarios"]


def test_verbose_logs_to_stderr_and_never_to_stdout(seeded, demo):
    plain = demo("import", "general", "--yes", "--json")
    verbose = demo("import", "general", "--yes", "--json", "-vv")
    assert plain.stderr == ""
    assert verbose.stdout == plain.stdout
    assert all(line.split(":")[0] in ("info", "debug") for line in verbose.stderr.splitlines())


def test_python_m_is_the_same_command(seeded, run_demo, demo):
    assert run_demo("list-exports", "--json").stdout == demo("list-exports", "--json").stdout
    assert run_demo("list-exports", "nowhere").status == 14


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("\n", "[tables.tenants]\nwhere = \"slug = 'demo'\""),
        ("7\n2\n", "[tables.users]\nwhere = \"email LIKE '%@example.com'\""),
        ("0\n", "# [tables."),
    ],
)
def test_init_asks_which_rows_are_the_demo(tmp_path, monkeypatch, answer, rule):
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect(tmp_path / "app.sqlite")) as database:
        database.executescript(
            "CREATE TABLE tenants (id INTEGER PRIMARY KEY, slug TEXT);"
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);"
            "CREATE TABLE posts (id INTEGER PRIMARY KEY, tenant_id INTEGER, user_id INTEGER);"
            "INSERT INTO tenants VALUES (1, 'acme'), (2, 'demo');"
            "INSERT INTO users VALUES (1, 'a@acme.org'), (2, 'b@example.com');"
            "INSERT INTO posts VALUES (1, 1, 1), (2, 2, 2), (3, 2, 2);"
        )
    run = OnATerminal("init", "--database", "sqlite:///app.sqlite")
    run.wait_for("[1] ")
    assert "tenants, 1 row: its slug says demo. 2 rows in 1 table hang on it." in run.seen
    run.type(answer)
    assert run.finish()[0] == 0
    assert ("A number from 0 to 2" in run.seen) == ("7" in answer)
    written = (tmp_path / "demo.toml").read_text("utf-8")
    assert rule in written
    assert ("[tables.posts]\nfollows" in written) == (answer != "0\n")
