"""Management commands, test cases and the system check in a project of Django's own making."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from database_engines import engines
from integration.django_project import MODELS, ROWS, Site, start_project
from integration.django_site import database_settings

pytestmark = pytest.mark.slow

PASSWORD = "Tr0ub4dor"

SETTING = """
import tomllib
DEMO_SNAPSHOTS = tomllib.loads((BASE_DIR / "demo.toml").read_text())
(BASE_DIR / "demo.toml").unlink()
DEMO_SNAPSHOTS["demo"]["snapshots"] = BASE_DIR / "saved"
DEMO_SNAPSHOTS["tables"]["shop_order"]["evergreen"] = "placed_at"
DEMO_SNAPSHOTS["hooks"] = {"after-import": "echo x >> hooked"}
"""

TAGS_BY_NAME = """
from pathlib import Path
file = Path("demo.toml")
text = file.read_text()
assert 'django_content_type = { by-key = ["app_label", "model"] }' in text
file.write_text(text.replace("# shop_tag = ", "shop_tag = "))
"""

SAVED_IN_JANUARY = """
from datetime import UTC, datetime
from demo_snapshots.integrations.django import open_project
open_project(clock=lambda: datetime(2025, 1, 20, tzinfo=UTC)).export("general")
"""

CALLS = """
from io import StringIO
from django.core.management import CommandError, call_command
from django.db import transaction
from shop.models import Order
shown = StringIO()
call_command("demo_compare_exports", "general", with_database=True, json=True, stdout=shown)
assert shown.getvalue().startswith("{")
with transaction.atomic():
    Order.objects.filter(is_demo=True).update(name="x")
    call_command("demo_import", "general", yes=True, verbosity=0)
    assert Order.objects.filter(is_demo=True, name="Demo").count() == 2
    transaction.set_rollback(True)
try:
    call_command("demo_import", "general", version="v9", defaults={"shop_order.name": "x"})
except CommandError as error:
    print(error.returncode, error)
"""

TESTS = """
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from django.core.management import CommandError, call_command
from django.test import TestCase, TransactionTestCase
from demo_snapshots.integrations.django import DemoSnapshotsMixin, open_project
from shop.models import Order, Remark, Tag


class Checks:
    demo_snapshots = ["general v1"]
    fixtures = ["beside.json"]

    def test_rows(self):
        orders = Order.objects.filter(is_demo=True)
        self.assertEqual([o.name for o in orders], ["Demo", "Demo"])
        self.assertEqual(orders[0].tags.get().name, "new")
        self.assertEqual({r.about for r in Remark.objects.all()}, {*orders})
        orders.update(name="changed by a test")

    def test_rows_again(self):
        self.assertDemoUnchanged()
        Order.objects.filter(is_demo=True).update(name="other")
        with self.assertRaisesRegex(AssertionError, 'name: "Demo" → "other"'):
            self.assertDemoUnchanged("general")
        with TemporaryDirectory() as place:
            saved = open_project(snapshots=place).export("general", jobs=2)
            self.assertIn("'other'", saved.path.read_text("utf-8"))
        with self.assertRaises(CommandError) as differs:
            call_command(
                "demo_compare_exports", "general", with_database=True, exit_code=True, verbosity=0
            )
        self.assertEqual(differs.exception.returncode, 1)
        call_command("demo_import", "general", yes=True, no_hooks=True, verbosity=0)
        call_command("demo_validate", "general", verbosity=0)


class RolledBack(Checks, DemoSnapshotsMixin, TestCase):
    @classmethod
    def setUpTestData(cls):
        super().setUpTestData()
        cls.order = Order.objects.filter(is_demo=True).first()

    def test_data_of_a_class_s_own(self):
        self.assertEqual(self.order.name, "Demo")


class Fresh(DemoSnapshotsMixin, TestCase):
    demo_snapshots = ["general"]
    fixtures = ["beside.json"]
    demo_fresh = True

    def test_dates(self):
        saved = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
        self.assertFalse(Order.objects.filter(placed_at=saved).exists())
        self.assertDemoUnchanged()


class Flushed(Checks, DemoSnapshotsMixin, TransactionTestCase):
    pass
"""

TAGS = '[{"model": "shop.tag", "pk": 1, "fields": {"name": "new"}}]'

MIGRATION = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RenameField("order", "name", "title")]
"""


GONE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/at.all"}
TITLE = "    title = models.CharField(max_length=50)\n"


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Site:
    settings = database_settings(database_url)
    if settings["ENGINE"].endswith("postgresql"):  # type: ignore[attr-defined]
        settings["PASSWORD"] = PASSWORD
    place = tmp_path / "my site"
    (place / ".git").mkdir(parents=True)
    site = start_project(place, settings)
    if settings["ENGINE"].endswith("mysql"):  # type: ignore[attr-defined]
        site.write("mysite/__init__.py", "import pymysql\npymysql.install_as_MySQLdb()\n")
    return site


