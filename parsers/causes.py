"""What may have happened to a whole file (FIL-4): hypotheses, each with how it is recognised and how it is mended.

They are tried before any record is judged, in the order of `CAUSES`. A mend that leaves no doubt is made, and said
once. Where the file shows what happened to it but not what it was, that is the one finding: nothing that follows is
reported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any

from attrs import evolve, field, frozen

from . import findings as f
from .findings import Code, Found, Reach
from .identifiers import uci
from .layouts import ENVELOPE, Field, FileType, Layout
from .lines import FEWEST, HEAD, LINE_END, apart, prefix, unquoted


@frozen
class Page:
    """The lines of a file, each with its number in it. `ends`: how often each line end occurs; `doubled`: how many CR
    LF have another CR before them."""

    lines: list[str] = field(repr=False)
    numbers: Sequence[int] = field(repr=False)
    ended: bool
    ends: Counter[str]
    doubled: int = 0

    @classmethod
    def of(cls, text: str) -> Page:
        """The page of a text."""
        ends = Counter(LINE_END.findall(text)) if "\r" in text or "\n" in text else Counter[str]()
        lines = LINE_END.split(text) if len(ends) != 1 else text.split(next(iter(ends)))
        ended = len(lines) > 1 and not lines[-1]
        if ended:
            lines.pop()
        return cls(lines, range(1, len(lines) + 1), ended, ends, text.count("\r\r\n"))

    def with_lines(self, lines: list[str]) -> Page:
        """The page with other texts in its lines."""
        return evolve(self, lines=lines)

    def without_blanks(self) -> Page:
        """The page without its empty lines; a file of nothing else keeps its first."""
        held = [bool(line) and not line.isspace() for line in self.lines]
        if all(held):
            return self
        if not any(held):
            return evolve(self, lines=self.lines[:1], numbers=self.numbers[:1])
        lines, numbers = list(compress(self.lines, held)), list(compress(self.numbers, held))
        return evolve(self, lines=lines, numbers=numbers, ended=self.ended or not held[-1])


@frozen
class Seen:
    """What a cause has left behind: the page as it was before it, and the facts for the finding."""

    page: Page
    value: str
    facts: dict[str, Any] = field(factory=dict)
    line: int | None = None


@frozen
class Cause:
    """Something that happens to whole files. `seen` recognises and mends it; None where there is no sign of it. A code
    that refuses the file says that the mend cannot be trusted."""

    name: str
    code: Code
    seen: Callable[[Page, FileType], Seen | None]

    @property
    def sure(self) -> bool:
        """Whether the mended file is read."""
        return self.code.reach is not Reach.FILE


def explained(page: Page, file_type: FileType, found: Found) -> Page | None:
    """The page as it was before anything happened to it, each cause a finding; None where the file cannot be read for
    one of them."""
    for cause in CAUSES:
        seen = cause.seen(page, file_type)
        if seen is None:
            continue
        found.add(cause.code, seen.line, value=seen.value, **seen.facts)
        if not cause.sure:
            return None
        page = seen.page
    return page


# --- Before it is known what kind of file it is ----------------------------------------------------------------------

PADDING = b"\0\x1a \t\r\n"
"""What may stand behind the last record, besides nines."""

_NAMES = {0: "NUL", 0x1A: "end-of-file character"}


def unpadded(data: bytes, found: Found) -> bytes:
    """A file without what was put behind its last record, and with spaces where NULs stand for them."""
    if filled_with_nuls(data):
        found.add(f.NULS_READ, value=f"{data.count(0):,}")
        data = data.replace(b"\0", b" ")
        ended = data.rstrip(b" ")
        data = ended if ended.endswith((b"\r", b"\n")) else data
    kept = data.rstrip(PADDING)
    tail = data[len(kept) :]
    at = min((tail.find(mark) for mark in (b"\0", b"\x1a") if mark in tail), default=-1)
    if kept and at >= 0:
        counts = Counter(byte for byte in tail[at:] if byte in _NAMES)
        if set(counts) == {0x1A} and counts[0x1A] == 1:
            found.add(f.END_OF_FILE_MARK)
        else:
            said = " and ".join(f"{n:,} {_NAMES[byte]}{'s' * (n > 1)}" for byte, n in sorted(counts.items()))
            found.add(f.FILE_PADDED, value=said)
        data = data[: len(kept) + at]
    return data


def filled_with_nuls(data: bytes) -> bool:
    """Whether NULs stand where spaces fill a record: one in a text is no filling."""
    return b"\0\0" in data and b"   " not in data and HEAD.match(data[:2].decode("latin-1")) is not None


def unmarked(page: Page, found: Found) -> Page:
    """The page without what a spreadsheet, a mail program or an editor put around every line, or around them all, and
    in the place of spaces."""
    count = sum(line.count(_NO_BREAK) for line in page.lines)
    if count > _A_FEW:
        found.add(f.SPACES_OTHER, value=f"{count:,}")
        page = page.with_lines([line.replace(_NO_BREAK, " ") for line in page.lines])
    for code, seen_in in ((f.SPREADSHEET_MARKS, _quoted), (f.LINE_PREFIX, _prefixed), (f.SPREADSHEET_MARKS, _quoted)):
        seen = seen_in(page)
        if seen:
            found.add(code, value=seen.value, **seen.facts)
            page = seen.page
    return _without_text(page, found)


_NO_BREAK = "\u00a0"
_A_FEW = 3
_WHOLE = re.compile("(?P<letter>[A-Z])1[0-9]{5}[0-9]{2}[0-9A-Z]{2}[0-9]{2}", re.IGNORECASE)
"""How a centre's file header begins."""


