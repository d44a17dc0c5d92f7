"""A value that only the engine finds not to fit is told with its line in the file."""

from __future__ import annotations

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import UnfitValueError

CONFIGURATION = '[tables.moods]\nmarker = "demo"\n'


@engines("postgresql", "mariadb")
def test_the_line_is_named(database_url, tmp_path):
    live = Live(database_url)
    live.run("CREATE TABLE moods (id INTEGER PRIMARY KEY, mood VARCHAR(9), demo BOOLEAN, t TEXT)")
    live.insert("moods", *((n, "good", True, "one\ntwo\ttabs") for n in range(1, 400)))
    live.run(
        "UPDATE moods SET mood = 'odd' WHERE id = 300", "UPDATE moods SET t = NULL WHERE id > 1"
    )
    (tmp_path / "demo.toml").write_text(CONFIGURATION, "utf-8")
    paths = []
    for form in ("sql", "json"):
        demo = Demo(tmp_path / form, tmp_path / "demo.toml")
        paths.append(demo.export(live, format=form).path)
    live.run("UPDATE moods SET mood = 'good'")
    if live.engine == "postgresql":
        live.run("CREATE TYPE mood AS ENUM ('good', 'bad')")
        live.run("ALTER TABLE moods ALTER COLUMN mood TYPE mood USING mood::mood")
    else:
        live.run("ALTER TABLE moods MODIFY mood ENUM ('good', 'bad')")
    for path in paths:
        lines = path.read_text("utf-8").splitlines()
        line = next(n for n, text in enumerate(lines, 1) if "'odd'" in text or '"odd"' in text)
        with pytest.raises(UnfitValueError, match=rf"line {line}: moods: .*mood") as refused:
            demo.load(live, path)
        assert refused.value.line == line
        assert "odd" not in refused.value.message
    live.run("DELETE FROM moods")
    with pytest.raises(UnfitValueError, match=r"line \d+: moods: .*mood"):
        demo.load(live, paths[0])
    assert live.rows("SELECT id FROM moods") == []
