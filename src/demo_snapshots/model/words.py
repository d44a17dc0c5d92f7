"""Texts that name calls of the library, which a front end words in its own terms."""

from __future__ import annotations

from collections.abc import Iterable


class Call:
    """What to call: a method of Project, with arguments; without a method, parameters alone.

    ``...`` stands for a value that is the reader's to choose. As text it is Python.
    """

    def __init__(self, method: str = "", /, *arguments: object, **parameters: object) -> None:
        self.method = method
        self.arguments = arguments
        self.parameters = parameters

    def __str__(self) -> str:
        parameters = [
            f"{name}={'…' if value is ... else repr(value)}"
            for name, value in self.parameters.items()
        ]
        if not self.method:
            return ", ".join(parameters)
        return f"project.{self.method}({', '.join([*map(repr, self.arguments), *parameters])})"


class Words(str):
    """A text in which calls stand as data: ``parts``, so that a front end can word them in its
    own terms. As the text that it is, it words them in Python. Words among the parts are taken
    apart; an f-string would keep their text alone."""

    parts: tuple[str | Call, ...]

    def __new__(cls, *parts: str | Call) -> Words:
        words = super().__new__(cls, "".join(map(str, parts)))
        words.parts = tuple(
            piece
            for part in parts
            for piece in (part.parts if isinstance(part, Words) else (part,))
        )
        return words

    @classmethod
    def joined(cls, separator: str, texts: Iterable[str]) -> Words:
        """``separator.join(texts)``, with the calls in them."""
        return cls(*[part for text in texts for part in (separator, text)][1:])
