"""Parameters of Click as arguments of argparse, and what argparse makes of them as words again.

Both directions are here. Nothing is converted or checked: values stay text until Click has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

_OF_CALL_COMMAND = {"--stdout": "--print", "--stderr": "--print-errors"}
"""What `call_command` takes for streams, and a name for the option beside its own."""


def add_argument(parser: Any, parameter: click.Parameter) -> None:
    """Have ``parser`` take what ``parameter`` takes, under the same names. What is not given is
    None."""
    if isinstance(parameter, click.Option):
        _add_option(parser, parameter)
        return
    many = parameter.nargs == -1
    required = parameter.required
    parser.add_argument(
        parameter.name,
        metavar=(parameter.name or "").upper(),
        nargs=("+" if required else "*") if many else None if required else "?",
        default=None,
    )


def _add_option(parser: Any, option: click.Option) -> None:
    names = [*option.opts, *(_OF_CALL_COMMAND[n] for n in option.opts if n in _OF_CALL_COMMAND)]
    about: dict[str, Any] = {
        "dest": option.name,
        "default": None,
        "help": (option.help or "").replace("%", "%%"),
    }
    if option.is_flag:
        parser.add_argument(*names, action="store_const", const=True, **about)
        if option.secondary_opts:
            about["help"] = "The contrary."
            parser.add_argument(*option.secondary_opts, action="store_const", const=False, **about)
        return
    about["metavar"] = _metavar(option)
    if option.nargs > 1:
        about |= {"nargs": option.nargs, "metavar": tuple(about["metavar"].split())}
    elif _may_be_bare(option):
        about |= {"nargs": "?", "const": True}
    if option.multiple:
        about["action"] = "append"
    parser.add_argument(*names, **about)


def _metavar(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        # Brackets would break argparse's usage line.
        return f"{{{','.join(map(str, option.type.choices))}}}"
    return option.metavar or option.type.name.upper()


def _may_be_bare(option: click.Option) -> bool:
    return not option.is_flag and isinstance(option.flag_value, str)


def words(parameters: Iterable[click.Parameter], given: Mapping[str, Any]) -> list[str]:
    """The command line for Click. A flag that has no contrary is given if its value is true; a
    mapping stands for repeated NAME=VALUE."""
    options: list[str] = []
    arguments: list[str] = []
    for parameter in parameters:
        value = given[parameter.name or ""]
        if value is None:
            continue
        if isinstance(parameter, click.Option):
            options += _typed(parameter, value)
        else:
            arguments += map(str, value if parameter.nargs == -1 else [value])
    return [*options, "--", *arguments]


def _typed(option: click.Option, value: Any) -> Iterator[str]:
    flag = max(option.opts, key=len)
    if value is False:
        yield from option.secondary_opts[:1]
    elif option.is_flag or (_may_be_bare(option) and value is True):
        yield flag
    elif option.nargs > 1:
        yield from (flag, *map(str, value))
    elif option.multiple:
        if isinstance(value, Mapping):
            value = [f"{name}={item}" for name, item in value.items()]
        yield from (f"{flag}={item}" for item in ([value] if isinstance(value, str) else value))
    else:
        yield f"{flag}={value}"
