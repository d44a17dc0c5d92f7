"""Save the demo rows of a database as one plain SQL file, and put them back.

The public API has the same verbs as the ``demo`` command::

    from datetime import UTC, datetime
    import demo_snapshots as demo

    config = demo.load_config(environment=os.environ)
    store = demo.open_store(config.snapshots, demo.describe)
    demo.export_scenario("general", config, store, now=datetime.now(UTC))
    demo.import_latest_scenario("general", config, store, confirm=None)

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demo_snapshots.cleanup import cleanup_exports
    from demo_snapshots.config import Config, load_config
    from demo_snapshots.document.reader import describe
    from demo_snapshots.errors import (
        DemoError,
        ExportError,
        ExportNotFoundError,
        ImportFailedError,
    )
    from demo_snapshots.exporting import export_scenario
    from demo_snapshots.importing import (
        import_from_file,
        import_latest_scenario,
        import_scenario_version,
    )
    from demo_snapshots.listing import get_latest_export_path, list_exports
    from demo_snapshots.repairing import repair_store
    from demo_snapshots.results import ExportResult, ImportPlan, ImportResult, ValidationResult
    from demo_snapshots.store import open_store
    from demo_snapshots.validating import validate_scenario
    from demo_snapshots.verifying import validate_export_file, verify_exports

_HOMES = {
    "cleanup": ("cleanup_exports",),
    "config": ("Config", "load_config"),
    "document.reader": ("describe",),
    "errors": ("DemoError", "ExportError", "ExportNotFoundError", "ImportFailedError"),
    "exporting": ("export_scenario",),
    "importing": ("import_from_file", "import_latest_scenario", "import_scenario_version"),
    "listing": ("get_latest_export_path", "list_exports"),
    "model": ("ExportResult", "ImportPlan", "ImportResult", "ValidationResult"),
    "repairing": ("repair_store",),
    "store": ("open_store",),
    "validating": ("validate_scenario",),
    "verifying": ("validate_export_file", "verify_exports"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Config",
    "DemoError",
    "ExportError",
    "ExportNotFoundError",
    "ExportResult",
    "ImportFailedError",
    "ImportPlan",
    "ImportResult",
    "ValidationResult",
    "cleanup_exports",
    "describe",
    "export_scenario",
    "get_latest_export_path",
    "import_from_file",
    "import_latest_scenario",
    "import_scenario_version",
    "list_exports",
    "load_config",
    "open_store",
    "repair_store",
    "validate_export_file",
    "validate_scenario",
    "verify_exports",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
