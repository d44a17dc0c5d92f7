"""What any place must do with bytes, whatever they mean."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

import pytest

from demo_snapshots.errors import StoreBusyError, StoreError
from demo_snapshots.store.backends.base import Backend, Form, Item

KEY = "general/one.sql"
_ONE = hashlib.sha256(b"one").hexdigest()


def put(backend: Backend, key: str, content: bytes, *, over: bool = False) -> None:
    with backend.upload(key) as upload:
        assert upload.write(content) == len(content)
        upload.finish()
        upload.place(over=over)
        upload.settle()


def test_an_absent_place_is_empty(backend: Backend) -> None:
    assert list(backend.list()) == list(backend.list("general")) == []
    assert list(backend.stale()) == list(backend.stale("general")) == []
    assert backend.look(KEY) is backend.look("general") is None
    backend.delete(KEY)
    with pytest.raises(StoreError):
        backend.get(KEY)
    with pytest.raises((StoreError, OSError)):
        backend.source(KEY).open()
    assert backend.place


def test_what_was_put_is_found(backend: Backend, open_backend: Callable[[], Backend]) -> None:
    put(backend, KEY, b"one")
    put(backend, "general/a.sql", b"")
    put(backend, "top", b"12345")
    again = open_backend()
    assert list(again.list()) == [Item("general", Form.FOLDER), Item("top", Form.OBJECT, 5)]
    assert list(again.list("general")) == [
        Item("a.sql", Form.OBJECT, 0),
        Item("one.sql", Form.OBJECT, 3),
    ]
    assert again.look(KEY) == Item("one.sql", Form.OBJECT, 3)
    assert again.look("general/two.sql") is None
    assert again.get(KEY) == b"one"
    source = again.source(KEY)
    assert KEY.rpartition("/")[2] in source.name
    for _ in range(2):
        with source.open() as stream:
            assert stream.read(2) == b"on"
            stream.seek(0)
            assert stream.read() == b"one"


def test_an_object_is_seen_whole_or_not_at_all(backend: Backend) -> None:
    with backend.upload(KEY) as upload:
        upload.write(b"on")
        assert backend.look(KEY) is None
        assert len(backend.stale("general")) <= 1
        with upload.source.open() as stream:
            assert stream.read() == b"on"
        upload.write(b"e")
        upload.finish()
        assert backend.look(KEY) is None
        with upload.source.open() as stream:
            assert stream.read() == b"one"
        upload.place()
        assert backend.get(KEY) == b"one"
    assert list(backend.stale("general")) == []


def test_what_is_not_placed_leaves_nothing(backend: Backend) -> None:
    with backend.upload(KEY) as upload:
        upload.write(b"one")
        upload.finish()
    with pytest.raises(ZeroDivisionError), backend.upload(KEY):
        raise ZeroDivisionError
    assert list(backend.list()) == []


def test_an_object_is_replaced_only_if_that_is_asked(backend: Backend) -> None:
    put(backend, KEY, b"one")
    with pytest.raises(StoreError, match=r"one\.sql.*exists"):
        put(backend, KEY, b"another")
    assert backend.get(KEY) == b"one"
    put(backend, KEY, b"another", over=True)
    assert backend.get(KEY) == b"another"
    assert [item.name for item in backend.list("general")] == ["one.sql"]


def test_what_has_its_name_from_its_bytes_may_be_put_again_without_the_lock(
    backend: Backend, open_backend: Callable[[], Backend]
) -> None:
    named = "general/named-by-its-bytes.sql"
    with backend.lock(1):
        for writer in (backend, open_backend()):
            with writer.upload(KEY) as upload:
                upload.write(b"one")
                upload.finish()
                upload.place_as("named-by-its-bytes.sql")
    assert [item.name for item in backend.list("general")] == ["named-by-its-bytes.sql"]
    beside = backend.source("general/x.sql").beside
    assert beside is not None
    with beside("named-by-its-bytes.sql", _ONE).open() as stream:
        assert stream.read() == backend.get(named) == b"one"


def test_deleted_is_gone(backend: Backend) -> None:
    put(backend, KEY, b"one")
    backend.delete(KEY)
    backend.delete(KEY)
    assert backend.look(KEY) is None


def test_changes_are_seen_when_they_are_made(backend: Backend) -> None:
    for key in ("general/a", "general/b", "general/c"):
        put(backend, key, b"old")
    with backend.changes() as changes:
        changes.write("general/a", b"new")
        changes.remove("general/b")
        changes.write("general/d", b"new")
        assert {key: backend.get(f"general/{key}") for key in "abc"} == dict.fromkeys("abc", b"old")
        changes.commit()
    assert {item.name: backend.get(f"general/{item.name}") for item in backend.list("general")} == {
        "a": b"new",
        "c": b"old",
        "d": b"new",
    }


def test_changes_that_are_not_made_are_forgotten(backend: Backend) -> None:
    put(backend, KEY, b"one")
    with backend.changes() as changes:
        changes.write(KEY, b"new")
        changes.keep(KEY, "general/kept")
        changes.link("general/latest.sql", "one.sql", backend.source(KEY))
        changes.remove(KEY)
    assert [item.name for item in backend.list("general")] == ["one.sql"]
    assert backend.get(KEY) == b"one"


def test_what_is_replaced_can_be_kept_aside(backend: Backend) -> None:
    put(backend, KEY, b"one")
    with backend.changes() as changes:
        changes.keep(KEY, "general/kept")
        changes.write(KEY, b"new")
        changes.commit()
    assert (backend.get(KEY), backend.get("general/kept")) == (b"new", b"one")


def test_a_key_can_stand_for_another(backend: Backend) -> None:
    put(backend, "general/one.sql", b"one")
    put(backend, "general/two.sql", b"two")
    latest = "general/latest.sql"
    one, two = backend.source("general/one.sql"), backend.source("general/two.sql")
    assert not backend.stands_for(latest, "one.sql", one)
    for name, source, other in (("one.sql", one, "two.sql"), ("two.sql", two, "one.sql")):
        with backend.changes() as changes:
            changes.link(latest, name, source)
            changes.commit()
        assert backend.stands_for(latest, name, source)
        assert not backend.stands_for(latest, other, backend.source(f"general/{other}"))
        assert backend.look(latest) is not None


def test_one_holds_the_lock(backend: Backend, open_backend: Callable[[], Backend]) -> None:
    errors: list[StoreError] = []

    def other() -> None:
        try:
            with open_backend().lock(0.1):
                pass
        except StoreError as error:
            errors.append(error)

    with backend.lock(1) as is_new, backend.lock(1) as again:
        assert (is_new, again) == (True, False)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert [type(error) for error in errors] == [StoreBusyError]
    with pytest.raises(ZeroDivisionError), backend.lock(1):
        raise ZeroDivisionError
    with open_backend().lock(1) as is_new:
        assert is_new
