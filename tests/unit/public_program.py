"""A program that uses every public name as docs/api.md says. It is never run: mypy reads it, see
test_public_names.py."""

# ruff: noqa: T201

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import demo_snapshots


def by_a_project() -> None:
    project: demo_snapshots.Project = demo_snapshots.open_project(
        "app", database="sqlite:///x", snapshots=Path("snapshots"), environment={}
    )
    config: demo_snapshots.Config = project.config
    config.refuse_production(force=True)

    exported: demo_snapshots.ExportResult = project.export("general", prove=True, jobs=2)
    number: int = exported.version.number + exported.statistics.total + exported.file_size
    if exported.proof is not None:
        number += exported.proof.records

    imported: demo_snapshots.ImportResult = project.import_(
        "general", version="v1", confirm=is_small, new_ids=True, drop_columns=["contacts.phone"]
    )
    number += imported.changed + imported.replaced.total
    project.import_("general", file="x.sql", force=True, keep_other_scenarios=True, add=True)
    project.import_("general", dry_run=True, only=["contacts"])

    project.import_(
        "general",
        rename_tables={"people": "users"},
        rename_columns={"users.name": "full_name"},
        defaults={"users.locale": "en", "users.active": True},
    )
    project.import_("general", copy="acme", templates={"users.email": "{copy}-{value}"})
    copies: tuple[demo_snapshots.CopyFound, ...] = project.copies("general")
    print([(each.name, each.statistics.total, each.version, each.made) for each in copies])
    removed: demo_snapshots.RemoveResult = project.remove("general", copy="acme", dry_run=True)
    print(removed.removed.total, removed.left, removed.undo)
    upgraded: demo_snapshots.UpgradeResult = project.upgrade("general", version="v1", dry_run=True)
    print(upgraded.upgraded, upgraded.way, upgraded.comparison.differs, upgraded.written)

    listing: demo_snapshots.Listing = project.list_exports()
    newest: list[str] = [each.entries[0].path for each in listing.scenarios if each.entries]
    cleaned: demo_snapshots.CleanupResult = project.cleanup_exports(keep=3, dry_run=True)
    number += cleaned.freed + len(cleaned.removed) + len(newest)

    validated: demo_snapshots.ValidationResult = project.validate("general", schema_only=True)
    undoable: tuple[demo_snapshots.Undoable, ...] = project.list_undo()
    print([(each.number, each.records) for each in undoable], project.undo().undo)
    verified: demo_snapshots.Verification = project.verify()
    files: tuple[demo_snapshots.FileCheck, ...] = project.verify_files("a.sql", Path("b.sql.gz"))
    converted: demo_snapshots.ConvertResult = project.convert("a.sql", "json", Path("a.json.gz"))
    print(converted.form, converted.digest, converted.statistics.total)
    whole: bool = validated.valid and verified.valid and not verified.damaged
    print([(check.path, check.version, check.records, check.problems) for check in files])
    repaired: demo_snapshots.RepairResult = project.repair(dry_run=True)
    print(number, whole, repaired.renumbered, repaired.left, repaired.to_merge)

    merged: demo_snapshots.MergeResult = project.merge(
        "general", "v2", "v3", base="v1", take=demo_snapshots.Side.OURS, dry_run=True
    )
    print(merged.version, merged.written, [table.renewed for table in merged.tables])

    saved: demo_snapshots.BackupResult = project.backup("b.tar.zst", with_database=True)
    restored: demo_snapshots.RestoreResult = project.restore(saved.path, dry_run=True)
    each: tuple[demo_snapshots.Restored, ...] = restored.versions
    print(saved.sha256, saved.left, saved.present, [(r.entry.path, r.becomes) for r in each])

    project.migrate_fresh(force=True)
    seeded: int = project.seed("general", as_of=datetime.now(UTC), scale=2).total
    print(seeded + project.seed(scenario_file=Path("my.yaml")).total)


def is_small(plan: demo_snapshots.ImportPlan) -> bool:
    return plan.replaces.total < 100 and plan.version.number == 1


