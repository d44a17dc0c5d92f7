"""What TOML and YAML were parsed to, checked against types; what does not fit has a place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

Place = tuple[str | int, ...]
"""Where something stands in a file: keys and positions from the top."""

_WHERE = re.compile(r"(.*) - at (?:`key` in )?`\$([^`]*)`", re.DOTALL)
_STEP = re.compile(r"\[([0-9]+)\]|(\[\.\.\.\])|\.([^.\[]+)")
_FIELD = re.compile(r"Object (contains unknown|missing required) field `([^`]*)`")
_EXPECTED = re.compile(r"Expected `([^`]*)`(?:, got `([^`]*)`)?(.*)", re.DOTALL)
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "keys with values",
    "null": "nothing",
}

T = TypeVar("T")


class UnfitError(ValueError):
    """Something at a place is not what it has to be. ``place`` leads on from where it is raised."""

    def __init__(self, message: str, *place: str | int) -> None:
        super().__init__(message)
        self.message = message
        self.place: Place = place


def checked(content: Any, kind: type[T]) -> T:
    """The value of ``kind``, a msgspec Struct, that ``content`` stands for. Raises UnfitError for
    the first thing in it that does not fit, with its place from the top."""
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise _placed(content, kind, error) from None


def _placed(content: Any, kind: type[T], error: msgspec.ValidationError) -> UnfitError:
    message, path = str(error), ""
    if where := _WHERE.fullmatch(message):
        message, path = where.groups()
    place: list[str | int] = []
    for index, any_key, name in _STEP.findall(path):
        if any_key:
            place.append(_culprit(content, kind, place))
        else:
            place.append(int(index) if index else name)
    if field := _FIELD.match(message):
        unknown = field[1] == "contains unknown"
        return UnfitError("unknown key" if unknown else "is missing", *place, field[2])
    if isinstance(error.__cause__, UnfitError):
        return UnfitError(error.__cause__.message, *place, *error.__cause__.place)
    return UnfitError(_in_words(message, kind, place), *place)


def _culprit(content: Any, kind: type[T], place: Place | list[str | int]) -> str:
    """The key of the mapping at ``place`` whose value does not fit: the library does not say, so
    they are tried one by one. An ellipsis where it is none of them, which a key that looks like
    a message of the library can bring about."""
    mapping = content
    for step in place:
        mapping = mapping[step] if isinstance(step, int) else mapping.get(step, {})
    for key in mapping:
        try:
            msgspec.convert(_with_only(content, place, key), kind)
        except msgspec.ValidationError:
            return str(key)
    return "…"


def _with_only(content: Any, place: Place | list[str | int], key: Any) -> Any:
    """The content with no key but one in the mapping at ``place``."""
    if not place:
        return {key: content[key]}
    step, rest = place[0], place[1:]
    inner = _with_only(content[step], rest, key)
    if isinstance(content, Mapping):
        return {**content, step: inner}
    return [inner if index == step else item for index, item in enumerate(content)]


def _in_words(message: str, kind: type[T], place: list[str | int]) -> str:
    if message.startswith("Invalid enum value"):
        return f"expected one of {', '.join(_choices(kind, place))}"
    if expected := _EXPECTED.fullmatch(message):
        wanted, got, rest = expected.groups()
        text = " or ".join(_WORDS.get(name, name) for name in wanted.split(" | "))
        return f"expected {text}{rest}" + (f", not {_WORDS.get(got, got)}" if got else "")
    return message


def _choices(kind: type[T], place: list[str | int]) -> list[str]:
    # Imported late: only this error needs to take types apart.
    from msgspec import inspect

    def unions(info: inspect.Type) -> Iterator[inspect.Type]:
        if isinstance(info, inspect.UnionType):
            yield from info.types
        else:
            yield info

    def inside(info: inspect.Type, step: str | int) -> Iterator[inspect.Type]:
        if isinstance(info, inspect.StructType):
            yield from (field.type for field in info.fields if field.encode_name == step)
        elif isinstance(info, inspect.DictType):
            yield info.value_type
        elif isinstance(info, inspect.VarTupleType):
            yield info.item_type

    found = list(unions(inspect.type_info(kind)))
    for step in place:
        found = [each for info in found for inner in inside(info, step) for each in unions(inner)]
    choices: list[str] = []
    for info in found:
        if isinstance(info, inspect.LiteralType):
            choices += map(str, info.values)
        elif isinstance(info, inspect.EnumType):
            choices += (member.value for member in info.cls)
    return choices
