"""``demo``, and ``python -m demo_snapshots``."""

from __future__ import annotations

import gc

_CONTAINERS = 50_000


def main() -> None:
    """Run ``demo`` with the process's arguments; ends the process with its exit status."""
    # What is imported stays: looking through it for garbage every 700 objects, as Python does, is
    # a tenth of what a small command takes.
    gc.set_threshold(_CONTAINERS)
    from demo_snapshots.cli import main as run

    gc.freeze()
    run()


if __name__ == "__main__":
    main()
