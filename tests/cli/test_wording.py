"""What the library names is there, in Python and on the command line; and it names no options."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import demo_snapshots
from demo_snapshots.cli import demo as demo_command
from demo_snapshots.cli.wording import Wording
from demo_snapshots.model.words import Call, Words
from demo_snapshots.operations.compare import CompareOptions
from demo_snapshots.operations.init import initialise
from demo_snapshots.operations.merge import MergeOptions
from demo_snapshots.operations.options import ExportOptions, ImportOptions
from demo_snapshots.operations.remove import RemoveOptions
from demo_snapshots.operations.validate import ValidateOptions
from demo_snapshots.project import Project

PACKAGE = Path(demo_snapshots.__file__).parent
FRONT_ENDS = {PACKAGE / "cli", PACKAGE / "integrations" / "django" / "management"}
LIBRARY = sorted(path for path in PACKAGE.rglob("*.py") if not FRONT_ENDS & {*path.parents})
FUNCTIONS: list[Any] = [
    demo_snapshots.open_project,
    initialise,
    *(getattr(Project, name) for name in dir(Project) if not name.startswith("__")),
]
REST: dict[str, Any] = {
    f"Unpack[{options.__name__}]": options
    for options in (
        *(CompareOptions, ExportOptions, ImportOptions),
        *(MergeOptions, RemoveOptions, ValidateOptions),
    )
}
COMMANDS = [demo_command, *demo_command.commands.values()]
WORDING = Wording(demo_command)

TOOL_OF_OTHERS = {"--ultra", "--long", "--demo-update"}
"""Options of zstd, and of pytest with our plugin."""
WRITTEN_INTO_FILES = (
    "Written by demo init, which looked at",
    'named, why = "--database"',
    "-- Load with demo import, which protects other rows;",
    "-- A delta: demo import finds and checks what it is on top of;",
    "-- In parts: demo import reads them all, demo convert makes",
    "-- Rows of a version in parts: demo import reads them",
    "The command shows them with --limit",
)
"""What stands in demo.toml, documents and pages, which people read who have the command."""


def calls() -> Iterator[tuple[str, Call]]:
    """Every call that a text of the library names, and where; what is not written out in it is
    some value of the reader's."""
    for path in LIBRARY:
        text = path.read_text("utf-8")
        # Every process of a run comes here, and most files name none.
        for node in ast.walk(ast.parse(text)) if "Call(" in text else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Call":
                method, arguments = "", []
                if node.args:
                    method, arguments = (
                        ast.literal_eval(node.args[0]),
                        ["some"] * len(node.args[1:]),
                    )
                parameters = {
                    str(keyword.arg): value_of(keyword.value) for keyword in node.keywords
                }
                place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                yield place, Call(method, *arguments, **parameters)


