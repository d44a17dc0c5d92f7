"""Uploaded files that rows name: what may be such a name, and what a version says of them."""

from __future__ import annotations

import re
import unicodedata

from msgspec import Struct

_LIST = (
    r"([1-9][0-9]{0,11}) with ([0-9]{1,18}) bytes, list sha256:([0-9a-f]{64})"
    r" with ([1-9][0-9]{0,14}) bytes"
)
_LONGEST_NAME, _LONGEST_PART = 1024, 255
_UNFIT = r'[\x00-\x1f\x7f-\x9f<>:"|?*\\\u2028\u2029\ud800-\udfff]'
# Windows takes these for devices, whatever they end in (Naming Files, Paths, and Namespaces).
_DEVICE = r"(?i:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])"

HEADER_LINE = "Files"
"""Under which a header says its FileList."""


class FileList(Struct, frozen=True):
    """The uploaded files of a version: ``count`` names of files with ``size`` bytes in all. Which
    they are stands in a list, a blob with that SHA-256 and ``list_size`` bytes."""

    count: int
    size: int
    sha256: str
    list_size: int

    def __str__(self) -> str:
        return (
            f"{self.count} with {self.size} bytes, list sha256:{self.sha256}"
            f" with {self.list_size} bytes"
        )

    @classmethod
    def parse(cls, text: str) -> FileList:
        """The list that ``str`` wrote. Raises ValueError for any other text."""
        match = re.fullmatch(_LIST, text)
        if match is None:
            raise ValueError("not what is said of a list of files")
        return cls(int(match[1]), int(match[2]), match[3], int(match[4]))


class NamedFile(Struct, frozen=True):
    """A file called ``name`` in ``directory``, as the configuration spells that, and its content.
    Parts of the name are parted by forward slashes."""

    directory: str
    name: str
    size: int
    sha256: str

    @property
    def place(self) -> tuple[str, str]:
        """The same for all names that some file system would take for one."""
        return self.directory, folded(self.name)


class SavedFiles(Struct, frozen=True):
    """The uploaded files of an export: ``count`` names of ``size`` bytes, of which ``added`` were
    not in the store before. ``missing`` demo rows name a file that is not there; ``problems`` are
    sentences that name the first of them."""

    count: int
    size: int
    added: int
    missing: int = 0
    problems: tuple[str, ...] = ()


class RestoredFiles(Struct, frozen=True):
    """What an import did with the uploaded files of a snapshot: how many were ``written``, and
    ``replaced`` others of the same name; ``unchanged`` were there already. ``left`` are of
    directories that the configuration does not name."""

    written: int = 0
    replaced: int = 0
    unchanged: int = 0
    left: int = 0


def folded(name: str) -> str:
    """The same for names that differ in case or in how accents are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def name_fault(name: str) -> str | None:
    """Why no file can be called that in a directory, on whatever system; None if one can. The
    answer does not hold the name."""
    if len(name.encode("utf-8", "surrogatepass")) > _LONGEST_NAME:
        return "is too long"
    if name.startswith("/"):
        return "is absolute"
    if re.search(_UNFIT, name):
        return 'holds one of \\ : < > " | ? * or a control character'
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return "has an empty part, . or .."
        if len(part.encode()) > _LONGEST_PART:
            return "is too long"
        if part[-1] in ". ":
            return "has a part that ends in a dot or a space"
        if re.fullmatch(_DEVICE, part.partition(".")[0].rstrip()):
            return "has a part that is a device on Windows"
        if part.startswith(".") and ".tmp-" in part:
            return "is called like a temporary file"
    return None
