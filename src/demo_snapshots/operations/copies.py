"""Which copy an import is asked for, and whether there can be one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from demo_snapshots.config.settings import Config
from demo_snapshots.errors import UsageError
from demo_snapshots.model.copies import CopyOf, check_copy_name, check_template
from demo_snapshots.model.words import Call, Words
from demo_snapshots.selection.demo_set import DemoSet
from demo_snapshots.transfer.copies import require_copyable

_BESIDE = {
    "new_ids": Call(new_ids=True),
    "add": Call(add=True),
    "missing_only": Call(missing_only=True),
    "only": Call(only=...),
}
"""Options beside which there is no copy."""


def check_copy_options(options: Mapping[str, Any]) -> None:
    """Raise UsageError for a name that cannot be a copy's, for a template that is none, and for
    options beside which there is no copy."""
    name, templates = options.get("copy"), options.get("templates") or {}
    if name is None:
        if templates:
            raise UsageError(
                "a template says what a copy holds, and no copy is asked for",
                hint=Words("Name one: ", Call(copy=...), "."),
            )
        return
    check_copy_name(name)
    for place, template in templates.items():
        try:
            check_template(place, template)
        except ValueError as error:
            raise UsageError(str(error)) from None
    for other, call in _BESIDE.items():
        if options.get(other):
            raise UsageError(
                "a copy has keys of its own, and is replaced as a whole",
                hint=Words("Leave ", call, " out."),
            )


def copy_wanted(
    demo: DemoSet, config: Config, scenario: str, options: Mapping[str, Any]
) -> CopyOf | None:
    """The copy of ``scenario`` that the options of an import ask for; None if for none. Raises
    UsageError, and ConfigError where its rows could not be told from others."""
    check_copy_options(options)
    name = options.get("copy")
    if name is None:
        return None
    require_copyable(demo)
    return CopyOf(scenario, name, {**config.copies.set, **(options.get("templates") or {})})