def value_of(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ["some"] if isinstance(node, ast.List) else 1


CALLS = list(calls())


def parameters_of(function: object) -> set[str]:
    """The names that a function takes, those of its TypedDict too."""
    if not inspect.isfunction(function):
        return set()
    names = set()
    for parameter in inspect.signature(function).parameters.values():
        rest = REST.get(str(parameter.annotation))
        names |= set(rest.__annotations__) if rest else {parameter.name}
    return names


def test_calls_are_found() -> None:
    assert len(CALLS) > 25
    assert {call.method for _, call in CALLS} >= {"", "export", "import_", "repair"}


@pytest.mark.parametrize("call", [call for _, call in CALLS], ids=[place for place, _ in CALLS])
def test_every_call_can_be_made_in_python_and_typed(call: Call) -> None:
    functions = [getattr(Project, call.method)] if call.method else FUNCTIONS
    for name in call.parameters:
        assert any(name in parameters_of(function) for function in functions), name
    if call.method:
        inspect.signature(functions[0]).bind_partial(None, *call.arguments)

    words = WORDING.text(Words(call)).split()
    flags = [word.partition("=")[0] for word in words if word.startswith("--")]
    if not call.method:
        assert len(flags) == len(call.parameters)
        for flag, (name, value) in zip(flags, call.parameters.items(), strict=True):
            assert meant_by(name, value) == {flag}, "the same option wherever it is"
        return
    assert words[0] == "demo"
    command = demo_command.commands[words[1]]
    command.make_context(words[1], words[2:], resilient_parsing=True)
    named = [p.name for flag in flags for p in command.params if flag in p.opts]
    assert len(named) == len(flags)
    assert set(named) >= set(call.parameters)


def meant_by(name: str, value: object) -> set[str]:
    return {
        max((value is False and parameter.secondary_opts) or parameter.opts, key=len)
        for command in COMMANDS
        for parameter in command.params
        if parameter.name == name and isinstance(parameter, click.Option)
    }


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_library_speaks_of_no_option_and_no_command(path: Path) -> None:
    commands = "|".join(demo_command.commands)
    for line in path.read_text("utf-8").splitlines():
        if not any(text in line for text in WRITTEN_INTO_FILES):
            assert not set(re.findall(r"(?<!-)--[a-z][a-z-]+", line)) - TOOL_OF_OTHERS, line
            assert not re.search(rf"\bdemo ({commands})\b", line), line


def test_calls_are_typed_with_the_flags_of_the_commands() -> None:
    for call, typed in (
        (Call("import_", new_ids=True), "demo import --new-ids"),
        (Call("migrate_fresh"), "demo migrate-fresh"),
        (Call("export", "writer", jobs=1), "demo export writer --jobs=1"),
        (Call("list_undo"), "demo undo --list"),
        (Call("undo", 3), "demo undo 3"),
        (Call(drop_columns=["a.b", "c.d"]), "--drop-column a.b --drop-column c.d"),
        (Call(defaults={"a.b": "c", "d.e": "…"}), "--default a.b=c --default d.e=…"),
        (Call(database=...), "--database"),
        (Call(keep=0), "--keep=0"),
        (Call(write=False), "--stdout"),
        (Call(fresh=False), "--no-fresh"),
    ):
        assert WORDING.text(Words("x ", call, ".")) == f"x {typed}."
    assert WORDING.text("plain --text") == "plain --text"


def test_documents_are_worded_wherever_a_text_is() -> None:
    words = Words(Call("repair"))
    document = {"a": [{"b": words}], "c": (words, None, 1), "d": words}
    said = "demo repair"
    assert WORDING.document(document) == {"a": [{"b": said}], "c": [said, None, 1], "d": said}


def test_a_line_is_visible() -> None:
    assert WORDING.line(Words("a\x1b[2J ", Call(force=True))) == r"a\x1b[2J --force"


RUNS = ("import general --yes", "validate general", "validate --schema", "validate general -q")


@pytest.mark.parametrize("as_json", [(), ("--json",)])
@pytest.mark.parametrize("command", RUNS)
def test_a_problem_keeps_its_option_wherever_it_is_told(seeded, demo, command, as_json):
    seeded.sql("ALTER TABLE contacts DROP COLUMN phone")
    outcome = demo(*command.split(), *as_json)
    problem = "contacts.phone: no such column (--drop-column leaves it out)"
    assert problem in (outcome.stdout if as_json else outcome.stdout + outcome.stderr)
    assert "drop_columns" not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("as_json", [(), ("--json",)])
@pytest.mark.parametrize("command", ["verify", "verify -q", "list-exports"])
def test_a_note_keeps_its_command_wherever_it_is_told(seeded, demo, command, as_json):
    [document] = seeded.documents
    twin = document.with_name("general_v1_2024-01-01.sql")
    twin.write_bytes(re.sub(rb"(Version: v1_)[\d-]+", rb"\g<1>2024-01-01", document.read_bytes()))
    outcome = demo(*command.split(), *as_json)
    shown = outcome.stdout + outcome.stderr
    assert re.search(r"demo repair gives (the later )?one the next", shown)
    assert "project." not in shown


def test_the_origin_of_a_setting_is_an_option(demo, workplace):
    option = "--database=sqlite:///x"
    assert demo("config", option, "--json").json["settings"][0]["from"] == "--database"
    assert re.search(r"sqlite:///x +--database\n", demo("config", option).stdout)
    assert demo("export", "x", "--database=x").errors == [
        "error: --database: the database URL is not a URL"
    ]
