"""What tells a person in a text, and what is set aside for examples."""

from __future__ import annotations

import subprocess
import sys

import pytest

from demo_snapshots.model.people import Trait
from demo_snapshots.people.columns import confirming_columns, is_phone, name_columns
from demo_snapshots.people.recognising import is_same, may_tell, needle, told_in


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Ada.Okafor@Post.Example.de", [(Trait.EMAIL, "ada.okafor@post.example.de")]),
        ("write to <o'neil+x@mail.ie>, please.", [(Trait.EMAIL, "o'neil+x@mail.ie")]),
        ("ada@example.com, x@mail.example, y@host.test, z@localhost", []),
        ("call +44 (0)20 7123 4567 today", [(Trait.PHONE, "+442071234567")]),
        ("0049 30 2312 5999 or +49 30 8765-4321", [(Trait.PHONE, "+493087654321")]),
        ("+1 512 555 0112, +44 1632 960123, +33 1 99 00 42 18, +61 491 570 156", []),
        ("iban DE02 1203 0000 0000 2020 51 BIC", [(Trait.IBAN, "DE02120300000000202051")]),
        ("DE89 3704 0044 0532 0130 00 and DE00 1203 0000 0000 2020 51", []),
        ("2024-12-04 13:35:38, 4711, v1.2.3, 10.0.0.1, #+12", []),
        ("030 8765 4321", []),
    ],
)
def test_what_a_text_tells(text, told):
    assert list(told_in(text)) == told


def test_a_column_for_numbers_needs_no_country():
    assert list(told_in("(030) 8765-4321", is_phone=True)) == [(Trait.PHONE, "03087654321")]
    assert not list(told_in("(512) 555-0112", is_phone=True))
    assert not list(told_in("0115 496 0535", is_phone=True))
    assert not list(told_in("0000 00000", is_phone=True))


@pytest.mark.parametrize(
    ("value", "spelled", "same"),
    [
        ("+493087654321", "030/8765 4321", True),
        ("+493087654321", "0049 (0)30 87654321", True),
        ("+493087654321", "+48 30 8765 4321", False),
        ("03087654321", "03087654321", True),
        ("03087654321", "+49 30 87654321", True),
        ("04087654321", "03087654321", False),
    ],
)
def test_one_number_in_two_spellings(value, spelled, same):
    assert is_same(Trait.PHONE, value, spelled) is same
    digits = "".join(filter(str.isdigit, spelled))
    assert not same or digits.endswith(needle(Trait.PHONE, value))


def test_what_columns_are_called():
    assert [is_phone(n) for n in ("homePhone", "fax_no", "telegram", "phone_id")] == [
        *(True, True, False, False)
    ]
    assert name_columns(["id", "first_name", "LastName"]) == ("first_name", "LastName")
    assert name_columns(["username", "company_name", "contact_name"]) == ("contact_name",)
    assert name_columns(["file_name", "hostname"]) == ()
    assert confirming_columns(["date_of_birth", "email_address", "street_1"]) == {
        "birth": "date_of_birth",
        "street": "street_1",
    }


def test_examples_load_no_library():
    program = (
        "import sys; from demo_snapshots.people.recognising import may_tell, told_in\n"
        "assert not list(told_in('a@example.com +1 512 555 0112 DE89 3704 0044 0532 0130 00'))\n"
        "assert not {'phonenumbers', 'stdnum', 'email_validator'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "record",
    [
        "1,'x','ada@okafor.de'",
        "1,'call +49 30 87654321'",
        "1,'0049 30 87654321'",
        "1,'(0049)3087654321'",
        "1,'DE89 3704 0044 0532 0130 00'",
        """1,'{"homePhone": "030/8765 4321"}'""",
        """1,'{"a": {"MOBILE_NUMBER" : 3087654321}}'""",
    ],
)
def test_no_row_that_tells_a_person_is_passed_by(record):
    assert may_tell(record.encode())


def test_times_and_amounts_are_passed_by():
    record = """1,'2025-01-15 10:00:05','{"at": "2025-01-15T00:12:00+00:00"}',100.07,-0.5,'a00b'"""
    assert not may_tell(record.encode())
