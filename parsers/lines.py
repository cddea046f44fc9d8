"""The lines of a file as everything here counts them: the reader, its findings, and what shows them to people."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from . import forms
from .columnar import fits
from .foreign import mail_coded
from .layouts import FILE_TYPES, Layout

LINE_END = re.compile(r"\r\n|\r|\n")
HEAD = re.compile("[A-Za-z][13579]")
"""How a record begins: file letter and record type."""


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8 or, where it is not, Windows-1252 or, where that makes signs of what are letters to it,
    the code page of DOS. Without byte-order marks and other marks of no width before its lines, with every accent on
    its letter, and without what a mail program has made of it on its way."""
    coded = mail_coded(data)
    data = coded[1] if coded else data
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp850" if _of_dos(data) else "cp1252", "replace")
    if text.isascii():
        return text
    text = _coded_once(text)
    return unicodedata.normalize("NFC", _NO_WIDTH.sub("", text) if any(mark in text for mark in _MARKS) else text)


_MARKS = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"
_NO_WIDTH = re.compile(f"(?:^|(?<=[\r\n]))[{_MARKS}]+")
"""Marks that an editor puts before a line, or that stood before a file that was put behind another one."""


def _coded_once(text: str) -> str:
    """A text that was coded in UTF-8 twice as it was before the second time; any other as it is."""
    try:
        return text.encode("cp1252").decode("utf-8-sig")
    except UnicodeError:
        return text


def _of_dos(data: bytes) -> bool:
    """Whether every character beyond ASCII is a letter in the code page of DOS, and one of them a sign to Windows that
    no name has."""
    high = bytes(set(data.translate(None, bytes(range(_ASCII + 1)))))
    signs = set(high.decode("cp1252", "replace")) - set(_USUAL_SIGNS)
    return high.decode("cp850").isalpha() and not all(sign.isalpha() for sign in signs)


_ASCII = 127
_USUAL_SIGNS = "\u00a0\u00ad\u00b4\u2013\u2014\u2018\u2019\u201c\u201d\u2026"
"""No-break space, soft hyphen, accent, dashes and quotes, and what is a line end to mainframes."""


def lines_of(data: bytes) -> list[str]:
    """The lines of a file, one character a column. Records without line ends between them count as lines of their own;
    these are without what a program put around them."""
    lines = LINE_END.split(decoded(data))
    bare = unquoted(lines) or lines
    marks = len(prefix(bare))
    bare = [line[marks:] for line in bare] if marks else bare
    return apart(unquoted(bare) or bare) or lines


# --- What a spreadsheet, a mail program or an editor put around every line -------------------------------------------

_INNER = re.compile('[ \t>|"]*[A-Za-z][13579]')
"""How a record begins under further marks."""
_QUOTED = re.compile('[ \t]*"(.*)"[ \t]*[,;\t ]*')


def unquoted(lines: Sequence[str]) -> list[str] | None:
    """Lines without their quotation marks, or without the row of separators behind them; None where they have
    neither."""
    texts = [line for line in lines if line.strip()]
    if not texts or (not texts[0].lstrip().startswith('"') and not texts[0].rstrip().endswith((",", ";"))):
        return None
    bare = [_unquoted(line) for line in lines]
    changed = sum(was != now for was, now in zip(lines, bare, strict=True))
    first = next((line for line in bare if line.strip()), "")
    if changed * 2 < len(texts) or not _INNER.match(first) or re.search('"?[,;\t]', first[:3]):
        return None
    return bare


def _unquoted(line: str) -> str:
    quoted = _QUOTED.fullmatch(line)
    if quoted:
        return quoted[1].replace('""', '"')
    bare = line.rstrip(" \t")
    return bare.rstrip(",;") if bare.endswith((",", ";")) else line


def prefix(lines: Sequence[str]) -> str:
    """The marks or spaces with which all lines begin; empty where there are none before records."""
    texts = [line for line in lines if line.strip()]
    if not texts or texts[0][:1] not in " \t>|":
        return ""
    least, most = min(texts), max(texts)
    common = next((at for at, (one, other) in enumerate(zip(least, most, strict=False)) if one != other), len(least))
    marks = re.match("[ \t>|]+", least[:common])
    return marks[0] if marks and _INNER.match(texts[0][marks.end() :]) else ""


