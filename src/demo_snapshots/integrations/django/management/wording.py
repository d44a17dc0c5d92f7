"""The commands as they are typed behind ``manage.py``."""

from __future__ import annotations

import re

from demo_snapshots.cli import demo
from demo_snapshots.cli.wording import Wording

OF_THE_SAMPLE = ("migrate-fresh", "seed-enhanced")
"""Commands that `manage.py` does not have."""


def command_line(command: str) -> str:
    """What is typed for the command of this name."""
    if command in OF_THE_SAMPLE:
        return f"demo {command}"
    return f"manage.py demo_{command.replace('-', '_')}"


WORDING = Wording(demo, command_line)


def in_management(text: str) -> str:
    """Commands in a text of help, which is no Words, as they are typed here."""
    names = "|".join(sorted((*demo.commands, "diff"), key=len, reverse=True))
    text = text.replace("demo diff", "demo compare-exports")
    return re.sub(rf"\bdemo ({names})\b", lambda found: command_line(found[1]), text)
