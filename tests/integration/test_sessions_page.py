"""The session of docs/sessions.md is what happens, on each server."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from database_engines import engines, stock_client
from sqlalchemy.engine import make_url
from test_docs import ROOT, blocks, commands_and_outputs, settled
from warm_demo import WarmDemo

PAGE = ROOT / "docs" / "sessions.md"
AS_TYPED = {"postgresql": "psql demo -c", "mariadb": "mariadb demo -e"}


def client(engine: str, url: str) -> str:
    """A script by which the client finds the database, as on a machine of one's own."""
    parts = make_url(url)
    program = shlex.quote(str(stock_client(AS_TYPED[engine].split()[0])))
    if engine == "postgresql":
        return f'exec {program} --quiet {shlex.quote(url)} -c "$3"\n'
    login = f"--no-defaults -h {parts.host} -P {parts.port} -u {parts.username}"
    return f'exec {program} {login} {parts.database} -e "$3"\n'


def session(engine: str) -> list[tuple[str, str]]:
    """All that is typed on the page, with what it shows; the edits are each engine's own."""
    typed = [pair for block in blocks(PAGE, "console") for pair in commands_and_outputs(block.text)]
    if engine == "postgresql":
        return typed
    [own] = blocks(PAGE, "sh")
    edits = commands_and_outputs(own.text)
    return [
        next(edits) if command.startswith(AS_TYPED["postgresql"]) else (command, shown)
        for command, shown in typed
    ]


def told(text: str) -> list[str]:
    """As ``settled``; and without what an entry of the undo log is called by."""
    return settled(re.sub(r"\d{8}T\d{6}Z_[0-9a-f]{12}", "WHEN_WHERE", text))


@pytest.mark.skipif(os.name == "nt", reason="the sessions are those of a POSIX shell")
@engines("postgresql", "mariadb")
def test_the_session_is_what_happens(
    database_url: str, tmp_path: Path, warm_demo: WarmDemo
) -> None:
    engine = make_url(database_url).get_backend_name()
    programs, scratch = tmp_path / "bin", tmp_path / "scratch"
    programs.mkdir()
    scratch.mkdir()
    scripts = {
        "demo": warm_demo.script(),
        AS_TYPED[engine].split()[0]: "#!/bin/sh\n" + client(engine, database_url),
    }
    for name, script in scripts.items():
        (programs / name).write_text(script, "utf-8")
        (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    typed = session(engine)
    assert len(typed) > 10
    for command, shown in typed:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=scratch,
            env={**os.environ, "PATH": path, "DATABASE_URL": database_url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=60,
        )
        assert told(done.stdout) == told(shown), command
