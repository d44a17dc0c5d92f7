"""What tells a person in a text: e-mail addresses, phone numbers, IBANs.

A pattern finds what may be one, and the library for its kind says whether it is; the libraries are
imported when a pattern has found something that is not set aside for examples.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from demo_snapshots.model.people import Trait
from demo_snapshots.people.reserved import (
    is_reserved_domain,
    is_reserved_iban,
    is_reserved_number,
)

_EMAIL = re.compile(r"[\w.!#$%&*+/=?^{|}~'-]{1,64}@(?:[\w-]{1,63}\.){1,8}\w[\w-]{1,62}")
# What the library takes as it stands, in small letters; asking it takes twenty times as long.
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,24}"
)
_INTERNATIONAL = re.compile(r"(?<![\w+])(?:\+|00(?=[1-9]))[1-9][0-9 ()./\u00a0-]{5,20}[0-9](?!\w)")
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_ONE_NUMBER = re.compile(r"[0-9 ()./\u00a0-]{8,25}")
_NO_DIGIT = re.compile(r"[^0-9]")

# Fewer digits are a number within one place, and the same in any other.
_FEWEST_DIGITS = 8
_MOST_DIGITS = 15

# One after the other: one pattern of all takes five times as long where there is nothing.
_ZEROS = re.compile(rb"00[1-9]")
_COUNTRY = re.compile(rb"\+[1-9]|(?<![0-9A-Za-z_+])00[1-9]")
_IBAN_PART = re.compile(rb"[A-Z]{2}[0-9]{2}[ A-Z0-9]{8}")
_MEMBER = re.compile(rb"(?:phone|tel|mobil|cell|fax|msisdn|handy|whatsapp)[^\"]{0,60}\"\s*:")


def may_tell(record: bytes) -> bool:
    """Whether ``told_in`` may find anything in a raw row: never false where it does. Members of
    JSON are looked for by name, since a number in them may do without its country; the times of
    day in most rows are none."""
    if b"@" in record or _IBAN_PART.search(record):
        return True
    if (b"+" in record or _ZEROS.search(record)) and _COUNTRY.search(record):
        return True
    return b"{" in record and _MEMBER.search(record.lower()) is not None


def told_in(text: str, *, is_phone: bool = False) -> Iterator[tuple[Trait, str]]:
    """What tells a person in ``text``, each in one spelling. ``is_phone``: the text is a number
    that may do without its country. What is set aside for examples is left out."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            if email := _email(match[0]):
                yield Trait.EMAIL, email
    for match in _IBAN.finditer(text):
        if iban := _iban(match[0]):
            yield Trait.IBAN, iban
    found = False
    # Digits in the middle of an IBAN look like a number with a country's 00.
    for match in _INTERNATIONAL.finditer(_IBAN.sub("|", text)):
        if number := _number(match[0]):
            found = True
            yield Trait.PHONE, number
    if is_phone and not found and _ONE_NUMBER.fullmatch(text.strip()):
        digits = _NO_DIGIT.sub("", text)
        is_long_enough = _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS
        if is_long_enough and not is_reserved_number(digits) and len(set(digits)) > 2:
            yield Trait.PHONE, digits


def looks_like(text: str) -> Trait | None:
    """What the whole text looks like, be it real or an example."""
    patterns = {Trait.EMAIL: _EMAIL, Trait.IBAN: _IBAN, Trait.PHONE: _INTERNATIONAL}
    return next((trait for trait, pattern in patterns.items() if pattern.fullmatch(text)), None)


def _email(text: str) -> str | None:
    local, _, domain = text.strip(".'").rpartition("@")
    if is_reserved_domain(domain):
        return None
    plain = f"{local}@{domain}".lower()
    if _PLAIN_EMAIL.fullmatch(plain):
        return plain
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(f"{local}@{domain}", check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None


def _iban(text: str) -> str | None:
    compact = text.replace(" ", "")
    if is_reserved_iban(compact):
        return None
    from stdnum import iban

    # The pattern may have taken a word after the number along.
    while not iban.is_valid(compact, check_country=False):
        text, _, rest = text.rpartition(" ")
        compact = text.replace(" ", "")
        if not rest or len(compact) < 15:
            return None
    return compact


def _number(text: str) -> str | None:
    digits = _NO_DIGIT.sub("", text)
    digits = digits.removeprefix("00")
    if not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS or is_reserved_number(f"+{digits}"):
        return None
    import phonenumbers

    try:
        # "+44 (0)20 7946 0018" is a common way to write a number for both ends of the line.
        parsed = phonenumbers.parse("+" + text.lstrip("+0").replace("(0)", ""))
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return None if is_reserved_number(number) else str(number)


def is_same(trait: Trait, value: str, spelled: str) -> bool:
    """Whether a real row's text is the value, in whatever spelling."""
    if trait is not Trait.PHONE:
        return folded(spelled) == folded(value) or folded(spelled).replace(" ", "") == folded(value)
    digits = _NO_DIGIT.sub("", spelled)
    if digits.lstrip("0") == _NO_DIGIT.sub("", value).lstrip("0"):
        return True
    import phonenumbers

    if not (value.startswith("+") or spelled.lstrip().startswith(("+", "00"))):
        return False
    spelled = re.sub(r"^\s*00", "+", spelled).replace("(0)", "")
    alike = phonenumbers.is_number_match(value, spelled)
    return bool(alike in (phonenumbers.MatchType.EXACT_MATCH, phonenumbers.MatchType.NSN_MATCH))


def folded(text: str) -> str:
    """In lower case, with single spaces."""
    return " ".join(text.lower().split())


def needle(trait: Trait, value: str) -> str:
    """What a database is asked for: of a number its last digits, which are the same with and
    without the country; else the value."""
    return _NO_DIGIT.sub("", value)[-_FEWEST_DIGITS:] if trait is Trait.PHONE else value.lower()


NEEDLE_DIGITS = _FEWEST_DIGITS


def digest(value: str) -> str:
    """What ``[people] allow`` calls the value."""
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"