def _without_text(page: Page, found: Found) -> Page:
    """The page without lines of a message before the only file header or behind the only file trailer; of text alone,
    not of records."""
    heads = [at for at, line in enumerate(page.lines) if _WHOLE.match(line)]
    if len(heads) != 1:
        return page
    letter = page.lines[heads[0]][0]
    ends = [at for at, line in enumerate(page.lines) if re.match(f"{letter}9[0-9]{{5}}", line)]
    if len(ends) != 1 or ends[0] < heads[0]:
        return page
    around = [*page.lines[: heads[0]], *page.lines[ends[0] + 1 :]]
    texts = [line for line in around if line.strip(" \t9")]
    if not texts or any(re.match(f"{letter}[13579]", line) for line in texts):
        return page
    said = "a line" if len(texts) == 1 else f"{len(texts):,} lines"
    found.add(f.TEXT_AROUND, value=said, are="is no record" if len(texts) == 1 else "are no records")
    kept = slice(heads[0], ends[0] + 1)
    return evolve(page, lines=page.lines[kept], numbers=page.numbers[kept], ended=True)


def _quoted(page: Page) -> Seen | None:
    """Lines in quotation marks, or with a row of separators behind them."""
    lines = unquoted(page.lines)
    if lines is None:
        return None
    changed = sum(was != now for was, now in zip(page.lines, lines, strict=True))
    return Seen(page.with_lines(lines), "a line" if changed == 1 else f"{changed:,} lines")


def _prefixed(page: Page) -> Seen | None:
    """Lines that all begin with the same marks or spaces."""
    marks = prefix(page.lines)
    return Seen(page.with_lines([line[len(marks) :] for line in page.lines]), f.visible(marks)) if marks else None


_CELLS = 3
"""No record has so many separators within it, and a table has more."""
_TABLE = re.compile('"?[A-Za-z]"?[,;\t]?"?[13579]"?([,;\t])')


def table(page: Page) -> str | None:
    """What separates the columns of a file that is a table, as a spreadsheet saves it; None for any other."""
    first = next((line for line in page.lines if line.strip()), "")
    separated = _TABLE.match(first)
    if separated:
        return _SEPARATORS[separated[1]]
    texts = [line for line in page.lines[:_FIRST] if line.strip()]
    for mark in ",;":
        if len(texts) >= FEWEST and sum(line.count(mark) > _CELLS for line in texts) * 10 >= len(texts) * 9:
            return _SEPARATORS[mark]
    return None


_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

# --- Of a file whose kind is known -----------------------------------------------------------------------------------


def _line_ends_lost(page: Page, _: FileType) -> Seen | None:
    lines = apart(page.lines)
    if lines is None:
        return None
    held = sum(map(bool, page.lines))
    how = (
        "the file has no line ends: its {count:,} records stand one behind the other"
        if held == 1
        else "line ends are missing: {count:,} records stand in {held:,} lines"
        if held < len(lines)
        else "the {count:,} records are broken over {held:,} lines"
    )
    value = how.format(count=len(lines), held=held)
    return Seen(evolve(page, lines=lines, numbers=range(1, len(lines) + 1), ended=True), value)


