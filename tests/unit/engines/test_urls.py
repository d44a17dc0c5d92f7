"""Database URLs mean what they mean to SQLAlchemy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.dialects.mysql.pymysql import dialect as mysql
from sqlalchemy.dialects.postgresql.psycopg import dialect as postgresql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from demo_snapshots.engines.mariadb.connect import pymysql_options
from demo_snapshots.engines.postgresql.connect import libpq_options
from demo_snapshots.engines.urls import Url, parse_url
from demo_snapshots.errors import ConfigError

SCHEMES = (
    *("postgresql", "postgres", "postgresql+psycopg", "postgresql+asyncpg", "mysql"),
    *("mariadb", "mysql+mysqldb", "mariadb+pymysql"),
)
_TEXT = st.text(alphabet="ab Z0.-_~%25%2F%40é🐘:/@?#[]&=+,;\\'\"", max_size=8)
_PLAIN = st.text(alphabet="abcXYZ019.-_", min_size=1, max_size=8)
_HOSTS = st.one_of(
    _PLAIN,
    st.just(""),
    st.sampled_from(["[::1]", "[fe80::1%25eth0]", "127.0.0.1", "db.example.com", "a,b", "%2Frun"]),
    _TEXT,
)
_PORTS = st.one_of(st.just(""), st.integers(0, 70000).map(lambda n: f":{n}"), _TEXT)
_QUERIES = st.lists(
    st.tuples(st.sampled_from(["options", "sslmode", "host", "a b", "é"]) | _TEXT, _TEXT),
    max_size=3,
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))


@st.composite
def urls(draw: st.DrawFn) -> str:
    text = f"{draw(st.sampled_from(SCHEMES))}://"
    if draw(st.booleans()):
        text += draw(_TEXT)
        text += f":{draw(_TEXT)}" if draw(st.booleans()) else ""
        text += "@"
    text += draw(_HOSTS) + draw(_PORTS)
    text += f"/{draw(_TEXT)}" if draw(st.booleans()) else ""
    return text + (f"?{draw(_QUERIES)}" if draw(st.booleans()) else "")


@given(urls() | _TEXT.map("postgresql://{}".format))
@example("postgresql://user:p%40ss@[::1]:5432/a%2Fb?options=-c%20x&options=-c+y&empty=")
@example("postgresql://u:p@host:/d")
@example("mysql://:only@/")
@example("postgresql:///d?host=/run/postgresql")
def test_the_parts_are_those_that_sqlalchemy_finds(text: str) -> None:
    try:
        theirs = make_url(text)
    except (ArgumentError, ValueError):
        with pytest.raises(ConfigError, match="not a URL"):
            parse_url(text)
        return
    ours = parse_url(text)
    assert _parts(ours) == (
        *(theirs.username, theirs.password, theirs.host, theirs.port, theirs.database),
        dict(theirs.normalized_query),
    )
    backend = theirs.get_backend_name()
    assert ours.backend == {"postgres": "postgresql"}.get(backend, backend)
    assert make_url(ours.render()).host == theirs.host


def _parts(url: Url) -> tuple[object, ...]:
    return (url.user, url.password, url.host, url.port, url.database, dict(url.query))


@given(
    st.builds(
        Url,
        backend=st.sampled_from(["postgresql", "mysql", "mariadb"]),
        user=_TEXT,
        password=_TEXT,
        host=st.sampled_from(["::1", "db.example.com", "127.0.0.1"]),
        port=st.none() | st.integers(1, 65535),
        database=_TEXT,
        query=st.dictionaries(
            st.text(min_size=1, max_size=4),
            st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=3).map(tuple),
            max_size=3,
        ),
    )
)
def test_a_rendered_url_is_read_as_the_same(url: Url) -> None:
    assert parse_url(url.render()) == url
    theirs = make_url(url.render())
    assert (theirs.username, theirs.password, theirs.database) == (
        *(url.user, url.password, url.database),
    )


@given(st.text(min_size=1).filter(lambda name: "\0" not in name))
def test_any_path_of_a_file_is_kept(path: str) -> None:
    rendered = Url("sqlite", database=path).render()
    assert parse_url(rendered).database == path
    assert make_url(rendered).database == path


def test_a_changed_copy() -> None:
    url = parse_url("mariadb://root:a%20b@[::1]:3306/shop?charset=utf8mb4")
    assert replace(url, database="a/b").render() == (
        "mariadb://root:a b@[::1]:3306/a/b?charset=utf8mb4"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a URL"),
        ("shop.sqlite", "not a URL"),
        ("postgresql://h:x/d", "not a URL"),
        ("oracle://h/d", "'oracle' is no engine"),
        ("PostgreSQL://h/d", "'PostgreSQL' is no engine"),
        ("sqlite://shop.sqlite", "a path and no host"),
        ("sqlite://user@/shop.sqlite", "a path and no host"),
    ],
)
def test_what_is_no_url_of_ours(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_url(text)


# --- What the drivers are given --------------------------------------------------------------


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "/d",
        "u@/d",
        "u:p%20w@h:5433/d?sslmode=require&application_name=demo",
        "u:@h/d?connect_timeout=3",
        "h/d?host=other",
        "h:5433/d?host=other:1",
        "/d?host=a&host=b",
        "/d?host=a:1&host=b:2",
        "/d?host=a:1&host=b",
        ":7/d?host=a,b",
        "/d?host=a,b&port=1,2",
        "/d?host=a&host=b&host=c:3&target_session_attrs=read-write",
        "/d?host=::1",
        "/d?host=/run/postgresql&port=5433",
        "/d?port=5433",
        "/d?options=-csearch_path%3Dcrm",
        "u@[::1]:5433/d",
    ],
)
def test_libpq_is_given_what_sqlalchemy_gives_it(rest: str) -> None:
    text = f"postgresql://{rest}"
    _, theirs = postgresql().create_connect_args(make_url(text))
    assert _texts(libpq_options(parse_url(text))) == _texts(theirs)


def test_session_settings_of_postgresql_add_up() -> None:
    url = parse_url("postgresql:///d?options=-csearch_path%3Da&options=-cjit%3Doff")
    assert libpq_options(url)["options"] == "-csearch_path=a -cjit=off"


@pytest.mark.parametrize(
    "query",
    [
        "host=a&host=b&port=1",
        "host=a,b&port=1,2,3",
        "port=1,2",
        "host=a:x&host=b",
        "sslmode=require&sslmode=disable",
    ],
)
def test_hosts_and_ports_that_do_not_go_together(query: str) -> None:
    with pytest.raises(ConfigError):
        libpq_options(parse_url(f"postgresql:///d?{query}"))


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "root@h:3307/d",
        "root:p%40w@h/d?connect_timeout=3&read_timeout=4&write_timeout=5&local_infile=yes",
        "h/d?unix_socket=/run/mysqld.sock&use_unicode=0&client_flag=8",
        "h/d?ssl_ca=ca.pem&ssl_cert=c.pem&ssl_key=k.pem&ssl_check_hostname=false",
        "h/d?ssl_cipher=A&ssl_capath=/etc/ssl",
        "h/d?ssl_key_password=x&program_name=demo",
    ],
)
def test_pymysql_is_given_what_sqlalchemy_gives_it(rest: str) -> None:
    text = f"mysql://{rest}"
    dialect = mysql(dbapi=mysql.import_dbapi())
    _, theirs = dialect.create_connect_args(make_url(text))
    expected = {**theirs, "charset": "utf8mb4", "use_unicode": True, "autocommit": True}
    assert pymysql_options(parse_url(text)) == expected


def test_a_server_that_is_to_prove_itself_is_checked_by_pymysql() -> None:
    url = parse_url("mysql://h/d?ssl_ca=ca.pem&ssl_verify_cert=true&ssl_verify_identity=true")
    options = pymysql_options(url)
    assert "ssl" not in options
    assert (options["ssl_ca"], options["ssl_verify_cert"]) == ("ca.pem", "true")
    assert options["ssl_verify_identity"] is True


@pytest.mark.parametrize(
    "query", ["connect_timeout=soon", "local_infile=perhaps", "port=x", "charset=a&charset=b"]
)
def test_options_of_the_wrong_kind(query: str) -> None:
    with pytest.raises(ConfigError, match=query.partition("=")[0]):
        pymysql_options(parse_url(f"mysql://h/d?{query}"))


def _texts(options: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in options.items() if name != "context"}
