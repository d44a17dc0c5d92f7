"""Where bytes stop being UTF-8, also across the pieces they are looked at in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_snapshots.rows import utf8
from demo_snapshots.rows.utf8 import first_fault


@given(st.binary(max_size=40), st.integers(1, 8))
def test_the_first_fault_is_where_decoding_stops(data, piece):
    expected = None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        expected = error.start
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utf8, "_PIECE", piece)
        assert first_fault(data) == expected


@given(st.text(max_size=20), st.text(max_size=20), st.integers(1, 8))
def test_only_what_is_asked_for_is_looked_at(before, text, piece):
    start = len(before.encode())
    data = b"\xff" * start + text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utf8, "_PIECE", piece)
        assert first_fault(data + b"\xff", start, len(data)) is None
        assert first_fault(data + b"\xff", start) == len(data)
