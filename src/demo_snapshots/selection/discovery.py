"""A database -> the tables that look as if they held demo rows, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from msgspec import Struct, field

from demo_snapshots.engines.database import Database
from demo_snapshots.model.rules import Follows, FollowsAny, Marked, Rule, TableSelection, Where
from demo_snapshots.model.tables import ForeignKey, Kind, Table
from demo_snapshots.selection.assumed import AssumedKey, assume, with_assumed
from demo_snapshots.selection.counting import COUNTED_ROWS, Counting
from demo_snapshots.selection.evergreen import proposed
from demo_snapshots.selection.following import Following, follow
from demo_snapshots.selection.frameworks import is_bookkeeping
from demo_snapshots.selection.markers import (
    SAMPLED_ROWS,
    Marker,
    Sample,
    find_breakdown,
    find_marker,
)
from demo_snapshots.selection.roots import Root, find_roots, some_rows
from demo_snapshots.selection.schema import Schema, reflect
from demo_snapshots.selection.undeclared import CONTENT_TYPES

_MOST_CANDIDATES = 5


class Finding(Struct, frozen=True):
    """A table of demo rows; ``name`` is what the configuration calls it. ``rows`` are those it
    selects now: at least so many unless ``exact``, None where counting would take long.
    ``doubtful`` ones are for the user to decide. ``key`` is what it follows by, where the database
    does not declare that. A ``Where`` with a ``subject`` means the rows in which that is not
    NULL."""

    name: str
    selection: TableSelection
    reasons: tuple[str, ...]
    rows: int | None = None
    exact: bool = False
    doubtful: bool = False
    subject: str = ""
    key: AssumedKey | None = None


class Candidate(Struct, frozen=True):
    """Rows that may be the demo, where nothing marks any: those of ``table`` for which
    ``condition`` holds, for the reason in words. ``rows`` as in Finding; ``followers`` are the
    tables whose rows would be demo rows because of them, and ``following`` how many those are,
    None where counting would take long."""

    table: str
    condition: str
    reason: str
    rows: int | None
    followers: tuple[str, ...]
    following: int | None


class ExternalReference(Struct, frozen=True):
    """Demo rows that reference rows of a table that is not demo data. ``rows`` as in Finding;
    ``natural_key`` are columns by which another database knows the same row, if any."""

    table: str
    key: ForeignKey
    rows: int | None
    natural_key: tuple[str, ...]


class Findings(Struct, frozen=True):
    """``tables``: those with a marker by name, then those that follow, nearest first, then the
    doubtful. ``scenarios`` are those seen, sorted; ``looked_at`` counts the tables that were
    looked at; ``sampled`` names those too large to be looked at to the end. ``assumed`` are the
    foreign keys, of demo tables or to them, that the database does not declare and that none of
    ``tables`` follows by. ``others`` are candidates that were not taken. ``example`` is, where
    nothing was found, a table that many others follow, and those. ``configured`` says what the
    configuration calls each table. ``evergreen`` are columns of ``tables`` whose dates may move
    with today, by what these are called there."""

    tables: tuple[Finding, ...]
    external: tuple[ExternalReference, ...]
    scenarios: tuple[str, ...]
    looked_at: int
    sampled: tuple[str, ...]
    example: tuple[Finding, ...] = ()
    assumed: tuple[AssumedKey, ...] = ()
    others: tuple[Candidate, ...] = ()
    configured: Mapping[str, str] = field(default_factory=dict)
    evergreen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


Choose = Callable[[Sequence[Candidate]], int | None]
"""Which of some candidates is the demo, if any."""


def first(candidates: Sequence[Candidate]) -> int:
    """The likeliest one, without asking."""
    return 0


def look(database: Database, choose: Choose = first) -> Findings:
    """Look at every table for demo rows: at its columns, at ``SAMPLED_ROWS`` rows from each
    end, and along the foreign keys, declared or borne out by the rows. Where nothing marks demo
    rows, ``choose`` says which rows are the demo, outside any transaction. Changes nothing.
    Raises DatabaseError."""
    with database.reading():
        seen = _Seen.of(database)
        candidates = [] if seen.marked else seen.candidates()
    chosen = choose(candidates) if candidates else None
    with database.reading():
        return seen.findings(candidates, chosen)


class _Seen:
    """The tables of a database, what marks their rows, and what else may."""

    def __init__(
        self,
        database: Database,
        schema: Schema,
        tables: Mapping[str, Table],
        samples: Mapping[str, Sample],
        assumed: Sequence[AssumedKey],
    ) -> None:
        self.database, self.schema, self.samples = database, schema, samples
        self.assumed = assumed
        self.tables = with_assumed(tables, assumed)
        self.spelled = {table: name for name, table in schema.configured.items()}
        self.marked = {n: m for n, sample in samples.items() if (m := find_marker(sample))}
        self.roots = [] if self.marked else find_roots(samples)

    @classmethod
    def of(cls, database: Database) -> _Seen:
        schema = reflect(database, _names(database))
        tables = {
            table.name: table for table in schema.tables.values() if not is_bookkeeping(table)
        }
        samples = {name: Sample(database, table) for name, table in sorted(tables.items())}
        types = {n: t for n, t in schema.tables.items() if n == CONTENT_TYPES}
        return cls(database, schema, tables, samples, assume(samples, {**tables, **types}))

    # --- What else may be the demo ---------------------------------------------------------------

    def candidates(self) -> list[Candidate]:
        """One for each root, with what hangs on it."""
        found = []
        for root in self.roots[:_MOST_CANDIDATES]:
            followings = [f for f in follow(self.tables, {root.table}) if not f.weak]
            counting = Counting(self.database, self.samples, self._rules({}, [root], followings))
            counts = [counting.of(f.table)[0] for f in followings]
            found.append(
                Candidate(
                    self.spelled[root.table],
                    root.condition,
                    root.reason,
                    counting.of(root.table)[0],
                    tuple(self.spelled[f.table] for f in followings),
                    None if None in counts else sum(filter(None, counts)),
                )
            )
        return found

    def _taken(self, chosen: int | None) -> list[Root]:
        """The chosen root, and people at reserved addresses where they do not hang on it."""
        if chosen is None:
            return []
        root = self.roots[chosen]
        reached = {root.table, *(f.table for f in follow(self.tables, {root.table}) if not f.weak)}
        people = [r for r in self.roots if r.of_people and r.table not in reached]
        return [root, *people[:1]]

    # --- What is found ---------------------------------------------------------------------------

    def findings(self, candidates: Sequence[Candidate], chosen: int | None) -> Findings:
        taken = self._taken(chosen)
        found = self.marked
        certain = {name for name, marker in found.items() if not marker.doubtful}
        certain |= {root.table for root in taken}
        free = {n: t for n, t in self.tables.items() if n not in found or n in certain}
        followings = follow(free, certain)
        rules = self._rules(found, taken, followings)
        counting = Counting(self.database, self.samples, rules)
        findings = sorted(
            [
                *(self._by_marker(name, rules[name], found[name], counting) for name in found),
                *(self._by_root(root, rules[root.table], counting) for root in taken),
                *(self._by_following(f, rules[f.table], counting) for f in followings),
            ],
            key=lambda finding: finding.doubtful,
        )
        return Findings(
            tables=tuple(findings),
            external=tuple(_external(findings, self.tables, counting)),
            scenarios=tuple(sorted({name for m in found.values() for name in m.scenarios})),
            looked_at=len(self.tables),
            sampled=tuple(n for n in self.samples if counting.is_large(n)),
            example=() if findings else self._example(),
            assumed=tuple(self._unfollowed(findings)),
            others=tuple(
                candidate
                for candidate, root in zip(candidates, self.roots, strict=False)
                if root not in taken
            ),
            configured=self.spelled,
            evergreen={
                f.name: proposed(self.tables[f.selection.table], f.selection) for f in findings
            },
        )

    def _rules(
        self,
        found: Mapping[str, Marker],
        roots: Sequence[Root],
        followings: Sequence[Following],
    ) -> dict[str, TableSelection]:
        selected = {*found, *(r.table for r in roots), *(f.table for f in followings if not f.weak)}
        conditions = {root.table: Where(*[root.condition] * 3) for root in roots}
        return {
            **{
                name: _rule_by_marker(name, marker, self.database) for name, marker in found.items()
            },
            **{name: TableSelection(name, where) for name, where in conditions.items()},
            **{
                f.table: TableSelection(f.table, _rule_by_key(f, self.tables[f.table], selected))
                for f in followings
            },
        }

    def _unfollowed(self, findings: Sequence[Finding]) -> Iterator[AssumedKey]:
        selected = {finding.selection.table for finding in findings if not finding.doubtful}
        followed = [finding.key for finding in findings if not finding.doubtful]
        for assumed in self.assumed:
            ends = {assumed.table, *(key.referenced_table for key in assumed.keys)}
            if ends & selected and assumed not in followed:
                yield assumed

    def _example(self) -> tuple[Finding, ...]:
        tables, spelled = self.tables, self.spelled
        roots = [name for name, table in sorted(tables.items()) if len(table.key) == 1]
        trees = {name: [f for f in follow(tables, {name}) if not f.weak] for name in roots}
        if not trees:
            return ()
        root = max(trees, key=lambda name: (not tables[name].foreign_keys, len(trees[name])))
        condition = some_rows(tables[root].column(tables[root].key[0]))
        rules = self._rules({}, [Root(root, condition, "")], trees[root])
        return (
            Finding(spelled[root], rules[root], ()),
            *(
                Finding(spelled[f.table], rules[f.table], _reasons(f), key=self._assumed_of(f))
                for f in trees[root]
            ),
        )

    def _by_marker(
        self, name: str, rule: TableSelection, marker: Marker, counting: Counting
    ) -> Finding:
        reasons = [marker.reason]
        if marker.doubtful:
            reasons.append("every row has one, so every row would be a demo row")
        rows, exact = counting.of(name)
        return Finding(
            self.spelled[name],
            _with_breakdown(rule, self.samples[name]),
            tuple(reasons),
            rows,
            exact,
            marker.doubtful,
            marker.field.column if marker.by_scenario else "",
        )

    def _by_root(self, root: Root, rule: TableSelection, counting: Counting) -> Finding:
        rows, exact = counting.of(root.table)
        selection = _with_breakdown(rule, self.samples[root.table])
        reasons = [root.reason]
        if exact and rows == counting.all_of(root.table):
            reasons.append("every row of the table is one, so see whether there are real ones")
        return Finding(self.spelled[root.table], selection, tuple(reasons), rows, exact)

    def _by_following(
        self, following: Following, rule: TableSelection, counting: Counting
    ) -> Finding:
        rows, exact = counting.of(rule.table)
        selection = _with_breakdown(rule, self.samples[rule.table])
        assumed = self._assumed_of(following)
        reasons = _reasons(following)
        if assumed:
            reasons = (*reasons, f"the database does not declare it: {share(assumed)}")
        return Finding(
            self.spelled[rule.table], selection, reasons, rows, exact, following.weak, "", assumed
        )

    def _assumed_of(self, following: Following) -> AssumedKey | None:
        """What a table follows by, if the database does not declare it."""
        if following.key.declared:
            return None
        return next(
            each
            for each in self.assumed
            if each.table == following.table and following.key in each.keys
        )


def _names(database: Database) -> list[str]:
    """All tables as the configuration calls them; of several of one name the first, since a
    snapshot holds only one. A partition's rows are those of the whole."""
    catalog = database.catalog
    with database.wrapped():
        parts, home, tables = catalog.partitions(), catalog.home(), catalog.tables()
    names: dict[str, str] = {}
    for schema, found in tables.items():
        for name in found:
            if (schema or home, name) not in parts:
                names.setdefault(name, f"{schema}.{name}" if schema else name)
    return list(names.values())


