"""How far dates are from others, in words."""

from __future__ import annotations

from datetime import timedelta


def difference_in_words(offset: timedelta) -> str:
    """``36 weeks later``, ``1 day earlier``."""
    size = abs(offset)
    for name, unit in (("week", timedelta(weeks=1)), ("day", timedelta(days=1))):
        if not size % unit:
            count = size // unit
            said = f"{count:,} {name}{'' if count == 1 else 's'}"
            break
    else:
        said = str(size)
    return f"{said} {'later' if offset > timedelta() else 'earlier'}"
