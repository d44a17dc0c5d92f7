"""Database URLs and their parts, by the rules of SQLAlchemy's, which people know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, quote_plus, unquote

from demo_snapshots.errors import ConfigError

_BACKENDS = {
    "sqlite": "sqlite",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mariadb",
}
_URL = (
    r"(?P<scheme>[\w+]+)://"
    r"(?:(?P<user>[^:/]*)(?::(?P<password>[^@]*))?@)?"
    r"(?:\[(?P<literal>[^/?]+)\]|(?P<host>[^/:?]+))?(?::(?P<port>[^/?]*))?"
    r"(?:/(?P<database>[^?]*))?"
    r"(?:\?(?P<query>.*))?"
)


@dataclass(frozen=True, slots=True)
class Url:
    """A database URL. ``backend`` is sqlite, postgresql, mariadb or mysql; ``query`` are the
    options after the question mark, each with all its values. None and empty differ, as in the
    text."""

    backend: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int | None = None
    database: str | None = None
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def render(self) -> str:
        """The URL as text that ``parse_url`` reads as the same, password and all."""
        text = f"{self.backend}://"
        if self.user is not None:
            text += quote(self.user, safe=" +")
            if self.password is not None:
                text += f":{quote(self.password, safe=' +')}"
            text += "@"
        if self.host is not None:
            text += f"[{self.host}]" if ":" in self.host else self.host
        if self.port is not None:
            text += f":{self.port}"
        if self.database is not None:
            text += f"/{quote(self.database, safe=' +/')}"
        options = [
            f"{quote_plus(name)}={quote_plus(value)}"
            for name, values in sorted(self.query.items())
            for value in values
        ]
        return f"{text}?{'&'.join(options)}" if options else text


def parse_url(text: str) -> Url:
    """The parts of a database URL, whatever driver it names. Raises ConfigError for any other
    text, and for an engine that is none of ours."""
    match = re.match(_URL, text)
    try:
        port = None if match is None or match["port"] is None else int(match["port"])
    except ValueError:
        match = None
    if match is None:
        raise ConfigError(
            "the database URL is not a URL",
            hint="It looks like sqlite:///database/demo.sqlite or "
            "postgresql://user:password@host/database.",
        )
    backend = match["scheme"].partition("+")[0]
    if backend not in _BACKENDS:
        raise ConfigError(
            f"{backend!r} is no engine this tool speaks",
            hint="sqlite, postgresql, mariadb and mysql are.",
        )
    url = Url(
        backend=_BACKENDS[backend],
        user=_unquoted(match["user"]),
        password=_unquoted(match["password"]),
        host=match["host"] or match["literal"],
        port=port,
        database=_unquoted(match["database"]),
        query=_options(match["query"] or ""),
    )
    if url.backend == "sqlite" and (url.user or url.password or url.host or url.port):
        raise ConfigError(
            "a SQLite URL has a path and no host",
            hint="sqlite:///demo.sqlite is a file in the working directory, "
            "sqlite:////srv/demo.sqlite one that is named from the root.",
        )
    return url


def _unquoted(part: str | None) -> str | None:
    return None if part is None else unquote(part)


def _options(query: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(query):
        found[name] = (*found.get(name, ()), value)
    return found


def single(query: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The options of a URL, each given once. Raises ConfigError for one that is given twice."""
    for name, values in query.items():
        if len(values) > 1:
            raise ConfigError(f"the database URL says {name} twice")
    return {name: values[0] for name, values in query.items() if values}
