"""Foreign keys that only the configuration knows, as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_snapshots.config.foreign_keys import UndeclaredKey, among
from demo_snapshots.config.settings import load_config
from demo_snapshots.errors import ConfigError


def keys(tmp_path: Path, text: str) -> tuple[UndeclaredKey, ...]:
    file = tmp_path / "demo.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(file=file).foreign_keys


def test_all_the_ways_to_write_one(tmp_path):
    found = keys(
        tmp_path,
        """
        [tables.posts]
        follows = { column = "tenant_id", references = "crm.tenants.id" }
        [tables.lines]
        follows = { columns = ["a", "b"], references = "orders.(x, y)" }
        [tables.likes]
        follows = { any = ["post_id", { column = "page_id", references = "pages.id" }] }
        [foreign-keys]
        "crm.notes.(a, b)" = "orders.(x, y)"
        "likes.on_id" = { type = "on_type", references = { Post = "posts.id", Page = "pages.id" } }
        """,
    )
    said = [
        (key.table, key.columns, key.type, [(t.table, t.columns, t.value) for t in key.targets])
        for key in found
    ]
    assert said == [
        ("posts", ("tenant_id",), None, [("crm.tenants", ("id",), None)]),
        ("lines", ("a", "b"), None, [("orders", ("x", "y"), None)]),
        ("likes", ("page_id",), None, [("pages", ("id",), None)]),
        ("crm.notes", ("a", "b"), None, [("orders", ("x", "y"), None)]),
        (
            "likes",
            ("on_id",),
            "on_type",
            [("posts", ("id",), "Post"), ("pages", ("id",), "Page")],
        ),
    ]
    kept = among(found, {"notes", "orders", "likes", "posts"})
    assert [(key.table, len(key.targets), key.values) for key in kept] == [
        ("notes", 1, ()),
        ("likes", 1, ("Post", "Page")),
    ]


FOLLOWS = "[tables.a]\nfollows = "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[foreign-keys]\n"x" = "a.b"', "line 2: foreign-keys.x: 'x' names no column"),
        ('[foreign-keys]\n"x.y" = "ab"', "line 2: foreign-keys.x.y: 'ab' names no column"),
        ('[foreign-keys]\n"x.y" = 5', "line 2: foreign-keys.x.y: expected text"),
        ('[foreign-keys]\n"x.y" = { type = "t" }', "foreign-keys.x.y.references: is missing"),
        ('[foreign-keys]\n"x.y" = { type = "t", references = {} }', "needs at least one type"),
        (FOLLOWS + '{ column = "x" }', "needs references"),
        (FOLLOWS + '{ references = "b.c" }', "needs either column or columns"),
        (FOLLOWS + '{ column = "x", references = { A = "b.c" } }', "needs a type"),
        (FOLLOWS + '{ column = "x", type = "t", references = "b.c" }', "references by type"),
        (FOLLOWS + '{ any = ["x"] }', "any needs at least two"),
        (FOLLOWS + '{ any = ["x", "y"], column = "z" }', "beside which nothing else stands"),
        (
            FOLLOWS + '{ column = "x", type = "t", references = { "a;b" = "b.c" } }',
            "a type cannot be called 'a;b'",
        ),
    ],
)
def test_what_is_none_is_told_with_its_line(tmp_path, text, said):
    with pytest.raises(ConfigError) as caught:
        keys(tmp_path, text)
    assert said in caught.value.message
