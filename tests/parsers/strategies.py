"""Texts, records and whole files to test with, made from the declarations in parsers/ and from nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from parsers import forms
from parsers.forms import Form
from parsers.identifiers import uci, uln, upn
from parsers.layouts import (
    BASEDATA,
    CENTRE_HEADER,
    CENTRE_TRAILER,
    FILE_HEADER,
    FILE_TRAILER,
    FILE_TYPES,
    FORMATS_VERSION,
    Field,
    Layout,
)
from parsers.names import NAME_CHARACTERS
from parsers.order import ORDER
from parsers.writer import LINE_END

EXAMPLES = settings(max_examples=12, deadline=None, derandomize=True, database=None)

Kind = tuple[str, str, Layout]
"""A file letter, a formats version, and the layout its detail records have in that version."""

KINDS: list[Kind] = [
    (kind.letter, version, layout)
    for kind in FILE_TYPES.values()
    if kind.detail
    for version, layout in {FORMATS_VERSION: kind.detail, **kind.older}.items()
]
EVERY_KIND = st.sampled_from(KINDS)


# --- Texts -----------------------------------------------------------------------------------------------------------

PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
_IN_NAMES = st.sampled_from([letter for letter in map(chr, range(128)) if re.fullmatch(f"[{NAME_CHARACTERS}]", letter)])
_DAYS = st.integers(0, 36_524).map(lambda days: (date(2000, 1, 1) + timedelta(days)).strftime("%d%m%y"))


def _like(form: Form, width: int, alphabet: st.SearchStrategy[str] = PRINTABLE) -> st.SearchStrategy[str]:
    drawn = st.from_regex(re.compile(form.pattern), fullmatch=True, alphabet=alphabet)
    return drawn.map(lambda text: text[:width].rstrip(" ")).filter(form.fits)


def _with_check_digit(text: str) -> str | None:
    return next((text[:9] + digit for digit in "0123456789" if uln.is_valid(text[:9] + digit)), None)


def _with_check_letter(text: str) -> str:
    return (
        text
        if text[-1].isalpha()
        else next(letter for letter in upn.LETTERS if upn.is_valid(letter + text[1:])) + text[1:]
    )


def texts(form: Form, width: int) -> st.SearchStrategy[str]:
    """Texts without filling, of that form and at most that wide, in which there is nothing to find."""
    match form:
        case forms.UCI:
            return _like(form, width).map(lambda text: uci.complete(text[:12]))
        case forms.ULN:
            return _like(form, width).map(_with_check_digit).filter(bool).map(str)
        case forms.UPN:
            return _like(form, width).map(_with_check_letter)
        case forms.DATE:
            return _DAYS
        case forms.BORN:
            return _DAYS | st.just("000000")
        case forms.NAME:
            # Two columns short of the field, or it may have been cut off.
            return _like(form, width - 2, _IN_NAMES)
    return _like(form, width)


def field_texts(place: Field) -> st.SearchStrategy[str]:
    """The whole field, filling included; half of those that are not required are blank."""
    held = texts(place.form, place.width)
    return (held if place.required else st.just("") | held).map(lambda text: text.ljust(place.width))


# --- Records ---------------------------------------------------------------------------------------------------------


@lru_cache
def records(layout: Layout, field: Callable[[Field], st.SearchStrategy[str]] = field_texts) -> st.SearchStrategy[str]:
    """Records at canonical width, in all the divisions that the overlays of the layout give them."""
    parts = []
    for place in layout.fields:
        if place.name == layout.chooser:
            parts.append(
                st.one_of(
                    [
                        st.tuples(st.sampled_from(overlay.types), *map(field, overlay.fields)).map("".join)
                        for overlay in layout.overlays
                    ]
                )
            )
        elif place.name != layout.overlaid:
            parts.append(field(place))
    return st.tuples(*parts).map("".join)


def laid(layout: Layout, record: str, values: Mapping[str, str]) -> str:
    """A record with other texts in some of its fields."""
    for name, text in values.items():
        place = layout[name]
        record = record[: place.first - 1] + text.ljust(place.width) + record[place.last :]
    return record


# --- Whole files -----------------------------------------------------------------------------------------------------

ORDERS = from_lark(
    ORDER,
    explicit={
        "FILE_HEADER": st.just("1"),
        "CENTRE_HEADER": st.just("3"),
        "DETAILS": st.integers(1, 3).map(lambda count: "5" * count),
        "CENTRE_TRAILER": st.just("7"),
        "FILE_TRAILER": st.just("9"),
    },
)
"""The record types of whole files, straight from the grammar: any number of centres, with and without details."""

_NUMBERED = texts(forms.CENTRE, 5)
_KEYED = st.builds("{}{}{}".format, st.from_regex("[1-9ABC][A-Z]", fullmatch=True), texts(forms.number(2), 2),
                   st.sampled_from("_BCW"))  # fmt: skip
_YEARS = st.integers(10, 99).map(str)
_SEQUENCES = st.integers(1, 999).map("{:03d}".format)


@st.composite
def canonical(draw: st.DrawFn, kinds: st.SearchStrategy[Kind] = EVERY_KIND) -> bytes:
    """Whole files in which there is nothing to find, but that their formats version may be an older one.

    Counts are reckoned here, not by the writer.
    """
    letter, version, layout = draw(kinds)
    types = draw(ORDERS)
    centre = draw(_KEYED if letter in BASEDATA else _NUMBERED | _KEYED if letter == "R" else _NUMBERED)
    common = {"data_type": letter, "centre": centre}
    said = common | {"year": draw(_YEARS), "formats_version": version}
    header = laid(FILE_HEADER, draw(records(FILE_HEADER)), said)
    stream = {name: FILE_HEADER[name].cut(header) for name in ("awarding_body", "series", "year")}
    many = FILE_HEADER["distribution"].cut(header) == "M"
    lines: list[str] = []
    start = 0
    for record_type in types:
        match record_type:
            case "1":
                lines.append(header)
            case "3":
                start = len(lines)
                if many:
                    common = common | {"centre": draw(_NUMBERED)}
                held = stream | common | {"sequence": draw(_SEQUENCES)}
                lines.append(laid(CENTRE_HEADER, draw(records(CENTRE_HEADER)), held))
            case "5":
                lines.append(letter + draw(records(layout))[1:])
            case "7":
                count = {"records": f"{len(lines) - start + 1:07d}"}
                lines.append(laid(CENTRE_TRAILER, draw(records(CENTRE_TRAILER)), common | count))
            case "9":
                counts = {"records": f"{len(lines) + 1:07d}", "centres": f"{types.count('3'):07d}"}
                lines.append(laid(FILE_TRAILER, draw(records(FILE_TRAILER)), common | {"centre": centre} | counts))
    return "".join(f"{line.ljust(layout.width)}{LINE_END}" for line in lines).encode("ascii")


# --- Broken files ----------------------------------------------------------------------------------------------------

_ODD = (b"\0", b"\t", b"\x1a", b"\x1b[2J", b"\x7f", b"\x85", b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xff\xfe",
        b"\xc3\x89", b"\xc9", b"\xf0\x9f\x98\x80", b"\r", b"\n", b"\r\n", b"\n\r", b" ", b" " * 13, b"A", b"x", b"0",
        b"5", b"{}", b"{0}", b"%s", b"\xb2", b"\xd9\xa1", b"NULL")  # fmt: skip
_ENDS = (b"\n", b"\r", b"\n\r", b"\r\r\n", b" \r\n", b"")


_HABITS = (
    bytes.lower,
    lambda data: re.sub(rb" +", b" ", data),
    lambda data: re.sub(rb"  +", b"\t", data),
    lambda data: data.expandtabs(8).replace(b"        ", b"\t"),
    lambda data: data.replace(b"\r\n", b"\r\r\n"),
    lambda data: data.replace(b"\r\n", b"\r\n\r\n"),
    lambda data: data.replace(b"\r\n", b""),
    lambda data: data.replace(b"\r\n", b"  "),
    lambda data: data.replace(b" ", b"\0"),
    lambda data: data.replace(b"\r\n", b"\r\n> "),
    lambda data: b'"' + data.replace(b"\r\n", b'",,\r\n"'),
    lambda data: data + b"\x1a" + bytes(100),
    lambda data: data + b"9" * 192,
    lambda data: re.sub(rb"(?m)^([EA]5.{51})([0-9]{4})([0-9]{2})", rb"\1\g<2>20\3", data),
    lambda data: re.sub(rb"(?m)^([EA]5.{70}) {13}", rb"\1", data),
    lambda data: re.sub(rb"(?m)^([EA]5.{106})", rb"\1 ", data),
    lambda data: re.sub(rb"(?m)^([EA]5.{6})0", rb"\1", data),
    lambda data: re.sub(rb"(?<=[A-Z0-9]{5})  (?=[A-Z0-9]{5})", b" ", data),
    lambda data: data.decode("latin-1").encode("utf-16-le"),
)
"""What programs and people do to whole files."""


def _to_all(data: bytes, _: Sequence[bytes], chance: Random) -> bytes:
    return chance.choice(_HABITS)(data)


def mutate(data: bytes, pool: Sequence[bytes], chance: Random) -> bytes:
    """A file after one to four mishaps to its bytes or records; `pool` are others that may get into it."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        way = chance.choice((_to_bytes, _to_lines, _to_a_line, _to_all))
        data = way(data, pool, chance)
    return data