# --- Records without line ends between them --------------------------------------------------------------------------


def apart(lines: Sequence[str]) -> list[str] | None:
    """The lines with every record on one of its own, where line ends were lost or put into the middle of records; None
    where neither is so."""
    first = next((line for line in lines if line.strip()), "")
    kind = FILE_TYPES.get(first[:1].upper())
    if kind is None or kind.detail is None or first[1:2] != "1":
        return None
    spelt = _spelt(lines)
    if spelt:
        return spelt
    widths = [layout.width for layout in (kind.detail, *kind.older.values())]
    letters = kind.letter + kind.letter.lower()
    whole = _rejoined(lines, kind.detail, letters)
    if whole:
        return whole
    if sum(_begins(line, letters) for line in lines if line) * 2 < sum(map(bool, lines)):
        return next((whole for width in widths if (whole := _cut("".join(lines), width, letters))), None)
    mended = _mended(lines, kind.detail, letters)
    if mended:
        return mended
    if max(map(len, lines)) <= min(widths) + len("E1"):
        return None
    return next((split for width in widths if (split := _split(lines, width, letters))), None)


_SPELT = re.compile(r"(?:\\r)?\\n")
FEWEST = 4
"""No file has fewer records."""


def _spelt(lines: Sequence[str]) -> list[str] | None:
    """The records of a line in which line ends are written out (`\\r\\n`), as programs do; None for any other."""
    texts = [line for line in lines if line.strip()]
    parts = _SPELT.split(texts[0]) if len(texts) == 1 else []
    records = parts[:-1] if parts and not parts[-1].strip() else parts
    return records if len(records) >= FEWEST and all(HEAD.match(record) for record in records) else None


def _rejoined(lines: Sequence[str], layout: Layout, letters: str) -> list[str] | None:
    """Records that were broken after so many columns, as a mail program breaks lines, and have lost the spaces at the
    end of each part; None where they were not."""
    texts = [line for line in lines if line.strip()]
    most = max(map(len, texts))
    if not _SHORTEST_PART <= most < layout.width:
        return None
    records: list[list[str]] = []
    for line in texts:
        if _begins(line, letters) and (not records or line[1] in _AFTER[records[-1][0][1]]):
            records.append([line])
        elif not records or len(records[-1]) * most >= layout.width:
            return None
        else:
            records[-1].append(line)
    details = [parts for parts in records if parts[0][1] == "5"][:_SAMPLE]
    if sum(len(parts) > 1 for parts in details) * 2 < max(len(details), 2):
        return None
    # Parts that all end with a blank field are shorter than where they were broken.
    for step in range(most, min(most + _BLANK_FIELD, layout.width)):
        joined = [_joined(parts, step, layout.width).upper() for parts in details]
        if sum(_whole(record, layout) for record in joined) * 2 > len(joined):
            return [_joined(parts, step, layout.width) for parts in records]
    return None


def _mended(lines: Sequence[str], layout: Layout, letters: str) -> list[str] | None:
    """The lines, those records in one again that a line end in a field, or among the options, has broken in two; None
    where there are none. It may stand in the place of a space or two."""
    odd = [at for at, line in enumerate(lines) if line.strip() and not _begins(line, letters)]
    if not 0 < len(odd) * 2 < len(lines):
        return None
    kept: list[str | None] = list(lines)
    kinds = _kinds_of_codes(lines, set(odd), layout) if layout.slots else frozenset()
    for at in odd:
        before = lines[at - 1] if at else ""
        whole = _made_whole(before, lines[at], layout, kinds) if _begins(before, letters) else None
        if whole is None:
            return None
        kept[at - 1 : at + 1] = [whole, None]
    return [line for line in kept if line is not None]


def _begins(line: str, letters: str) -> bool:
    return line[:1] in letters and line[1:2] in tuple("13579")


def _made_whole(before: str, behind: str, layout: Layout, kinds: AbstractSet[str]) -> str | None:
    """A detail record of two parts that make no sense alone; None where they make none together. `kinds`: of the option
    codes that the file has elsewhere."""
    if before[1] != "5":
        return None
    if _whole(before[: layout.width].ljust(layout.width).upper(), layout):
        return _with_its_options(before, behind, layout, kinds) if layout.slots else None
    for gap in range(layout.width - len(before) - len(behind) + 1)[:3]:
        record = (before + " " * gap + behind).ljust(layout.width)
        if _whole(record.upper(), layout):
            return record
    return None


