"""What the names of columns and types say."""

from __future__ import annotations

import pytest

from demo_snapshots.selection.naming import referenced_by_name, table_of_type

TABLES = (
    "users",
    "categories",
    "boxes",
    "people",
    "posts",
    "Orders",
    "blog_post",
    "blog_tag",
    "shop_tag",
    "auth_group",
    "statuses",
)


@pytest.mark.parametrize(
    ("column", "table", "referenced"),
    [
        ("user_id", "posts", "users"),
        ("userId", "posts", "users"),
        ("category_id", "posts", "categories"),
        ("box_id", "posts", "boxes"),
        ("status_id", "posts", "statuses"),
        ("person_id", "posts", "people"),
        ("order_id", "posts", "Orders"),
        ("tag_id", "blog_post_tags", "blog_tag"),
        ("tag_id", "posts", None),
        ("group_id", "posts", "auth_group"),
        ("parent_id", "posts", "posts"),
        ("created_by", "posts", "users"),
        ("author_id", "posts", "users"),
        ("created_by_ip", "posts", None),
        ("id", "posts", None),
        ("_id", "posts", None),
        ("external_id", "posts", None),
        ("paid", "posts", None),
    ],
)
def test_the_table_that_a_column_references(column, table, referenced):
    assert referenced_by_name(column, table, TABLES) == referenced


@pytest.mark.parametrize(
    ("value", "table"),
    [
        ("Post", "posts"),
        ("post", "posts"),
        ("App\\Models\\Post", "posts"),
        ("Blog::Post", "blog_post"),
        ("Person", "people"),
        ("Invoice", None),
        ("", None),
        ("\\", None),
    ],
)
def test_the_table_that_a_type_means(value, table):
    assert table_of_type(value, TABLES, "comments") == table
