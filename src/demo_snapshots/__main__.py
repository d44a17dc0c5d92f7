"""``python -m demo_snapshots`` is the ``demo`` command."""

from demo_snapshots.cli import main

main()
