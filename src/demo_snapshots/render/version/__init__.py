"""A version to look at, as text, JSON lines, CSV or a page. Pure: nothing is printed here."""
