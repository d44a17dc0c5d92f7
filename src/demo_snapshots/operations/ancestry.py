"""Which version came of which: the bases that documents name, followed through the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from demo_snapshots.documents.opening import header_of
from demo_snapshots.errors import MergeError
from demo_snapshots.model.snapshots import Entry, Parent
from demo_snapshots.model.words import Call, Words
from demo_snapshots.store import Store


class Ancestry:
    """The versions of one scenario, and of each the versions that it was made from. Reads the
    header of every file of the scenario."""

    def __init__(self, store: Store, scenario: str) -> None:
        self.entries = store.entries(scenario)
        self._named: dict[str, tuple[Parent, ...]] = {}
        for entry in self.entries:
            self._named[entry.path] = header_of(store.file(entry)).parents

    def parents(self, entry: Entry) -> list[Entry]:
        """Those of the versions it was made from that are there."""
        found = (self._find(parent, entry) for parent in self._named[entry.path])
        return [parent for parent in found if parent is not None]

    def missing(self, entry: Entry) -> list[Parent]:
        """Those that are not."""
        return [p for p in self._named[entry.path] if self._find(p, entry) is None]

    def _find(self, parent: Parent, child: Entry) -> Entry | None:
        """By digest, for a repair gives a version another number and leaves its rows alone. Of
        several with these rows the one of the same name, else the last one before the child."""
        alike = [e for e in self.entries if e.digest == parent.digest and e.path != child.path]
        for entry in alike:
            if entry.version == parent.version:
                return entry
        before = [e for e in alike if e.version.number < child.version.number]
        return next(iter(before or alike), None)

    def of(self, entry: Entry) -> dict[str, Entry]:
        """The version, those it was made from, and so on, by path."""
        found: dict[str, Entry] = {}
        ahead = [entry]
        while ahead:
            next_one = ahead.pop()
            if next_one.path not in found:
                found[next_one.path] = next_one
                ahead += self.parents(next_one)
        return found

    def nearest_common(self, ours: Entry, theirs: Entry) -> Entry:
        """The latest version that both were made from. Raises MergeError where none is known."""
        mine, others = self.of(ours), self.of(theirs)
        common = {path: entry for path, entry in mine.items() if path in others}
        nearest = [entry for entry in common.values() if not self._is_passed(entry, common)]
        if not nearest:
            raise self._no_base(ours, theirs, {**mine, **others}.values())
        return max(nearest, key=lambda entry: (entry.version, entry.path))

    def _is_passed(self, entry: Entry, common: Mapping[str, Entry]) -> bool:
        """Whether another one of ``common`` was made from it."""
        return any(
            other.path != entry.path and entry.path in self.of(other) for other in common.values()
        )

    def _no_base(self, ours: Entry, theirs: Entry, known: Iterable[Entry]) -> MergeError:
        gone = {str(parent.version) for entry in known for parent in self.missing(entry)}
        why = f"; {', '.join(sorted(gone))} is not there any more" if gone else ""
        return MergeError(
            f"no version is known that both {ours.version} and {theirs.version} came of{why}",
            hint=Words(
                "Name it with ", Call(base=...), ", or restore its file from version control."
            ),
        )

    def heads(self) -> list[Entry]:
        """The versions that no other was made from, newest first; empty where none names a base."""
        if not any(self._named.values()):
            return []
        passed = {parent.path for entry in self.entries for parent in self.parents(entry)}
        return [entry for entry in self.entries if entry.path not in passed]
