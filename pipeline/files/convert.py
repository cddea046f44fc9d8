"""Common-format files as CSV, JSON or Parquet, and back; a canonical file comes back byte for byte."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
from attrs import frozen
from polars.exceptions import PolarsError
from polars.io.plugins import register_io_source

from parsers.columns import columns
from parsers.findings import Finding, Found, Reach
from parsers.identifiers import filename
from parsers.mend import ABOUT_THE_NAME
from parsers.reader import Submission, read
from parsers.writer import file
from pipeline.files import named_files
from pipeline.files.from_table import TableError, file_of
from pipeline.files.to_table import BATCH, CENTRE, HEADER, LAYOUT, MASKED, PART, Shape, frames
from pipeline.wording import summary

TABLES = (".csv", ".json", ".parquet")
"""The endings of tables; any other file is taken to be in the common format."""


class UsageError(ValueError):
    """Source and target do not go together; the message says what would."""


@frozen
class Refused(Exception):  # noqa: N818 -- not an error of the program: the file cannot be converted
    """Nothing was written: why, and the findings of the file (with its bytes, for showing)."""

    why: str
    findings: tuple[Finding, ...] = ()
    data: bytes = b""


@frozen
class Converted:
    """What was written: the number of records, and notes for a person to read."""

    records: int
    notes: tuple[str, ...]


def convert(source: Path, target: Path, *, mask: bool, force: bool) -> Converted:
    """Writes `source` as `target`; the kind of each follows from the ending of its name.

    Raises `UsageError`, `Refused` when the source cannot be read as that kind, and `OSError`.
    """
    back = source.suffix.lower() in TABLES
    if back == (target.suffix.lower() in TABLES):
        raise UsageError(
            "one of source and target must be a common-format file, the other end in .csv, .json or .parquet"
        )
    if back and not filename.original(target.name) and not _numbered(target):
        raise UsageError("the target is a common-format file: give it a name such as E6412315.X01 or entries.X01")
    if back and mask:
        raise UsageError("--mask hides fields in a table; it cannot be used to write a common-format file")
    if target.exists() and not force:
        raise UsageError("the target already exists; use --force to overwrite it")
    return _back(source, target) if back else _there(source, target, mask=mask)


def _numbered(target: Path) -> bool:
    return target.suffix[1:2].upper() == "X" and target.suffix[2:].isdigit() and len(target.suffix) == len(".X01")


# --- There -----------------------------------------------------------------------------------------------------------


def _there(source: Path, target: Path, *, mask: bool) -> Converted:
    data = named_files.whole(source)
    if named_files.is_bundle_file(source.name, data):
        raise Refused("a bundle holds several files: unpack it and convert them one by one")
    submission = read(source.name, data)
    if submission.type and submission.type.detail is None:
        raise Refused("a reply is plain text and cannot be written as a table")
    if submission.header is None or _stopped(submission):
        raise Refused("the file cannot be read", submission.findings, data)
    shape = Shape.of(submission, mask=mask)
    with _written(target) as path:
        _WRITERS[target.suffix.lower()](submission, shape, path)
    count = sum(len(centre.lines) for centre in submission.centres)
    same = file(submission.header, submission.centres, submission.layout) == data
    note = "converting back gives the canonical file, not these exact bytes (resultsday check says what differs)"
    return Converted(count, () if same or mask else (note,))


def _stopped(submission: Submission) -> bool:
    # The name of a file says nothing about whether its records can be trusted.
    return any(finding.reach is Reach.FILE and finding.code not in ABOUT_THE_NAME for finding in submission.findings)


@contextmanager
def _written(target: Path) -> Iterator[Path]:
    """A path beside `target`, renamed to it once everything is written."""
    path = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        path.touch(exist_ok=False)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from None
    try:
        yield path
        path.replace(target)
    finally:
        path.unlink(missing_ok=True)


def _lazy(submission: Submission, shape: Shape, change: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.LazyFrame:
    """The table as a stream: Polars asks for it batch by batch."""

    def batches(_: list[str] | None, __: pl.Expr | None, ___: int | None, ____: int | None) -> Iterator[pl.DataFrame]:
        # The arguments can be ignored: nothing is selected from the table.
        yield from map(change, frames(submission, shape))

    schema = change(pl.DataFrame(schema=shape.schema)).schema
    return register_io_source(batches, schema=schema)


def _write_csv(submission: Submission, shape: Shape, path: Path) -> None:
    _lazy(submission, shape, guarded).sink_csv(path)


def _write_parquet(submission: Submission, shape: Shape, path: Path) -> None:
    _lazy(submission, shape, lambda frame: frame).sink_parquet(path)


def _write_json(submission: Submission, shape: Shape, path: Path) -> None:
    """Header, centres and their records, nested; one record per line."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        last, between = 0, "\n"
        for part in _parts(submission, shape):
            first = part.row(0, named=True)
            if not last:
                said = {name: first[name] or "" for name in (LAYOUT, *HEADER)}
                top = {"masked": True} if shape.mask else {}
                stream.write(f'{{\n{_members(top | {"header": said})},\n"centres": [\n')
            if first[PART] != last:
                own = {name: first[name] or "" for name in CENTRE}
                stream.write(f'{"]}," if last else ""}{{{_members(own)},\n"records": [')
                between, last = "\n", first[PART]
            if records := _records(part):
                stream.write(between + ",\n".join(records))
                between = ",\n"
        stream.write("]}\n]}\n")


