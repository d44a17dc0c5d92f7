"""Django's fixtures, by a small project over the same tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from zlib import crc32

from benchmarks import contenders
from benchmarks.databases import Fingerprint, Url, fingerprint, require_same, settle
from benchmarks.jobs.rounds import engine_title, ours
from benchmarks.measuring import Contender, JobResult, Step, Turn, prepare, run
from benchmarks.world import SCENARIO, TABLES, Source, World, demo, document

_RECORDS_AT_SCALE_1 = 310
_FORMS = ("json", "sql", "yaml")
_TARGETS = {"small": (1.2, 1.2), "large": (0.1, 0.02)}

_SETTINGS = """\
import os

INSTALLED_APPS = ["sample"]
DATABASES = {
    "default": {
        "ENGINE": os.environ["BENCH_ENGINE"],
        "NAME": os.environ["BENCH_NAME"],
        "HOST": os.environ.get("BENCH_HOST", ""),
        "PORT": os.environ.get("BENCH_PORT", ""),
        "USER": os.environ.get("BENCH_USER", ""),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
"""

MODELS = """\
from django.db import models


class Base(models.Model):
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        abstract = True


class Vault(Base):
    name = models.CharField(max_length=120)
    slug = models.CharField(max_length=80, unique=True)
    description = models.TextField(null=True)
    metadata = models.JSONField(null=True)

    class Meta:
        managed = False
        db_table = "vaults"


class Project(Base):
    name = models.CharField(max_length=160)
    description = models.TextField(null=True)
    status = models.CharField(max_length=20)
    vault = models.ForeignKey(Vault, models.CASCADE)
    metadata = models.JSONField(null=True)

    class Meta:
        managed = False
        db_table = "projects"


class Fragment(Base):
    type = models.CharField(max_length=40)
    title = models.CharField(max_length=255, null=True)
    message = models.TextField(null=True)
    tags = models.JSONField(null=True)
    relationships = models.JSONField(null=True)
    metadata = models.JSONField(null=True)
    state = models.CharField(max_length=20, null=True)
    vault = models.CharField(max_length=80, null=True)
    project = models.ForeignKey(Project, models.CASCADE, null=True)
    inbox_status = models.CharField(max_length=20, null=True)
    inbox_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "fragments"


class Todo(Base):
    fragment = models.ForeignKey(Fragment, models.CASCADE)
    title = models.CharField(max_length=255)
    state = models.CharField(max_length=20)

    class Meta:
        managed = False
        db_table = "todos"


class Contact(Base):
    name = models.CharField(max_length=160)
    role = models.CharField(max_length=120, null=True)
    company = models.CharField(max_length=160, null=True)
    email = models.CharField(max_length=254, null=True)
    phone = models.CharField(max_length=40, null=True)
    metadata = models.JSONField(null=True)

    class Meta:
        managed = False
        db_table = "contacts"


class ChatSession(Base):
    title = models.CharField(max_length=255)
    messages = models.JSONField(null=True)
    message_count = models.IntegerField()
    last_activity_at = models.DateTimeField(null=True)
    metadata = models.JSONField(null=True)

    class Meta:
        managed = False
        db_table = "chat_sessions"
"""


def export(engine: str, size: str, world: World) -> JobResult:
    source = _source(world, engine, size)
    target, _ = _TARGETS[size]
    rivals = [
        Contender("demo export", _exported(world, source), check_last=True),
        Contender(
            "Django dumpdata",
            _dumped(world, source),
            target=target,
            check_last=True,
            missing=contenders.missing("django-admin"),
        ),
    ]
    return _run(f"django-{size}-export", f"out of {engine_title(engine)}", source, rivals, world)


def load(engine: str, size: str, world: World) -> JobResult:
    source = _source(world, engine, size)
    _, target = _TARGETS[size]
    rivals = [
        Contender("demo import", _imported(world, source)),
        Contender(
            "Django loaddata",
            _loaded(world, source),
            target=target,
            # A minute and more each.
            most_turns=1 if size == "large" else None,
            missing=contenders.missing("django-admin"),
        ),
    ]
    return _run(f"django-{size}-import", f"into {engine_title(engine)}", source, rivals, world)


def export_forms(world: World) -> JobResult:
    """Our other forms out, beside the SQL one and Django's JSON."""
    source = _source(world, "postgresql", "large")
    forms = [
        Contender(f"demo export --format={form}", _exported(world, source, form), check_last=True)
        for form in _FORMS
    ]
    missing = contenders.missing("django-admin")
    dumped = Contender("Django dumpdata", _dumped(world, source), check_last=True, missing=missing)
    rivals = [*forms, dumped]
    return _run("forms-export", "out of PostgreSQL in each form", source, rivals, world)


def load_forms(world: World) -> JobResult:
    """Our other forms in, beside the SQL one and Django's JSON."""
    source = _source(world, "postgresql", "large")
    forms = [Contender(f"demo import of {form}", _imported(world, source, form)) for form in _FORMS]
    missing = contenders.missing("django-admin")
    loaded = Contender("Django loaddata", _loaded(world, source), most_turns=1, missing=missing)
    rivals = [*forms, loaded]
    return _run("forms-import", "into PostgreSQL in each form", source, rivals, world)


def _run(name: str, way: str, source: Source, rivals: list[Contender], world: World) -> JobResult:
    title = f"{source.records:,} records {way}, whole process"
    return run(name, title, rivals, turns=world.settings.turns, told=world.told)


def _source(world: World, engine: str, size: str) -> Source:
    if size == "small":
        return world.source(engine, 1)
    scale = world.settings.django_records // _RECORDS_AT_SCALE_1
    return world.source(engine, max(scale, 1) * 175)


def _project(world: World) -> Path:
    project = world.kept / "django"
    if not project.exists():
        (project / "sample").mkdir(parents=True)
        (project / "sample" / "__init__.py").touch()
        (project / "settings.py").write_text(_SETTINGS, encoding="utf-8", newline="\n")
        (project / "sample" / "models.py").write_text(MODELS, encoding="utf-8", newline="\n")
    return project


def _django(world: World, url: Url, *words: str | Path) -> Step:
    engines = {
        "sqlite": "django.db.backends.sqlite3",
        "postgresql": "django.db.backends.postgresql",
    }
    environment = {
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": str(_project(world)),
        "BENCH_ENGINE": engines[url.engine],
        "BENCH_NAME": url.name,
    }
    if url.engine == "postgresql":
        server = {"HOST": "127.0.0.1", "PORT": str(url.port), "USER": "postgres"}
        environment |= {f"BENCH_{name}": text for name, text in server.items()}
    return Step([contenders.program("django-admin"), *words], environment=environment)


def _dump(world: World, url: Url, file: Path) -> Step:
    return _django(world, url, "dumpdata", "sample", "--output", file)


def _exported(
    world: World, source: Source, form: str = "sql"
) -> Callable[[], AbstractContextManager[Turn]]:
    @contextmanager
    def turn() -> Iterator[Turn]:
        with world.place() as place:
            written = ("--database", source.full.text, "--snapshots", place / "written")
            step = demo("export", SCENARIO, "--quiet", f"--format={form}", *written)
            yield Turn([step], lambda: _document_back(world, source, place), place / "written")

    return turn


def _document_back(world: World, source: Source, place: Path) -> None:
    with world.migrated(source) as url:
        prepare(_import(url, document(place / "written")))
        require_same(_values(url), _values(source.full))


def _dumped(world: World, source: Source) -> Callable[[], AbstractContextManager[Turn]]:
    @contextmanager
    def turn() -> Iterator[Turn]:
        with world.place() as place:
            file = place / "fixture.json"
            yield Turn([_dump(world, source.full, file)], lambda: _whole(file, source), file)

    return turn


def _whole(file: Path, source: Source) -> None:
    # Loading it takes a minute and has a job of its own.
    found = dict.fromkeys(TABLES, (0, ""))
    tables = dict(
        zip(("vault", "project", "fragment", "todo", "contact", "chatsession"), TABLES, strict=True)
    )
    for record in json.loads(file.read_text("utf-8")):
        table = tables[record["model"].removeprefix("sample.")]
        found[table] = (found[table][0] + 1, "")
    require_same(found, {table: (rows, "") for table, (rows, _) in source.rows.items()})


def _imported(
    world: World, source: Source, form: str = "sql"
) -> Callable[[], AbstractContextManager[Turn]]:
    @contextmanager
    def turn() -> Iterator[Turn]:
        file = ours(world, source)
        if form != "sql":
            file, converted = world.kept / f"{source.full.engine}-{source.records}.{form}", file
            if not file.exists():
                prepare(demo("convert", converted, "--to", form, "--output", file, "--quiet"))
        with world.migrated(source) as url:
            settle(url)
            yield Turn(
                [_import(url, file)], lambda: require_same(_values(url), _values(source.full)), file
            )

    return turn


def _loaded(world: World, source: Source) -> Callable[[], AbstractContextManager[Turn]]:
    @contextmanager
    def turn() -> Iterator[Turn]:
        file = world.kept / f"django-{source.full.engine}-{source.records}.json"
        if not file.exists():
            prepare(_dump(world, source.full, file))
        with world.migrated(source) as url:
            settle(url)
            step = _django(world, url, "loaddata", file)
            yield Turn([step], lambda: require_same(_values(url), _values(source.full)), file)

    return turn


def _import(url: Url, file: Path) -> Step:
    return demo("import", SCENARIO, "--quiet", "--yes", "--file", file, "--database", url.text)


def _values(url: Url) -> Fingerprint:
    """As ``fingerprint``; but Django writes JSON its own way where the engine keeps its text."""
    if url.engine != "sqlite":
        return fingerprint(url, TABLES)
    connection = sqlite3.connect(url.file)
    found = {}
    for table in TABLES:
        sums = [
            crc32(repr([_value(cell) for cell in row]).encode())
            for row in connection.execute(f"SELECT * FROM {table}")
        ]
        found[table] = (len(sums), str(sum(sums)))
    connection.close()
    return found


def _value(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(("{", "[")):
        return json.dumps(json.loads(cell), sort_keys=True)
    return cell
