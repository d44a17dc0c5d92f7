"""Where settings come from, and what a configuration may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_snapshots.config.environment import Environment
from demo_snapshots.config.masking import masked_url
from demo_snapshots.config.rules import ByKey, PredicatePerEngine
from demo_snapshots.config.settings import DEFAULT_DATABASE, Config, load_config
from demo_snapshots.config.toml import line_of
from demo_snapshots.errors import ConfigError


@pytest.fixture(autouse=True)
def working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def load(place: Path, file: str = "", env_file: str = "", **environment: str) -> Config:
    if file:
        (place / "demo.toml").write_text(file, "utf-8")
    if env_file:
        (place / ".env").write_text(env_file, "utf-8")
    return load_config(environment=environment, directory=place)


def origin(config: Config, name: str = "database") -> str:
    return next(setting.origin for setting in config.settings if setting.name == name)


# --- Precedence ------------------------------------------------------------------------------


def test_each_source_of_the_database_wins_over_the_next(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.demo-snapshots.demo]\ndatabase = "sqlite:///project"\n', "utf-8"
    )
    assert origin(load(tmp_path)) == "pyproject.toml"
    config = load(tmp_path, '[demo]\ndatabase = "sqlite:///toml"\n')
    assert (config.database, origin(config)) == ("sqlite:///toml", "demo.toml")
    config = load(tmp_path, env_file="DATABASE_URL=sqlite:///file\n")
    assert (config.database, origin(config)) == ("sqlite:///file", "DATABASE_URL in .env")
    config = load(tmp_path, DATABASE_URL="sqlite:///process")
    assert (config.database, origin(config)) == ("sqlite:///process", "DATABASE_URL")
    config = load_config(
        database="sqlite:///option",
        environment={"DATABASE_URL": "sqlite:///process"},
        directory=tmp_path,
    )
    assert (config.database, origin(config)) == ("sqlite:///option", "database=…")


def test_without_anything_the_defaults_and_the_sample_application(tmp_path):
    config = load(tmp_path)
    assert config.database == DEFAULT_DATABASE
    assert "fragments" in config.tables
    assert origin(config, "tables") == "default (the sample application)"


def test_the_snapshot_directory_has_the_same_sources(tmp_path):
    assert load(tmp_path, '[demo]\nsnapshots = "a"\n').snapshots == "a"
    assert load(tmp_path, env_file="DEMO_SNAPSHOTS=b\n").snapshots == "b"
    assert load(tmp_path, DEMO_SNAPSHOTS="c").snapshots == "c"


def test_a_pyproject_that_does_not_configure_this_tool_is_passed_over(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 9\n", "utf-8")
    assert origin(load(tmp_path)) == "default"


def test_an_empty_variable_is_none(tmp_path):
    config = load(tmp_path, env_file="DATABASE_URL=sqlite:///x\n", DATABASE_URL="")
    assert config.database == "sqlite:///x"


# --- .env ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "url"),
    [
        ("DB_CONNECTION=sqlite", "sqlite:///database/database.sqlite"),
        ("DB_CONNECTION=sqlite\nDB_DATABASE=/srv/app.sqlite", "sqlite:////srv/app.sqlite"),
        ("DB_CONNECTION=mysql", "mysql://root@127.0.0.1/laravel"),
        (
            "DB_CONNECTION=mariadb\nDB_HOST=db\nDB_PORT=3307\nDB_DATABASE=shop\n"
            "DB_USERNAME=app\nDB_PASSWORD='p@s:/s#%'",
            "mariadb://app:p%40s%3A%2Fs%23%25@db:3307/shop",
        ),
        (
            'DB_CONNECTION=pgsql\nDB_HOST=::1\nDB_DATABASE=a\nDB_USERNAME="x y"\nDB_PASSWORD=null',
            "postgresql://x%20y@[::1]/a",
        ),
        (
            "DB_CONNECTION=mysql\nDB_SOCKET=/run/mysqld/s.sock",
            "mysql://root@127.0.0.1/laravel?unix_socket=%2Frun%2Fmysqld%2Fs.sock",
        ),
        (
            "DB_CONNECTION=pgsql\nDB_HOST=/run/postgresql\nDB_PORT=5433",
            "postgresql://root@:5433/laravel?host=%2Frun%2Fpostgresql",
        ),
        ("DB_CONNECTION=pgsql\nDB_URL=pgsql://h/d", "postgresql://h/d"),
        ("DB_CONNECTION=pgsql\nDATABASE_URL=mysql2://h/d", "mysql://h/d"),
        ("DATABASE_URL=sqlite3:db/development.sqlite3", "sqlite:///db/development.sqlite3"),
        ("export DATABASE_URL = 'postgis://h/d' # where", "postgresql://h/d"),
        ("NAME=shop\nDATABASE_URL=mysql://h/${NAME}", "mysql://h/shop"),
        ("NAME=shop\nDATABASE_URL='mysql://h/${NAME}'", "mysql://h/${NAME}"),
        ("\ufeffDATABASE_URL=mysql://h/d\r\nA=1\r\n", "mysql://h/d"),
    ],
)
def test_a_database_as_frameworks_write_it(tmp_path, lines, url):
    assert load(tmp_path, env_file=f"{lines}\n").database == url


def test_laravels_settings_arrive_as_they_were_written(tmp_path):
    sa = pytest.importorskip("sqlalchemy")
    password = "p@s:/s#%?&+ ü"
    config = load(
        tmp_path, env_file=f"DB_CONNECTION=pgsql\nDB_HOST=::1\nDB_PASSWORD='{password}'\n"
    )
    url = sa.engine.make_url(config.database)
    assert (url.password, url.host, url.database) == (password, "::1", "laravel")


def test_the_process_wins_over_the_file_variable_by_variable(tmp_path):
    lines = "DB_CONNECTION=mysql\nDB_HOST=localhost\nDB_DATABASE=shop\n"
    config = load(tmp_path, env_file=lines, DB_HOST="db")
    assert config.database == "mysql://root@db/shop"
    assert origin(config) == "DB_CONNECTION in .env"


def test_a_connection_of_the_applications_own_leaves_it_to_the_configuration(tmp_path):
    with pytest.raises(ConfigError, match=r"DB_CONNECTION in \.env") as caught:
        load(tmp_path, env_file="DB_CONNECTION=tenant7\n")
    assert "tenant7" not in str(caught.value)
    assert load(tmp_path, '[demo]\ndatabase = "sqlite:///x"\n').database == "sqlite:///x"


BROKEN = "A=1\n\nthis is no setting\nDB_PASSWORD=\"s3cret\n=x\nDATABASE_URL='s3cret2\n"


def test_a_broken_line_breaks_what_it_concerns(tmp_path):
    with pytest.raises(ConfigError, match=r"^\.env: line 6: DATABASE_URL") as caught:
        load(tmp_path, env_file=BROKEN)
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


def test_a_broken_line_breaks_nothing_else(tmp_path):
    assert load(tmp_path, env_file=BROKEN, DATABASE_URL="sqlite:///x").database == "sqlite:///x"
    (tmp_path / ".env").write_bytes(b"NOTE=gr\xfc\xdfe\nDATABASE_URL=sqlite:///y\n")
    assert load(tmp_path).database == "sqlite:///y"
    (tmp_path / ".env").write_bytes(b"DATABASE_URL=mysql://u:gr\xfc\xdf@h/d\n")
    with pytest.raises(ConfigError, match="DATABASE_URL is not UTF-8"):
        load(tmp_path)


def test_a_later_line_makes_good_for_a_broken_one(tmp_path):
    lines = "DATABASE_URL='sqlite:///x\nDATABASE_URL=sqlite:///y\n"
    assert load(tmp_path, env_file=lines).database == "sqlite:///y"


def test_a_directory_called_env_is_none(tmp_path):
    (tmp_path / ".env").mkdir()
    assert load(tmp_path).database == DEFAULT_DATABASE


@pytest.mark.parametrize(
    ("process", "file", "says"),
    [
        ({}, "", None),
        ({"APP_ENV": "Production "}, "", "APP_ENV"),
        ({}, "APP_ENV=production", "APP_ENV in .env"),
        ({}, "DEMO_ENV='PROD'", "DEMO_ENV in .env"),
        ({"APP_ENV": "local"}, "APP_ENV=production", "APP_ENV in .env"),
        ({"APP_ENV": "local"}, "APP_ENV=staging", None),
    ],
)
def test_production_is_not_overlooked(tmp_path, process, file, says):
    (tmp_path / ".env").write_text(f"{file}\n", "utf-8")
    assert Environment.read(process, Path()).production == says


def test_a_broken_line_about_production_is_an_error(tmp_path):
    (tmp_path / ".env").write_text('APP_ENV="production\n', "utf-8")
    with pytest.raises(ConfigError, match="line 1: APP_ENV"):
        _ = Environment.read({}, tmp_path).production


# --- Masking ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:s3cret@h:5/d", "postgresql://u:***@h:5/d"),
        ("postgresql://u:s3@cr/et?x@h/d", "postgresql://u:***@h/d"),
        ("mysql://:s3cret@h/d", "mysql://:***@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        (
            "postgresql://h/d?user=u&password=s3cret&sslmode=x",
            "postgresql://h/d?user=u&password=***&sslmode=x",
        ),
        ("mysql://h/d?ssl_key_PASSWORD=s3cret", "mysql://h/d?ssl_key_PASSWORD=***"),
        ("sqlite:///data/a@b.sqlite", "sqlite:///data/a@b.sqlite"),
        ("host=h password=s3cret", "(not a URL)"),
    ],
)
def test_no_password_is_shown(url, shown):
    assert masked_url(url) == shown


def test_the_settings_hold_no_password(tmp_path):
    config = load(tmp_path, DATABASE_URL="postgresql://u:s3cret@h/d?password=s3cret")
    assert "s3cret" not in str(config.settings)
    assert "s3cret" in config.database


def test_what_is_no_url_is_named_by_its_source_alone(tmp_path):
    with pytest.raises(ConfigError, match=r"^DATABASE_URL in \.env: ") as caught:
        load(tmp_path, env_file="DATABASE_URL=s3cret\n")
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


# --- Rules -----------------------------------------------------------------------------------

FULL = """
[tables.fragments]
marker = "metadata.demo_seed"
scenario = "metadata.scenario"
breakdown = "type"
json-references = { "relationships[*].id" = "fragments.id" }

