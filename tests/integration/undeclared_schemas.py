"""Databases of applications that declare no foreign keys, as four kinds of them have it."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

from integration.live import Live

_ID = {
    "sqlite": "INTEGER PRIMARY KEY",
    "postgresql": "BIGINT PRIMARY KEY",
    "mariadb": "BIGINT PRIMARY KEY",
}


@dataclass(frozen=True)
class Application:
    """Statements that make its tables and rows, and what visitors do to the demo; ``records`` are
    its demo rows."""

    tables: str
    rows: tuple[str, ...]
    visitors: tuple[str, ...]
    records: dict[str, int]

    def migrate(self, live: Live, *, rows: bool = True) -> None:
        kinds = {"@id": _ID[live.engine], "@key": "BIGINT", "@text": "VARCHAR(80)"}
        for line in dedent(self.tables).strip().splitlines():
            table, columns = line.split(": ")
            for kind, native in kinds.items():
                columns = columns.replace(kind, native)
            live.run(f"CREATE TABLE {table} ({columns.replace('; ', ', ')})")
        if rows:
            live.run(*self.rows)


RAILS = Application(
    tables="""
        schema_migrations: version @text
        accounts: id @id; name @text; subdomain @text
        users: id @id; account_id @key; email @text; name @text
        projects: id @id; account_id @key; owner_id @key; title @text
        categories: id @id; name @text
        posts: id @id; project_id @key; author_id @key; category_id @key; title @text
        comments: id @id; commentable_type @text; commentable_id @key; user_id @key; body @text
        attachments: id @id; record_type @text; record_id @key; filename @text
        tags: id @id; account_id @key; name @text
        taggings: id @id; tag_id @key; taggable_type @text; taggable_id @key
        invoices: id @id; account_id @key; total @key
    """,
    rows=(
        "INSERT INTO schema_migrations VALUES ('20250101')",
        "INSERT INTO accounts VALUES (1, 'Acme', 'acme'), (2, 'Demo Ltd', 'demo')",
        "INSERT INTO users VALUES (1, 1, 'a@acme.org', 'A'), (2, 2, 'x@example.com', 'X'),"
        " (3, 2, 'y@example.com', 'Y')",
        "INSERT INTO projects VALUES (1, 1, 1, 'Real'), (2, 2, 2, 'Two'), (3, 2, 3, 'Three')",
        "INSERT INTO categories VALUES (1, 'News'), (2, 'Notes')",
        "INSERT INTO posts VALUES (1, 1, 1, 1, 'real'), (2, 2, 2, 1, 'p2'), (3, 3, 3, NULL, 'p3')",
        "INSERT INTO comments VALUES (1, 'Post', 1, 1, 'real'), (2, 'Post', 2, 3, 'c2'),"
        " (3, 'Project', 3, 2, 'c3')",
        "INSERT INTO attachments VALUES (1, 'Post', 1, 'real'), (2, 'Comment', 2, 'a2'),"
        " (3, 'Post', 3, 'a3')",
        "INSERT INTO tags VALUES (1, 1, 'real'), (2, 2, 't2')",
        "INSERT INTO taggings VALUES (1, 1, 'Post', 1), (2, 2, 'Post', 2), (3, 2, 'Project', 2)",
        "INSERT INTO invoices VALUES (1, 1, 100)",
    ),
    visitors=(
        "DELETE FROM taggings WHERE id = 3",
        "DELETE FROM attachments WHERE id > 1",
        "DELETE FROM comments WHERE id = 2",
        "UPDATE posts SET title = 'asdf' WHERE id = 3",
        "INSERT INTO users VALUES (9, 2, 'v@example.com', 'V')",
        "INSERT INTO posts VALUES (9, 2, 9, NULL, 'mine')",
        "INSERT INTO comments VALUES (9, 'Post', 9, 9, 'mine')",
    ),
    records={
        "accounts": 1, "users": 2, "projects": 2, "posts": 2, "comments": 2, "attachments": 2,
        "tags": 1, "taggings": 2, "invoices": 0,
    },
)  # fmt: skip

LARAVEL = Application(
    tables="""
        migrations: id @id; migration @text; batch @key
        users: id @id; name @text; email @text
        posts: id @id; user_id @key NOT NULL; title @text
        videos: id @id; user_id @key NOT NULL; url @text
        comments: id @id; commentable_type @text; commentable_id @key; body @text
        images: id @id; imageable_type @text; imageable_id @key; path @text
        tags: id @id; name @text; created_by @key
        taggables: tag_id @key NOT NULL; taggable_id @key NOT NULL; taggable_type @text NOT NULL; \
            PRIMARY KEY (tag_id, taggable_id, taggable_type)
        orders: id @id; user_id @key
    """,
    rows=(
        "INSERT INTO users VALUES (1, 'Ada', 'ada@acme.org'), (2, 'Demo Dana', 'dana@example.com'),"
        " (3, 'Demo Dirk', 'dirk@example.com')",
        "INSERT INTO posts VALUES (1, 1, 'real'), (2, 2, 'p2'), (3, 3, 'p3')",
        "INSERT INTO videos VALUES (1, 1, 'real'), (2, 2, 'v2')",
        "INSERT INTO comments VALUES (1, 'App\\Models\\Post', 1, 'real'),"
        " (2, 'App\\Models\\Post', 2, 'c2'), (3, 'App\\Models\\Video', 2, 'c3')",
        "INSERT INTO images VALUES (1, 'App\\Models\\User', 1, 'real'),"
        " (2, 'App\\Models\\User', 2, 'i2'), (3, 'App\\Models\\Post', 3, 'i3')",
        "INSERT INTO tags VALUES (1, 'real', 1), (2, 't2', 2)",
        "INSERT INTO taggables VALUES (1, 1, 'App\\Models\\Post'), (2, 2, 'App\\Models\\Post'),"
        " (2, 2, 'App\\Models\\Video')",
        "INSERT INTO orders VALUES (1, 1)",
    ),
    visitors=(
        "DELETE FROM images WHERE id = 3",
        "DELETE FROM taggables WHERE taggable_type LIKE '%Video'",
        "UPDATE videos SET url = 'x' WHERE id = 2",
        "INSERT INTO posts VALUES (9, 3, 'mine')",
        "INSERT INTO comments VALUES (9, 'App\\Models\\Post', 9, 'mine')",
    ),
    records={
        "users": 2, "posts": 2, "videos": 1, "comments": 2, "images": 2, "tags": 1, "taggables": 2,
        "orders": 0,
    },
)  # fmt: skip

DJANGO = Application(
    tables="""
        django_migrations: id @id; app @text; name @text; applied @text
        django_content_type: id @id; app_label @text; model @text; UNIQUE (app_label, model)
        auth_user: id @id; username @text; email @text
        blog_post: id @id; author_id @key NOT NULL; title @text
        blog_photo: id @id; owner_id @key NOT NULL; path @text
        blog_tag: id @id; name @text UNIQUE
        blog_post_tags: id @id; post_id @key NOT NULL; tag_id @key NOT NULL
        blog_comment: id @id; content_type_id @key NOT NULL; object_id @key NOT NULL; text @text
        shop_order: id @id; user_id @key NOT NULL
    """,
    rows=(
        "INSERT INTO django_content_type VALUES (3, 'auth', 'user'), (7, 'blog', 'post'),"
        " (8, 'blog', 'photo'), (9, 'blog', 'tag')",
        "INSERT INTO auth_user VALUES (1, 'ada', 'ada@acme.org'), (2, 'demo', 'demo@acme.org')",
        "INSERT INTO blog_post VALUES (1, 1, 'real'), (2, 2, 'p2'), (3, 2, 'p3')",
        "INSERT INTO blog_photo VALUES (1, 1, 'real'), (2, 2, 'f2')",
        "INSERT INTO blog_tag VALUES (1, 'news'), (2, 'notes')",
        "INSERT INTO blog_post_tags VALUES (1, 1, 1), (2, 2, 1), (3, 3, 2)",
        "INSERT INTO blog_comment VALUES (1, 7, 1, 'real'), (2, 7, 2, 'c2'), (3, 8, 2, 'c3')",
        "INSERT INTO shop_order VALUES (1, 1)",
    ),
    visitors=(
        "DELETE FROM blog_comment WHERE id = 3",
        "DELETE FROM blog_post_tags WHERE id = 2",
        "UPDATE blog_post SET title = 'asdf' WHERE id = 3",
        "INSERT INTO blog_post VALUES (9, 2, 'mine')",
        "INSERT INTO blog_comment VALUES (9, 7, 9, 'mine')",
    ),
    records={
        "auth_user": 1, "blog_post": 2, "blog_photo": 1, "blog_post_tags": 2, "blog_comment": 2,
        "shop_order": 0,
    },
)  # fmt: skip

TENANTS = Application(
    tables="""
        tenants: id @id; slug @text; name @text
        users: id @id; tenant_id @key NOT NULL; email @text; created_at @text
        memberships: tenant_id @key NOT NULL; user_id @key NOT NULL; role @text; \
            PRIMARY KEY (tenant_id, user_id)
        posts: id @id; tenant_id @key NOT NULL; created_by @key; updated_by @key; title @text
        comments: id @id; tenant_id @key NOT NULL; post_id @key NOT NULL; parent_id @key; body @text
        audit_log: id @id; user_id @key; what @text
    """,
    rows=(
        "INSERT INTO tenants VALUES (1, 'acme', 'Acme'), (2, 'demo', 'Demo'), (3, 'beta', 'Beta')",
        "INSERT INTO users VALUES (1, 1, 'a@acme.org', ''), (2, 2, 'x@acme.org', ''),"
        " (3, 2, 'y@acme.org', '')",
        "INSERT INTO memberships VALUES (1, 1, 'admin'), (2, 2, 'admin'), (2, 3, 'guest')",
        "INSERT INTO posts VALUES (1, 1, 1, 1, 'real'), (2, 2, 2, 3, 'p2'), (3, 2, 3, NULL, 'p3')",
        "INSERT INTO comments VALUES (1, 1, 1, NULL, 'real'), (2, 2, 2, NULL, 'c2'),"
        " (3, 2, 2, 2, 'c3')",
        "INSERT INTO audit_log VALUES (1, 1, 'login')",
    ),
    visitors=(
        "DELETE FROM comments WHERE id = 3",
        "DELETE FROM memberships WHERE user_id = 3",
        "UPDATE posts SET title = 'asdf' WHERE id = 3",
        "INSERT INTO posts VALUES (9, 2, 3, 3, 'mine')",
        "INSERT INTO comments VALUES (9, 2, 9, NULL, 'mine')",
    ),
    records={"tenants": 1, "users": 2, "memberships": 2, "posts": 2, "comments": 2, "audit_log": 0},
)

APPLICATIONS = {"rails": RAILS, "laravel": LARAVEL, "django": DJANGO, "tenants": TENANTS}
