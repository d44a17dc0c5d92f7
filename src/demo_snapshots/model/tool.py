"""The version of this tool, from which that of the package is made."""

VERSION = "0.1.0"
TOOL = f"demo-snapshots {VERSION}"
"""What a document's header says wrote it."""