def _line_ends_doubled(page: Page, _: FileType) -> Seen | None:
    """CR CR LF: two transfers in text mode, each of which has put a CR before every LF."""
    single, whole, doubled = page.ends["\r"], page.ends["\r\n"], page.doubled
    times = round(single / doubled) if doubled else 0
    if not times or abs(single - times * doubled) > 1 + doubled // 20:
        return None
    kept = page.without_blanks()
    marks = "carriage returns before the line feed" if times > 1 else "carriage return before the line feed"
    facts = {"lines": len(kept.lines), "extra": f"{times} further {marks}"}
    return Seen(evolve(kept, ends=Counter({"\r\n": whole, "\n": page.ends["\n"]})), f"{doubled:,}", facts)


def _line_ends(page: Page, _: FileType) -> Seen | None:
    """Line ends other than CR LF."""
    odd, total = page.ends["\n"] + page.ends["\r"], page.ends.total()
    kept = page.without_blanks()
    if not odd:
        return None
    swapped = not page.ends["\r\n"] and 0 <= page.ends["\n"] - page.ends["\r"] <= 1 < page.ends["\r"]
    # LF CR: every CR seems to end an empty line.
    if swapped and len(page.lines) - len(kept.lines) >= page.ends["\r"] - 1:
        return Seen(kept, str(len(kept.lines)), {"lines": len(kept.lines)})
    return Seen(page, str(odd), {"lines": total})


def _blank_lines(page: Page, _: FileType) -> Seen | None:
    kept = page.without_blanks()
    count = len(page.lines) - len(kept.lines)
    if not count:
        return None
    inside = kept.numbers[-1] - kept.numbers[0] + 1 > len(kept.lines) or kept.numbers[0] > 1
    first = kept.numbers[0] > 1 and kept.numbers[-1] - kept.numbers[0] + 1 == len(kept.lines)
    where = "before the records" if first else "between the records" if inside else "at the end of the file"
    said, were = ("1 empty line", "was") if count == 1 else (f"{count:,} empty lines", "were")
    return Seen(kept, said, {"where": where, "were": were}, None if inside else kept.numbers[-1] + 1)


def _every_line_twice(page: Page, _: FileType) -> Seen | None:
    """Every line stands there a second time: right behind the first, or the whole file behind the whole file."""
    lines, half = page.lines, len(page.lines) // 2
    if len(lines) < FEWEST or len(lines) % 2:
        return None
    for first, second in (slice(None, None, 2), slice(1, None, 2)), (slice(half), slice(half, None)):
        if lines[first] == lines[second]:
            return Seen(evolve(page, lines=lines[first], numbers=list(page.numbers[first])), f"{half:,}")
    return None


BEHIND_THE_END: dict[str, Any] = {
    "where": "behind the end of the first",
    "wanted": "the end of the file",
    "mend": "Send the two files one by one, each under its own name; do not join files by hand",
}
BEFORE_THE_END: dict[str, Any] = {
    "where": "before the first has ended",
    "wanted": "the rest of the first file",
    "mend": "If an upload was broken off and begun again, send the file once more, by itself. If these are two files, "
    "send them one by one, each under its own name",
}
"""What is said of a second file in a file, by where it begins."""


def _two_files(page: Page, file_type: FileType) -> Seen | None:
    """A second file behind the first one, on the line of its trailer; one that begins on a line of its own is seen by
    the order of records."""
    end = re.compile(f"{file_type.letter}9[0-9]{{5}}[0-9 ]{{14}} *", re.IGNORECASE)
    for at, line in enumerate(page.lines[:-1]):
        trailer = end.match(line) if line[1:2] == "9" else None
        if trailer and _WHOLE.match(line, trailer.end()):
            return Seen(page, line[trailer.end() :][:2], BEHIND_THE_END, page.numbers[at])
    return None


_CENTRE_SHORT = re.compile("[A-Z]1(?P<short>[0-9]{4})[0-9]{2}[1-9ABC][A-Z][0-9]{2}[SMB ]", re.IGNORECASE)
_CENTRE_SPACED = re.compile("[A-Z]1(?P<short> [0-9]{4}|[0-9]{4} )[0-9]{2}[1-9ABC][A-Z][0-9]{2}", re.IGNORECASE)


def centre_short(header: str) -> str:
    """The centre number of a file header that has four digits where five belong, as it stands there; empty where it has
    not."""
    head = _CENTRE_SHORT.match(header) or _CENTRE_SPACED.match(header)
    return head["short"] if head else ""


