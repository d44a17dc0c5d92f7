"""Tables that frameworks keep for themselves: never demo data, whatever they hold.

Some of their names are words an application may use for tables of its own (``jobs``,
``sessions``), so a table counts only with the columns the framework gives it.
"""

from __future__ import annotations

from demo_snapshots.model.tables import Table

_OWN = {
    # Migrations
    "alembic_version": "version_num",
    "django_migrations": "app name applied",
    "migrations": "migration batch",
    "schema_migrations": "version",
    "ar_internal_metadata": "key value",
    "flyway_schema_history": "installed_rank",
    "databasechangelog": "id author filename",
    "databasechangeloglock": "locked",
    "knex_migrations": "batch migration_time",
    "knex_migrations_lock": "is_locked",
    "_prisma_migrations": "checksum migration_name",
    "__efmigrationshistory": "MigrationId",
    "doctrine_migration_versions": "version executed_at",
    "phinxlog": "version migration_name",
    "goose_db_version": "version_id is_applied",
    "sequelizemeta": "name",
    # Django
    "django_admin_log": "action_flag change_message",
    "django_content_type": "app_label model",
    "django_session": "session_key session_data",
    "auth_permission": "codename content_type_id",
    # Laravel
    "cache": "key value expiration",
    "cache_locks": "key owner expiration",
    "failed_jobs": "connection queue payload",
    "job_batches": "total_jobs pending_jobs",
    "jobs": "queue payload attempts",
    "password_reset_tokens": "email token",
    "password_resets": "email token",
    "personal_access_tokens": "tokenable_id token",
    "sessions": "payload last_activity",
    # PostGIS
    "spatial_ref_sys": "srid srtext",
}


def is_bookkeeping(table: Table) -> bool:
    """Whether a framework keeps ``table`` for itself."""
    columns = _OWN.get(table.name.lower())
    return columns is not None and all(table.has(name) for name in columns.split())
