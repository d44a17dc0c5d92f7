"""What git is told of a directory of snapshots, and whether it will look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

_ATTRIBUTES = (
    "# Documents stay byte for byte as exported, whatever core.autocrlf says.\n"
    "*.sql -text\n"
    "*.gz binary\n"
    "*.zst binary\n"
    "*.json text eol=lf\n"
    "*.yaml text eol=lf\n"
    "/_files/* binary\n"
)
_GENERATED = (
    "# A diff of latest.* shows the rows that changed; forges fold the numbered files.\n"
    "*_v*_????-??-??.* linguist-generated gitlab-generated\n"
)
# As they were written before there were uploaded files, and while SQL was the only form.
_WITHOUT_FILES = _ATTRIBUTES.removesuffix("/_files/* binary\n")
_ONLY_SQL = (
    "# Documents stay byte for byte as exported, whatever core.autocrlf says.\n"
    "*.sql -text\n"
    "*.sql.gz binary\n"
    "*.sql.zst binary\n"
    "*.json text eol=lf\n"
)
_ONLY_SQL_GENERATED = (
    "# A diff of latest.sql shows the rows that changed; forges fold the numbered files.\n"
    "*_v*_????-??-??.sql linguist-generated gitlab-generated\n"
)
_IGNORE = "/metadata/.lock\n/metadata/*.damaged-*\n.*.tmp-*\n"


def companions(*, folded: bool) -> Mapping[str, Sequence[bytes]]:
    """Files of git, by name: as they are to be, then as they were ever written, so that one which
    somebody edited is told from them. ``folded``: forges fold diffs of the numbered versions."""
    plain, with_folding = _ATTRIBUTES.encode(), (_ATTRIBUTES + _GENERATED).encode()
    pairs = (_WITHOUT_FILES, _GENERATED), (_ONLY_SQL, _ONLY_SQL_GENERATED)
    once = [text.encode() for one, more in pairs for text in (one, one + more)]
    now = (with_folding, plain) if folded else (plain, with_folding)
    return {
        ".gitattributes": (*now, *once),
        ".gitignore": (_IGNORE.encode(),),
    }


def is_in_git_work_tree(root: Path) -> bool:
    """Whether the directory, which need not exist, lies in a work tree of git."""
    root = root.absolute()
    return any((parent / ".git").exists() for parent in (root, *root.parents))
