"""Whatever does not fit is named by its place, in words that no library's types are needed for."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from msgspec import Meta, Struct

from demo_snapshots.config.checking import UnfitError, checked
from demo_snapshots.model.snapshots import Packing


class Leaf(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=2)] = "ab"
    size: Annotated[int, Meta(ge=0, le=9)] = 0
    way: Literal["up", "down"] | None = None
    packing: Packing = Packing.PLAIN

    def __post_init__(self) -> None:
        if self.size == 7:
            raise UnfitError("seven is unlucky", "size")
        if self.size == 8:
            raise ValueError("eight is too many")


class Need(Struct):
    thing: str


Key = Annotated[str, Meta(pattern="^[a-z]$")]


class Tree(Struct, forbid_unknown_fields=True):
    leaves: tuple[Leaf, ...] = ()
    named: dict[Key, dict[str, Leaf]] = {}
    either: dict[str, Literal["a", "b"] | Need] = {}


def test_what_fits():
    found = checked({"leaves": [{"name": "xy"}], "named": {"a": {"b": {"packing": "gzip"}}}}, Tree)
    assert found.leaves == (Leaf("xy"),)
    assert found.named["a"]["b"].packing is Packing.GZIP


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        ([], (), "expected keys with values, not a list"),
        ({"leaf": []}, ("leaf",), "unknown key"),
        ({"leaves": 1}, ("leaves",), "expected a list, not a whole number"),
        ({"leaves": [{}, {"name": 1}]}, ("leaves", 1, "name"), "expected text, not a whole"),
        ({"leaves": [{"name": "x"}]}, ("leaves", 0, "name"), "expected text of length >= 2"),
        ({"leaves": [{"size": 10}]}, ("leaves", 0, "size"), "expected a whole number <= 9"),
        ({"leaves": [{"size": 7}]}, ("leaves", 0, "size"), "seven is unlucky"),
        ({"leaves": [{"size": 8}]}, ("leaves", 0), "eight is too many"),
        ({"leaves": [{"way": "left"}]}, ("leaves", 0, "way"), "expected one of down, up"),
        ({"leaves": [{"way": True}]}, ("leaves", 0, "way"), "expected text or nothing, not true"),
        (
            {"leaves": [{"packing": "zip"}]},
            ("leaves", 0, "packing"),
            "expected one of none, gzip, z",
        ),
        (
            {"named": {"a": {"p": {}}, "b": {"p": {}, "q": {"size": 10}}}},
            ("named", "b", "q", "size"),
            "expected a whole number <= 9",
        ),
        ({"named": {"a": {"p": {"siz": 1}}}}, ("named", "a", "p", "siz"), "unknown key"),
        ({"named": {"A": {}}}, ("named",), "expected text matching"),
        ({"either": {"x": "a", "y": "c"}}, ("either", "y"), "expected one of a, b"),
        ({"either": {"x": {}}}, ("either", "x", "thing"), "is missing"),
        (
            {"either": {"x": {"thing": None}}},
            ("either", "x", "thing"),
            "expected text, not nothing",
        ),
    ],
)
def test_what_does_not(content, place, message):
    with pytest.raises(UnfitError) as caught:
        checked(content, Tree)
    assert caught.value.place == place
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "key", ["a.b[0]` - at `$", "x` - at `$.y", "` - at `$[...]`", "` - at `$.leaves[...]`"]
)
@pytest.mark.parametrize("content", [lambda key: {"either": {key: "c"}}, lambda key: {key: 1}])
def test_a_key_that_looks_like_a_message_of_the_library(key, content):
    with pytest.raises(UnfitError):
        checked(content(key), Tree)
