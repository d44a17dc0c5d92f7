"""The session of docs/buckets.md is what happens, on a real server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from database_engines import stock_client
from test_docs import ROOT, blocks, commands_and_outputs, settled
from warm_demo import WarmDemo

PAGE = ROOT / "docs" / "buckets.md"
BUCKET = "s3://team-demos/app"


@pytest.mark.skipif(os.name == "nt", reason="the session is that of a POSIX shell")
def test_the_session_is_what_happens(bucket_url: str, tmp_path: Path, warm_demo: WarmDemo) -> None:
    programs, scratch = tmp_path / "bin", tmp_path / "scratch"
    programs.mkdir()
    scratch.mkdir()
    (programs / "sqlite3").symlink_to(stock_client("sqlite3"))
    demo = programs / "demo"
    demo.write_text(warm_demo.script(), "utf-8")
    demo.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    typed = [pair for block in blocks(PAGE, "console") for pair in commands_and_outputs(block.text)]
    assert len(typed) == 10
    for command, shown in typed:
        done = subprocess.run(
            ["sh", "-c", command.replace(BUCKET, bucket_url)],
            cwd=scratch,
            env={**os.environ, "PATH": path, "DEMO_BUCKET": bucket_url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=60,
        )
        assert settled(done.stdout.replace(bucket_url, BUCKET)) == settled(shown), command
