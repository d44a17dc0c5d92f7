"""The sample application's tables, for SQLite, PostgreSQL and MariaDB.

Times are UTC without a time zone, in whole seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Integer, String, Text, func
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

Json: TypeEngine[Any] = JSON().with_variant(JSONB(), "postgresql")
Moment: TypeEngine[datetime] = (
    DateTime()
    .with_variant(TIMESTAMP(precision=0), "postgresql")
    # SQLAlchemy writes six digits of a second into SQLite otherwise.
    .with_variant(DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]
)
_OPTIONS = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    # An id that was deleted is not given out again, as on the other two engines.
    "sqlite_autoincrement": True,
}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


class Base(DeclarativeBase):
    """What every table has."""

    __table_args__ = _OPTIONS

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True, sort_order=-1)
    created_at: Mapped[datetime] = mapped_column(
        Moment, default=_now, server_default=func.current_timestamp(), sort_order=1
    )
    updated_at: Mapped[datetime] = mapped_column(
        Moment, default=_now, onupdate=_now, server_default=func.current_timestamp(), sort_order=1
    )


class Vault(Base):
    """A part of somebody's life or work; fragments name it by its slug."""

    __tablename__ = "vaults"

    name: Mapped[str] = mapped_column(String(120))
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    description: Mapped[str | None] = mapped_column(Text)
    # ``metadata`` is taken by SQLAlchemy on declarative classes.
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)


class Project(Base):
    """Something with an end, inside a vault."""

    __tablename__ = "projects"

    name: Mapped[str] = mapped_column(String(160))
    description: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20), server_default="active")
    vault_id: Mapped[int] = mapped_column(ForeignKey("vaults.id"), index=True)
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)


class Fragment(Base):
    """Anything noted down. ``type`` says what it is: todo, contact, chat_message …

    ``relationships`` is a list of ``{"id": <fragment id>, "type": "mentions"}``; ``vault`` is a
    slug without a key.
    """

    __tablename__ = "fragments"

    type: Mapped[str] = mapped_column(String(40), index=True)
    title: Mapped[str | None] = mapped_column(String(255))
    message: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[list[str] | None] = mapped_column(Json)
    relationships: Mapped[list[dict[str, Any]] | None] = mapped_column(Json)
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)
    state: Mapped[str | None] = mapped_column(String(20))
    vault: Mapped[str | None] = mapped_column(String(80))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id"), index=True)
    inbox_status: Mapped[str | None] = mapped_column(String(20))
    inbox_at: Mapped[datetime | None] = mapped_column(Moment)


class Todo(Base):
    """What is to be done; goes when its fragment goes."""

    __tablename__ = "todos"

    fragment_id: Mapped[int] = mapped_column(
        ForeignKey("fragments.id", ondelete="CASCADE"), index=True
    )
    title: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(20), server_default="open")


class Contact(Base):
    """A person."""

    __tablename__ = "contacts"

    name: Mapped[str] = mapped_column(String(160))
    role: Mapped[str | None] = mapped_column(String(120))
    company: Mapped[str | None] = mapped_column(String(160))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(40))
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)


class ChatSession(Base):
    """A conversation: ``messages`` is a list of ``{"role", "content", "at"}``, oldest first."""

    __tablename__ = "chat_sessions"

    title: Mapped[str] = mapped_column(String(255))
    messages: Mapped[list[dict[str, Any]] | None] = mapped_column(Json)
    message_count: Mapped[int] = mapped_column(Integer, server_default="0")
    last_activity_at: Mapped[datetime | None] = mapped_column(Moment)
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)


TABLES: tuple[str, ...] = (
    "vaults",
    "projects",
    "fragments",
    "todos",
    "contacts",
    "chat_sessions",
)
"""Referenced tables before referencing ones."""

MARKED: tuple[str, ...] = tuple(table for table in TABLES if table != "todos")
"""Tables whose rows carry the marker themselves; a todo is what its fragment is."""
