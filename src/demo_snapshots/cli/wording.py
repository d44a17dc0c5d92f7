"""Text for this terminal: what the library names in Python, as the commands and options to type."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click
from msgspec import Struct

from demo_snapshots.model.words import Call, Words
from demo_snapshots.render.visible import visible as visible


class Wording(Struct, frozen=True):
    """In the commands of ``group``; their own parameters say what an option is called."""

    group: click.Group
    command_line: Callable[[str], str] | None = None
    """What is typed for a command of that name, where it is not its name behind the group's."""

    def text(self, text: str) -> str:
        """``text`` with the calls in it as they are typed here."""
        if not isinstance(text, Words):
            return text
        return "".join(self._typed(part) if isinstance(part, Call) else part for part in text.parts)

    def line(self, text: str) -> str:
        """As ``text``, and visible."""
        return visible(self.text(text))

    def document(self, value: object) -> object:
        """``value``, which is to become JSON, with every text in it as by ``text``."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.document(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.document(item) for item in value]
        return value

    def _typed(self, call: Call) -> str:
        words: list[str] = []
        command = ""
        if call.method:
            command, *flags = self._command(call.method)
            words += [self._command_line(command), *flags, *map(str, call.arguments)]
        for name, value in call.parameters.items():
            named = (p for of in self._commands(command) for p in of.params if p.name == name)
            words += _typed_option(_flag(next(named), off=value is False), value)
        return " ".join(words)

    def _commands(self, name: str) -> Iterator[click.Command]:
        """The command of that name, or else one after the other: each takes time to import."""
        if name:
            yield self.group.commands[name]
        else:
            yield self.group
            yield from self.group.commands.values()

    def _command_line(self, command: str) -> str:
        return self.command_line(command) if self.command_line else f"{self.group.name} {command}"

    def _command(self, method: str) -> tuple[str, ...]:
        """The command of the same name; or a command and the flag that makes the name with it:
        ``list_undo`` is ``undo --list``, ``compare_files`` is ``compare-exports --files``."""
        wanted = method.strip("_").replace("_", "-")
        if wanted in self.group.commands:
            return (wanted,)
        return next(
            (name, flag)
            for name, command in self.group.commands.items()
            for flag in map(_flag, command.params)
            if wanted in (f"{name}{flag[1:]}", f"{flag[2:]}-{name}", f"{_verb(name)}{flag[1:]}")
        )


def _verb(name: str) -> str:
    return name.partition("-")[0]


def _flag(parameter: click.Parameter, *, off: bool = False) -> str:
    """What an option is called, or what switches it ``off``, if it has a name for that."""
    return max((off and parameter.secondary_opts) or parameter.opts, key=len)


def _typed_option(flag: str, value: object) -> Iterator[str]:
    if value is ... or isinstance(value, bool):
        yield flag
    elif isinstance(value, dict):
        yield from (f"{flag} {name}={item}" for name, item in value.items())
    elif isinstance(value, tuple):
        yield f"{flag}={','.join(map(str, value))}"
    elif isinstance(value, list):
        yield from (f"{flag} {item}" for item in value)
    else:
        yield f"{flag}={value}"
