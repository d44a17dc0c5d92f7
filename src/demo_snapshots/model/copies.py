"""Copies of a scenario: their names, and what makes their values unlike the original's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter

from msgspec import Struct

from demo_snapshots.errors import UsageError
from demo_snapshots.model.rules import Labelled

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_LABEL = re.compile(r"([a-z0-9][a-z0-9_-]*)@([a-z0-9][a-z0-9_-]*)")
VARIABLES = ("copy", "value", "email_local", "email_domain", "next", "uuid")
"""What may stand in braces in a template."""

Piece = tuple[str, str | None]
"""A literal text, and the variable after it, if any."""


class CopyOf(Struct, frozen=True):
    """A copy of a scenario, by its name. ``templates`` say what a column holds in it, by
    ``table.column``."""

    scenario: str
    name: str
    templates: Mapping[str, str] = {}

    @property
    def label(self) -> str:
        """What its rows carry as their scenario: no scenario's name holds an ``@``."""
        return f"{self.scenario}@{self.name}"

    @property
    def rows(self) -> Labelled:
        """Its rows among all there are."""
        return Labelled(self.label)


def copy_in(label: str) -> CopyOf | None:
    """The copy that a row's label names; None where it names none."""
    match = _LABEL.fullmatch(label)
    return None if match is None else CopyOf(match[1], match[2])


def check_copy_name(name: str) -> str:
    """Return ``name`` if it can name a copy. Raises UsageError for anything outside
    ``[a-z0-9][a-z0-9_-]*`` and of more than 100 characters."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a copy's name",
            hint="Use lower-case letters, digits, - and _, beginning with a letter or digit.",
        )
    return name


def pieces_of(template: str) -> tuple[Piece, ...]:
    """A template taken apart. Raises ValueError, which says why, for a variable that there is not
    and for braces that are none."""
    try:
        parsed = tuple(Formatter().parse(template))
    except ValueError:
        raise ValueError("a brace that belongs to the text is written twice") from None
    for _, name, form, conversion in parsed:
        if name is not None and (name not in VARIABLES or form or conversion):
            known = ", ".join(f"{{{each}}}" for each in VARIABLES)
            raise ValueError(f"there is no {{{name}}}; there are {known}")
    return tuple((text, name) for text, name, _, _ in parsed)


def check_template(place: str, template: str) -> None:
    """Raise ValueError, which says why, unless ``place`` is ``table.column`` and ``template`` can
    be taken apart."""
    if not all(place.rpartition(".")[::2]):
        raise ValueError(f"expected table.column, not {place!r}")
    try:
        pieces_of(template)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