def by_hand(directory: Path) -> None:
    config = demo_snapshots.load_config(database="sqlite:///x", directory=directory)
    store = demo_snapshots.open_store(directory, demo_snapshots.describe, demo_snapshots.folded)

    exported: demo_snapshots.ExportResult = demo_snapshots.export_scenario(
        "general", config, store, now=datetime.now(UTC), auto_version=True, delta="v1"
    )
    delta: demo_snapshots.DeltaOf | None = exported.delta
    print(delta and delta.on.version, exported.whole_because)
    results: list[demo_snapshots.ImportResult] = [
        demo_snapshots.import_latest_scenario("general", config, store),
        demo_snapshots.import_scenario_version("general", "v1", config, store, new_ids=True),
        demo_snapshots.import_from_file(exported.path, config, scenario=None),
    ]
    again = demo_snapshots.upgrade_scenario("general", config, store, now=datetime.now(UTC))
    print(again.file, again.statistics.total)
    gone = demo_snapshots.remove_scenario("general", config, store, now=datetime.now(UTC))
    print(gone.removed.total)
    listing: demo_snapshots.Listing = demo_snapshots.list_exports(store, "general")
    latest: Path = demo_snapshots.get_latest_export_path(store, "general")
    cleaned: demo_snapshots.CleanupResult = demo_snapshots.cleanup_exports(store, keep=1)
    validated: demo_snapshots.ValidationResult = demo_snapshots.validate_scenario(config, store)
    digests: tuple[str, str] = (
        demo_snapshots.validate_export_file(latest).digest,
        demo_snapshots.describe(latest).digest,
    )
    verified: demo_snapshots.Verification = demo_snapshots.verify_exports(store)
    print([check.size for check in demo_snapshots.verify_files([latest]) if not check.problems])
    print(demo_snapshots.convert_file(latest, "yaml", directory / "latest.yaml").scenario)
    repaired: demo_snapshots.RepairResult = demo_snapshots.repair_store(store, dry_run=True)
    merged: demo_snapshots.MergeResult = demo_snapshots.merge_exports(
        config, store, "general", "v2", "v3", now=datetime.now(UTC), answers="answers.toml"
    )
    print(merged.path, merged.digest)
    saved: demo_snapshots.BackupResult = demo_snapshots.backup_store(
        config, store, directory / "b.tar.zst", now=datetime.now(UTC)
    )
    print(demo_snapshots.restore_store(store, saved.path).versions)
    elsewhere = demo_snapshots.open_store(
        "s3://bucket/prefix", demo_snapshots.describe, demo_snapshots.folded, cache=False
    )
    copied: demo_snapshots.CopyResult = demo_snapshots.copy_versions(store, elsewhere, dry_run=True)
    print(copied.copied, copied.target)
    print(results, listing, cleaned, validated, digests, verified, repaired)


def comparing(project: demo_snapshots.Project, place: Path) -> None:
    def tell(change: demo_snapshots.Change) -> None:
        cells: tuple[demo_snapshots.Cell, ...] = change.cells
        print(change.table, change.what, change.key, [cell.place for cell in cells])

    config, store = project.config, project.store
    found: list[demo_snapshots.Comparison] = [
        project.compare("general", "v1", tell=tell),
        project.compare_with_database("general", ignore=["updated_at"]),
        project.compare_files(place, place, tables=["todos"]),
        demo_snapshots.compare_exports(config, store, "general", "v1", "v2"),
        demo_snapshots.compare_with_database(config, store, "general", tell=tell),
        demo_snapshots.compare_files(config, place, place),
    ]
    tables: tuple[demo_snapshots.TableDifference, ...] = found[0].tables
    print([table.added for table in tables], found[0].differs)
    with project.show("general") as showing, demo_snapshots.show_export(store, "general") as same:
        for shown in showing.tables():
            print(shown.table.name, shown.count, same.header.version, next(shown.rows))


def with_errors(project: demo_snapshots.Project) -> int:
    try:
        project.import_("general")
    except demo_snapshots.NotConfirmedError as error:
        print(error.message)
    except demo_snapshots.DocumentError as error:
        line: int | None = error.line
        print(line)
    except demo_snapshots.ExportNotFoundError as error:
        names: tuple[str, ...] = error.available
        print(names)
    except (
        demo_snapshots.ImportFailedError,
        demo_snapshots.ExportError,
        demo_snapshots.ProtectedDatabaseError,
        demo_snapshots.HookFailedError,
    ) as error:
        hint: str | None = error.hint
        print(hint)
    except demo_snapshots.MergeConflictError as error:
        print(error.conflicts)
    except demo_snapshots.UpgradeError as error:
        print(error.message)
    except demo_snapshots.MergeError as error:
        print(error.problems)
    except demo_snapshots.DemoError as error:
        return error.exit_code
    return 0
