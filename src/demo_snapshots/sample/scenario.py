"""Scenarios: YAML checked against a schema, with errors that name file, line and key.

The keys are described in ``docs/scenarios.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from demo_snapshots.errors import Call, ScenarioError, UsageError, Words
from demo_snapshots.model.snapshots import check_scenario_name
from demo_snapshots.sample.wording import Sentence, parse_sentence

Text = Annotated[str, Field(min_length=1)]
Line = Annotated[str, Field(min_length=1, max_length=200)]
"""Short enough for a column of 255 characters once its slots are filled."""
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=80)]
Place = tuple[str | int, ...]
"""Where something stands in the YAML: keys and positions from the top."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Counts(_Strict):
    """Fragments, and rows of their own tables, at scale 1; chat_messages over all sessions."""

    todos: int = Field(100, ge=0, le=10_000)
    contacts: int = Field(25, ge=0, le=10_000)
    chat_messages: int = Field(50, ge=0, le=10_000)
    chat_sessions: int = Field(10, ge=0, le=10_000)


class Span(_Strict):
    """When things happened: ``days`` before the moment of seeding, mostly between ``hours``."""

    days: int = Field(42, ge=1, le=3650)
    hours: tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=1, le=24)]] = (8, 19)

    @field_validator("hours")
    @classmethod
    def _in_order(cls, hours: tuple[int, int]) -> tuple[int, int]:
        if hours[0] >= hours[1]:
            raise ValueError("the first hour must be before the last")
        return hours


class VaultSpec(_Strict):
    slug: Key
    name: Annotated[str, Field(min_length=1, max_length=120)]
    description: Text


class ProjectSpec(_Strict):
    key: Key
    name: Annotated[str, Field(min_length=1, max_length=160)]
    vault: str
    description: Text
    status: Literal["planned", "active", "on_hold", "done"] = "active"


class PersonSpec(_Strict):
    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    first: str | None = None
    role: Annotated[str, Field(min_length=1, max_length=120)]
    company: Annotated[str, Field(min_length=1, max_length=160)] | None = None
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)]
    phone: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    vault: str
    projects: tuple[str, ...] = ()
    note: Text
    tags: tuple[Text, ...] = ()


class TodoLine(_Strict):
    """A todo; in YAML either this mapping or just its title."""

    title: Line
    note: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _just_a_title(cls, value: object) -> object:
        return {"title": value} if isinstance(value, str) else value


class Topic(_Strict):
    """Todos that belong together: to a project, or to a vault and no project."""

    project: str | None = None
    vault: str | None = None
    tags: tuple[Text, ...] = ()
    todos: Annotated[tuple[TodoLine, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_home(self) -> Topic:
        if (self.project is None) == (self.vault is None):
            raise ValueError("a topic has either a project or a vault")
        return self


class Chat(_Strict):
    """A conversation about a project; the user speaks first, then both in turn."""

    project: str
    title: Line
    tags: tuple[Text, ...] = ()
    messages: Annotated[tuple[Text, ...], Field(min_length=1)]

    @property
    def vault(self) -> None:
        """None: a chat is where its project is."""
        return None


class Scenario(_Strict):
    """A demo world and how much of it to make."""

    scenario: str
    description: Text
    counts: Counts = Field(default_factory=lambda: Counts.model_validate({}))
    span: Span = Field(default_factory=lambda: Span.model_validate({}))
    vaults: Annotated[tuple[VaultSpec, ...], Field(min_length=1)]
    projects: tuple[ProjectSpec, ...] = ()
    people: tuple[PersonSpec, ...] = ()
    words: dict[Key, Annotated[tuple[Text, ...], Field(min_length=1)]] = Field(default_factory=dict)
    topics: tuple[Topic, ...] = ()
    chats: tuple[Chat, ...] = ()

    @field_validator("scenario")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        try:
            return check_scenario_name(name)
        except UsageError as error:
            raise ValueError(error.message) from None

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
        scenario = Scenario.model_validate(tree)
    except ValidationError as error:
        problems = [(detail["loc"], _words_of(detail)) for detail in error.errors()]
        _refuse(tree, name, problems)
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


def _words_of(detail: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return "unknown key"
    if detail["type"] == "missing":
        return "is missing"
    message: str = detail["msg"]
    return message.removeprefix("Value error, ")


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
