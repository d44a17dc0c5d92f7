"""What is not a snapshot in JSON or YAML is refused, with its line, in little memory and time."""

from __future__ import annotations

import io
import time
import tracemalloc
from dataclasses import dataclass

import pytest
from unit.documents.documents import line_of, table, text, write
from unit.documents.forms import JSON, SQL, YAML, as_form, events_of

from demo_snapshots.documents.json import reader as json_reader
from demo_snapshots.documents.opening import read_tail
from demo_snapshots.documents.yaml import reader as yaml_reader
from demo_snapshots.errors import DemoError, DocumentError
from demo_snapshots.model.snapshots import DocumentForm
from demo_snapshots.model.sources import Source
from demo_snapshots.model.tables import Column, Kind

pytestmark = pytest.mark.slow

VAULTS = table("vaults", text(nullable=False))
TODOS = table("todos", text("title"), Column("data", Kind.BINARY), Column("done", Kind.BOOLEAN))
IN_SQL = write(
    [
        (VAULTS, [b"(1,'Home')"]),
        (TODOS, [b"(1,'Buy milk',NULL,FALSE)", b"(2,'Call',X'00FF',TRUE)", b"(3,NULL,NULL,NULL)"]),
    ]
)
BASE = {form: as_form(IN_SQL, form) for form in (JSON, YAML)}


@dataclass(frozen=True)
class Case:
    """``old``, which is there once, becomes ``new``; the line of ``at``, or of ``old``, is told."""

    name: str
    form: DocumentForm
    old: str
    new: str
    says: str
    at: str = ""
    down: int = 0
    """How many lines further down it is told."""

    def document(self) -> bytes:
        base = BASE[self.form]
        assert base.count(self.old.encode()) == 1, self.old
        return base.replace(self.old.encode(), self.new.encode("utf-8", "surrogateescape"))

    def line(self) -> int:
        return line_of(BASE[self.form], (self.at or self.old).encode()) + self.down


def in_json(name: str, old: str, new: str, says: str, at: str = "", down: int = 0) -> Case:
    return Case(f"JSON: {name}", JSON, old, new, says, at, down)


def in_yaml(name: str, old: str, new: str, says: str, at: str = "", down: int = 0) -> Case:
    return Case(f"YAML: {name}", YAML, old, new, says, at, down)


