"""``demo init`` and ``demo config`` on real databases: what is written works as it stands."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from database_engines import engines
from integration.live import Live

from demo_snapshots.cli import demo as demo_command
from demo_snapshots.config.rules import ByKey
from demo_snapshots.config.settings import load_config
from demo_snapshots.engines.connection import connect
from demo_snapshots.errors import ConfigError, UsageError
from demo_snapshots.operations import init as initialising
from demo_snapshots.operations.init import InitResult, initialise
from demo_snapshots.selection.rules import Selection, resolve
from demo_snapshots.selection.schema import reflect

ALL = ("sqlite", "postgresql", "mariadb")

Run = Callable[..., Result]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    directory = tmp_path / "work place"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def run(place: Path) -> Run:
    """Run ``demo`` with these arguments in that directory."""

    def invoke(*arguments: str, **environment: str) -> Result:
        result = CliRunner().invoke(demo_command, arguments, env=environment, prog_name="demo")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


def write(live: Live, place: Path, **options: Any) -> InitResult:
    config = load_config(environment={"DATABASE_URL": live.url}, directory=place)
    return initialise(config, directory=place, **options)


def selected(live: Live, place: Path) -> dict[str, int]:
    """How many rows the configuration in ``place`` selects, by table."""
    config = load_config(environment={"DATABASE_URL": live.url}, directory=place)
    with connect(config.database) as database, database.reading():
        schema = reflect(database, config.tables)
        selection = Selection(database.dialect, schema.tables, resolve(config, schema))
        return {
            name: database.scalar(
                f"SELECT count(*) FROM {database.dialect.table(schema.tables[table])}"
                f" WHERE {selection.predicate(table)}"
            )
            for name, table in schema.configured.items()
        }


SHOP = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE)",
    "CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, is_demo BOOLEAN, scenario TEXT)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, meta JSON,"
    " user_id INTEGER, FOREIGN KEY (user_id) REFERENCES users (id))",
    'CREATE TABLE "Order Lines" ("Order" INTEGER NOT NULL, "no." INTEGER NOT NULL,'
    ' product_id INTEGER NOT NULL, PRIMARY KEY ("Order", "no."),'
    " FOREIGN KEY (product_id) REFERENCES products (id),"
    ' FOREIGN KEY ("Order") REFERENCES orders (id))',
    'CREATE TABLE "returns" (id INTEGER PRIMARY KEY, a INTEGER NOT NULL, b INTEGER NOT NULL,'
    ' FOREIGN KEY (a, b) REFERENCES "Order Lines" ("Order", "no."))',
    "CREATE TABLE visits (id INTEGER PRIMARY KEY, scenario VARCHAR(50))",
    "INSERT INTO users VALUES (1, 'a@example.org')",
    "INSERT INTO products VALUES (1, 'Tea', TRUE, 'general'), (2, 'Ink', FALSE, NULL)",
    """INSERT INTO orders VALUES (1, '{"demo_seed": true, "scenario": "general"}', 1),
       (2, '{"demo_seed": false}', 1), (3, NULL, NULL)""",
    'INSERT INTO "Order Lines" VALUES (1, 1, 1), (1, 2, 1), (2, 1, 2)',
    'INSERT INTO "returns" VALUES (1, 1, 2), (2, 2, 1)',
    "INSERT INTO visits VALUES (1, 'general'), (2, NULL), (3, 'b')",
)


@engines(*ALL)
def test_what_is_written_selects_the_rows_it_counts(database_url, place):
    live = Live(database_url)
    live.run(*SHOP)
    result = write(live, place)
    assert (place / "demo.toml").read_text("utf-8") == result.content
    counted = {finding.name: finding.rows for finding in result.findings.tables}
    assert counted == {
        "orders": 1,
        "products": 1,
        "visits": 2,
        "Order Lines": 2,
        "returns": 1,
    }
    assert selected(live, place) == counted
    written = tomllib.loads(result.content)
    assert written["tables"] == {
        "orders": {"marker": "meta.demo_seed", "scenario": "meta.scenario"},
        "products": {"marker": "is_demo", "scenario": "scenario"},
        "visits": {"where": "scenario IS NOT NULL", "scenario": "scenario"},
        "Order Lines": {"follows": "Order"},
        "returns": {"follows": ["a", "b"]},
    }
    assert "database" not in written["demo"], "it comes from where it came from"


@engines(*ALL)
def test_comments_say_why(database_url, place):
    live = Live(database_url)
    live.run(*SHOP)
    text = write(live, place).content
    before = text[: text.index('[tables."Order Lines"]')].rsplit("\n\n", 1)[1].replace("\n# ", " ")
    assert "Its rows reference orders by Order: 2 rows now." in before
    assert "They also reference products by product_id; Order was chosen: it is part of" in before
    assert '# orders.user_id -> users: 1 row now.\n# users = { by-key = ["email"] }' in text


@engines(*ALL)
def test_the_comments_beneath_references_work_without_their_sign(database_url, place):
    live = Live(database_url)
    live.run(*SHOP)
    text = write(live, place).content
    (place / "demo.toml").write_text(text.replace("# users =", "users ="), "utf-8")
    config = load_config(environment={}, directory=place)
    assert config.references["users"] == ByKey(("email",))


@engines(*ALL)
def test_an_example_made_of_the_databases_own_tables(database_url, place):
    live = Live(database_url)
    live.run(
        'CREATE TABLE "Artist" ("ArtistId" INTEGER PRIMARY KEY)',
        "CREATE TABLE albums (id INTEGER PRIMARY KEY, artist INTEGER,"
        ' FOREIGN KEY (artist) REFERENCES "Artist" ("ArtistId"))',
        'INSERT INTO "Artist" VALUES (1), (2), (3)',
        "INSERT INTO albums VALUES (1, 1), (2, 3)",
    )
    take_the_example(live, place)
    assert selected(live, place) == {"Artist": 2, "albums": 1}


def take_the_example(live: Live, place: Path) -> None:
    """Write the file, and take the signs off its example."""
    result = write(live, place)
    assert result.findings.tables == ()
    assert "tables" not in tomllib.loads(result.content)
    start = result.content.index("# [tables.")
    taken = result.content[:start] + result.content[start:].replace("# [", "[").replace(
        "# where", "where"
    ).replace("# follows", "follows")
    (place / "demo.toml").write_text(taken, "utf-8")


@engines(*ALL)
def test_an_example_by_a_key_that_is_no_number(database_url, place):
    live = Live(database_url)
    live.run(
        "CREATE TABLE plans (code VARCHAR(9) PRIMARY KEY, name VARCHAR(9))",
        "INSERT INTO plans VALUES ('0', '1'), ('two', NULL)",
    )
    take_the_example(live, place)
    assert selected(live, place) == {"plans": 1}
    live.run("DROP TABLE plans", "CREATE TABLE days (day DATE PRIMARY KEY)")
    (place / "demo.toml").unlink()
    take_the_example(live, place)
    assert selected(live, place) == {"days": 0}


@engines("postgresql")
def test_a_table_in_another_schema(database_url, place):
    live = Live(database_url)
    live.run(
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.contacts (id INTEGER PRIMARY KEY, is_demo BOOLEAN)",
        "INSERT INTO crm.contacts VALUES (1, TRUE), (2, NULL)",
    )
    write(live, place)
    assert selected(live, place) == {"crm.contacts": 1}


@engines("postgresql", "postgresql15")
def test_partitions_are_part_of_their_table(database_url, place):
    live = Live(database_url)
    live.run(
        "CREATE TABLE t (id INTEGER, is_demo BOOLEAN, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
        "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10)",
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.t_2 PARTITION OF t FOR VALUES FROM (10) TO (20)",
        "INSERT INTO t VALUES (1, TRUE), (11, TRUE), (12, FALSE)",
    )
    write(live, place)
    assert selected(live, place) == {"t": 2}


ODD = ("a]b", "a.b", "a'b", 'a"b', "a\\b", "ä ü", "#", "_", "a\tb", "1", "-")


@pytest.mark.parametrize("name", ODD)
def test_odd_names(sqlite_url, place, name):
    live = Live(sqlite_url)
    quoted = '"' + name.replace('"', '""') + '"'
    live.run(
        f"CREATE TABLE {quoted} (id INTEGER PRIMARY KEY, scenario TEXT)",
        f"CREATE TABLE f ({quoted} INTEGER, FOREIGN KEY ({quoted}) REFERENCES {quoted} (id))",
        f"INSERT INTO {quoted} VALUES (1, 'x'), (2, NULL)",
        "INSERT INTO f VALUES (1), (1), (2)",
    )
    write(live, place)
    assert selected(live, place) == {name: 1, "f": 2}


def test_a_line_break_in_a_name_stays_in_the_comment(sqlite_url, place):
    live = Live(sqlite_url)
    live.run('CREATE TABLE t ("is_demo" BOOL, id INTEGER PRIMARY KEY)')
    live.run('CREATE TABLE "x\n[tables.t]" (t_id INT REFERENCES t (id))')
    live.run('CREATE TABLE u ("a\nb" INTEGER REFERENCES t (id))')
    content = write(live, place).content
    assert set(tomllib.loads(content)["tables"]) == {"t", "u", "x\n[tables.t]"}
    assert tomllib.loads(content)["tables"]["u"] == {"follows": "a\nb"}


# --- The file --------------------------------------------------------------------------------


def small(live: Live) -> None:
    live.run("CREATE TABLE t (id INTEGER PRIMARY KEY, is_demo BOOLEAN, scenario TEXT)")
    live.run("INSERT INTO t VALUES (1, TRUE, 'general'), (2, FALSE, NULL)")


def test_nothing_is_overwritten_without_force(sqlite_url, place):
    live = Live(sqlite_url)
    small(live)
    (place / "demo.toml").write_text("[demo]\n", "utf-8")
    with pytest.raises(UsageError, match="is there already"):
        write(live, place)
    assert (place / "demo.toml").read_text("utf-8") == "[demo]\n"
    assert "[tables.t]" in write(live, place, write=False).content
    write(live, place, force=True)
    assert selected(live, place) == {"t": 1}
    assert [entry.name for entry in place.iterdir()] == ["demo.toml"]


def test_a_file_that_appeared_meanwhile_stays(place):
    path = place / "demo.toml"
    path.write_text("theirs", "utf-8")
    with pytest.raises(UsageError, match="is there already"):
        initialising._write(path, "ours", force=False)
    assert path.read_text("utf-8") == "theirs"
    assert [entry.name for entry in place.iterdir()] == ["demo.toml"]


def test_what_is_doubtful_is_a_comment(sqlite_url, place):
    live = Live(sqlite_url)
    small(live)
    live.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, t_id INTEGER,"
        " FOREIGN KEY (t_id) REFERENCES t (id) ON DELETE SET NULL)"
    )
    text = write(live, place).content
    assert '# [tables.people]\n# follows = "t_id"\n' in text
    assert selected(live, place) == {"t": 1}


def test_a_dangling_link_is_not_written_through(sqlite_url, place):
    small(Live(sqlite_url))
    (place / "demo.toml").symlink_to("elsewhere.toml")
    with pytest.raises(UsageError):
        write(Live(sqlite_url), place)
    assert [entry.name for entry in place.iterdir()] == ["demo.toml"]


def test_a_section_in_pyproject_is_not_hidden_without_force(sqlite_url, place):
    small(Live(sqlite_url))
    (place / "pyproject.toml").write_text("[tool.ruff]\n", "utf-8")
    write(Live(sqlite_url), place)
    (place / "demo.toml").unlink()
    (place / "pyproject.toml").write_text("[tool.demo-snapshots]\n", "utf-8")
    with pytest.raises(UsageError, match="would hide"):
        write(Live(sqlite_url), place)


def test_a_directory_that_cannot_be_written(sqlite_url, place):
    small(Live(sqlite_url))
    config = load_config(database=sqlite_url, directory=place)
    (place / "demo.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be written"):
        initialise(config, directory=place, force=True)
    assert [entry.name for entry in place.iterdir()] == ["demo.toml"]


def test_the_database_is_written_where_nothing_else_names_it(sqlite_url, place):
    small(Live(sqlite_url))
    initialise(load_config(database=sqlite_url, directory=place), directory=place)
    assert load_config(directory=place).database == sqlite_url


@engines("postgresql")
def test_a_password_is_not_written(database_url, place):
    small(Live(database_url))
    for url in (
        database_url.replace("postgres@", "postgres:s3cret@"),
        f"{database_url}?password=s3cret",
    ):
        config = load_config(database=url, directory=place)
        content = initialise(config, directory=place, write=False).content
        assert "s3cret" not in content
        assert "--database names, with a password" in content


# --- The commands ----------------------------------------------------------------------------


def test_from_init_to_import_without_a_hand_on_the_file(run, sqlite_url):
    live = Live(sqlite_url)
    small(live)
    rows = live.dump()
    done = run("init", "--database", sqlite_url)
    assert done.exit_code == 0, done.stderr
    assert "Wrote demo.toml" in done.stdout
    assert "demo export general" in done.stdout
    assert run("export", "general").exit_code == 0
    live.run("DELETE FROM t WHERE id = 1")
    assert run("import", "general", "--yes").exit_code == 0
    assert live.dump() == rows


def test_init_says_that_it_found_nothing(run, sqlite_url, place):
    Live(sqlite_url).run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    done = run("init", "--database", sqlite_url)
    assert done.exit_code == 0
    assert "Nothing in 1 table marks demo rows" in done.stdout
    assert (place / "demo.toml").exists()


def test_init_prints_without_writing(run, sqlite_url, place):
    small(Live(sqlite_url))
    done = run("init", "--stdout", "--database", sqlite_url)
    assert tomllib.loads(done.stdout)["tables"] == {
        "t": {"marker": "is_demo", "scenario": "scenario"}
    }
    shown = json.loads(run("init", "--stdout", "--json", "--database", sqlite_url).stdout)
    assert shown["content"] == done.stdout
    assert (shown["written"], shown["scenarios"], shown["looked_at"]) == (False, ["general"], 1)
    assert shown["tables"] == [
        {
            "table": "t",
            "records": 1,
            "exact": True,
            "doubtful": False,
            "reasons": ["is_demo is true"],
        }
    ]
    assert not (place / "demo.toml").exists()


def test_init_beside_a_file_that_is_there(run, sqlite_url, place):
    (place / "demo.toml").write_text("[demo]\n", "utf-8")
    done = run("init", "--database", sqlite_url)
    assert done.exit_code == 2
    assert "--force" in done.stderr


def test_config_shows_sources_and_no_password(run, place):
    (place / "demo.toml").write_text(
        "[tables.a]\nwhere = \"b = 'c'\"\nscenario = \"s\"\n[tables.d]\nfollows = ['e', 'f']\n"
        '[references]\ng = "include"\nh = { by-key = ["i"] }\n',
        "utf-8",
    )
    (place / ".env").write_text(
        "DB_CONNECTION=pgsql\nDB_HOST=db\nDB_PASSWORD=s3cret\nAPP_ENV=production\n", "utf-8"
    )
    shown = run("config").stdout
    assert "s3cret" not in shown
    for words in (
        "postgresql://root:***@db/laravel",
        "DB_CONNECTION in .env",
        "where b = 'c'; scenario in s",
        "reference a demo row by e, f",
        "include: the rows travel along",
        "by-key: looked up by i",
        "APP_ENV in .env",
    ):
        assert words in shown
    document = json.loads(run("config", "--json").stdout)
    assert document["production"] == "APP_ENV in .env"
    assert document["references"] == {"g": "include", "h": {"by_key": ["i"]}}
    assert [table["follows"] for table in document["tables"]] == [None, ["e", "f"]]
    assert document["settings"][0] == {
        "name": "database",
        "value": "postgresql://root:***@db/laravel",
        "from": "DB_CONNECTION in .env",
    }


@pytest.mark.parametrize(
    "command", [["import", "general"], ["seed-enhanced", "--scenario=general"], ["migrate-fresh"]]
)
def test_a_production_env_file_is_not_overlooked(run, place, command):
    (place / ".env").write_text("APP_ENV=production\nDB_CONNECTION=sqlite\n", "utf-8")
    done = run(*command, "--yes", APP_ENV="local")
    assert done.exit_code == 51
    assert "APP_ENV in .env" in done.stderr
    assert not (place / "database").exists()