def _centre_zero(page: Page, file_type: FileType) -> Seen | None:
    """A centre number that has lost the zero at its front in every record, as it does in a spreadsheet: what is behind
    it has moved, or a space fills it up."""
    short = centre_short(page.lines[0])
    if not short or file_type.detail is None:
        return None
    now = short.strip(" ").zfill(_CENTRE_DIGITS)
    width = file_type.detail.width
    layouts = {kind: ENVELOPE.get(kind, file_type.detail) for kind in "13579"}
    starts = {kind: layout["centre"].first - 1 for kind, layout in layouts.items() if "centre" in layout.names}
    lines = []
    for line in page.lines:
        at = starts.get(line[1:2])
        if at is None or not line.startswith(short, at) or len(line) > width:
            return None
        lines.append(line[:at] + now + line[at + len(short) :])
    lines = [line if line[width:].strip() else line[:width] for line in lines]
    return Seen(page.with_lines(lines), short.strip(" "), {"now": now})


_CENTRE_DIGITS = 5


def _letters_wide(page: Page, file_type: FileType) -> Seen | None:
    """Names filled with spaces as if a letter with an accent, which is two bytes in UTF-8, were two columns."""
    layout = file_type.detail
    if layout is None or "name" not in layout.names or all(line.isascii() for line in page.lines):
        return None
    lines, end, count = list(page.lines), layout["name"].last, 0
    behind = next(place for place in layout.fields if place.first > end)
    for at, line in enumerate(lines):
        more = len(line.encode()) - len(line)
        if line[1:2] != "5" or not more or line[:end].isascii() or _at_home(behind, line.ljust(layout.width)):
            continue
        now = line[: end - more] + " " * more + line[end - more :]
        if _like(now[: layout.width], layout) and not _like(line, layout) and not now[layout.width :].strip():
            lines[at] = now[: max(len(line), layout.width)]
            count += 1
    return Seen(page.with_lines(lines), f"{count:,}") if count else None


def _nines(page: Page, file_type: FileType) -> Seen | None:
    """Fillings of nines: lines of nothing else behind the last record, or nines behind the file trailer."""
    last = len(page.lines)
    while last > 1 and len(page.lines[last - 1].strip()) > 1 and not page.lines[last - 1].strip().strip("9"):
        last -= 1
    lines, kept = page.lines[:last], page.lines[last - 1]
    trailer = re.fullmatch(rf"({file_type.letter}9.{{19}} *)9{{10,}} *", kept, re.IGNORECASE)
    if trailer:
        lines = [*lines[:-1], trailer[1]]
    elif last == len(page.lines):
        return None
    nines = sum(line.count("9") for line in page.lines[last:]) + (kept.count("9", 21) if trailer else 0)
    ended = page.ended or last < len(page.lines)
    return Seen(evolve(page, lines=lines, numbers=page.numbers[:last], ended=ended), f"{nines:,} nines")


def _small_letters(page: Page, file_type: FileType) -> Seen | None:
    """Somebody has turned capitals into small letters: all of them or most, or some in nearly every record, as in names
    written as names."""
    assert file_type.detail is not None
    start = page.lines[:_FIRST]
    text = "".join(start)
    small = sum(map(str.islower, text))
    capitals = sum(map(str.isupper, text))
    details = [line for line in start if line[1:2] == "5"]
    among = sum(line != line.upper() for line in details)
    usual = len(details) >= _NOT_FEW and among * 10 >= len(details) * 9
    # Titles may be in small letters, and components have a case of their own: but not where there are no capitals.
    mixed = any(place.form.mixed for place in file_type.detail.fields)
    if capitals if mixed else small <= capitals and not usual:
        return None
    lines = [line.upper() for line in page.lines]
    count = sum(was != now for was, now in zip(page.lines, lines, strict=True))
    # A letter whose capital is two would move what is behind it; it is folded later.
    lines = [now if len(now) == len(was) else was for was, now in zip(page.lines, lines, strict=True)]
    return Seen(page.with_lines(lines), f"{count:,}", {"lines": len(lines)})


_NOT_FEW = 3
_FIRST = 400
"""Lines looked at to see what kind of letters a file is written in."""


