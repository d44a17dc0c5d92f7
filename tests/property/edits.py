"""Two random states of a demo whose tables reference one another in every way, and how they get
into a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import strategies as st
from integration.live import Live

Row = tuple[object, ...]
State = Mapping[str, Sequence[Row]]

CONFIGURATION = """\
[tables.teams]
marker = "is_demo"
[tables.members]
marker = "is_demo"
[tables.posts]
marker = "is_demo"
[tables.tags]
marker = "is_demo"
[references]
countries = "include"
"""

TABLES = (
    "CREATE TABLE countries (id INTEGER PRIMARY KEY, iso VARCHAR(10))",
    "CREATE TABLE teams (id INTEGER PRIMARY KEY, name VARCHAR(40) UNIQUE, lead_id INTEGER,"
    " next_id INTEGER REFERENCES teams (id), is_demo BOOLEAN)",
    "CREATE TABLE members (id INTEGER PRIMARY KEY,"
    " team_id INTEGER NOT NULL REFERENCES teams (id),"
    " mentor_id INTEGER REFERENCES members (id), country_id INTEGER REFERENCES countries (id),"
    " note TEXT, photo {binary}, is_demo BOOLEAN)",
    "ALTER TABLE teams ADD CONSTRAINT lead FOREIGN KEY (lead_id) REFERENCES members (id)",
    "CREATE TABLE posts (team_id INTEGER REFERENCES teams (id), name VARCHAR(10),"
    " member_id INTEGER UNIQUE REFERENCES members (id), seen {moment}, is_demo BOOLEAN,"
    " PRIMARY KEY (team_id, name))",
    "CREATE TABLE tags (code VARCHAR(10) PRIMARY KEY, label VARCHAR(40), is_demo BOOLEAN)",
)
_ORDER = ("teams", "members", "posts", "tags")


def create(live: Live) -> None:
    """The tables, empty but for the rows outside the demo."""
    binary = {"postgresql": "BYTEA"}.get(live.engine, "BLOB")
    moment = {"sqlite": "TEXT"}.get(live.engine, "TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP")
    if live.engine == "postgresql":
        moment = "TIMESTAMP"
    for statement in TABLES:
        text = statement.replace("{binary}", binary).replace("{moment}", moment)
        if live.engine == "sqlite" and text.startswith("ALTER"):
            continue
        if live.engine == "sqlite":
            text = text.replace("lead_id INTEGER,", "lead_id INTEGER REFERENCES members (id),")
        live.run(text)
    live.insert("countries", *((number, f"C{number}") for number in range(1, 4)))


def fill(live: Live, state: State) -> None:
    """Make the demo rows those of ``state``."""
    live.run(
        "UPDATE teams SET lead_id = NULL, next_id = NULL", "UPDATE members SET mentor_id = NULL"
    )
    live.run(*(f"DELETE FROM {name}" for name in reversed(_ORDER)))
    teams, members = state["teams"], state["members"]
    live.insert("teams", *((key, name, None, None, demo) for key, name, _, _, demo in teams))
    live.insert("members", *((key, team, None, *rest) for key, team, _, *rest in members))
    live.insert("posts", *state["posts"])
    live.insert("tags", *state["tags"])
    for key, _, lead, following, _ in teams:
        values = f"lead_id = {_sql(lead)}, next_id = {_sql(following)}"
        live.run(f"UPDATE teams SET {values} WHERE id = {key}")
    for key, _, mentor, *_ in members:
        live.run(f"UPDATE members SET mentor_id = {_sql(mentor)} WHERE id = {key}")


def _sql(value: object) -> str:
    return "NULL" if value is None else str(value)


@st.composite
def states(draw: st.DrawFn) -> State:
    """Rows of few keys, so that two states share many."""
    some = st.sets(st.integers(1, 6), min_size=1, max_size=6).map(sorted)
    team_keys, member_keys = draw(some), draw(some)
    maybe = st.none() | st.sampled_from(member_keys)
    names = draw(st.lists(st.sampled_from("abcdefgh"), min_size=6, max_size=6, unique=True))
    teams = [
        (key, draw(st.none() | st.just(name)), draw(maybe), _one_of(draw, team_keys), True)
        for key, name in zip(team_keys, names, strict=False)
    ]
    members = [
        (
            key,
            draw(st.sampled_from(team_keys)),
            draw(maybe),
            draw(st.none() | st.integers(1, 3)),
            draw(st.none() | st.sampled_from(["", "it's", "a;\n--", "tab\tcr\r", "ä" * 30])),
            draw(st.none() | st.binary(max_size=3)),
            True,
        )
        for key in member_keys
    ]
    places = draw(
        st.lists(
            st.tuples(st.sampled_from(team_keys), st.sampled_from(["x", "y'", "Z"])),
            unique=True,
            max_size=4,
        )
    )
    holders = draw(st.permutations([*member_keys, None, None, None, None]))
    moments = st.none() | st.sampled_from(["2025-01-01 10:00:00", "2025-02-01 10:00:00"])
    posts = [
        (*place, holder, draw(moments), True)
        for place, holder in zip(places, holders, strict=False)
    ]
    codes = draw(st.sets(st.sampled_from(["a", "b", "ab", "öx", "it's"]), max_size=4).map(sorted))
    tags = [(code, draw(st.sampled_from(["one", "two"])), True) for code in codes]
    return {"teams": teams, "members": members, "posts": posts, "tags": tags}


def _one_of(draw: st.DrawFn, keys: Sequence[int]) -> int | None:
    return draw(st.none() | st.sampled_from(keys))


def configuration(directory: Path) -> Path:
    file = directory / "demo.toml"
    file.write_text(CONFIGURATION, encoding="utf-8")
    return file
