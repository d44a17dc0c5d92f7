"""The application, as INSTALLED_APPS finds it."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register


class DemoSnapshotsConfig(AppConfig):
    name = "demo_snapshots.integrations.django"
    label = "demo_snapshots"
    verbose_name = "Demo snapshots"

    def ready(self) -> None:
        from demo_snapshots.integrations.django.checks import check_snapshots

        register(check_snapshots, Tags.database)
