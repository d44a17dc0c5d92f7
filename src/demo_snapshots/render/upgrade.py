"""What ``upgrade`` says. As ``transfer``."""

from __future__ import annotations

from msgspec import to_builtins

from demo_snapshots.model.results import UpgradeResult
from demo_snapshots.render.report import Facts, Line, Look, Report
from demo_snapshots.render.statistics import statistics_json

_WAYS = {
    "rules": "the rules of [[drift]]",
    "alembic": "the migrations of Alembic",
    "django": "the migrations of Django",
}


def upgrade_report(result: UpgradeResult) -> Report:
    """What became of the version; its changes are shown beside."""
    before = f"{result.scenario} {result.upgraded}"
    if result.dry_run:
        line = Line(f"Would upgrade {before} to {result.version}", Look.STRONG)
    elif result.written:
        line = Line(f"Upgraded {before} to {result.version}", Look.GOOD)
    else:
        line = Line(f"{before} is of the tables of today: nothing was written", Look.GOOD)
    file = (("File", result.file),) if result.file else ()
    return (line, Facts((("By", _WAYS[result.way]), *file)))


def upgrade_json(result: UpgradeResult) -> dict[str, object]:
    return {
        "scenario": result.scenario,
        "upgraded": str(result.upgraded),
        "version": str(result.version),
        "way": result.way,
        "written": result.written,
        "dry_run": result.dry_run,
        "path": result.file,
        "digest": result.digest,
        "records": statistics_json(result.statistics),
        "tables": [to_builtins(table) for table in result.comparison.tables],
    }
