"""Demo snapshots."""
