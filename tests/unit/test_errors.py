"""The tree of errors, as it is drawn and as it is; texts that hold calls."""

from __future__ import annotations

import ast
import inspect
import pickle
import re
from functools import cache
from pathlib import Path

import pytest

import demo_snapshots
from demo_snapshots import errors
from demo_snapshots.errors import DemoError
from demo_snapshots.model.words import Call, Words

PACKAGE = Path(demo_snapshots.__file__).parent
CLASSES = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, DemoError)
]
PARENTS = {DemoError}
"""Those that are only caught."""


@cache
def constructed() -> set[str]:
    """The names that any module but the one of errors calls."""
    return {
        node.func.id
        for path in PACKAGE.rglob("*.py")
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = []
    above: list[str] = []
    for lead, name, status in re.findall(
        r"^    ([ │├└─]*)(\w+Error) +(\d+)  ", errors.__doc__, re.M
    ):
        above[len(lead) // 4 :] = [name]
        drawn.append((name, above[-2] if len(above) > 1 else "Exception", int(status)))
    assert sorted(drawn) == sorted(
        (c.__name__, c.__bases__[0].__name__, c.exit_code) for c in CLASSES
    )


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_every_error_is_raised_somewhere_or_only_a_parent(error: type[DemoError]) -> None:
    assert (error.__name__ in constructed()) == (error not in PARENTS)
    assert error not in PARENTS or error.__subclasses__()


def test_what_is_no_failed_import_is_none() -> None:
    for error in (errors.DocumentError, errors.UnfitValueError, errors.NotConfirmedError):
        assert not issubclass(error, errors.ImportFailedError)


def test_calls_read_as_python() -> None:
    assert str(Call("repair")) == "project.repair()"
    assert str(Call("export", "general", jobs=1)) == "project.export('general', jobs=1)"
    assert str(Call(force=True)) == "force=True"
    assert str(Call(database=...)) == "database=…"


def test_words_keep_the_calls_of_words_in_them() -> None:
    call = Call("repair")
    inner = Words(call, " helps")
    both = Words("a: ", Words.joined("; ", [inner, "b"]))
    assert both == "a: project.repair() helps; b"
    assert both.parts == ("a: ", call, " helps", "; ", "b")
    assert Words.joined("; ", []) == ""


def test_errors_with_words_can_be_pickled() -> None:
    words = Words("try ", Call(force=True))
    error = pickle.loads(pickle.dumps(DemoError(words)))
    assert error.message == words
    assert [str(part) for part in error.message.parts] == ["try ", "force=True"]
