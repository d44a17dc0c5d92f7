"""A comparison as text, JSON lines, Markdown or a page. Pure: nothing is printed here."""
