"""A Laravel application's database: the statements its schema grammars write, and its ``.env``.

Source: Illuminate\\Database\\Schema\\Grammars (SQLiteGrammar, PostgresGrammar, MySqlGrammar) of
Laravel 11, with the column types of its Blueprint: ``id``, ``foreignId``, ``json`` …
"""

from __future__ import annotations

import re

from integration.live import Live
from sqlalchemy.engine import make_url

_TYPES = {
    "sqlite": {
        "id": "integer primary key autoincrement not null",
        "foreignId": "integer",
        "string": "varchar",
        "text": "text",
        "longText": "text",
        "integer": "integer",
        "decimal": "numeric",
        "boolean": "tinyint(1)",
        "json": "text",
        "timestamp": "datetime",
        "date": "date",
        "uuid": "varchar",
        "enum": "varchar check ({name} in ({values}))",
    },
    "postgresql": {
        "id": "bigserial not null primary key",
        "foreignId": "bigint",
        "string": "varchar(255)",
        "text": "text",
        "longText": "text",
        "integer": "integer",
        "decimal": "decimal(8, 2)",
        "boolean": "boolean",
        "json": "json",
        "timestamp": "timestamp(0) without time zone",
        "date": "date",
        "uuid": "uuid",
        "enum": "varchar(255) check ({name} in ({values}))",
    },
    "mariadb": {
        "id": "bigint unsigned not null auto_increment primary key",
        "foreignId": "bigint unsigned",
        "string": "varchar(255)",
        "text": "text",
        "longText": "longtext",
        "integer": "int",
        "decimal": "decimal(8, 2)",
        "boolean": "tinyint(1)",
        "json": "json",
        "timestamp": "timestamp",
        "date": "date",
        "uuid": "char(36)",
        "enum": "enum({values})",
    },
}

# One table a paragraph, as its migration has it: column, type, modifiers; an arrow is
# ``constrained()``, followed by what happens on delete.
_TABLES = """
users: id; name string; email string unique; email_verified_at timestamp?; password string;
    is_demo boolean=0; remember_token string?; created_at timestamp?; updated_at timestamp?

password_reset_tokens: email string; token string; created_at timestamp?

sessions: id string; user_id foreignId?; payload longText; last_activity integer

cache: key string; value text; expiration integer

jobs: id; queue string; payload longText; attempts integer; is_demo boolean=0

workspaces: id; uuid uuid unique; name string; metadata json?;
    created_at timestamp?; updated_at timestamp?

projects: id; workspace_id foreignId -> workspaces cascade; owner_id foreignId? -> users set null;
    title string; budget decimal?; metadata json?; starts_on date?;
    deleted_at timestamp?; created_at timestamp?; updated_at timestamp?

tasks: id; project_id foreignId -> projects cascade; parent_id foreignId? -> tasks cascade;
    title string; status enum(open,done)=open; urgent boolean=0;
    created_at timestamp?; updated_at timestamp?

task_user: task_id foreignId -> tasks cascade; user_id foreignId -> users cascade; note text?

comments: id; task_id foreignId -> tasks cascade; user_id foreignId? -> users set null;
    body text; created_at timestamp?; updated_at timestamp?
"""

_COLUMN = re.compile(
    r"(?P<name>\w+)(?: (?P<type>\w+)(?:\((?P<values>[\w,]+)\))?(?P<null>\?)?(?:=(?P<default>\w+))?"
    r"(?: -> (?P<on>\w+) (?P<delete>[\w ]+))?(?P<unique> unique)?)?"
)

ROWS = (
    "INSERT INTO users (name, email, password, is_demo, created_at) VALUES"
    " ('Real Person', 'real@example.org', 'x', {false}, '2025-01-02 03:04:05'),"
    " ('Demo Dana', 'dana@example.org', 'x', {true}, '2025-01-02 03:04:05'),"
    " ('Demo Dirk', 'dirk@example.org', 'x', {true}, NULL)",
    "INSERT INTO workspaces (uuid, name, metadata, created_at) VALUES"
    " ('6f1c9b7e-0d0e-4b61-9a6b-0a4f4b1f2a01', 'Ours', NULL, '2025-01-02 03:04:05'),"
    " ('6f1c9b7e-0d0e-4b61-9a6b-0a4f4b1f2a02', 'Grüße \U0001f44b',"
    ' \'{{"demo_seed":true,"scenario":"general","a":1.0}}\', \'2025-01-02 03:04:05\')',
    "INSERT INTO projects (workspace_id, owner_id, title, budget, metadata, deleted_at) VALUES"
    " (1, 1, 'Real', 12.50, '{{}}', NULL),"
    " (2, 2, 'Move house', 1200.00, NULL, NULL),"
    " (2, NULL, 'Dropped', NULL, '[]', '2025-01-05 00:00:00')",
    "INSERT INTO tasks (project_id, parent_id, title, status, urgent) VALUES"
    " (1, NULL, 'Real work', 'open', {false}),"
    " (2, NULL, 'It''s \\ done', 'done', {true}),"
    " (2, 2, 'Pack', 'open', {false})",
    "INSERT INTO task_user (task_id, user_id, note) VALUES (1, 1, NULL), (2, 2, 'a'), (3, 3, '')",
    "INSERT INTO comments (task_id, user_id, body) VALUES"
    " (1, 1, 'Mine'), (2, 2, 'Line\nbreak'), (3, NULL, 'No one')",
    "INSERT INTO jobs (queue, payload, attempts) VALUES ('default', '{{\"demo_seed\":true}}', 0)",
    "INSERT INTO migrations (migration, batch) VALUES"
    " ('0001_01_01_000000_create_users_table', 1), ('2025_01_02_030405_create_tasks_table', 1)",
)
WIPE = (
    "DELETE FROM comments WHERE task_id > 1",
    "DELETE FROM task_user WHERE task_id > 1",
    "DELETE FROM tasks WHERE parent_id IS NOT NULL",
    "DELETE FROM tasks WHERE id > 1",
    "DELETE FROM projects WHERE id > 1",
    "DELETE FROM workspaces WHERE id > 1",
    "DELETE FROM users WHERE id > 1",
)


