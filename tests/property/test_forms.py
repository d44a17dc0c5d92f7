"""Any rows: through JSON and YAML they come back byte for byte."""

from __future__ import annotations

import json

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from property.values import CELLS, INT64, row, texts
from unit.documents.documents import table, write
from unit.documents.forms import JSON, SQL, YAML, as_form, digest_of

from demo_snapshots.model.tables import Affinity, Column, Kind

NAMES = ("a", "b: c", '"#"')
THINGS = table(
    "things",
    *(Column(name, Kind.NATIVE, affinity=Affinity.BLOB) for name in NAMES),
    Column("j", Kind.JSON, affinity=Affinity.BLOB),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts(4)),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts(4), inner)),
    max_leaves=8,
)
# As SQLite holds JSON: however its user spelled it, or not at all.
SPELLINGS = st.one_of(
    st.builds(json.dumps, VALUES),
    st.builds(lambda value: json.dumps(value, ensure_ascii=False, indent=1), VALUES),
    st.builds(lambda value: json.dumps(value, ensure_ascii=False), VALUES),
    texts(),
)


@given(st.lists(st.tuples(INT64, CELLS, CELLS, CELLS, SPELLINGS), max_size=4))
@settings(deadline=None, max_examples=40)
def test_rows_come_back(rows: list[tuple[object, ...]]) -> None:
    document = write([(THINGS, [row(values) for values in rows])])
    in_json = as_form(document, JSON)
    in_yaml = as_form(in_json, YAML)
    assert as_form(in_yaml, SQL) == document
    assert as_form(in_yaml, JSON) == in_json
    assert digest_of(in_yaml) == digest_of(in_json) == digest_of(document)
    # What others read is text wherever it is text.
    for mine, theirs in zip(
        json.loads(in_json)["rows"]["things"],
        yaml.safe_load(in_yaml)["rows"]["things"],
        strict=True,
    ):
        for name, value in mine.items():
            if isinstance(value, str | None | bool):
                assert theirs[name] == value
