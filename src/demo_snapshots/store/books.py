"""The store's books (manifest, list of schemas, latest): compared with the snapshots, and
brought in line with them under the lock."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from demo_snapshots.errors import DemoError, StoreError
from demo_snapshots.model.snapshots import Entry, Header
from demo_snapshots.model.sources import Source
from demo_snapshots.store.backends.base import Backend, Changes
from demo_snapshots.store.contents import Contents, kept_as
from demo_snapshots.store.inventory import MANIFEST, SCHEMAS, Describe, Inventory
from demo_snapshots.store.manifest import (
    parse_schemas,
    render_manifest,
    render_schemas,
    table_line,
)

Drafts = Mapping[str, tuple[Source, Header]]
"""Documents that have an entry but not their key yet: key -> where they are."""


class Books:
    """The books in ``backend``, of what ``inventory`` finds there."""

    def __init__(self, backend: Backend, inventory: Inventory, describe: Describe) -> None:
        self._backend = backend
        self._inventory = inventory
        self._describe = describe

    def inconsistencies(self, scenario: str | None = None) -> tuple[str, ...]:
        """What is wrong with them, as clauses that name them: what ``reconcile`` puts right. Of
        one scenario, or of all."""
        contents = self._inventory.contents(scenario)
        wrong = self._manifest_inconsistencies(contents, everything=scenario is None)
        for name in contents.scenarios() if scenario is None else (scenario,):
            wrong += self._latest_inconsistencies(name, contents.newest(name))
        return tuple(wrong)

    def _manifest_inconsistencies(self, contents: Contents, *, everything: bool) -> list[str]:
        name = _name(MANIFEST)
        recorded = self._inventory.recorded()
        if recorded is None:
            return [f"there is no {name}"] if contents.entries else []
        if recorded.damage:
            return [f"{name} is damaged: {'; '.join(recorded.damage)}"]
        if not everything:
            return []
        right = ((MANIFEST, render_manifest(contents)), (SCHEMAS, self._schemas(contents, {})))
        return [
            f"{_name(key)} is not in line with the files"
            for key, text in right
            if self._inventory.text(key) != text
        ]

    def _latest_inconsistencies(self, scenario: str, entry: Entry | None) -> list[str]:
        found = self._inventory.latest(scenario)
        if entry is None:
            return [f"{key} leads nowhere" for key, item in found.items() if item.dangling]
        right = _latest_key(entry)
        wrong = [f"{key} is left over" for key in found if key != right]
        source = self._backend.source(entry.path)
        if not self._backend.stands_for(right, _name(entry.path), source):
            wrong.append(f"{right} is not {entry.version}")
        return wrong

    # --- Writing, under the lock -------------------------------------------------------------

    def reconcile(self) -> tuple[str, ...]:
        """Remove what dead processes left, bring the books in line with the snapshots, keep a
        damaged manifest aside. Returns what was amiss."""
        for key in self._inventory.stale():
            with suppress(StoreError):  # the next to take the lock does
                self._backend.delete(key)
        contents = self._inventory.contents()
        with self._backend.changes() as changes:
            self._keep_aside(changes)
            self.stage(changes, contents)
            changes.commit()
        return contents.notes

    def stage(self, changes: Changes, contents: Contents, drafts: Drafts | None = None) -> None:
        """Prepare whatever has to change for the books to say ``contents``."""
        drafts = drafts or {}
        self._stage_manifest(changes, contents, drafts)
        for scenario in contents.highest:
            self._stage_latest(changes, scenario, contents.newest(scenario), drafts)

    def _stage_manifest(self, changes: Changes, contents: Contents, drafts: Drafts) -> None:
        said = self._inventory.text(MANIFEST)
        if not contents.highest and said is None:
            return
        manifest = render_manifest(contents)
        if said != manifest:
            changes.write(MANIFEST, manifest.encode())
        schemas = self._schemas(contents, drafts)
        if self._inventory.text(SCHEMAS) != schemas:
            changes.write(SCHEMAS, schemas.encode())

    def _schemas(self, contents: Contents, drafts: Drafts) -> str:
        known = parse_schemas(self._inventory.text(SCHEMAS) or "")
        return render_schemas(
            contents, lambda schema: known.get(schema) or self._tables(schema, contents, drafts)
        )

    def _tables(self, schema: str, contents: Contents, drafts: Drafts) -> tuple[str, ...]:
        entry = next(entry for entry in contents.entries if entry.schema == schema)
        if entry.path in drafts:
            header = drafts[entry.path][1]
        else:
            try:
                header = self._describe(self._backend.source(entry.path)).header
            except (DemoError, OSError):
                # Damaged since it was listed; the next run finds that out for itself.
                return ()
        return tuple(table_line(table) for table in header.tables)

    def _stage_latest(
        self, changes: Changes, scenario: str, entry: Entry | None, drafts: Drafts
    ) -> None:
        found = self._inventory.latest(scenario)
        if entry is None:
            # A copy may be all that is left of a snapshot; a dangling link is nothing.
            for key in (key for key, item in found.items() if item.dangling):
                changes.remove(key)
            return
        right, name = _latest_key(entry), _name(entry.path)
        draft = drafts.get(entry.path)
        source = draft[0] if draft else self._backend.source(entry.path)
        if not self._backend.stands_for(right, name, source):
            changes.link(right, name, source)
        for key in found:
            if key != right:
                changes.remove(key)

    def _keep_aside(self, changes: Changes) -> None:
        """Keep a damaged manifest beside the one that is about to replace it. It stays under
        its own name until then: it may hold highest numbers that no file tells."""
        recorded = self._inventory.recorded()
        if recorded is None or not recorded.damage:
            return
        number = 1
        while self._backend.look(f"{MANIFEST}.damaged-{number}") is not None:
            number += 1
        changes.keep(MANIFEST, f"{MANIFEST}.damaged-{number}")


def _latest_key(entry: Entry) -> str:
    packing, form = kept_as(entry.path)
    return f"{entry.scenario}/latest{packing.ending(form)}"


def _name(key: str) -> str:
    return key.rpartition("/")[2]
