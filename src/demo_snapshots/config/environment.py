"""The process's environment and the project's ``.env`` file, as one place to look a name up.

As in the frameworks that read a ``.env`` (Laravel, Rails, Django with an add-on), what the
process was given wins over what the file says. Values are kept for use, never shown: origins
name a variable and the file, errors a line.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from demo_snapshots.errors import ConfigError

if TYPE_CHECKING:
    from dotenv.parser import Binding

FILE = ".env"
_NAME = re.compile(r"\s*(?:export\s+)?'?([A-Za-z_][A-Za-z0-9_.]*)'?\s*=")
_LITERAL = re.compile(r"[^=]*=\s*'")
_PRODUCTION = ("production", "prod")


class Found(Struct, frozen=True):
    """A value, and where it was found, in words."""

    value: str
    origin: str
    directory: Path = Path()
    """Where paths in it begin."""


class Environment:
    """What both sources say. ``broken`` names the variables of lines that cannot be read, with
    the line's number: they are an error only for who asks for them."""

    def __init__(
        self,
        process: Mapping[str, str],
        file: Mapping[str, str],
        broken: Mapping[str, int],
        directory: Path,
    ) -> None:
        self._process = process
        self._file = file
        self._broken = broken
        self._directory = directory

    @classmethod
    def read(cls, process: Mapping[str, str], directory: Path) -> Environment:
        """``process`` stands for ``os.environ``; the file is ``directory``'s, if it has one.

        Raises ConfigError for a file that is there and cannot be read.
        """
        text = _text(directory / FILE)
        if not text:
            return cls(process, {}, {}, directory)
        from dotenv.parser import parse_stream

        file: dict[str, str] = {}
        broken: dict[str, int] = {}
        for binding in parse_stream(io.StringIO(text)):
            if binding.error:
                name = _NAME.match(binding.original.string)
                if name:
                    broken[name[1]] = _line(binding)
            elif binding.key:
                file[binding.key] = _value(binding, {**file, **process})
                broken.pop(binding.key, None)
        return cls(process, file, broken, directory)

    @property
    def _name(self) -> str:
        return str(self._directory / FILE)

    def get(self, name: str) -> Found | None:
        """The value of ``name``; an empty one counts as none, as in a shell's ``${name:-}``.

        Raises ConfigError where only the file names it, on a line that cannot be read.
        """
        if value := self._process.get(name):
            return Found(value, name)
        if name in self._broken:
            raise ConfigError(
                f"{self._name}: line {self._broken[name]}: {name} cannot be read",
                hint="Write NAME=value, or NAME='value' with quotes that end on the line.",
            )
        value = self._file.get(name)
        if value and "\ufffd" in value:
            raise ConfigError(f"{self._name}: {name} is not UTF-8")
        return Found(value, f"{name} in {self._name}", self._directory) if value else None

    @property
    def production(self) -> str | None:
        """Where it says that this is production, None if nowhere. Either source is enough: an
        environment that says otherwise does not make a production ``.env`` harmless."""
        for name in ("APP_ENV", "DEMO_ENV"):
            in_file = Environment({}, self._file, self._broken, self._directory).get(name)
            for found in (self.get(name), in_file):
                if found and found.value.strip().lower() in _PRODUCTION:
                    return found.origin
        return None

    @property
    def database(self) -> Found | None:
        """The database's URL: ``DATABASE_URL``, else put together from Laravel's ``DB_…``.

        None where there is neither, or where ``DB_CONNECTION`` is a name of the application's
        own, which only the application can tell the meaning of.
        """
        found = self.get("DATABASE_URL") or self._laravel()
        return found and replace(found, value=_in_our_words(found.value))

    def _laravel(self) -> Found | None:
        connection = self.get("DB_CONNECTION")
        if connection is None:
            return None
        # config/database.php of Laravel 11: DB_URL wins over the single settings.
        url = self.get("DB_URL")
        if url:
            return url
        if connection.value == "sqlite":
            path = self._setting("DB_DATABASE", "database/database.sqlite")
            return replace(connection, value=f"sqlite:///{path}")
        if connection.value in ("mysql", "mariadb"):
            return replace(connection, value=self._server(connection.value, "root"))
        if connection.value == "pgsql":
            return replace(connection, value=self._server("postgresql", "root"))
        return None

    def _server(self, scheme: str, user: str) -> str:
        host = self._setting("DB_HOST", "127.0.0.1")
        port = self._setting("DB_PORT", "")
        socket = self._setting("DB_SOCKET", "") if scheme != "postgresql" else ""
        password = self._setting("DB_PASSWORD", "")
        login = quote(self._setting("DB_USERNAME", user), safe="")
        login += f":{quote(password, safe='')}" if password else ""
        database = self._setting("DB_DATABASE", "laravel")
        query = f"?unix_socket={quote(socket, safe='')}" if socket else ""
        if host.startswith("/"):  # a directory of PostgreSQL's sockets
            host, query = "", f"?host={quote(host, safe='')}"
        elif ":" in host:
            host = f"[{host}]"
        return f"{scheme}://{login}@{host}{f':{port}' if port else ''}/{database}{query}"

    def _setting(self, name: str, default: str) -> str:
        found = self.get(name)
        # Illuminate\Support\Env: these words are PHP's null and ''.
        if found is None or found.value.lower() in ("null", "(null)", "empty", "(empty)"):
            return default
        return found.value


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig", errors="replace") if path.is_file() else ""
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _line(binding: Binding) -> int:
    # What the parser keeps of a line begins with the blank lines before it.
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _value(binding: Binding, names: Mapping[str, str]) -> str:
    value = binding.value or ""
    if _LITERAL.match(binding.original.string):
        return value
    from dotenv.variables import parse_variables

    return "".join(atom.resolve(names) for atom in parse_variables(value))


# What other tools call the engines: Rails, Laravel, dj-database-url, and an engine's own prefix.
_SCHEMES = {
    "mysql2": "mysql",
    "trilogy": "mysql",
    "pgsql": "postgresql",
    "postgis": "postgresql",
    "sqlite3": "sqlite",
}


def _in_our_words(url: str) -> str:
    scheme, colon, rest = url.partition(":")
    scheme = _SCHEMES.get(scheme, scheme)
    if scheme == "sqlite" and not rest.startswith("//"):
        rest = f"///{rest}"  # Rails: sqlite3:db/development.sqlite3
    return f"{scheme}{colon}{rest}"
