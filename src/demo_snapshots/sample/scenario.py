"""Scenarios: YAML checked against a schema, with errors that name file, line and key.

The keys are described in ``docs/scenarios.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

from msgspec import Meta, Struct
from msgspec.structs import force_setattr
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from demo_snapshots.config.checking import Place, UnfitError, checked
from demo_snapshots.errors import ScenarioError, UsageError
from demo_snapshots.model.snapshots import check_scenario_name
from demo_snapshots.model.words import Call, Words
from demo_snapshots.sample.wording import Sentence, parse_sentence

Text = Annotated[str, Meta(min_length=1)]
Line = Annotated[str, Meta(min_length=1, max_length=200)]
"""Short enough for a column of 255 characters once its slots are filled."""
Key = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=80)]
Name = Annotated[str, Meta(min_length=1, max_length=120)]
LongName = Annotated[str, Meta(min_length=1, max_length=160)]
Count = Annotated[int, Meta(ge=0, le=10_000)]


class _Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of which every key is known."""


class Counts(_Strict, frozen=True):
    """Fragments, and rows of their own tables, at scale 1; chat_messages over all sessions."""

    todos: Count = 100
    contacts: Count = 25
    chat_messages: Count = 50
    chat_sessions: Count = 10


class Span(_Strict, frozen=True):
    """When things happened: ``days`` before the moment of seeding, mostly between ``hours``."""

    days: Annotated[int, Meta(ge=1, le=3650)] = 42
    hours: tuple[Annotated[int, Meta(ge=0, le=23)], Annotated[int, Meta(ge=1, le=24)]] = (8, 19)

    def __post_init__(self) -> None:
        if self.hours[0] >= self.hours[1]:
            raise UnfitError("the first hour must be before the last", "hours")


class VaultSpec(_Strict, frozen=True):
    slug: Key
    name: Name
    description: Text


class ProjectSpec(_Strict, frozen=True):
    key: Key
    name: LongName
    vault: str
    description: Text
    status: Literal["planned", "active", "on_hold", "done"] = "active"


class PersonSpec(_Strict, frozen=True, kw_only=True):
    key: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$")]
    name: Name
    first: str | None = None
    role: Name
    company: LongName | None = None
    email: Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)]
    phone: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    vault: str
    projects: tuple[str, ...] = ()
    note: Text
    tags: tuple[Text, ...] = ()


class TodoLine(_Strict, frozen=True):
    title: Line
    note: Text | None = None


if TYPE_CHECKING:
    Todo = TodoLine
else:
    # In YAML either its mapping or just its title; the mapping by the time anybody looks.
    Todo = TodoLine | Line