def migrate(live: Live) -> None:
    """``php artisan migrate`` and a seeder."""
    live.run(*_create("migrations", "id; migration string; batch integer", live.engine))
    for paragraph in _TABLES.strip().split("\n\n"):
        table, columns = paragraph.split(": ", 1)
        live.run(*_create(table, columns, live.engine))
    truth = {"true": "TRUE", "false": "FALSE"} if live.engine == "postgresql" else {}
    live.run(*(row.format(**{"true": "1", "false": "0", **truth}) for row in ROWS))


def environment_file(live: Live) -> str:
    """The ``.env`` of the application, as it comes with Laravel, and filled in."""
    url = make_url(live.url)
    if live.engine == "sqlite":
        database = f"DB_CONNECTION=sqlite\n# DB_HOST=127.0.0.1\nDB_DATABASE={url.database}\n"
    else:
        connection = {"postgresql": "pgsql", "mariadb": "mariadb"}[live.engine]
        database = (
            f"DB_CONNECTION={connection}\nDB_HOST={url.host}\nDB_PORT={url.port}\n"
            f"DB_DATABASE={url.database}\nDB_USERNAME={url.username}\nDB_PASSWORD=\n"
        )
    return (
        'APP_NAME="My Shop"\nAPP_ENV=local\nAPP_KEY=base64:c2VjcmV0\nAPP_DEBUG=true\n\n'
        f'{database}\nMAIL_FROM_NAME="${{APP_NAME}}"\nBROKEN LINE\n'
    )


def _create(table: str, columns: str, engine: str) -> list[str]:
    quote = "`" if engine == "mariadb" else '"'
    found = [_COLUMN.fullmatch(" ".join(text.split())) for text in columns.split(";")]
    parts = [match.groupdict() for match in found if match]
    assert len(parts) == len(found)
    body = [_column(part, engine, quote) for part in parts]
    keys = [_foreign(table, part, engine, quote) for part in parts if part["on"]]
    pivot = [part["name"] for part in parts if part["on"]] if "_user" in table else []
    if pivot:
        body.append(f"primary key ({', '.join(quote + name + quote for name in pivot)})")
    statements = []
    if engine == "sqlite":
        body += keys
    create = f"create table {quote}{table}{quote} ({', '.join(body)})"
    if engine == "mariadb":
        create += " default character set utf8mb4 collate 'utf8mb4_unicode_ci'"
    statements.append(create)
    if engine != "sqlite":
        statements += [f"alter table {quote}{table}{quote} add {key}" for key in keys]
    for part in parts:
        if part["unique"]:
            index, column = f"{table}_{part['name']}_unique", part["name"]
            statements.append(
                f"create unique index {quote}{index}{quote}"
                f" on {quote}{table}{quote} ({quote}{column}{quote})"
            )
    return statements


def _column(part: dict[str, str], engine: str, quote: str) -> str:
    name = f"{quote}{part['name']}{quote}"
    kind = part["type"] or "id"
    values = ", ".join(f"'{value}'" for value in (part["values"] or "").split(","))
    text = f"{name} {_TYPES[engine][kind].format(name=name, values=values)}"
    if kind == "id":
        return text
    text += " null" if part["null"] and engine != "sqlite" else ""
    text += "" if part["null"] else " not null"
    return text + (f" default '{part['default']}'" if part["default"] else "")


def _foreign(table: str, part: dict[str, str], engine: str, quote: str) -> str:
    q = quote
    constraint = f"constraint {q}{table}_{part['name']}_foreign{q} " if engine != "sqlite" else ""
    return (
        f"{constraint}foreign key ({q}{part['name']}{q})"
        f" references {q}{part['on']}{q} ({q}id{q}) on delete {part['delete']}"
    )
