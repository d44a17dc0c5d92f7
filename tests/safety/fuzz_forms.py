"""``make fuzz``: tampered files other than in SQL, many more than the test run has time for.

``python -m safety.fuzz_forms json --cases 10000 --engine sqlite --seed 1`` from the directory of
the tests; ``--first 77 --cases 1`` repeats one case. A file that breaks a promise is kept in
``--keep``.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Protocol

from safety.fuzz import reflect_once
from safety.fuzzed_backups import Backups
from safety.fuzzed_forms import Golden, HandHarness, JsonHarness, YamlHarness
from safety.harness import harness
from servers import Run

SECONDS, MEMORY = 10, 400 << 20
"""What a file of some kilobytes may take: of time by itself, of memory more than at first."""
MOST_FAULTS = 20
SEVERAL = 1000


class Subject(Protocol):
    """What the product promises of one kind of file."""

    outcomes: Counter[str]

    def tampered(self, random: Random) -> bytes: ...

    def judge(self, random: Random, document: bytes) -> None:
        """Raise whatever breaks a promise."""

    def recover(self) -> None:
        """After that, be as at first."""


KINDS: dict[str, type[JsonHarness | HandHarness]] = {
    "json": JsonHarness,
    "yaml": YamlHarness,
    "hand": HandHarness,
}


@contextmanager
def subject(kind: str, engine: str) -> Iterator[Subject]:
    """Raises LookupError where the engine is not installed."""
    if kind == "golden":
        yield Golden()
    elif kind == "backup":
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        with tempfile.TemporaryDirectory(dir=memory) as directory:
            yield Backups(Path(directory))
    else:
        servers = Run()
        try:
            with harness(servers, engine, KINDS[kind]) as place:
                yield place
        finally:
            servers.close()


def attempt(tried: Subject, seed: int, number: int) -> tuple[bytes, BaseException | None]:
    """One case: the file, and what it broke."""
    random = Random(f"{seed}:{number}")
    document = tried.tampered(random)
    began, used = time.process_time(), _memory()
    try:
        tried.judge(random, document)
        took, more = time.process_time() - began, _memory() - used
        assert took < SECONDS, f"it took {took:.1f} seconds"
        assert more < MEMORY, f"it took {more >> 20} MiB"
    except Exception as fault:
        return document, fault
    return document, None


def _memory() -> int:
    """The most that was ever in use, in bytes (getrusage(2): kilobytes on Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=[*KINDS, "golden", "backup"])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--engine", default="sqlite")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"))
    given = parser.parse_args()
    reflect_once()
    faults = 0
    with subject(given.kind, given.engine) as tried:
        for number in range(given.first, given.first + given.cases):
            document, fault = attempt(tried, given.seed, number)
            if fault is not None:
                faults += 1
                given.keep.mkdir(exist_ok=True)
                path = given.keep / f"{given.kind}-{given.seed}-{number}"
                path.write_bytes(document)
                tried.recover()
                traceback.print_exception(fault, limit=-4)
                _say(f"^ {path}: --seed {given.seed} --first {number} --cases 1")
            if (number + 1) % SEVERAL == 0 or faults == MOST_FAULTS:
                _say(_told(given, tried, number, faults))
            if faults == MOST_FAULTS:
                break
        _say(_told(given, tried, number, faults))
    sys.exit(1 if faults else 0)


def _told(given: argparse.Namespace, tried: Subject, number: int, faults: int) -> str:
    told = ", ".join(f"{name} {n}" for name, n in tried.outcomes.most_common())
    tally = f"{number + 1 - given.first} cases, {faults} faults"
    return f"{given.kind} on {given.engine}, seed {given.seed}: {tally}: {told}"


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
