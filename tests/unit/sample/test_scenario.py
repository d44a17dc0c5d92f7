from __future__ import annotations

from pathlib import Path

import pytest
from unit.sample.world import SMALL

from demo_snapshots.errors import ScenarioError
from demo_snapshots.sample.scenario import (
    load_scenario,
    load_scenario_file,
    parse_scenario,
    scenario_names,
)


def test_three_scenarios_are_shipped() -> None:
    assert scenario_names() == ("developer", "general", "writer")
    assert [load_scenario(name).scenario for name in scenario_names()] == list(scenario_names())


@pytest.mark.parametrize("name", ["generel", "", "../general", "general.yaml"])
def test_an_unknown_name_names_those_there_are(name: str) -> None:
    with pytest.raises(ScenarioError, match="there are developer, general, writer"):
        load_scenario(name)


def test_shipped_scenarios_share_no_vault() -> None:
    # Their slugs are unique in the database, and all three fit into one.
    slugs = [vault.slug for name in scenario_names() for vault in load_scenario(name).vaults]
    assert len(slugs) == len(set(slugs))


@pytest.mark.parametrize("name", scenario_names())
def test_there_is_enough_material_that_no_title_repeats(name: str) -> None:
    scenario = load_scenario(name)
    titles = [todo.title for topic in scenario.topics for todo in topic.todos]
    assert len(titles) == len(set(titles)) >= scenario.counts.todos
    assert len(scenario.people) == scenario.counts.contacts
    assert len(scenario.chats) == scenario.counts.chat_sessions
    assert sum(len(chat.messages) for chat in scenario.chats) == scenario.counts.chat_messages


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) == 1
    return SMALL.replace(old, new)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed("todos: 7", "todos: many"), "3: counts.todos: expected a whole number, not text"),
        (changed("todos: 7", "todo: 7"), "3: counts.todo: unknown key"),
        (changed("scenario: small", "scenario: Größe"), "1: scenario: 'Größe' cannot be"),
        (changed("hours: [9, 17]", "hours: [17, 9]"), "4: span.hours: the first hour must be"),
        (changed("slug: attic, name: Attic,", "slug: attic,"), "6: vaults.0.name: is missing"),
        (
            changed("vault: attic, description: T", "vault: cellar, description: T"),
            "8: projects.0.",
        ),
        (changed("projects: [roof]", "projects: [rooof]"), "17: people.0.projects.0: there is no"),
        (
            changed("key: bo, name: Bo", "key: bo, name: Ana Đurić"),
            "19: people.1.name: 'Ana Đurić'",
        ),
        (changed("contacts: 3", "contacts: 1"), "3: counts.contacts: every person becomes"),
        (changed("chat_sessions: 2", "chat_sessions: 0"), "3: counts.chat_messages: messages need"),
        (changed("{ana} counts", "{anna} counts"), "26: topics.0.todos.0.title: {anna} is neither"),
        (changed("{ana} counts", "{ana!r} counts"), "26: topics.0.todos.0.title: {ana} takes no"),
        (changed("{ana} counts", "{bo.company} counts"), "this person has no company"),
        (changed("{bo} has", "{bo has"), "27: topics.0.todos.1.note: "),
        (
            changed("Find the lamp", "'A lamp for {project}'"),
            "30: topics.1.todos.0.title: {project}",
        ),
        (changed("  - vault: attic\n", "  - tags: []\n"), "29: topics.1: a topic has either"),
        (changed("Not yet. ☔", "Ask {cy}."), "32: chats.0.messages.1: {cy} is neither"),
        (changed("chats:", "chat:"), "31: chat: unknown key"),
        (SMALL + "vaults: []\n", "33: not YAML: found duplicate key"),
        (changed("topics:", "topics: ["), ": not YAML: "),
        ("- just a list\n", "1: a scenario is a mapping"),
        ("", "1: a scenario is a mapping"),
        ("scenario: \x00", ": not YAML: "),
    ],
)
def test_an_error_names_file_line_and_key(content: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(content, "mine.yaml")
    assert caught.value.message.startswith("mine.yaml:")
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_several_problems_are_counted() -> None:
    content = SMALL.replace("{ana} counts", "{anna} counts").replace("{bo} has", "{bob} has")
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(content, "mine.yaml")
    assert "1 more" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "value",
    ["!!python/object/apply:os.system ['true']", "!!python/name:os.system x", "!ruby/object:X {}"],
)
def test_a_tag_constructs_nothing(value: str) -> None:
    with pytest.raises(ScenarioError, match=r"mine\.yaml:2: description"):
        parse_scenario(
            changed("description: A world for tests.", f"description: {value}"), "mine.yaml"
        )


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SMALL, "utf-8")
    assert load_scenario_file(path).people[0].name == "Ana Đurić"
    path.write_bytes(b"scenario: caf\xe9\n")
    with pytest.raises(ScenarioError, match="not UTF-8"):
        load_scenario_file(path)
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario_file(tmp_path / "missing.yaml")


def test_the_example_in_the_guide_is_a_scenario() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "scenarios.md").read_text("utf-8")
    example = guide.split("```yaml\n")[1].split("```")[0]
    assert parse_scenario(example, "bakery.yaml").scenario == "bakery"
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(
            example.replace("projects: [stollen]", "projects: [stolen]", 1), "bakery.yaml"
        )
    assert caught.value.message in guide
