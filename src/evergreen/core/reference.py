"""How people name a version: by alias (``delay@production``), by number (``delay@v3``), the newest (``delay``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from evergreen.core.errors import Invalid

__all__ = ["Reference", "checked_name"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def checked_name(text: str, what: str) -> str:
    """Return ``text`` if it can name a ``what``; names are data and never become paths.

    Raises:
        Invalid: it is empty, longer than 64 characters, or holds anything but ASCII letters, digits, ``_ . -``.
    """
    if not _NAME.fullmatch(text):
        raise Invalid(
            f'"{text[:80]}" cannot name a {what}',
            hint="use a letter first, then letters, digits, _ . or -, 64 characters at the most",
        )
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A version's name with an alias, or a number, or neither (the newest)."""

    name: str
    alias: str | None = None
    number: int | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference.

        >>> Reference.parse("delay@production").alias
        'production'
        >>> Reference.parse("delay@v3").number
        3
        """
        name, at, rest = text.partition("@")
        checked_name(name, "version")
        if not at:
            return cls(name=name)
        digits = rest.removeprefix("v")
        if digits.isascii() and digits.isdigit() and len(digits) <= 9:
            return cls(name=name, number=int(digits))
        return cls(name=name, alias=checked_name(rest, "alias"))

    def __str__(self) -> str:
        if self.alias is not None:
            return f"{self.name}@{self.alias}"
        return self.name if self.number is None else f"{self.name}@v{self.number}"