def _parts(submission: Submission, shape: Shape) -> Iterator[pl.DataFrame]:
    """The records a centre at a time, one of many records in several frames."""
    for frame in frames(submission, shape):
        yield from frame.partition_by(PART, maintain_order=True)


def _records(part: pl.DataFrame) -> list[str]:
    """The records of a frame, each as JSON; a centre without records has a row without values."""
    rows = part.drop(LAYOUT, *HEADER, PART, *CENTRE, MASKED, strict=False)
    return rows.filter(pl.any_horizontal(pl.all().is_not_null())).write_ndjson().splitlines()


def _members(values: dict[str, Any]) -> str:
    return json.dumps(values)[1:-1]


_WRITERS = {".csv": _write_csv, ".json": _write_json, ".parquet": _write_parquet}


# --- Cells that a spreadsheet would take for a formula ---------------------------------------------------------------

_FORMULA = r"[=+\-@\t\r']"


def guarded(frame: pl.DataFrame) -> pl.DataFrame:
    """Everything as text, with an apostrophe before cells that begin like a formula or with an apostrophe."""
    texts = frame.with_columns(pl.all().cast(pl.String))
    # Few columns have such cells, and looking costs less than replacing.
    begins = texts.select(pl.all().str.contains(f"^{_FORMULA}").any())
    there = [name for name in texts.columns if begins[name][0]]
    return texts.with_columns(pl.col(there).str.replace(f"^({_FORMULA})", "'$1"))


def unguarded(frame: pl.DataFrame) -> pl.DataFrame:
    """Removes the apostrophes that `guarded` added, and only those."""
    return frame.with_columns(pl.all().str.replace(f"^'({_FORMULA})", "$1"))


# --- Back ------------------------------------------------------------------------------------------------------------


def _back(source: Path, target: Path) -> Converted:
    # Polars' own message for a file that is not there is longer and no clearer.
    with source.open("rb"):
        pass
    ending = source.suffix.lower()
    try:
        data = file_of(_READERS[ending](source))
    except TableError as error:
        raise Refused(str(error)) from None
    except (PolarsError, UnicodeDecodeError, json.JSONDecodeError):
        # Their messages repeat what is in the table.
        raise Refused(f"the file cannot be read as {ending[1:].upper()}") from None
    submission = read(target.name, data)
    found = Found([target.name])
    found.carry(0, submission.findings)
    if submission.layout:
        columns([submission], submission.layout, found)
    findings = found.of(0)
    if _stopped(submission):
        raise Refused("the table does not make a valid file", findings, data)
    with _written(target) as path:
        path.write_bytes(data)
    notes = tuple(f"{finding.place}: {finding.message}" for finding in findings if finding.code in ABOUT_THE_NAME)
    others = [finding for finding in findings if finding.code not in ABOUT_THE_NAME]
    if others:
        notes += (f"findings: {summary(others)} (resultsday check shows them)",)
    return Converted(sum(len(centre.lines) for centre in submission.centres), notes)


def _csv(path: Path) -> Iterator[pl.DataFrame]:
    return map(unguarded, pl.scan_csv(path, infer_schema=False).collect_batches(chunk_size=BATCH))


def _parquet(path: Path) -> Iterator[pl.DataFrame]:
    return iter(pl.scan_parquet(path).select(pl.all().cast(pl.String)).collect_batches(chunk_size=BATCH))


def _json(path: Path) -> Iterator[pl.DataFrame]:
    try:
        held = json.loads(path.read_text(encoding="utf-8-sig"))
        said = {name: str(held["header"][name] or "") for name in (LAYOUT, *HEADER)}
        masked = {MASKED: "yes"} if held.get("masked") else {}
        parts = [
            {PART: str(number)} | {name: str(centre[name] or "") for name in CENTRE} | said | masked
            for number, centre in enumerate(held["centres"], 1)
        ]
        counts = [len(centre["records"]) for centre in held["centres"]]
        rows = [row for centre in held["centres"] for row in centre["records"]]
        names = sorted(set[str]().union(*rows))
        records = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), strict=False)
    except (AttributeError, IndexError, RecursionError, TypeError):
        raise TableError(_NESTED) from None
    except KeyError as error:
        raise TableError(f"{_NESTED}: {error} is missing") from None
    whose = [str(number) for number, count in enumerate(counts, 1) for _ in range(count)]
    records = records.with_columns(pl.Series(PART, whose, pl.String))
    table = pl.DataFrame(parts).join(records, on=PART, how="left", maintain_order="left_right")
    yield from table.iter_slices(BATCH)


_NESTED = "the file does not consist of header, centres and records as convert writes them"
_READERS = {".csv": _csv, ".json": _json, ".parquet": _parquet}