[tables."order items"]
follows = ["order_id", "line"]

[tables.plans]
where = "tenant = 'it''s (a) \\"demo\\"' AND (a OR b)"

[tables.days]
where = { sqlite = "a", postgresql = "b", mariadb = "c" }

[references]
MediaType = "include"
countries = { by-key = ["iso_code"] }
units = { by-key = "code" }
people = "null"
users = "fail"
"""


def test_every_key(tmp_path):
    config = load(tmp_path, FULL)
    assert config.tables["fragments"].json_references == {"relationships[*].id": "fragments.id"}
    assert config.tables["order items"].follows == ("order_id", "line")
    assert config.tables["days"].where == PredicatePerEngine(
        sqlite="a", postgresql="b", mariadb="c"
    )
    assert config.references["MediaType"] == "include"
    assert config.references["countries"] == ByKey(("iso_code",))
    assert config.references["units"] == ByKey(("code",))


@pytest.mark.parametrize(
    ("predicate", "says"),
    [
        ("a = 'x", "one ' is left over"),
        ("a = 'x''", "one ' is left over"),
        ('"a = 1', 'one " is left over'),
        ("`a = 1", "one ` is left over"),
        ("a IN (1", "one ( is left over"),
        ("a = 1) OR (b = 2", "one ) is left over"),
        ("a = '(' AND b IN (1", "one ( is left over"),
        (r"a = '\'' OR b = '\''", "backslash"),
        ("a = 1 -- b", "comments"),
        ("a = 1 /* b", "comments"),
        ("a = 1; DROP TABLE b", "comments"),
        ("a #> b", "comments"),
        ("  ", "empty"),
    ],
)
@pytest.mark.parametrize("per_engine", [False, True])
def test_a_predicate_that_would_leave_its_place_in_a_document(
    tmp_path, predicate, says, per_engine
):
    import json

    text = json.dumps(predicate)
    where = f"{{ sqlite = 'a', postgresql = {text}, mariadb = 'b' }}" if per_engine else text
    with pytest.raises(ConfigError, match=r"demo\.toml: line 2: tables\.a\.where") as caught:
        load(tmp_path, f"[tables.a]\nwhere = {where}\n")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "predicate",
    ["a = '('", "a = ')'", "a = 'it''s'", '"a(" = 1', "a = '\"'", "(a) AND (b IN (1, 2))"],
)
def test_quotes_and_parentheses_inside_one_another_are_fine(tmp_path, predicate):
    import json

    config = load(tmp_path, f"[tables.a]\nwhere = {json.dumps(predicate)}\n")
    assert config.tables["a"].where == predicate


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[demo]\ndatabse = 'x'\n", "demo.toml: line 2: demo.databse: unknown key"),
        ("[tables.a]\n\nmarker = 'x'\nfollows = 'y'\n", "line 1: tables.a: needs exactly one"),
        ("[tables.a]\n", "line 1: tables.a: needs exactly one of marker"),
        ("[tables.a]\nfollows = 'x'\nscenario = 'y'\n", "takes its scenario from there"),
        ("[tables.'a b']\nmarker = 'x'\nmark = 'y'\n", "line 3: tables.a b.mark: unknown key"),
        ("tables.a.marker = 1\n", "line 1: tables.a.marker: "),
        ("[references]\nusers = 'keep'\n", "line 2: references.users"),
        ("[references]\nusers = { key = 'x' }\n", "line 2: references.users"),
        ("[tables.a\n", "demo.toml: not TOML"),
    ],
)
def test_a_wrong_key_is_named_with_file_and_line(tmp_path, text, says):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert says in str(caught.value)
    assert "function-" not in str(caught.value)


def test_a_wrong_key_in_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        "[project]\nname = 'x'\n\n[tool.demo-snapshots.tables.a]\nmarker = 'b'\nx = 1\n", "utf-8"
    )
    with pytest.raises(ConfigError, match=r"pyproject\.toml: line 6: tables\.a\.x: unknown"):
        load(tmp_path)


def test_the_line_of_a_key():
    text = '# [a]\n[a]\nb.c = 1\n"d e" = 2\n[a."f.g"]\nh = "x = y"\n[[list]]\nh = 1\n'
    assert line_of(text, ("a", "b", "c")) == 3
    assert line_of(text, ("a", "d e")) == 4
    assert line_of(text, ("a", "f.g", "h")) == 6
    assert line_of(text, ("a", "f.g", "z")) == 5
    assert line_of(text, ("z",)) is None
