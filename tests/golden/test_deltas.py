"""Deltas of every format are read as they always were, and written so too."""

from __future__ import annotations

from pathlib import Path

from hostile.deltas import BASE, DELTA, WHOLE, made_of

FILES = Path(__file__).with_name("format3")
base, delta, whole = (
    (FILES / name).read_bytes() for name in ("base.sql", "changed.delta.sql", "whole.sql")
)


def test_it_makes_what_it_always_made() -> None:
    assert made_of(delta, base) == whole


def test_it_is_written_as_it_always_was() -> None:
    assert (base, whole) == (BASE, WHOLE)
    assert delta == DELTA
