"""Bad command lines: one line of what, one line of what to do, status 2 or the error's own."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["exprt", "general"], "exprt"),
        (["export"], "SCENARIO"),
        (["export", "general", "--verison"], "--verison"),
        (["export", "general", "extra"], "extra"),
        (["cleanup-exports", "--keep=many"], "'many' is not a valid integer"),
        (["cleanup-exports", "--keep=0"], "--keep=0"),
        (["cleanup-exports", "--keep=-3"], "--keep=-3"),
        (["import", "general", "--latest", "--version=v1"], "--latest and --version"),
        (["import", "general", "--file=a.sql", "--version=v1"], "--version and --file"),
        (["import", "general", "--file=a.sql", "--latest"], "--latest and --file"),
        (["export", "../../etc"], "'../../etc' cannot be a scenario name"),
        (["import", "General"], "'General' cannot be a scenario name"),
        (["list-exports", "metadata"], "'metadata' cannot be a scenario name"),
        (["validate", ""], "'' cannot be a scenario name"),
        (["seed-enhanced", "--as-of=\x1b[2J"], r"--as-of=\x1b[2J is not a date"),
        (["export", "a\x1b[2Jb\n"], "cannot be a scenario name"),
        (["--snapshots=ftp://bucket", "list-exports"], "ftp://"),
        (["--snapshots=s3://key:secret@bucket", "list-exports"], "s3://"),
        (["push"], "no bucket is named"),
        (["push", "--bucket=somewhere"], "not the URL of a bucket"),
        (["pull", "--snapshots=s3://bucket", "--bucket=s3://other"], "in a bucket themselves"),
    ],
)
def test_usage_errors(demo, workplace, arguments, message):
    outcome = demo(*arguments)
    assert outcome.status == 2
    assert outcome.stdout == ""
    assert len(outcome.errors) == 1
    assert message in outcome.errors[0]
    rest = outcome.stderr.splitlines()[1:]
    assert all(line.startswith("hint: ") for line in rest)
    assert "\x1b" not in outcome.stderr
    assert not list(workplace.iterdir()), "nothing was written"


def test_without_a_command_the_help_is_on_stderr(demo):
    outcome = demo()
    assert outcome.status == 2
    assert outcome.stdout == ""
    assert "Commands:" in outcome.stderr
    assert outcome.errors == ["error: no command given"]


@pytest.mark.parametrize(
    ("arguments", "name", "status"),
    [
        (["list-exports", "--json", "metadata"], "UsageError", 2),
        (["--json", "list-exports", "nowhere"], "ExportNotFoundError", 14),
        (["list-exports", "--json", "--nonsense"], "UsageError", 2),
        (["--json"], "UsageError", 2),
        (["list-exports", "--json", "--config=missing.toml"], "ConfigError", 3),
    ],
)
def test_errors_as_json(demo, arguments, name, status):
    outcome = demo(*arguments)
    assert outcome.status == status
    error = outcome.json["error"]
    assert error["type"] == name
    assert error["exit_code"] == status
    assert set(error) >= {"type", "message", "hint", "exit_code"}
    assert outcome.errors == [f"error: {error['message']}"], "the log shows it as well"


def test_a_wrong_key_in_the_configuration(demo, workplace):
    (workplace / "demo.toml").write_text('[demo]\ndatabse = "sqlite:///x"\n', "utf-8")
    outcome = demo("list-exports")
    assert outcome.status == 3
    assert "demo.toml: line 2: demo.databse: unknown key" in outcome.stderr
    assert [path.name for path in workplace.iterdir()] == ["demo.toml"]


def test_an_option_after_the_command_wins_over_one_before_it(demo, workplace):
    for name in ("early", "late"):
        (workplace / f"{name}.toml").write_text("[nonsense]\n", "utf-8")
    assert "early.toml" in demo("--config=early.toml", "list-exports").stderr
    both = demo("--config=early.toml", "list-exports", "--config=late.toml")
    assert "late.toml" in both.stderr
    assert "early.toml" not in both.stderr


@pytest.mark.parametrize("value", ["production", "Prod", " PRODUCTION "])
@pytest.mark.parametrize("name", ["APP_ENV", "DEMO_ENV"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "general", "--yes"],
        ["seed-enhanced", "--scenario=general", "--yes"],
        ["migrate-fresh", "--yes"],
    ],
)
def test_production_wants_force(demo, workplace, arguments, name, value):
    outcome = demo(*arguments, **{name: value})
    assert outcome.status == 51
    assert name in outcome.errors[0]
    assert "--force" in outcome.stderr
    assert not list(workplace.iterdir())


def test_other_environments_do_not(demo):
    assert demo("migrate-fresh", APP_ENV="staging", DEMO_ENV="").status == 0


def test_an_empty_listing(demo, workplace):
    outcome = demo("list-exports")
    assert (outcome.status, outcome.stderr) == (0, "")
    assert "Nothing has been exported yet" in outcome.stdout
    assert json.loads(demo("list-exports", "--json").stdout) == {"scenarios": [], "notes": []}
    assert demo("list-exports", "--quiet").stdout == ""
    assert not list(workplace.iterdir())


def test_the_demo_rows_that_are_named_are_those_that_go(demo, workplace):
    seed = ("seed-enhanced", "--json", "--yes")
    demo("migrate-fresh")
    general = demo(*seed, "--scenario=general").json
    assert general["replaced"]["total"] == 0
    writer = demo(*seed, "--scenario=writer").json
    assert writer["replaced"]["total"] == 0
    again = demo(*seed, "--scenario=general").json
    assert again["replaced"]["total"] == general["seeded"]["total"] > 0
    refused = demo("migrate-fresh")
    assert refused.status == 26
    both = general["seeded"]["total"] + writer["seeded"]["total"]
    assert f"Drop {both} demo rows?" in refused.errors[0]
