"""The whole story on an embedded SQLite database: save a demo, spoil it, put it back.

Runs the real commands in the directory ``demo`` beside this project's README, and shows each
command line before what it prints. Ends with status 1 if one of them surprises.
"""

# ruff: noqa: T201

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

PLACE = Path(__file__).resolve().parents[1] / "demo"
DATABASE = PLACE / "database" / "demo.sqlite"

# The story wants its own database, whatever the reader's is.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in ("DATABASE_URL", "DEMO_SNAPSHOTS", "DEMO_ENV", "APP_ENV")
}


def main() -> None:
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()

    say("A fresh database, and a demo that is worth keeping.")
    demo("migrate-fresh")
    demo("seed-enhanced --scenario=general")

    say("Save it. The file is plain SQL, made to be committed and reviewed.")
    demo("export general")
    show_the_file()

    say("Weeks later: visitors edited the demo, somebody deleted half of it,")
    say("and a real customer signed up in the same tables.", more=True)
    sql("UPDATE projects SET name = 'asdf', status = 'done' WHERE id <= 3")
    sql("DELETE FROM fragments WHERE type = 'todo' AND id % 2 = 0")
    sql("DELETE FROM chat_sessions")
    sql("INSERT INTO contacts (name, company) VALUES ('Ada Okafor', 'Okafor & Daughters')")
    demo("validate general", status=50)

    say("Five minutes before the call: put it back.")
    demo("import general --yes")
    demo("validate general")

    say("The real customer is still there.")
    sql("SELECT name, company FROM contacts WHERE metadata IS NULL")

    say("And as the data is what was saved, there is nothing new to save.")
    demo("export general")
    demo("list-exports")
    print("\nLook around in the directory demo: the database and the snapshots are still there.")


def say(text: str, *, more: bool = False) -> None:
    print(("" if more else "\n") + f"# {text}", flush=True)


def demo(arguments: str, *, status: int = 0) -> None:
    """Run a ``demo`` command, whose output goes where this program's goes."""
    print(f"\n$ demo {arguments}", flush=True)
    command = [sys.executable, "-m", "demo_snapshots", *arguments.split()]
    done = subprocess.run(command, cwd=PLACE, env=ENVIRONMENT, check=False)
    if done.returncode != status:
        sys.exit(f"\ndemo {arguments} ended with {done.returncode} instead of {status}")


def sql(statement: str) -> None:
    """Do what a visitor's, or the application's, session would do to the database."""
    print(f"sqlite> {statement};")
    connection = sqlite3.connect(DATABASE)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        with connection:
            rows = connection.execute(statement).fetchall()
    finally:
        connection.close()
    for row in rows:
        print("|".join(str(value) for value in row))


def show_the_file() -> None:
    path = next((PLACE / "database" / "demo-snapshots" / "general").glob("general_v*.sql"))
    lines = path.read_text("utf-8").splitlines()
    print(f"\n$ grep -A 2 'INSERT INTO vaults' {path.relative_to(PLACE).as_posix()}")
    start = next(n for n, line in enumerate(lines) if line.startswith("INSERT INTO vaults"))
    for line in lines[start : start + 3]:
        print(line if len(line) <= 100 else line[:99] + "…")


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        # The reader has seen enough; the interpreter must not say so when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
