"""A Django project as ``django-admin startproject`` makes it, and ``manage.py`` in it.

As a program: runs the command lines that it reads as JSON, one after the other in one process,
and prints what became of each.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

MODELS = """
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Tag(models.Model):
    name = models.CharField(max_length=50, unique=True)


class Order(models.Model):
    name = models.CharField(max_length=50)
    is_demo = models.BooleanField(default=False)
    placed_at = models.DateTimeField(null=True)
    tags = models.ManyToManyField(Tag)


class Remark(models.Model):
    text = models.TextField()
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.PositiveBigIntegerField()
    about = GenericForeignKey()
"""

ROWS = """
from shop.models import Order, Remark, Tag
tag = Tag.objects.create(name="new")
for demo in (False, True, True):
    order = Order.objects.create(
        name="Demo" if demo else "Real", is_demo=demo, placed_at="2025-01-02T03:04:05Z"
    )
    order.tags.add(tag)
    Remark.objects.create(text="fine", about=order)
"""


class Outcome(NamedTuple):
    """What a run of a command left behind."""

    status: int
    stdout: str
    stderr: str


class Site(NamedTuple):
    """A project in the directory ``place``."""

    place: Path

    def write(self, name: str, text: str, mode: str = "w") -> None:
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)

    def settings(self, text: str) -> None:
        self.write("mysite/settings.py", f"\n{text}\n", "a")

    def manage(self, *command_lines: list[str]) -> list[Outcome]:
        """Run these in one process; each is what stands after ``manage.py``."""
        done = self.python(__file__, given=json.dumps(command_lines))
        assert done.returncode == 0, done.stderr
        return [Outcome(*each) for each in json.loads(done.stdout)]

    def python(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-B", "-W", "error", *arguments],
            cwd=self.place,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "mysite.settings"},
            input=given,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )


LEAN = """
# What no test looks at takes a third of the time.
INSTALLED_APPS, MIDDLEWARE, TEMPLATES = ["django.contrib.contenttypes"], [], []
"""


def start_project(place: Path, database: dict[str, object]) -> Site:
    """A project with an application ``shop`` on this database, which is empty. It is without the
    applications for users and their pages; with them it is shown in ``docs/django.md``."""
    site = Site(place)
    done = site.python("-m", "django", "startproject", "mysite", ".")
    assert done.returncode == 0, done.stderr
    site.write("shop/__init__.py", "")
    site.write("shop/migrations/__init__.py", "")
    site.write("shop/models.py", MODELS)
    site.settings(LEAN)
    site.write("mysite/urls.py", "urlpatterns = []\n")
    site.settings(
        "INSTALLED_APPS += ['shop', 'demo_snapshots.integrations.django']\n"
        f"DATABASES['default'] = {database!r}"
    )
    return site


def main() -> None:
    from django.core.management import execute_from_command_line

    outcomes = []
    sys.path.insert(0, "")
    for command_line in json.loads(sys.stdin.read()):
        stdout, stderr = io.StringIO(), io.StringIO()
        status: object = 0
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            try:
                execute_from_command_line(["manage.py", *command_line])
            except SystemExit as end:
                status = end.code
        outcomes.append((status or 0, stdout.getvalue(), stderr.getvalue()))
    print(json.dumps(outcomes))  # noqa: T201


if __name__ == "__main__":
    main()
