"""What is set aside for examples and drama, and so belongs to nobody."""

from __future__ import annotations

import re

# RFC 2606 and RFC 6761; .local is RFC 6762's, and no address reaches a person there.
_DOMAIN = re.compile(
    r"(?:.*\.)?(?:example(?:\.(?:com|net|org))?|test|invalid|localhost|local)\.?", re.IGNORECASE
)

_INTERNATIONAL = re.compile(
    "|".join(
        (
            r"1\d{3}55501\d\d",  # NANPA: 555-0100 to 555-0199, in every area
            # Ofcom, "Telephone numbers for use in TV and radio drama programmes"
            r"44(?:11[3-8]|1[2-6]1)4960\d{3}|442079460\d{3}|441914980\d{3}|4428964960\d\d",
            r"442920180\d{3}|441632960\d{3}|447700900\d{3}|448081570\d{3}|449098790\d{3}",
            r"443069990\d{3}",
            # ACMA, "Phone numbers for use in TV shows, films and creative works"
            r"61[2378](?:5550|7010)\d{4}|6149157\d{4}|611800975\d{3}|611300975\d{3}",
            # Bundesnetzagentur, "Rufnummern für Drehbücher"
            r"493023125\d{3}|496990009\d{3}|494066969\d{3}|492214710\d{3}|498999998\d{3}",
            r"4917139200\d\d|4917604069\d\d",
            # ARCEP, decision 2018-0881: numbers for works of fiction
            r"33(?:199|261|353|465|536|639)(?:00|91|01|71|49|98)\d{4}",
        )
    )
)
_NATIONAL = re.compile(r"(?:1?\d{3})?55501\d\d")
_WITH_TRUNK_ZERO = ("44", "61", "49", "33")

# Those that standards, banks and manuals print as examples.
_IBANS = {
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "GB82WEST12345698765432",
    "GB33BUKB20201555555555",
    "FR1420041010050500013M02606",
    "NL91ABNA0417164300",
    "AT611904300234573201",
    "CH9300762011623852957",
    "ES9121000418450200051332",
    "IT60X0542811101000000123456",
    "BE68539007547034",
}


def is_reserved_domain(domain: str) -> bool:
    return _DOMAIN.fullmatch(domain) is not None


def is_reserved_number(number: str) -> bool:
    """Of digits, with a plus where they begin with the country."""
    if number.startswith("+"):
        return _INTERNATIONAL.fullmatch(number[1:]) is not None
    if number.startswith("0"):
        return any(_INTERNATIONAL.fullmatch(code + number[1:]) for code in _WITH_TRUNK_ZERO)
    return _NATIONAL.fullmatch(number) is not None


def is_reserved_iban(iban: str) -> bool:
    return iban in _IBANS
