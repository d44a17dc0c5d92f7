"""URLs for people: no password, wherever in the URL it stands."""

from __future__ import annotations

import re

_LOGIN = r"(?i)([a-z][a-z0-9+.-]*://[^:/@?]*):.*@"
_SECRET = r"(?i)([?&][^=&]*(?:pass|pwd|secret|token)[^=&]*)=[^&]*"


def masked_place(text: str) -> str:
    """A directory as it is; of the URL of a bucket no login, options or fragment, which have no
    business there and may be secret."""
    scheme, colon, rest = text.partition("://")
    if not colon:
        return text
    rest = re.split("[?#]", rest, maxsplit=1)[0]
    return f"{scheme}://{'***@' if '@' in rest else ''}{rest.rpartition('@')[2]}"


def masked_url(text: str) -> str:
    """``text`` with ``***`` in place of passwords, of the login and among the query's options.

    Rather too much is hidden than too little: up to the last ``@``, since passwords are often
    written unquoted. Text that is no URL shows nothing.
    """
    if not re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE):
        return "(not a URL)"
    return re.sub(_SECRET, r"\1=***", re.sub(_LOGIN, r"\1:***@", text))
