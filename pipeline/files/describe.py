"""A file for a person to read: what it is, then its records with named columns, or one record field by field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import polars as pl
from attrs import frozen

from parsers.bundle import Bundle
from parsers.columns import Columns, columns
from parsers.envelope import Centre, Header
from parsers.findings import Finding, Found, visible
from parsers.identifiers import series
from parsers.identifiers.filename import AWARDING_BODIES, BUNDLE, LETTERS
from parsers.layouts import ENVELOPE, FILE_TYPES, Field, Layout
from parsers.reader import Submission
from parsers.writer import LINE_END
from pipeline.files.aligned import folded, stacked
from pipeline.files.mask import DOT, PERSONAL, masked, masked_record
from pipeline.files.record_types import columns_of
from pipeline.files.to_table import spelt
from pipeline.wording import summary


@frozen(kw_only=True)
class Wish:
    """How much to show: at most `rows` records (None: all), at most `width` columns (None: one line per record), and
    whether to hide personal fields."""

    rows: int | None = 20
    width: int | None = None
    mask: bool = False


def describe(submission: Submission, wish: Wish) -> Iterator[str]:
    """The lines that describe a file. Whatever can be read is shown, however much is wrong."""
    if submission.type and submission.type.detail is None:
        yield from _facts(submission, None, submission.findings)
        yield ""
        # A reply may mention candidates anywhere in its text.
        yield from ["(the text is not shown: it cannot be masked)"] if wish.mask else submission.text
        return
    found = Found([submission.named])
    found.carry(0, submission.findings)
    read = columns([submission], submission.layout, found) if submission.layout else None
    yield from _facts(submission, read, found.of(0))
    if read is None:
        return
    left = wish.rows
    for number, part in enumerate(submission.centres):
        if left == 0:
            more = len(submission.centres) - number
            yield f"\n... and {more} more centre{'s' if more > 1 else ''} (--all shows them)"
            return
        count = len(part.lines) if left is None else min(left, len(part.lines))
        yield ""
        yield from _centre(submission, part, read, count, wish)
        left = None if left is None else left - count


def describe_bundle(bundle: Bundle, wish: Wish) -> Iterator[str]:
    """The lines that describe a bundle of basedata, and then each of its members."""
    members = ", ".join(visible(member.named) for member in bundle.members) or "none"
    said = [("file type", f"Z: {LETTERS[BUNDLE]}"), ("members", members), ("findings", _counted(bundle.findings))]
    yield from (visible(bundle.named), "", *_aligned(said))
    for member in bundle.members:
        yield ""
        yield from describe(member, wish)


# --- What it is ------------------------------------------------------------------------------------------------------

_LISTED = 6


def _facts(submission: Submission, read: Columns | None, findings: Sequence[Finding]) -> Iterator[str]:
    yield visible(submission.named)
    yield ""
    rows = [(name, visible(said)) for name, said in _said(submission, read) if said]
    rows.append(("findings", _counted(findings)))
    yield from _aligned(rows)


def _aligned(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    wide = max(len(name) for name, _ in rows) + 2
    yield from (f"{name:<{wide}}{said}" for name, said in rows)


def _counted(findings: Sequence[Finding]) -> str:
    said = summary(findings)
    return said if said == "none" else f"{said} (resultsday check shows them)"


def _said(submission: Submission, read: Columns | None) -> Iterator[tuple[str, str]]:
    kind, header, centres = submission.type, submission.header, submission.centres
    if kind is None:
        yield "file type", "not one of the common formats"
        yield from (("problem", finding.message) for finding in submission.findings)
        return
    way = "from a centre" if kind.sender == "centre" else "to centres"
    yield "file type", f"{kind.letter}: {kind.title}, {way}"
    if header is None:
        if kind.detail:
            yield "file header", "missing"
        return
    yield "series", _series(header)
    yield "awarding body", _with_meaning(header.awarding_body, AWARDING_BODIES.get(header.awarding_body))
    yield "sent to", _DISTRIBUTIONS.get(header.distribution, "")
    yield "centre" if len(centres) == 1 else "centres", _numbers(centres)
    yield "sequence", ", ".join(dict.fromkeys(f"{centre.sequence:03d}" for centre in centres[:_LISTED]))
    yield "software", f"{header.software} {header.software_version}".strip()
    yield "date produced", ", ".join(dict.fromkeys(spelt(centre.produced) for centre in centres[:_LISTED]))
    layout = submission.layout
    yield "formats version", f"{header.formats_version} (records {layout.record})" if layout else ""
    yield "records", f"{sum(len(centre.lines) for centre in centres):,}"
    if read and "candidate" in read.records.columns:
        yield "candidates", f"{read.records.select('centre', 'candidate').n_unique():,}"


_DISTRIBUTIONS = {"M": "many centres", "B": "all centres (broadcast)"}


def _series(header: Header) -> str:
    key = series.parse(header.series_key)
    if key is None:
        return f"{header.series_key} (not a series key)"
    return f"{header.series_key}: {series.MONTHS[key.month]} 20{key.year}, the awarding body's series {key.letter}"


def _with_meaning(text: str, meaning: str | None) -> str:
    return f"{text}: {meaning}" if meaning else text


def _numbers(centres: Sequence[Centre]) -> str:
    listed = ", ".join(centre.number for centre in centres[:_LISTED])
    more = len(centres) - _LISTED
    count = f"{len(centres):,}: " if len(centres) > 1 else ""
    return f"{count}{listed}{f' and {more:,} more' if more > 0 else ''}"


# --- Its records -----------------------------------------------------------------------------------------------------


def _centre(submission: Submission, part: Centre, read: Columns, count: int, wish: Wish) -> Iterator[str]:
    produced = f"produced {spelt(part.produced)}" if part.produced else ""
    about = ", ".join(filter(None, (f"centre {part.number}", f"number {part.sequence:03d}", part.postcode, produced)))
    size = len(part.lines)
    yield f"{about}: {size:,} record{'' if size == 1 else 's'}"
    if not count:
        return
    lines = part.lines[:count]
    here = pl.col("line").is_between(lines[0], lines[-1])
    frame = _with_options(read.records.filter(here), read.options.filter(here))
    frame = frame.drop("file", "kept", strict=False)
    if "centre" in frame.columns and (frame["centre"] == part.number).all():
        frame = frame.drop("centre")
    if wish.mask:
        frame = masked(frame)
    if not frame.is_empty():
        yield ""
        yield from stacked(frame, [name for name in ("line", "candidate") if name in frame.columns], wish.width)
    unread = sorted(set(lines) - set(frame["line"].to_list()))
    if unread:
        shown = ", ".join(map(str, unread[:_LISTED])) + (" ..." if len(unread) > _LISTED else "")
        yield ""
        yield f"not readable: line{'s' if len(unread) > 1 else ''} {shown} (resultsday check shows why)"
    if count < size:
        yield ""
        yield f"... and {size - count:,} more (--all shows them)"


def _with_options(records: pl.DataFrame, options: pl.DataFrame) -> pl.DataFrame:
    """The records with the codes of their used option slots as one column."""
    if options.is_empty():
        return records
    codes = options.group_by("line", maintain_order=True).agg(pl.col("option").str.join(" ").alias("options"))
    return records.join(codes, on="line", how="left", maintain_order="left")


# --- One record ------------------------------------------------------------------------------------------------------


class NoRecordError(ValueError):
    """There is no such record; the message says how many lines the file has."""


def one_record(submission: Submission, texts: Sequence[str], line: int, wish: Wish) -> Iterator[str]:
    """The record in a line, field by field; lines are counted from 1, as in findings. `texts` are the file's lines.
    Raises `NoRecordError`."""
    text, layout, typed = _detail(submission, line) or _of_the_envelope(submission, texts, line)
    if wish.mask:
        text = DOT * len(text) if typed is None else masked_record(text, layout)
    yield f"{visible(submission.named)}, line {line}: {layout.record}, {layout.title}"
    if typed is None:
        yield "the record is shifted: its fields hold text that belongs elsewhere (resultsday check shows why)"
    yield ""
    rows = [
        (
            field.name,
            columns_of(field),
            field.cut(text).replace(" ", "·"),
            field.grade,
            "" if typed is None or (wish.mask and field.name in PERSONAL) else _meaning(field, text, layout, typed),
        )
        for field in _fields(layout, text)
    ]
    yield from folded(("field", "columns", "text", "grade", "meaning"), rows, wish.width)


_Record = tuple[str, Layout, Mapping[str, Any] | None]
"""A record, its layout and its values as the desk reads them; without values it is shifted."""


def _detail(submission: Submission, line: int) -> _Record | None:
    """The detail record in a line; None where there is none."""
    layout = submission.layout
    part = next((part for part in submission.centres if line in part.lines), None)
    if layout is None or part is None:
        return None
    width = layout.width + len(LINE_END)
    at = width * part.lines.index(line)
    alone = attrs.evolve(part, details=part.details[at : at + width], lines=(line,))
    read = columns([attrs.evolve(submission, centres=(alone,))], layout, Found([submission.named])).records
    return alone.records[0], layout, next(read.iter_rows(named=True), None)


def _of_the_envelope(submission: Submission, texts: Sequence[str], line: int) -> _Record:
    """The header or trailer in a line. Raises `NoRecordError`."""
    text = texts[line - 1] if 0 < line <= len(texts) else ""
    layout = ENVELOPE.get(text[1:2]) if submission.layout else None
    if layout is None:
        raise NoRecordError(f"line {line} holds no record; the file has {len(texts)} lines")
    return "".join(letter if letter.isprintable() else "?" for letter in text).ljust(layout.width), layout, {}


def _fields(layout: Layout, text: str) -> Iterator[Field]:
    """The fields of a record, with those of its overlay if one applies."""
    overlay = layout.overlay(text)
    for field in layout.fields:
        if field.name == layout.overlaid and overlay:
            yield from overlay
        else:
            yield field


_DECLARED = re.compile("`([^`]+)`:? ([^,`;(]+)")
_MEANINGS: Mapping[str, Callable[[str], str | None]] = {
    "data_type": lambda value: FILE_TYPES[value].title if value in FILE_TYPES else None,
    "awarding_body": lambda value: AWARDING_BODIES.get(value, ""),
    "series": lambda value: f"{series.MONTHS.get(value[:1], 'no month')}, the awarding body's series {value[1:]}",
    "year": lambda value: f"20{value}",
}
"""Fields that mean the same in every record; None: look at the record's own legend."""


def _meaning(field: Field, text: str, layout: Layout, typed: Mapping[str, Any]) -> str:
    """The meaning of a field's value, if it is declared; `typed` has the record's values as the desk reads them."""
    value = field.cut(text).strip()
    if not value:
        return ""
    if field.name == "record_type":
        return layout.title.split(" (")[0].lower()
    if field.name in _MEANINGS and (meaning := _MEANINGS[field.name](value)) is not None:
        return meaning
    if field.kind == "D":
        day = typed.get(field.name) or spelt(value)
        return str(day) if str(day) != value else "unknown" if value == "000000" else "no date"
    if field.name == layout.chooser:
        return next((each.title.replace("`", "") for each in layout.overlays if value in each.types), "")
    declared: dict[str, str] = dict(_DECLARED.findall(field.legend))
    return declared.get(value, "").strip()
