"""A scenario -> rows, one round after another, each round a small world of its own.

A round holds the counts of scale 1; its references stay inside it (and go to the vaults and
projects, which there is one set of). So any scale needs no more memory than one round.

Rows are tuples of what drivers take on every engine: numbers, None and text, with JSON and
times already written out, which is what makes millions of them bearable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from random import Random

from msgspec import Struct, field

from demo_snapshots.sample.clock import DAY, Clock
from demo_snapshots.sample.material import Line, Talk, as_json, lines_of, talks_of
from demo_snapshots.sample.people import Actor, Cast
from demo_snapshots.sample.scenario import Scenario
from demo_snapshots.sample.wording import Naming, Sentence

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "vaults": ("id", "name", "slug", "description", "metadata", "created_at", "updated_at"),
    "projects": (
        *("id", "name", "description", "status", "vault_id", "metadata"),
        *("created_at", "updated_at"),
    ),
    "fragments": (
        *("id", "type", "title", "message", "tags", "relationships", "metadata", "state"),
        *("vault", "project_id", "inbox_status", "inbox_at", "created_at", "updated_at"),
    ),
    "todos": ("id", "fragment_id", "title", "state", "created_at", "updated_at"),
    "contacts": (
        *("id", "name", "role", "company", "email", "phone", "metadata"),
        *("created_at", "updated_at"),
    ),
    "chat_sessions": (
        *("id", "title", "messages", "message_count", "last_activity_at", "metadata"),
        *("created_at", "updated_at"),
    ),
}

Row = tuple[object, ...]
Rows = dict[str, list[Row]]
"""Rows by table, in the order of ``COLUMNS`` and of their ids."""

_TITLE = 255
_UNSORTED = 7 * DAY
"""How long an open todo stays in the inbox."""
_PRIORITIES = ("low", "normal", "normal", "normal", "high")


class _Round(Struct):
    """What the rows of a round have to know of one another."""

    actors: list[Actor]
    namings: list[Naming]
    contacts_from: int
    todos_from: int
    chats_from: int
    mentioned: dict[int, tuple[int, int]] = field(default_factory=dict)
    """When the people at these positions were first and last mentioned."""
    todo_of_line: dict[int, int] = field(default_factory=dict)
    """The fragment id of the latest todo made from the line at each position."""

    def mention(self, people: tuple[int, ...], moment: int) -> None:
        for position in people:
            first, last = self.mentioned.get(position, (moment, moment))
            self.mentioned[position] = (min(first, moment), max(last, moment))

    def links(self, people: tuple[int, ...]) -> list[str]:
        return [_link(self.contacts_from + position, "mentions") for position in people]


class World:
    """The rows of a scenario. ``next_ids`` holds the first id to use in each table.

    The same arguments give the same rows; everything random comes from ``seed``. Iterating
    ``ground()`` and then ``rounds(scale)``, once each, is the whole of it.
    """

    def __init__(
        self, scenario: Scenario, *, seed: int, as_of: datetime, next_ids: Mapping[str, int]
    ) -> None:
        self._scenario = scenario
        self._random = Random(seed)
        self._clock = Clock(scenario.span, as_of, self._random)
        self._next = dict(next_ids)
        self._vault_ids = {
            vault.slug: self._next["vaults"] + i for i, vault in enumerate(scenario.vaults)
        }
        self._project_ids: dict[str | None, int] = {
            project.key: self._next["projects"] + i for i, project in enumerate(scenario.projects)
        }
        self._lines = lines_of(scenario, self._project_ids)
        self._talks = talks_of(scenario, self._project_ids, self._lines)
        self._cast = Cast(scenario.people, scenario.counts.contacts, self._random)
        self._mark = {
            kind: as_json({"demo_seed": True, "demo_category": kind, "scenario": scenario.scenario})
            for kind in ("vault", "project", "todo", "contact", "chat_message", "chat_session")
        }

    def ground(self) -> Rows:
        """The vaults and projects, older than everything in them."""
        clock = self._clock
        vaults: list[Row] = []
        for vault in self._scenario.vaults:
            at = clock.text(clock.before(21))
            key = self._vault_ids[vault.slug]
            mark = self._mark["vault"]
            vaults.append((key, vault.name, vault.slug, vault.description, mark, at, at))
        projects: list[Row] = []
        for project in self._scenario.projects:
            created = clock.before(int(self._random.random() * 18))
            projects.append(
                (
                    self._project_ids[project.key],
                    project.name,
                    project.description,
                    project.status,
                    self._vault_ids[project.vault],
                    self._mark["project"],
                    clock.text(created),
                    clock.text(clock.moment()),
                )
            )
        return {"vaults": vaults, "projects": projects}

    def rounds(self, scale: int) -> Iterator[Rows]:
        """``scale`` rounds of fragments, todos, contacts and chat sessions."""
        counts = self._scenario.counts
        for number in range(scale):
            first = self._next["fragments"]
            actors = self._cast.round(number)
            this = _Round(
                actors=actors,
                namings=[actor.naming for actor in actors],
                contacts_from=first,
                todos_from=first + counts.contacts,
                chats_from=first + counts.contacts + counts.todos,
            )
            todo_fragments, todos = self._todos(this, number)
            chat_fragments, sessions = self._chats(this)
            contact_fragments, contacts = self._contacts(this)
            self._next["fragments"] += counts.contacts + counts.todos + counts.chat_messages
            yield {
                "fragments": contact_fragments + todo_fragments + chat_fragments,
                "todos": todos,
                "contacts": contacts,
                "chat_sessions": sessions,
            }

    # --- One round ---------------------------------------------------------------------------

    def _choose(self) -> list[tuple[Line, int]]:
        """Lines for a round, each with how often it has been there before: at least one of
        every topic, the others by lot, all of them before one comes again."""
        count, lines = self._scenario.counts.todos, self._lines
        chosen: list[tuple[Line, int]] = []
        while len(chosen) < count:
            order = self._random.sample(lines, len(lines))
            seen: set[int] = set()
            first_of_topic: list[Line] = []
            others: list[Line] = []
            for line in order:
                (others if line.topic in seen else first_of_topic).append(line)
                seen.add(line.topic)
            turn = len(chosen) // len(lines)
            chosen += [(line, turn) for line in first_of_topic + others]
        del chosen[count:]
        self._random.shuffle(chosen)
        return chosen

    def _todos(self, this: _Round, number: int) -> tuple[list[Row], list[Row]]:
        random, clock = self._random.random, self._clock
        chosen = self._choose()
        turns_a_round = -(-len(chosen) // len(self._lines)) if self._lines else 0
        moments = sorted(clock.moment() for _ in chosen)
        latest: dict[int, int] = {}
        fragments: list[Row] = []
        todos: list[Row] = []
        key = self._next["todos"]
        for fragment, ((line, turn), created) in enumerate(
            zip(chosen, moments, strict=True), this.todos_from
        ):
            drawn = line.people[int(random() * len(line.people))] if line.people else -1
            mentions = line.mentions
            if line.people and drawn not in mentions:
                mentions = (*mentions, drawn)
            title = line.title.render(this.namings, drawn, self._random)
            message = line.note.render(this.namings, drawn, self._random) if line.note else title
            if copy := number * turns_a_round + turn:
                title = f"{title} ({copy + 1})"
            title = title[:_TITLE]
            state, updated = self._progress_of(created)
            links = this.links(mentions)
            if line.topic in latest and random() < 0.35:
                links.append(_link(latest[line.topic], "related_to"))
            latest[line.topic] = fragment
            this.mention(mentions, created)
            home = line.home
            this.todo_of_line[line.position] = fragment
            created_at, updated_at = clock.text(created), clock.text(updated)
            pending = state == "open" and clock.end - created < _UNSORTED
            fragments.append(
                (
                    *(fragment, "todo", title, message, home.tags, _list(links)),
                    *(self._todo_mark(created, state), state, home.vault, home.project_id),
                    *("pending" if pending else "accepted", created_at, created_at, updated_at),
                )
            )
            todos.append((key, fragment, title, state, created_at, updated_at))
            key += 1
        self._next["todos"] = key
        return fragments, todos

    def _todo_mark(self, created: int, state: str) -> str:
        random, end = self._random.random, self._clock.end
        priority = _PRIORITIES[int(random() * len(_PRIORITIES))]
        due = created + (1 + int(random() * 12)) * DAY
        if state != "done" and due < end:  # what is left is mostly not overdue
            due = end + int(random() * 14 - 2) * DAY
        day = self._clock.day(due)
        return f'{self._mark["todo"][:-1]}, "priority": "{priority}", "due": "{day}"}}'

    def _progress_of(self, created: int) -> tuple[str, int]:
        """A todo's state and when it got there: older ones are more likely done."""
        random, clock = self._random.random, self._clock
        age = (clock.end - created) / clock.end
        draw = random()
        if draw < 0.15 + 0.6 * age:
            state = "done"
        elif draw < 0.3 + 0.6 * age:
            state = "in_progress"
        else:
            return "open", created
        return state, clock.later(created, 9)

    def _chats(self, this: _Round) -> tuple[list[Row], list[Row]]:
        clock = self._clock
        fragments: list[Row] = []
        sessions: list[Row] = []
        fragment = this.chats_from
        starts = sorted(clock.moment() for _ in self._talks)
        mark = self._mark["chat_message"]
        talks = self._random.sample(self._talks, len(self._talks))
        for talk, start in zip(talks, starts, strict=True):
            times = self._times(len(talk.messages), start)
            todos = [this.todo_of_line[line] for line in talk.todos if line in this.todo_of_line]
            told = []
            for index, (sentence, at) in enumerate(zip(talk.messages, times, strict=True)):
                text, mentions = self._say(this, sentence)
                this.mention(mentions, at)
                links = [_link(fragment - 1, "replies_to")] if index else []
                if index % 2 == 0 and index // 2 < len(todos):
                    links.append(_link(todos[index // 2], "about"))
                links += this.links(mentions)
                moment = clock.text(at)
                role = "assistant" if index % 2 else "user"
                told.append({"role": role, "content": text, "at": clock.iso(at)})
                fragments.append(
                    (
                        *(fragment, "chat_message", talk.title, text, talk.home.tags),
                        *(_list(links), mark, "active", talk.home.vault, talk.home.project_id),
                        *(None, None, moment, moment),
                    )
                )
                fragment += 1
            sessions.append(self._session(talk, as_json(told), times or [start]))
        return fragments, sessions

    def _times(self, count: int, start: int) -> list[int]:
        """When ``count`` messages were sent: minutes apart, the last before the end."""
        steps = [30 + int(self._random.random() * 300) for _ in range(count)]
        at = self._clock.not_after(start, sum(steps))
        return [at := at + step for step in steps]

    def _say(self, this: _Round, sentence: Sentence) -> tuple[str, tuple[int, ...]]:
        return sentence.render(this.namings, -1, self._random), sentence.people

    def _session(self, talk: Talk, told: str, times: list[int]) -> Row:
        key = self._next["chat_sessions"]
        self._next["chat_sessions"] = key + 1
        first, last = self._clock.text(times[0]), self._clock.text(times[-1])
        count = len(talk.messages)
        return (key, talk.title, told, count, last, self._mark["chat_session"], first, last)

    def _contacts(self, this: _Round) -> tuple[list[Row], list[Row]]:
        """Everybody, known from the first time they were mentioned at the latest."""
        clock = self._clock
        fragments: list[Row] = []
        contacts: list[Row] = []
        colleagues: dict[str, int] = {}
        key, mark = self._next["contacts"], self._mark["contact"]
        for position, actor in enumerate(this.actors):
            person, name = actor.spec, actor.naming.name
            fragment = this.contacts_from + position
            met = clock.moment()
            first, last = this.mentioned.get(position, (met, met))
            created_at, updated_at = clock.text(min(met, first)), clock.text(max(met, last))
            links = []
            work = person.role
            if person.company:
                work = f"{person.role} at {person.company}"
                if person.company in colleagues:
                    links.append(_link(colleagues[person.company], "works_with"))
                colleagues[person.company] = fragment
            project = self._project_ids[person.projects[0]] if person.projects else None
            fragments.append(
                (
                    *(fragment, "contact", name, f"{work}. {person.note}"),
                    *(as_json(list(person.tags)), _list(links), mark, "active", person.vault),
                    *(project, "accepted", created_at, created_at, updated_at),
                )
            )
            contacts.append(
                (
                    *(key, name, person.role, person.company, actor.email, actor.phone),
                    *(mark, created_at, updated_at),
                )
            )
            key += 1
        self._next["contacts"] = key
        return fragments, contacts


def _link(fragment: int, kind: str) -> str:
    return f'{{"id": {fragment}, "type": "{kind}"}}'


def _list(links: list[str]) -> str:
    return f"[{', '.join(links)}]"