class Topic(_Strict, frozen=True, kw_only=True):
    """Todos that belong together: to a project, or to a vault and no project."""

    project: str | None = None
    vault: str | None = None
    tags: tuple[Text, ...] = ()
    todos: Annotated[tuple[Todo, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        if (self.project is None) == (self.vault is None):
            raise ValueError("a topic has either a project or a vault")
        lines = (TodoLine(todo) if isinstance(todo, str) else todo for todo in self.todos)
        force_setattr(self, "todos", tuple(lines))


class Chat(_Strict, frozen=True, kw_only=True):
    """A conversation about a project; the user speaks first, then both in turn."""

    project: str
    title: Line
    tags: tuple[Text, ...] = ()
    messages: Annotated[tuple[Text, ...], Meta(min_length=1)]

    @property
    def vault(self) -> None:
        """None: a chat is where its project is."""
        return None


class Scenario(_Strict, frozen=True, kw_only=True):
    """A demo world and how much of it to make."""

    scenario: str
    description: Text
    counts: Counts = Counts()
    span: Span = Span()
    vaults: Annotated[tuple[VaultSpec, ...], Meta(min_length=1)]
    projects: tuple[ProjectSpec, ...] = ()
    people: tuple[PersonSpec, ...] = ()
    words: dict[Key, Annotated[tuple[Text, ...], Meta(min_length=1)]] = {}
    topics: tuple[Topic, ...] = ()
    chats: tuple[Chat, ...] = ()

    def __post_init__(self) -> None:
        try:
            check_scenario_name(self.scenario)
        except UsageError as error:
            raise UnfitError(error.message, "scenario") from None

    def project(self, key: str | None) -> ProjectSpec | None:
        """The project of that key; None for None."""
        return next((project for project in self.projects if project.key == key), None)

    def people_of(self, home: Topic | Chat) -> tuple[int, ...]:
        """The positions of the people whom ``{person}`` may mean in a topic or chat."""
        return tuple(
            position
            for position, person in enumerate(self.people)
            if (home.project in person.projects if home.project else home.vault == person.vault)
        )

    def sentence(self, text: str, home: Topic | Chat) -> Sentence:
        """A text of a topic or chat, taken apart. Raises ValueError for a slot nothing fills."""
        project = self.project(home.project)
        return parse_sentence(
            text,
            people=[person.key for person in self.people],
            words=self.words,
            project=project.name if project else None,
            can_draw=bool(self.people_of(home)),
            without_company=[i for i, person in enumerate(self.people) if not person.company],
        )


def scenario_names() -> tuple[str, ...]:
    """The shipped scenarios, by name."""
    directory = resources.files("demo_snapshots.sample") / "scenarios"
    return tuple(
        sorted(
            entry.name.removesuffix(".yaml")
            for entry in directory.iterdir()
            if entry.name.endswith(".yaml")
        )
    )


def load_scenario(name: str) -> Scenario:
    """A shipped scenario. Raises ScenarioError, naming those there are, for any other name."""
    names = scenario_names()
    if name not in names:
        raise ScenarioError(
            f"there is no scenario {name!r}; there are {', '.join(names)}",
            hint=Words("A scenario of your own is loaded with ", Call(scenario_file=...), "."),
        )
    file = resources.files("demo_snapshots.sample") / "scenarios" / f"{name}.yaml"
    return parse_scenario(file.read_text("utf-8"), f"{name}.yaml")


def load_scenario_file(path: str | Path) -> Scenario:
    """One's own scenario. Raises ScenarioError naming file, line and key of what is wrong."""
    try:
        content = Path(path).read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: not UTF-8") from error
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from error
    return parse_scenario(content, str(path))


def parse_scenario(content: str, name: str) -> Scenario:
    """The scenario that the YAML ``content`` of the file ``name`` describes."""
    tree = _read_yaml(content, name)
    try:
        scenario = checked(tree, Scenario)
    except UnfitError as error:
        _refuse(tree, name, [(error.place, error.message)])
    problems = list(_contradictions(scenario))
    if problems:
        _refuse(tree, name, problems)
    return scenario


def _read_yaml(content: str, name: str) -> CommentedMap:
    # The round-trip reader keeps the line of every key, and like the safe one constructs
    # nothing but mappings, lists and scalars, whatever a tag asks for.
    yaml = YAML(typ="rt", pure=True)
    try:
        tree = yaml.load(content)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = str(error.problem or error.context).splitlines()[0]
        raise ScenarioError(f"{where}: not YAML: {problem}") from None
    except (YAMLError, ValueError) as error:
        raise ScenarioError(f"{name}: not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(tree, CommentedMap):
        raise ScenarioError(f"{name}:1: a scenario is a mapping of keys, see docs/scenarios.md")
    return tree


def _refuse(tree: CommentedMap, name: str, problems: list[tuple[Place, str]]) -> NoReturn:
    place, message = problems[0]
    key = ".".join(str(step) for step in place)
    more = f"{len(problems) - 1} more like it. " if len(problems) > 1 else ""
    raise ScenarioError(
        f"{name}:{_line(tree, place)}: {key}: {message}",
        hint=f"{more}The keys are described in docs/scenarios.md.",
    )


def _line(tree: Any, place: Place) -> int:
    """The 1-based line of a place, or of the nearest thing around it that is there."""
    line = 0
    for step in place:
        try:
            if isinstance(tree, CommentedMap):
                line = tree.lc.key(step)[0]
            elif isinstance(tree, CommentedSeq):
                line = tree.lc.item(step)[0]
            else:
                break
            tree = tree[step]
        except (KeyError, IndexError):
            break
    return line + 1


def _contradictions(scenario: Scenario) -> Iterator[tuple[Place, str]]:
    """What no single value shows: names given twice, names that nothing bears, empty slots."""
    yield from _repeated("vaults", "slug", [vault.slug for vault in scenario.vaults])
    yield from _repeated("projects", "key", [project.key for project in scenario.projects])
    yield from _repeated("people", "key", [person.key for person in scenario.people])
    yield from _repeated("people", "name", [person.name for person in scenario.people])
    unknown = list(_unknown_names(scenario))
    yield from unknown
    if not unknown:  # a line can only be taken apart where its topic's project is known
        yield from _empty_slots(scenario)
    if scenario.counts.contacts < len(scenario.people):
        yield (
            ("counts", "contacts"),
            f"every person becomes a contact, and there are {len(scenario.people)} people",
        )
    if scenario.counts.chat_messages and not scenario.counts.chat_sessions:
        yield ("counts", "chat_messages"), "messages need at least one of chat_sessions"
    for material, counted in (
        ("people", "contacts"),
        ("topics", "todos"),
        ("chats", "chat_sessions"),
        ("chats", "chat_messages"),
    ):
        if getattr(scenario.counts, counted) and not getattr(scenario, material):
            yield ("counts", counted), f"needs {material}, and there are none"


def _repeated(section: str, key: str, values: list[str]) -> Iterator[tuple[Place, str]]:
    for position, value in enumerate(values):
        if value in values[:position]:
            yield (section, position, key), f"{value!r} is there twice"


def _unknown_names(scenario: Scenario) -> Iterator[tuple[Place, str]]:
    vaults = [vault.slug for vault in scenario.vaults]
    projects = [project.key for project in scenario.projects]
    for position, project in enumerate(scenario.projects):
        yield from _known(project.vault, vaults, ("projects", position, "vault"))
    for position, person in enumerate(scenario.people):
        yield from _known(person.vault, vaults, ("people", position, "vault"))
        for index, key in enumerate(person.projects):
            yield from _known(key, projects, ("people", position, "projects", index))
    for position, topic in enumerate(scenario.topics):
        if topic.project is not None:
            yield from _known(topic.project, projects, ("topics", position, "project"))
        if topic.vault is not None:
            yield from _known(topic.vault, vaults, ("topics", position, "vault"))
    for position, chat in enumerate(scenario.chats):
        yield from _known(chat.project, projects, ("chats", position, "project"))


def _known(name: str, names: list[str], place: Place) -> Iterator[tuple[Place, str]]:
    if name not in names:
        yield place, f"there is no {name!r}; there are {', '.join(names) or 'none'}"


def _empty_slots(scenario: Scenario) -> Iterator[tuple[Place, str]]:
    texts: list[tuple[Place, str, Topic | Chat]] = []
    for position, topic in enumerate(scenario.topics):
        for index, line in enumerate(topic.todos):
            texts.append((("topics", position, "todos", index, "title"), line.title, topic))
            texts.append((("topics", position, "todos", index, "note"), line.note or "", topic))
    for position, chat in enumerate(scenario.chats):
        for index, message in enumerate(chat.messages):
            texts.append((("chats", position, "messages", index), message, chat))
    for place, text, home in texts:
        try:
            scenario.sentence(text, home)
        except ValueError as error:
            yield place, str(error)
