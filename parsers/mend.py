"""A file as its software should have written it, where there is no doubt about that (FIL-4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import evolve

from . import births, writer
from . import findings as f
from .checks import (
    MANY,
    Suspect,
    in_capitals,
    ulns_astray,
    with_check_letter,
    with_uln,
    with_zeros,
    without_zeros,
)
from .columnar import Columnar
from .envelope import Centre
from .layouts import FILE_HEADER, Layout
from .reader import Submission
from .shifts import aligned, exchanged, explain_all, swapped

ABOUT_THE_NAME = frozenset({f.FILE_NAME.name, f.NAME_HEADER.name, f.NAME_READ.name, f.FILE_RENAMED.name})
"""They say nothing about whether the records of a file can be trusted."""
_MENDED = ABOUT_THE_NAME | {f.DATES_ORDER.name}


def mended(submission: Submission) -> bytes | None:
    """The canonical bytes of a file whose records are mended: in capitals, option codes in their slots, fields that
    were not filled or ran over back in their columns, zeros of candidate numbers and dates and check letters of UCIs
    added. A record that nothing explains stays as it is. None where the file cannot be trusted as a whole."""
    layout = submission.layout
    stopped = any(
        finding.reach in (f.Reach.FILE, f.Reach.HOLD) and finding.code not in _MENDED for finding in submission.findings
    )
    if layout is None or submission.header is None or stopped:
        return None
    year = 2000 + int(submission.header.year) if submission.header.year.isdigit() else 0
    centres = [_centre(part, layout, year) for part in submission.centres]
    # A software version that is too wide, which moves what is behind it, is cut.
    version = submission.header.software_version[: FILE_HEADER["software_version"].width]
    return writer.file(evolve(submission.header, software_version=version), centres, layout)


def _centre(part: Centre, layout: Layout, year: int) -> Centre:
    texts = part.details.decode("ascii").split(writer.LINE_END)[:-1]
    return evolve(part, details=writer.block(_dates_in_order(_records(texts, layout), layout, year)))


def _dates_in_order(records: list[str], layout: Layout, year: int) -> list[str]:
    """Records with their dates of birth as day, month, year, where nearly all have another order."""
    if "born" not in layout.names:
        return records
    place = layout["born"]
    other = births.other_order([place.cut(record) for record in records], year)
    if other is None:
        return records
    return [record[: place.first - 1] + other.usual(place.cut(record)) + record[place.last :] for record in records]


def _records(texts: Sequence[str], layout: Layout) -> list[str]:
    mixed = any(place.form.mixed for place in layout.fields)
    records = [in_capitals(text, layout) if mixed else text.upper() for text in texts]
    if not records:
        return records
    records = _ulns_in_place(_numbers_with_zeros(records, layout), layout)
    if layout.slots:
        records = _slots_in_place(records, layout)
    faulty = np.flatnonzero(Columnar(layout, records).faults() >= MANY).tolist()
    pair = swapped([records[at] for at in faulty], layout) if len(faulty) * 10 >= len(records) * 9 else None
    if pair:
        return [exchanged(record, *pair) for record in records]
    for at, shift in zip(faulty, explain_all([records[at] for at in faulty], layout), strict=True):
        if shift:
            records[at] = shift.mended
    suspects = (Suspect(at, 0, at, record) for at, record in enumerate(records))
    return [with_check_letter(suspect, layout).record for suspect in suspects]


def _numbers_with_zeros(records: Sequence[str], layout: Layout) -> list[str]:
    held = list(records)
    for place, short in without_zeros(Columnar(layout, records), layout):
        held = [with_zeros(record, place) if lacks else record for record, lacks in zip(held, short, strict=True)]
    return held


def _ulns_in_place(records: Sequence[str], layout: Layout) -> list[str]:
    if not {"upn", "uln"} <= layout.names:
        return list(records)
    astray = ulns_astray(Columnar(layout, records), layout).tolist()
    return [with_uln(record, layout) if moved else record for record, moved in zip(records, astray, strict=True)]


def _slots_in_place(records: Sequence[str], layout: Layout) -> list[str]:
    columnar = Columnar(layout, records)
    in_place = (columnar.plain_faults < MANY) & columnar.blank(layout["reserved"])
    first = layout.slots[0].first - 1
    return [
        record[:first] + now.text if place and (now := aligned(record[first:])) else record
        for record, place in zip(records, in_place.tolist(), strict=True)
    ]
