"""A Django project in one file; as a program it migrates a database and seeds it.

``python django_site.py URL DIRECTORY``: makes the migrations in DIRECTORY as ``makemigrations``
does, applies them to the database at URL, and saves a few rows by the ORM.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

MODELS = """
import uuid
from django.conf import settings
from django.db import models


class Tag(models.Model):
    name = models.CharField(max_length=50, unique=True)
    is_demo = models.BooleanField(default=False)


class Category(models.Model):
    name = models.CharField(max_length=50)
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True)
    meta = models.JSONField(default=dict)


class Product(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    category = models.ForeignKey(Category, models.PROTECT)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    weight = models.FloatField(null=True)
    active = models.BooleanField(default=True)


class Order(models.Model):
    KINDS = [("web", "Web"), ("shop", "Shop")]
    customer = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    is_demo = models.BooleanField(default=False)
    scenario = models.CharField(max_length=50, null=True, blank=True)
    kind = models.CharField(max_length=10, choices=KINDS)
    placed_at = models.DateTimeField()
    tags = models.ManyToManyField(Tag)

    class Meta:
        db_table = "order"


class OrderLine(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.PROTECT)
    count = models.PositiveIntegerField(default=1)
    note = models.TextField(blank=True)
    receipt = models.BinaryField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "product"], name="once")]
"""


def main(url: str, directory: str) -> None:
    site = Path(directory)
    app = site / "shop"
    (app / "migrations").mkdir(parents=True)
    for package in (app, app / "migrations"):
        (package / "__init__.py").write_text("", "utf-8")
    (app / "models.py").write_text(MODELS, "utf-8")
    sys.path.insert(0, str(site))

    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(
        INSTALLED_APPS=[
            *(f"django.contrib.{name}" for name in ("contenttypes", "auth", "sessions")),
            "shop",
        ],
        DATABASES={"default": database_settings(url)},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        SECRET_KEY="x",
    )
    django.setup()
    call_command("makemigrations", "shop", verbosity=0)
    call_command("migrate", verbosity=0)
    _seed()


def database_settings(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path.removeprefix("/")}
    if parts.scheme in ("mariadb", "mysql"):
        import pymysql

        pymysql.install_as_MySQLdb()
    engine = "postgresql" if parts.scheme == "postgresql" else "mysql"
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": parts.path[1:],
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        # psycopg reads no other form of dates than this, whatever the server prefers.
        "OPTIONS": {"options": "-c datestyle=ISO"} if engine == "postgresql" else {},
    }


def _seed() -> None:
    from datetime import UTC, datetime
    from uuid import UUID

    from django.contrib.auth.models import User
    from shop.models import Category, Order, OrderLine, Product, Tag  # type: ignore

    user = User.objects.create_user("real")
    moment = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    for demo in (False, True):
        marker = {"demo_seed": True, "scenario": "general", "n": 1.5} if demo else {}
        top = Category.objects.create(name="Säfte", meta=marker)
        low = Category.objects.create(name="It's \\ low", parent=top, meta=marker)
        tag = Tag.objects.create(name=f"tag {demo}", is_demo=demo)
        order = Order.objects.create(
            customer=None if demo else user,
            is_demo=demo,
            scenario="general" if demo else None,
            kind="web",
            placed_at=moment,
        )
        Order.objects.create(is_demo=demo, kind="shop", placed_at=moment)
        order.tags.add(tag)
        for number in (1, 2):
            product = Product.objects.create(
                id=UUID(int=number + 10 * demo), category=low, price=number, weight=0.1
            )
            OrderLine.objects.create(order=order, product=product, note="a\nb", receipt=b"\x00'")


if __name__ == "__main__":
    main(*sys.argv[1:])