def _with_its_options(before: str, behind: str, layout: Layout, kinds: AbstractSet[str]) -> str | None:
    """A record with the option codes that stand on the line behind it: each in a slot, and of a kind that the file has
    elsewhere. None where they are something else."""
    first = layout.slots[0].first - 1
    for gap in range(layout.width - len(before) - len(behind.rstrip(" ")) + 1):
        record = (before + " " * gap + behind.rstrip(" ")).ljust(layout.width)
        slots = [record[start : start + _SLOT] for start in range(first, layout.width, _SLOT)]
        codes = [slot.strip(" ") for slot in slots if slot.strip(" ")]
        in_slots = all(slot[0] != " " and slot[-1] == " " for slot in slots if slot.strip(" "))
        if in_slots and not record[_last(layout) : first].strip(" ") and _of_these_kinds(codes, kinds):
            return record
    return None


def _last(layout: Layout) -> int:
    """The last column of the fields before the options that are ever filled."""
    return max(place.last for place in layout.plain if place.form is not forms.BLANK)


_SLOT = 7


def _kind(code: str) -> str:
    """What a code looks like: `AAA00` of `BEN01`."""
    return re.sub("[0-9]", "0", re.sub("[A-Z]", "A", code.upper()))


def _kinds_of_codes(lines: Sequence[str], odd: AbstractSet[int], layout: Layout) -> AbstractSet[str]:
    """What the codes of a file look like, but for those that a line end may have broken (`odd`: the lines behind)."""
    first = layout.slots[0].first - 1
    held: set[str] = set()
    for at, line in enumerate(lines):
        if at in odd:
            held.update(line.split()[1:])
        elif line[1:2] == "5":
            held.update(line[first:].split()[: -1 if at + 1 in odd else None])
    return {_kind(code) for code in held}


def _of_these_kinds(codes: Sequence[str], kinds: AbstractSet[str]) -> bool:
    return all(forms.OPTION.fits(code.upper()) for code in codes) and (not kinds or {*map(_kind, codes)} <= kinds)


def _joined(parts: Sequence[str], step: int, width: int) -> str:
    return "".join(part.ljust(step) for part in parts)[:width].ljust(width)


def _whole(record: str, layout: Layout) -> bool:
    """Whether every field that only few texts fit has one of them."""
    return all(fits(place, place.cut(record)) for place in layout.plain if place.form.strict)


_SAMPLE = 12
_BLANK_FIELD = 40
_SHORTEST_PART = 40
_AFTER = {"1": "3", "3": "57", "5": "57", "7": "39", "9": ""}
"""Which record types may follow each."""


def _split(lines: Sequence[str], width: int, letters: str) -> list[str] | None:
    """The lines, those that hold several records cut between them; None where none does."""
    parts = [_cut(line, width, letters, 2) if len(line) > width + 1 else None for line in lines]
    if not any(parts):
        return None
    return [record for line, part in zip(lines, parts, strict=True) for record in part or [line]]


_BETWEEN = " \0\x0b\x0c\x1c\x1d\x1e\x85\u2026\u2028\u2029"
"""What may stand in the place of a line end: spaces, form feeds, separators, the line ends of mainframes (0x85, which
is a "…" to Windows) and of Unicode."""


def _cut(text: str, width: int, letters: str, least: int = 4) -> list[str] | None:
    """Text as records of that width, where it is nothing else: one behind the other, or with a character or two
    between them where line ends were."""
    text = text.rstrip(_BETWEEN + "\x1a")
    for stride in (width, width + 1, width + 2):
        records = [text[start : start + stride] for start in range(0, len(text), stride)]
        if records and not records[-1].strip(_BETWEEN):
            records.pop()
        if len(records) >= least and all(
            record[0] in letters and record[1:2] in tuple("13579") and not record[width:].strip(_BETWEEN)
            for record in records
        ):
            return [record[:width].ljust(width) for record in records]
    return None