@engines("sqlite", "postgresql", "mariadb")
def test_a_project_that_startproject_made(site: Site) -> None:
    first = site.manage(
        ["makemigrations", "shop", "-v0"],
        ["migrate", "-v0"],
        ["shell", "-v0", "-c", ROWS],
        ["demo_init", "--json"],
        ["shell", "-v0", "-c", TAGS_BY_NAME],
        ["demo_config", "-v3"],
        ["demo_export", "general", "--json"],
        ["demo_list_exports"],
        ["demo_import", "nobody"],
        ["demo_import", "general", "--database=other"],
        ["demo_import", "nobody", "--json"],
        ["demo_export", "general", "--compress=rar"],
        ["help", "demo_import"],
    )
    assert [each.status for each in first[:8]] == [0] * 8, first
    init, _, config, export, listing, nobody, alias, as_json, rar, about = first[3:]
    assert {each["table"] for each in json.loads(init.stdout)["tables"]} == {
        *("shop_order", "shop_order_tags", "shop_remark"),
    }
    assert "the one that DATABASES['default'] names" in json.loads(init.stdout)["content"]
    assert "DATABASES['default']" in config.stdout
    assert PASSWORD not in "".join(map(str, first))
    assert "v1_" in listing.stdout
    assert json.loads(export.stdout)["records"]["total"] == 6
    assert nobody == (
        *(14, ""),
        "CommandError: no snapshot of scenario 'nobody' in database/demo-snapshots\n"
        "hint: There are: general.\n",
    )
    assert (rar.status, alias.status) == (2, 2)
    assert "DATABASES has no 'other'" in alias.stderr
    assert json.loads(as_json.stdout)["error"]["exit_code"] == as_json.status == 14
    assert rar.stderr.endswith("hint: See what it takes with manage.py demo_export --help.\n")
    assert "--rename-column TABLE.OLD=NEW" in about.stdout
    assert "manage.py demo_import general --version=v1" in about.stdout
    # The same settings in another place, from code, in a transaction, in tests.
    site.settings(SETTING)
    site.write("shop/tests.py", TESTS)
    site.write("shop/fixtures/beside.json", TAGS)
    second = site.manage(
        ["demo_init"],
        ["shell", "-v0", "-c", SAVED_IN_JANUARY],
        ["demo_export", "general", "-v0"],
        ["shell", "-v0", "-c", CALLS],
        ["test", "-v0"],
        ["demo_compare_exports", "general", "--with-database", "--exit-code", "--stat"],
        ["shell", "-v0", "-c", "from shop.models import *; Order.objects.update(name='x')"],
        ["demo_compare_exports", "general", "--with-database", "--exit-code", "--stat"],
        ["demo_validate", "general"],
        ["demo_import", "general"],
        ["demo_import", "general", "--yes", "--no-color"],
        ["demo_undo", "--list"],
    )
    hidden, _, export, calls, tests, same, _, differs, validation, asked, imported, undo = second
    assert "the setting DEMO_SNAPSHOTS is there" in hidden.stderr
    assert (site.place / "saved" / "general").is_dir()
    assert export == (0, "", "")
    assert calls.stdout.startswith("14 "), calls
    assert "Ran 6 tests" in tests.stderr
    statuses = (hidden, tests, same, differs, validation, asked, imported)
    assert [each.status for each in statuses] == [2, 0, 0, 1, 50, 26, 0], statuses
    assert "manage.py demo_import puts the snapshot back" in validation.stderr
    assert "Changed  2 rows" in imported.stdout
    assert "manage.py demo_import general v1_" in undo.stdout
    # Not for what was rolled back.
    assert (site.place / "hooked").read_text("utf-8") == "x\n"
    assert PASSWORD not in "".join(map(str, second))


@engines("sqlite")
def test_the_check_warns_when_a_migration_no_longer_fits(site: Site) -> None:
    site.write("demo.toml", '[tables.shop_order]\nmarker = "is_demo"\n')
    site.settings(f"DATABASES['gone'] = {GONE!r}")
    check = ["check", "--database", "default"]
    before = site.manage(
        check,
        ["makemigrations", "shop", "-v0"],
        ["migrate", "-v0"],
        check,
        ["shell", "-v0", "-c", ROWS],
        ["demo_export", "general"],
        check,
    )
    assert [each.status for each in before] == [0] * 7, before
    assert "no issues" in before[0].stdout + before[3].stdout + before[6].stdout
    assert before[0].stderr + before[3].stderr + before[6].stderr == ""
    site.write("shop/migrations/0002_title.py", MIGRATION)
    model = MODELS.replace("    name = models.CharField(max_length=50)\n", TITLE, 1)
    site.write("shop/models.py", model)
    drift = '[[drift]]\nrename-columns = { "shop_order.name" = "title" }\n'
    renamed, warned, _, due, upgraded, fits, _, later, gone, _, unread = site.manage(
        ["migrate", "-v0"],
        check,
        ["shell", "-v0", "-c", f"open('demo.toml', 'a').write({drift!r})"],
        [*check, "--fail-level", "WARNING"],
        ["demo_upgrade", "general", "-q"],
        check,
        ["migrate", "shop", "0001", "-v0", "--skip-checks"],
        check,
        ["check", "--database", "gone"],
        ["shell", "-v0", "-c", "open('demo.toml', 'a').write('[nonsense]')"],
        check,
    )
    assert [each.status for each in (renamed, warned, due)] == [0, 0, 1], (renamed, warned, due)
    assert "(demo_snapshots.W001)" in warned.stderr
    assert "shop_order.name: no such column" in warned.stderr
    assert "manage.py demo_upgrade general makes" in due.stderr
    assert upgraded == (0, "", "")
    assert fits.stderr == later.stderr == ""
    assert "(demo_snapshots.W002)" in unread.stderr
    assert "gone: what is saved could not be checked: OperationalError" in gone.stderr
    assert (unread.status, gone.status) == (0, 0)
