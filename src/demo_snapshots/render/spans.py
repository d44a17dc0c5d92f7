"""Lines in several colours."""

from __future__ import annotations

from demo_snapshots.render.report import Look

Spans = tuple[tuple[str, Look], ...]
"""One line, in pieces that look each like something else."""
