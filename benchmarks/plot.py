"""A report as a picture: our time beside each contender's, and time against rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import Report

_MET, _MISSED, _PLAIN = "#2a7f62", "#c8553d", "#8a93a6"


def missing() -> str | None:
    """Why nothing can be drawn here, and how to change that."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return "matplotlib is not installed: make bench does it"
    return None


def draw(report: Report, directory: Path) -> list[Path]:
    """Write ``benchmarks.png`` and ``benchmarks.svg``."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    # Otherwise every drawing of the same figures differs.
    pyplot.rcParams["svg.hashsalt"] = "benchmarks"
    ratios = _ratios(report)
    growth = [job for job in report["jobs"] if job["slope"] is not None]
    heights = [0.28 * len(ratios) + 1.2] * bool(ratios) + [4.0] * bool(growth)
    if not heights:
        return []
    figure, axes = pyplot.subplots(
        len(heights), 1, figsize=(9, sum(heights)), height_ratios=heights, squeeze=False
    )
    places = list(axes[:, 0])
    if ratios:
        _draw_ratios(places.pop(0), ratios)
    if growth:
        _draw_growth(places.pop(0), growth)
    figure.tight_layout()
    written = [directory / "benchmarks.png", directory / "benchmarks.svg"]
    figure.savefig(written[0], dpi=150, metadata={"Software": None})
    figure.savefig(written[1], metadata={"Date": None})
    pyplot.close(figure)
    return written


def _ratios(report: Report) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (f"{job['name']} / {entry['name']}", entry)
        for job in report["jobs"]
        for entry in job["contenders"]
        if entry.get("ratio") is not None and entry["target"]
    ]


def _draw_ratios(axes: Any, ratios: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    from matplotlib.ticker import FuncFormatter

    for position, (_, entry) in enumerate(ratios):
        ratio, target = entry["ratio"], entry["target"]
        colour = {True: _MET, False: _MISSED, None: _PLAIN}[entry["met"]]
        # From 1, since on this axis a length from the edge would mean nothing.
        axes.plot([1, ratio], [position, position], color=colour, lw=5, solid_capstyle="butt")
        axes.plot([ratio], [position], "o", color=colour)
        axes.plot([target, target], [position - 0.4, position + 0.4], color="black", lw=2)
        # Beyond the mark, where it would stand upon it.
        end = max(ratio, target) if ratio >= 1 else min(ratio, target)
        axes.annotate(
            f"{ratio:.2f}",
            (end, position),
            (8, 0) if ratio >= 1 else (-8, 0),
            textcoords="offset points",
            va="center",
            ha="left" if ratio >= 1 else "right",
            fontsize=8,
        )
    axes.axvline(1, color="#cccccc", lw=1, zorder=0)
    shown = [1, *(entry[what] for _, entry in ratios for what in ("ratio", "target"))]
    axes.set_xscale("log")
    axes.set_xlim(min(shown) / 1.6, max(shown) * 1.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter("")
    axes.set_yticks(range(len(ratios)), [name for name, _ in ratios], fontsize=8)
    axes.invert_yaxis()
    axes.set_title(
        "Our time over theirs: left of 1 is faster, the black mark is the target", fontsize=10
    )
    axes.spines[["top", "right"]].set_visible(False)


def _draw_growth(axes: Any, jobs: Sequence[Mapping[str, Any]]) -> None:
    for job in jobs:
        points = [entry for entry in job["contenders"] if entry.get("rows")]
        axes.plot(
            [point["rows"] for point in points],
            [point["median"] for point in points],
            marker="o",
            label=f"{job['name'].removeprefix('growth-')}, slope {job['slope']:.2f}",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("records")
    axes.set_ylabel("seconds")
    axes.set_title("Time against rows", fontsize=10)
    axes.legend(fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