def mutated(files: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Those files, broken as `mutate` breaks them; two of them may get joined or mixed."""
    return st.builds(mutate, files, st.tuples(files, files), st.randoms(use_true_random=False))


def _to_bytes(data: bytes, pool: Sequence[bytes], chance: Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    end = at + chance.choice((1, 2, 10, 13, 100, 300))
    match chance.randrange(9):
        case 0:
            return data[:at] + data[end:]
        case 1:
            return data[:at] + chance.choice(_ODD) + data[at:]
        case 2:
            odd = chance.choice(_ODD)
            return data[:at] + odd + data[at + len(odd) :]
        case 3:
            return data[:at] + data[at:end][::-1] + data[end:]
        case 4:
            return data[:end] + data[at:]
        case 5:
            return data[:at] + bytes(byte ^ 1 << chance.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :]
        case 6:
            return data[:at]
        case 7:
            return data + chance.choice(pool)
    return data[:at] + data[at:end].lower() + data[end:]


def _to_lines(data: bytes, pool: Sequence[bytes], chance: Random) -> bytes:
    lines = data.split(b"\r\n")
    at = chance.randrange(len(lines))
    count = chance.choice((1, 1, 2, 3, 30))
    match chance.randrange(7):
        case 0:
            del lines[at : at + count]
        case 1:
            lines[at:at] = lines[at : at + count]
        case 2:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            strangers = chance.choice(pool).split(b"\r\n")
            first = chance.randrange(len(strangers))
            lines[at:at] = strangers[first : first + count]
        case 4:
            lines[at:at] = [chance.choice((b"", b"hello", b"5", b"E5", b"m5" + b" " * 78))] * count
        case 5:
            lines = [line.rstrip() for line in lines]
        case _:
            end = chance.choice(_ENDS)
            whole = chance.random() < 0.5
            return b"".join(line + (end if whole or chance.random() < 0.3 else b"\r\n") for line in lines)
    return b"\r\n".join(lines)


def _to_a_line(data: bytes, pool: Sequence[bytes], chance: Random) -> bytes:
    lines = data.split(b"\r\n")
    at = chance.randrange(len(lines))
    line = lines[at]
    place = chance.randrange(len(line) + 1)
    by = chance.choice((1, 2, 5, 10, 13, 23))
    match chance.randrange(8):
        case 0:
            changed = line[:place] + line[place + by :]
        case 1:
            changed = line[:place] + b" " * by + line[place:]
        case 2:
            changed = (
                line[:place] + chance.choice(chance.choice(pool).split(b"\r\n"))[place : place + by] + line[place:]
            )
        case 3:
            changed = line[:place] + b" " * by + line[place + by :]
        case 4:
            changed = line[:place] + chance.choice(_ODD) * by + line[place:]
        case 5:
            changed = line.lower()
        case 6:
            changed = line.rstrip()
        case _:
            changed = line[:place]
    # Mostly at its old width, so that it is still a record.
    lines[at] = changed.ljust(len(line))[: len(line)] if chance.random() < 0.7 else changed
    return b"\r\n".join(lines)
