"""Replies (`X`): plain text, no records (formats reference, section 4.3). The file name says which reply it is."""

from __future__ import annotations

from collections.abc import Sequence

LINE_END = "\r\n"


def encode(lines: Sequence[str]) -> bytes:
    """Lines as a reply: plain ASCII, CR LF after each, no spaces at their ends. Characters beyond ASCII, control
    characters and lone surrogates are written out, so that no terminal obeys them."""
    text = "".join(f"{_harmless(line).rstrip()}{LINE_END}" for line in lines)
    return text.encode("ascii", "backslashreplace")


def decode(data: bytes) -> list[str]:
    """The lines of a reply; what is not ASCII is written out."""
    text = data.decode("ascii", "backslashreplace")
    return text.removesuffix(LINE_END).split(LINE_END) if text else []


def _harmless(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        character if character >= " " and character != "\x7f" else character.encode("unicode_escape").decode()
        for character in line
    )
