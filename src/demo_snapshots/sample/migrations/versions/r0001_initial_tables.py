"""Vaults, projects, fragments, todos, contacts and chat sessions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql, sqlite

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A migration stays what it was when the models move on, so it imports nothing from them.
_JSON: Any = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_MOMENT: Any = (
    sa.DateTime()
    .with_variant(postgresql.TIMESTAMP(precision=0), "postgresql")
    .with_variant(sqlite.DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]
)
_NOW = sa.func.current_timestamp()


def _create(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        *columns,
        sa.Column("created_at", _MOMENT, nullable=False, server_default=_NOW),
        sa.Column("updated_at", _MOMENT, nullable=False, server_default=_NOW),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        sqlite_autoincrement=True,
    )


def upgrade() -> None:
    _create(
        "vaults",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("slug", sa.String(80), nullable=False, unique=True),
        sa.Column("description", sa.Text()),
        sa.Column("metadata", _JSON),
    )
    _create(
        "projects",
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("status", sa.String(20), nullable=False, server_default="active"),
        sa.Column("vault_id", sa.Integer(), sa.ForeignKey("vaults.id"), nullable=False, index=True),
        sa.Column("metadata", _JSON),
    )
    _create(
        "fragments",
        sa.Column("type", sa.String(40), nullable=False, index=True),
        sa.Column("title", sa.String(255)),
        sa.Column("message", sa.Text()),
        sa.Column("tags", _JSON),
        sa.Column("relationships", _JSON),
        sa.Column("metadata", _JSON),
        sa.Column("state", sa.String(20)),
        sa.Column("vault", sa.String(80)),
        sa.Column("project_id", sa.Integer(), sa.ForeignKey("projects.id"), index=True),
        sa.Column("inbox_status", sa.String(20)),
        sa.Column("inbox_at", _MOMENT),
    )
    _create(
        "todos",
        sa.Column(
            "fragment_id",
            sa.Integer(),
            sa.ForeignKey("fragments.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("state", sa.String(20), nullable=False, server_default="open"),
    )
    _create(
        "contacts",
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("role", sa.String(120)),
        sa.Column("company", sa.String(160)),
        sa.Column("email", sa.String(254)),
        sa.Column("phone", sa.String(40)),
        sa.Column("metadata", _JSON),
    )
    _create(
        "chat_sessions",
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("messages", _JSON),
        sa.Column("message_count", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_activity_at", _MOMENT),
        sa.Column("metadata", _JSON),
    )


def downgrade() -> None:
    for table in ("chat_sessions", "contacts", "todos", "fragments", "projects", "vaults"):
        op.drop_table(table)
