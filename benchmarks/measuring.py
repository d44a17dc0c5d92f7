"""Contenders, run in turn, and what came of it."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from tempfile import TemporaryDirectory

LAUNCHER = Path(__file__).with_name("launcher.py")
STEP_SECONDS = 1800

# What would lead a command to another database than the one it is given, or to another output.
_FOREIGN = ("DATABASE_URL", "DB_", "DEMO_", "APP_ENV", "PG", "MYSQL", "MARIADB", "DJANGO", "PYTHON")


class ContenderError(Exception):
    """A contender failed, or the rows it was to bring did not arrive."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a turn; its first word is the program's path. Paths are absolute."""

    command: Sequence[str | Path]
    stdin: Path | None = None
    stdout: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What is measured (the steps, together), how the result is checked, what was written."""

    steps: Sequence[Step]
    check: Callable[[], None]
    output: Path | None = None


@dataclass(frozen=True, slots=True)
class Contender:
    """``turn`` prepares, gives the turn, and cleans up; only the steps are measured.

    ``target`` is the highest ratio of the job's first contender's time to this one's;
    ``peak_limit`` the most bytes of memory. ``missing`` says why it cannot run here and how to
    get it. ``most_turns`` is for those that take minutes; ``check_last`` for checks that do.
    """

    name: str
    turn: Callable[[], AbstractContextManager[Turn]]
    target: float | None = None
    peak_limit: int | None = None
    rows: int | None = None
    most_turns: int | None = None
    check_last: bool = False
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds, and bytes at the peak of the turn's largest process."""

    wall: float
    user: float
    system: float
    peak: int


@dataclass(slots=True)
class Outcome:
    """A contender's samples. ``failure`` and ``missing`` say why there are none, or too few."""

    name: str
    target: float | None
    peak_limit: int | None
    rows: int | None
    samples: list[Sample] = field(default_factory=list)
    output_bytes: int | None = None
    checked: bool = False
    missing: str | None = None
    failure: str | None = None

    @property
    def median(self) -> float:
        return statistics.median(sample.wall for sample in self.samples)

    @property
    def fastest(self) -> float:
        return min(sample.wall for sample in self.samples)

    @property
    def slowest(self) -> float:
        return max(sample.wall for sample in self.samples)

    @property
    def cpu(self) -> float:
        return statistics.median(sample.user + sample.system for sample in self.samples)

    @property
    def peak(self) -> int:
        return max(sample.peak for sample in self.samples)


@dataclass(slots=True)
class JobResult:
    """The outcomes of one job; the first is what the others are compared with, if ``compares``."""

    name: str
    title: str
    compares: bool
    outcomes: list[Outcome]
    slope_target: float | None = None

    def ratio(self, other: Outcome) -> float | None:
        """Our median time over theirs."""
        ours = self.outcomes[0]
        if not self.compares or other is ours or not ours.samples or not other.samples:
            return None
        return ours.median / other.median

    @property
    def slope(self) -> float | None:
        """The exponent of time against rows: least squares through the logarithms."""
        points = self._points()
        if self.slope_target is None or len(points) < 2:
            return None
        return statistics.linear_regression(*zip(*points, strict=True)).slope

    @property
    def last_slope(self) -> float | None:
        """The same between the two largest sizes, where starting up counts least."""
        points = self._points()
        if self.slope_target is None or len(points) < 2:
            return None
        (x, y), (next_x, next_y) = points[-2:]
        return (next_y - y) / (next_x - x)

    def _points(self) -> list[tuple[float, float]]:
        return [
            (log(outcome.rows), log(outcome.median))
            for outcome in self.outcomes
            if outcome.rows and outcome.samples
        ]


def run(
    name: str,
    title: str,
    contenders: Sequence[Contender],
    *,
    turns: int,
    compares: bool = True,
    slope_target: float | None = None,
    told: Callable[[str], None],
) -> JobResult:
    """Let the contenders run in turn, ``turns`` times round."""
    outcomes = [
        Outcome(c.name, c.target, c.peak_limit, c.rows, missing=c.missing) for c in contenders
    ]
    for number in range(turns):
        for contender, outcome in zip(contenders, outcomes, strict=True):
            last = min(turns, contender.most_turns or turns) - 1
            if outcome.missing or outcome.failure or number > last:
                continue
            told(f"{name}: {contender.name}, turn {number + 1} of {last + 1}")
            try:
                _take(contender, outcome, check=number == last or not contender.check_last)
            except ContenderError as error:
                outcome.failure = str(error)
    return JobResult(name, title, compares, outcomes, slope_target)


def _take(contender: Contender, outcome: Outcome, *, check: bool) -> None:
    with contender.turn() as turn:
        samples = [measure(step) for step in turn.steps]
        outcome.samples.append(
            Sample(
                sum(sample.wall for sample in samples),
                sum(sample.user for sample in samples),
                sum(sample.system for sample in samples),
                max(sample.peak for sample in samples),
            )
        )
        if turn.output is not None:
            outcome.output_bytes = _size(turn.output)
        if check:
            outcome.checked = False
            turn.check()
            outcome.checked = True


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def measure(step: Step) -> Sample:
    """Run the step in a process of its own. ContenderError if it fails."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_FOREIGN)}
    with TemporaryDirectory(prefix="demo-bench-") as place:
        errors = Path(place, "stderr")
        files = [step.stdin or os.devnull, step.stdout or Path(place, "stdout"), errors]
        command = [*files, *step.command]
        launcher = subprocess.Popen(
            [sys.executable, "-I", "-S", LAUNCHER, *command],
            env={**kept, **step.environment},
            cwd=step.directory or place,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with _ended(launcher):
            try:
                printed, _ = launcher.communicate(timeout=STEP_SECONDS)
            except subprocess.TimeoutExpired:
                raise ContenderError(f"no end after {STEP_SECONDS} s") from None
        said = errors.read_text("utf-8", "replace").split("\n") if errors.exists() else []
        if launcher.returncode:
            raise ContenderError(f"could not be started: {step.command[0]}")
    wall, user, system, peak, status = printed.split()
    if int(status):
        raise ContenderError(f"exit status {status}: {_end(said)}")
    return Sample(float(wall), float(user), float(system), int(peak))


def _end(lines: Sequence[str]) -> str:
    """What matters of an error: the last lines, below whatever traceback."""
    return " ".join(line.strip() for line in lines if line.strip())[-400:]


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Nothing of what ``process`` started outlives an interrupted measurement."""
    try:
        yield
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def prepare(*steps: Step) -> None:
    """Run steps that nobody measures."""
    for step in steps:
        measure(step)
