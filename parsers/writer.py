"""Columns to bytes: canonical files from the same declarations the reader slices with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from parsers.layouts import (
    CANDIDATE,
    CENTRE_HEADER,
    CENTRE_TRAILER,
    FILE_HEADER,
    FILE_TRAILER,
    FILE_TYPES,
    SLOTS,
    Layout,
)

LINE_END = "\r\n"


@frozen(kw_only=True)
class Envelope:
    """What headers and trailers of a single-centre file say. `produced` is DDMMYY; `series_key` as in `6B24`."""

    letter: str
    centre: str
    awarding_body: str
    series_key: str
    sequence: int
    produced: str
    postcode: str = ""
    software: str = "RESDAY"
    software_version: str = "010"


def record(layout: Layout, values: Mapping[str, str], width: int) -> str:
    """One record without its line end, padded to `width`: text left-justified, numbers (`N`) zero-filled unless blank.

    Raises `ValueError` when a value is wider than its field or no field has its name.
    """
    unknown = values.keys() - {one.name for one in layout.fields}
    if unknown:
        raise ValueError(f"{layout.record} has no field {', '.join(sorted(unknown))}")
    parts = []
    for one in layout.fields:
        value = values.get(one.name, "")
        if len(value) > one.width:
            raise ValueError(f"{layout.record}: {one.name} takes {one.width} columns, {value!r} has {len(value)}")
        parts.append(value.rjust(one.width, "0") if one.kind == "N" and value else value.ljust(one.width))
    return "".join(parts).ljust(width)


def candidate_records(
    letter: str, centre: str, person: Mapping[str, str], options: Sequence[str], width: int = CANDIDATE.width
) -> list[str]:
    """The detail records of one candidate: further ones, repeating the person, for more than twelve options."""
    fixed = {"data_type": letter, "record_type": "5", "status": "C", "centre": centre, **person}
    groups = [options[start : start + SLOTS] for start in range(0, len(options), SLOTS)] or [[]]
    return [
        record(CANDIDATE, fixed | {f"option_{number}": code for number, code in enumerate(group, 1)}, width)
        for group in groups
    ]


def file(envelope: Envelope, details: Iterable[str]) -> bytes:
    """A whole single-centre file around its detail records, with the counts that belong to it."""
    width = FILE_TYPES[envelope.letter].width
    held = list(details)
    centre = {"data_type": envelope.letter, "centre": envelope.centre}
    series = {"series": envelope.series_key[:2], "year": envelope.series_key[2:]}
    header = centre | series | {"awarding_body": envelope.awarding_body}
    software = {"software": envelope.software, "software_version": envelope.software_version}
    opening = [
        record(
            FILE_HEADER, header | software | {"record_type": "1", "distribution": "S", "formats_version": "14"}, width
        ),
        record(
            CENTRE_HEADER,
            header | {"record_type": "3", "sequence": str(envelope.sequence), "postcode": envelope.postcode},
            width,
        ),
    ]
    closing = [
        record(
            CENTRE_TRAILER,
            centre | {"record_type": "7", "records": str(len(held) + 2), "produced": envelope.produced},
            width,
        ),
        record(FILE_TRAILER, centre | {"record_type": "9", "records": str(len(held) + 4), "centres": "1"}, width),
    ]
    return "".join(f"{line}{LINE_END}" for line in (*opening, *held, *closing)).encode("ascii")