MILK, CALL = '{"id": 1, "title": "Buy milk",', '{"id": 2, "title": "Call",'
MILK_Y = "      title: Buy milk\n"
CASES = [
    # Not the format's grammar.
    in_json("NaN", MILK, '{"id": NaN, "title": "Buy milk",', "NaN, which is no JSON"),
    in_json("infinity", MILK, '{"id": -Infinity, "title": "x",', "-Infinity, which is no JSON"),
    in_json("a comment", MILK, "// one\n" + MILK, "not an object"),
    in_json("a comma too many", CALL, "," + CALL, "not an object"),
    in_json("a leading zero", MILK, '{"id": 01, "title": "Buy milk",', "not JSON"),
    in_json("single quotes", MILK, '{\'id\': 1, "title": "Buy milk",', "not JSON"),
    in_json("a raw line break", MILK, '{"id": 1, "title": "Buy\nmilk",', "Invalid control"),
    in_json("half a pair", MILK, '{"id": 1, "title": "\\ud83d",', "half a surrogate pair"),
    in_json("bad UTF-8", MILK, '{"id": 1, "title": "Buy \udcffmilk",', "not UTF-8"),
    in_json("a second document", "\n}\n", "\n}\n{}\n", "something follows the end", down=2),
    in_yaml("a tag", MILK_Y, "      title: !!str Buy milk\n", "a tag"),
    in_yaml("a Python object", MILK_Y, "      title: !!python/name:os.system\n", "a tag"),
    in_yaml("an anchor", MILK_Y, "      title: &a Buy milk\n", "an anchor"),
    in_yaml("an alias", MILK_Y, "      title: *a\n", "an alias"),
    in_yaml("a cycle", MILK_Y, "      title: &a [*a]\n", "an anchor"),
    in_yaml("a merge key", MILK_Y, "      <<: {title: x}\n", "a merge key"),
    in_yaml("a tab", MILK_Y, "\ttitle: Buy milk\n", "not YAML"),
    in_yaml("a bell", MILK_Y, "      title: Buy \x07milk\n", "a control character"),
    in_yaml("bad UTF-8", MILK_Y, "      title: Buy \udcffmilk\n", "not UTF-8"),
    in_yaml("a second document", "demo_snapshot: 1\n", "%YAML 1.1\n---\ndemo_snapshot: 1\n", ""),
    in_yaml(
        "a number of another base",
        MILK_Y,
        "      title: 0x1F\n",
        "not a number",
        "- id: 1\n      title: B",
    ),
    in_yaml("infinity", MILK_Y, "      title: .inf\n", "not a number", "- id: 1\n      title: B"),
    # Not how a snapshot is built.
    in_json("a member twice", MILK, '{"id": 1, "id": 1, "title": "Buy milk",', "is there twice"),
    in_yaml("a member twice", MILK_Y, MILK_Y * 2, "is there twice", down=1),
    in_json("a column too many", MILK, '{"id": 1, "a": 1, "title": "x",', "with 'a', which is no"),
    in_json("a column too few", MILK, '{"id": 1,', "todos: a row without title"),
    in_json("a row that is a list", MILK, '[1], {"id": 1, "title": "x",', "not an object"),
    in_json("a member nobody knows", '"tables":', '"evil": 1, "tables":', "a member 'evil'"),
    in_json("a table twice", '"todos": [', '"vaults": [', "is there twice"),
    in_json("another table", '"todos": [', '"users": [', "expected the rows of todos before"),
    in_json("another form", '"demo_snapshot": 1', '"demo_snapshot": 2', "other than 1"),
    in_json("a number in words", '"demo_snapshot": 1', '"demo_snapshot": "1"', "other than 1"),
    in_json("a value that is a list", MILK, '{"id": 1, "title": ["x"],', "todos: title: a list"),
    in_json("a value that is an object", MILK, '{"id": 1, "title": {},', "stands for no value"),
    in_json("two tags", MILK, '{"id": 1, "title": {"$json": 1, "$number": "1"},', "for no value"),
    in_json("no base64", '"AP8="', '"AP9="', "todos: data: not base64", CALL),
    in_json("SQL for a number", MILK, '{"id": {"$number": "1);--"}, "title": "x",', "not a number"),
    in_json(
        "a bad reference", MILK, '{"id": {"$ref": {"table": "t"}}, "title": "x",', "natural key"
    ),
    in_json(
        "a break in a header line", '"general"', '"general\\n-- Total X: 1"', "not a header line"
    ),
    in_json(
        "another count",
        '"count": 3',
        '"count": 4',
        "todos: 3 rows, and the header counts 4",
        '"todos": [',
    ),
    in_json(
        "a column's description",
        '"text null"',
        '"text null, x text"',
        "description of a column",
        '"tables"',
    ),
    in_json("no digest of ours", '"sha256:', '"sha256:\\ud800', "not a digest"),
    in_json("rows that end early", '"digest": "sha256:', '"tool": "sha256:', "the digest before"),
    in_json("another value", "Buy milk", "Buy silk", "the rows are not those", '"digest": '),
    in_yaml("another value", "Buy milk", "Buy silk", "the rows are not those", "digest: "),
    in_json(
        "a statement of its own",
        '"BEGIN;"',
        '"BEGIN; DROP TABLE todos;"',
        "expected 'BEGIN;'",
        '{"before": [',
    ),
    in_yaml(
        "rows by the way",
        "    - COMMIT;\n",
        "    - INSERT INTO todos VALUES (9);\n    - COMMIT;\n",
        "expected 'COMMIT;'",
        "sql:\n",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused(case: Case) -> None:
    with pytest.raises(DocumentError) as caught:
        events_of(case.document())
    error = caught.value
    assert case.says in error.message
    assert error.line == case.line(), error.message
    assert error.message.isprintable()


@pytest.mark.parametrize("form", [JSON, YAML])
def test_no_name_leads_out(form: DocumentForm) -> None:
    for old, new, says in (
        (b"general", b"../general", "'../general' cannot be a scenario name"),
        (b"general", b"/tmp/general", "'/tmp/general' cannot be a scenario name"),
        (b"v1_2025-01-15", b"../v1_2025-01-15", "not a version: '../v1_2025-01-15'"),
    ):
        assert BASE[form].count(old) == 1
        with pytest.raises(DocumentError) as caught:
            events_of(BASE[form].replace(old, new))
        assert says in caught.value.message


@pytest.mark.parametrize("form", [JSON, YAML])
def test_cut_short_anywhere_it_is_refused(form: DocumentForm) -> None:
    document = BASE[form].rstrip()
    for end in range(0, len(document) - 1, 31):
        cut = document[:end]
        source = Source("x", lambda cut=cut: io.BytesIO(cut))  # type: ignore[misc]
        with pytest.raises(DemoError):
            read_tail(source)
        with pytest.raises(DocumentError):
            events_of(cut)


def laughs() -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "demo_snapshot: 1\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (laughs(), "an anchor"),
        ("demo_snapshot: 1\ntables: " + "[" * 300_000, "nesting depth"),
        ("demo_snapshot: 1\ntables: " + "{a: " * 100_000, "deeper than 64"),
        ("demo_snapshot: 1\n" + "- " * 100_000, "not YAML"),
        ("demo_snapshot: 1\ntables: " + "[a, " * 60, "not YAML"),
        ('{"demo_snapshot": 1, "tables": ' + "[" * 1_000_000, "without end"),
        ('{"demo_snapshot": 1, "tables": ' + '{"a":' * 200_000, "without end"),
        ('{"demo_snapshot": 1, "tables": "' + "x" * 1_000_000, "cut short"),
        ('{"demo_snapshot": 1, "tables": ' + "9" * 1_000_000 + "}", "has no sql"),
        ('{"demo_snapshot": 1, "tables": [' + "0," * 50_000 + "]}", "not JSON"),
        ("{" + " " * 2_000_000, "cut short"),
        ('{"demo_snapshot": 1,' + "\n" * 2_000_000 + '"demo_snapshot": 1}', "there twice"),
    ],
    ids=lambda value: value[:40] if len(value) > 40 else "",
)
def test_what_blows_up_is_refused_at_once(document: str, says: str) -> None:
    content = document.encode()
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(DocumentError) as caught:
        events_of(content)
    took = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert says in caught.value.message
    assert took < 10
    assert peak < 200_000_000


@pytest.mark.parametrize(("form", "module"), [(JSON, json_reader), (YAML, yaml_reader)])
def test_a_row_is_at_most_as_long_as_in_sql(
    form: DocumentForm, module: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_ROW", 1 << 20)
    monkeypatch.setattr(json_reader, "BLOCK", 1 << 16)
    long = write([(VAULTS, [b"(1,'" + b"x" * (3 << 20) + b"')"])])
    with pytest.raises(DocumentError, match="longer than any snapshot holds"):
        events_of(as_form(long, form))


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"x: 1\n", b"[", b"<"])
def test_what_begins_otherwise_is_none_of_ours(start: bytes) -> None:
    for document in BASE.values():
        with pytest.raises(DocumentError, match="not a demo snapshot"):
            events_of(start + document)


def test_the_base_is_good() -> None:
    for document in BASE.values():
        assert as_form(document, SQL) == IN_SQL