def _rule_by_marker(name: str, marker: Marker, database: Database) -> TableSelection:
    if marker.by_scenario:
        condition = f"{database.dialect.quote(marker.field.column)} IS NOT NULL"
        return TableSelection(name, Where(condition, condition, condition), marker.scenario)
    return TableSelection(name, Marked(marker.field), marker.scenario)


def _rule_by_key(following: Following, table: Table, selected: Collection[str]) -> Rule:
    """By the foreign key; by all that go by the same columns, where another says which it is."""
    keys = [following.key]
    if following.key.only:
        keys = [
            key
            for key in table.foreign_keys
            if key.only and key.columns == following.key.columns
            if key.referenced_table in selected and key.referenced_table != table.name
        ]
    ways = [Follows(k.columns, k.referenced_table, k.referenced_columns, k.only) for k in keys]
    return ways[0] if len(ways) == 1 else FollowsAny(tuple(ways))


def _reasons(following: Following) -> tuple[str, ...]:
    key = following.key
    what = f"what {key.only.column} says by {', '.join(key.columns)}" if key.only else _path(key)
    reasons = [f"its rows reference {what}"]
    if following.others:
        others = " and ".join(_path(key) for key in following.others)
        own = ", ".join(key.columns)
        reasons.append(f"they also reference {others}; {own} was chosen: {following.because}")
    if following.loose:
        reasons.append("they need not reference any: see that those that do are demo rows")
    if following.weak:
        reasons.append("they outlive what they reference (it becomes NULL), so look before use")
    return tuple(reasons)


