"""Every command explains itself, in its help and in the guide."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import click
import pytest

from demo_snapshots import errors
from demo_snapshots.cli import demo as demo_command

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "commands.md").read_text("utf-8")
JSON_GUIDE = (DOCS / "json.md").read_text("utf-8")
COMMANDS = sorted(demo_command.commands)
COMMON = {"--database", "--snapshots", "--config", "--no-cache", "--json", "--quiet", "--verbose"}


def section(text: str, name: str) -> str:
    """The part of a document beneath the heading ``## demo NAME``."""
    found = re.search(rf"^## demo {re.escape(name)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found, f"no section '## demo {name}'"
    return found[1]


def options_of(command: click.Command) -> set[str]:
    options = ((*p.opts, *p.secondary_opts) for p in command.params if isinstance(p, click.Option))
    return {name for names in options for name in names if name.startswith("--")}


def test_the_commands_are_those_asked_for():
    assert set(COMMANDS) >= {
        "migrate-fresh",
        "seed-enhanced",
        "export",
        "import",
        "list-exports",
        "cleanup-exports",
        "validate",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_a_description_and_examples_that_parse(demo, name):
    outcome = demo(name, "--help")
    assert outcome.status == 0
    assert outcome.stderr == ""
    text, _, examples = outcome.stdout.partition("\nExamples:\n")
    assert len(text.split("Options:")[0].split()) > 12, "a description"
    lines = [line.strip().split(" | ")[0] for line in examples.splitlines() if line.strip()]
    assert lines, "an example"
    for line in lines:
        words = line.split()
        assert words[:2] == ["demo", name]
        demo_command.commands[name].make_context(name, words[2:], resilient_parsing=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help_text(name):
    for parameter in demo_command.commands[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_the_guide_has_a_section_with_examples_options_and_statuses(name):
    text = section(GUIDE, name)
    examples = re.findall(rf"^demo {re.escape(name)}\b(.*)$", text, re.M)
    assert examples
    for rest in examples:
        demo_command.commands[name].make_context(name, rest.split(), resilient_parsing=False)
    own = options_of(demo_command.commands[name]) - COMMON
    assert own == own & set(re.findall(r"--[a-z-]+", text)), "each option is explained"
    assert "Exit statuses of its own" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_guide_names_no_option_that_is_not_there(name):
    named = set(re.findall(r"`(--[a-z-]+)", section(GUIDE, name)))
    assert named <= options_of(demo_command.commands[name])


@pytest.mark.parametrize("name", COMMANDS)
def test_json_is_documented(name):
    assert "`" in section(JSON_GUIDE, name)


def test_the_common_options_are_on_every_command_and_in_the_guide():
    for command in (demo_command, *demo_command.commands.values()):
        assert options_of(command) >= COMMON
    for option in COMMON:
        assert f"`{option}" in GUIDE


def test_every_error_has_a_status_of_its_own_in_the_guide():
    classes = [
        value
        for _, value in inspect.getmembers(errors, inspect.isclass)
        if issubclass(value, errors.DemoError)
    ]
    assert len({c.exit_code for c in classes}) == len(classes)
    for c in classes:
        assert re.search(rf"^\| {c.exit_code} \| `{c.__name__}` \| \S", GUIDE, re.M), c.__name__
    assert c.__doc__


def test_help_of_the_group_lists_the_commands_in_the_order_of_the_work(demo):
    text = demo("--help").stdout
    places = [text.index(f"\n  {name} ") for name in ("migrate-fresh", "export", "import")]
    assert places == sorted(places)
    assert "\nExamples:\n  demo export general" in text


def test_version(demo):
    assert re.fullmatch(r"demo \d+\.\d+\.\d+\n", demo("--version").stdout)