def _tabs_read(page: Page, file_type: FileType) -> Seen | None:
    """Tabs in the place of spaces, up to columns a multiple of eight or four apart: in all lines, or in those that an
    editor has touched."""
    tabbed = [line for line in page.lines if "\t" in line]
    # One that was typed or pasted into a field moves nothing.
    if not tabbed or (len(tabbed) * 2 < len(page.lines) and likeness(tabbed, file_type) > _SURE):
        return None
    for step in (8, 4):
        if likeness([line.expandtabs(step) for line in tabbed], file_type) > _SURE:
            lines = [line.expandtabs(step) for line in page.lines]
            return Seen(
                page.with_lines(lines), "1 line" if len(tabbed) == 1 else f"{len(tabbed):,} lines", {"step": step}
            )
    return None


def _squeezed(page: Page, file_type: FileType) -> Seen | None:
    """Runs of spaces that have become a space, two or a tab, or are gone."""
    details = [line for line in page.lines if line[1:2] == "5"]
    tabs = sum("\t" in line for line in details)
    if not details or (tabs * 2 < len(details) and any("   " in line.strip(" ") for line in details)):
        return None
    if likeness(page.lines, file_type, most=0) >= _SURE or not _told_apart(details, file_type):
        return None
    became = "a tab" if tabs * 2 >= len(details) else _BECAME[max(map(_longest_run, details))]
    return Seen(page, became, {"lines": len(details)})


_BECAME = ("nothing", "one space", "two spaces")


def _longest_run(line: str) -> int:
    """How many spaces stand behind each other within a line, at most: none, one or two."""
    return next((count for count in (2, 1) if " " * count in line.strip(" ")), 0)


def _told_apart(details: Sequence[str], file_type: FileType) -> bool:
    """Whether what is known by itself is there in most of these records, though not in its columns: their UCI."""
    assert file_type.detail is not None
    if "uci" not in file_type.detail.names:
        return max(map(len, details)) < file_type.detail.width
    sample = details[:: max(len(details) // _SAMPLE, 1)][:_SAMPLE]
    return sum(any(uci.is_valid(text) for text in _UCI.findall(line.upper())) for line in sample) * 2 > len(sample)


_UCI = re.compile("(?=([0-9]{5}[0-9A-Z][0-9]{6}[A-Z]))")

CAUSES = (
    Cause("records without line ends between them", f.LINE_ENDS_LOST, _line_ends_lost),
    Cause("doubled carriage returns", f.LINE_ENDS_DOUBLED, _line_ends_doubled),
    Cause("other line ends", f.LINE_ENDS, _line_ends),
    Cause("empty lines", f.BLANK_LINES, _blank_lines),
    Cause("every line twice", f.LINES_TWICE, _every_line_twice),
    Cause("two files in one", f.FILES_JOINED, _two_files),
    Cause("a centre number without its zero", f.CENTRE_ZERO, _centre_zero),
    Cause("letters counted as two columns", f.LETTERS_WIDE, _letters_wide),
    Cause("filling of nines", f.FILE_PADDED, _nines),
    Cause("small letters", f.LETTERS_SMALL, _small_letters),
    Cause("tabs in the place of spaces", f.TABS_READ, _tabs_read),
    Cause("runs of spaces squeezed", f.SPACES_SQUEEZED, _squeezed),
)
"""Tried in this order, one on what the other has left: a file may have been through several hands."""

# --- Does it look like records? --------------------------------------------------------------------------------------

_SURE = 0.6
_SAMPLE = 12


def likeness(lines: Sequence[str], file_type: FileType, most: int = 1) -> float:
    """The share of detail records, among a few of them, in which every field but `most` is where it belongs; 1 where
    there are none."""
    assert file_type.detail is not None
    details = [line for line in lines if line[1:2] == "5"]
    step = max(len(details) // _SAMPLE, 1)
    sample = details[::step][:_SAMPLE]
    if not sample:
        return 1.0
    return sum(_like(line, file_type.detail, most) for line in sample) / len(sample)


def _like(line: str, layout: Layout, most: int = 1) -> bool:
    record = line.ljust(layout.width).upper()
    # One wrong field is a wrong field. When more are, they are not where they seem to be.
    return sum(not _at_home(place, record) for place in layout.plain) <= most


def _at_home(place: Field, record: str) -> bool:
    text = place.cut(record).rstrip(" ")
    return not place.form.strict or (place.form.fits(text) if text else not place.required)


def floors(layout: Layout) -> dict[str, int]:
    """The least length of a record, by record type, that has lost nothing but the spaces at its end."""
    return {record_type: _floor(ENVELOPE.get(record_type, layout)) for record_type in "13579"}


def _floor(layout: Layout) -> int:
    required = [place.first for place in layout.fields if place.required]
    # A single missing field may just be blank.
    return required[-2] if len(required) > 1 else 0