def _path(key: ForeignKey) -> str:
    return f"{key.referenced_table} by {', '.join(key.columns)}"


def share(assumed: AssumedKey) -> str:
    """How far the rows bear an assumed key out, in words."""
    text = f"{assumed.found:,} of {assumed.looked_at:,} values looked at lead to a row"
    if assumed.found == assumed.looked_at:
        return text
    return f"{text} ({assumed.found * 100 // assumed.looked_at} %)"


def _with_breakdown(rule: TableSelection, sample: Sample) -> TableSelection:
    return TableSelection(rule.table, rule.rule, rule.scenario, find_breakdown(sample))


def _external(
    findings: list[Finding], tables: Mapping[str, Table], counting: Counting
) -> list[ExternalReference]:
    selected = {f.selection.table for f in findings if not f.doubtful}
    by_name = {table.name: table for table in tables.values()}
    found = []
    for name in sorted(selected):
        for key in by_name[name].foreign_keys:
            if key.referenced_table in selected or key.referenced_table == CONTENT_TYPES:
                continue
            given = counting.database.dialect.references(key)
            rows, _ = counting.of(name, f" AND {given}")
            if rows != 0:
                natural = _natural_key(by_name.get(key.referenced_table))
                found.append(ExternalReference(name, key, rows, natural))
    return found


def _natural_key(table: Table | None) -> tuple[str, ...]:
    for unique in table.uniques if table else ():
        if table and all(table.column(name).kind is Kind.TEXT for name in unique):
            return unique
    return ()


__all__ = ["COUNTED_ROWS", "SAMPLED_ROWS", "ExternalReference", "Finding", "Findings", "look"]
