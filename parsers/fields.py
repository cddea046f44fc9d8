"""What the fields of a candidate record (E5, A5) may hold: form only, no catalogue and no ledger needed.

A shifted record is recognised before its fields are judged: one finding that names the field that was not padded is
worth more than ten about fields that only seem wrong because they stand in the wrong columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl
from attrs import frozen

from parsers import findings as f
from parsers.findings import Found
from parsers.identifiers import NAME_CHARACTERS, normal_names, uci_check_letter, uci_check_letters, uln_valid
from parsers.layouts import CANDIDATE, SLOTS, Field
from parsers.reader import Submission, details, options

_UCI = r"[0-9]{5}[0-9A-Z][0-9]{6}"
_OPTION = r"[A-Z0-9]{3,6}"


@frozen
class Candidates:
    """The candidate records of many files and their used option slots, as far as they can be read.

    `records`: `file`, `line`, `candidate`, `name` (as it stands), `kept` (the name as it is compared and stored),
    `sex`, `born` (date, null when unknown), `uci` (with its check letter), `upn`, `uln` (empty when blank), `status`.
    `options`: `file`, `line`, `candidate`, `uci`, `option`, `first`, `last`.
    """

    records: pl.DataFrame
    options: pl.DataFrame


def candidates(submissions: Sequence[Submission], found: Found) -> Candidates:
    """Reads and checks the candidate records of `submissions` (entries and amendments); what is wrong goes to
    `found`, whose files are those of `submissions`."""
    frame = details(submissions, CANDIDATE)
    frame = _without_shifted(frame, found)
    years = pl.DataFrame(
        {"file": range(len(submissions)), "year": [_year(one) for one in submissions]},
        schema={"file": pl.UInt32, "year": pl.Int32},
    )
    check = uci_check_letters(frame["uci"]).alias("check")
    frame = (
        frame.join(years, on="file", how="left", maintain_order="left")
        .with_columns(check, uln_valid(frame["uln"]).alias("uln_valid"))
        .with_columns(
            normal_names(pl.col("name")).alias("kept"),
            date_of_birth(pl.col("born"), pl.col("year")).alias("date"),
            pl.col("uci").str.len_bytes().alias("uci_length"),
        )
    )
    _check(frame, found)
    letterless = (pl.col("uci_length") == 12) & pl.col("check").is_not_null()
    records = frame.select(
        "file", "line", "status", "centre", "candidate", "name", "kept", "sex",
        pl.col("date").alias("born"),
        pl.when(letterless).then(pl.col("uci") + pl.col("check")).otherwise("uci").alias("uci"),
        "upn", "uln",
    )  # fmt: skip
    slots = options(frame, CANDIDATE).join(
        records.select("file", "line", pl.col("uci").alias("full")),
        on=["file", "line"],
        how="left",
        maintain_order="left",
    )
    return Candidates(records, slots.with_columns(pl.col("full").alias("uci")).drop("full"))


def date_of_birth(born: pl.Expr, year: pl.Expr) -> pl.Expr:
    """The date a DDMMYY text means in a series of that calendar year: of the two centuries the one in which the
    candidate is at least ten years old. Null where it is no date (`000000`, unknown, included)."""
    short = born.str.slice(4, 2).cast(pl.Int32, strict=False)
    century = pl.when(year - (2000 + short) >= 10).then(2000).otherwise(1900)
    day, month = born.str.slice(0, 2), born.str.slice(2, 2)
    text = pl.format("{}-{}-{}", century + short, month, day)
    return pl.when(born.str.contains("^[0-9]{6}$")).then(text).str.to_date("%Y-%m-%d", strict=False)


def _year(submission: Submission) -> int | None:
    year = submission.header.year if submission.header else ""
    return 2000 + int(year) if year.isascii() and year.isdigit() else None


def _check(frame: pl.DataFrame, found: Found) -> None:
    """Every field by itself: FIL-2, REG-3 (form of names), REG-4 (check characters), REG-5 (numbers)."""

    def report(code: f.Code, name: str, wrong: pl.Expr, *facts: str) -> None:
        place = CANDIDATE[name]
        rows = frame.filter(wrong).select("file", "line", "candidate", pl.col(name).alias("value"), *facts)
        found.rows(code, rows, place.columns, name)

    name, uci = pl.col("name"), pl.col("uci")
    core = uci.str.slice(0, 12).alias("core")
    report(f.STATUS, "status", ~pl.col("status").is_in(["C", "P"]))
    report(
        f.CANDIDATE_NUMBER,
        "candidate",
        ~pl.col("candidate").str.contains("^[0-9]{4}$") | (pl.col("candidate") == "0000"),
    )
    formed = name.str.contains("^[^:]*[A-Za-z][^:]*:")
    report(f.NAME_FORM, "name", ~formed)
    odd = name.str.contains(f"[^{NAME_CHARACTERS}]")
    report(f.NAME_CHARACTERS, "name", formed & odd, "kept")
    # A cut that falls on a space leaves a name of 39 characters.
    report(f.NAME_CUT, "name", formed & (name.str.len_bytes() >= CANDIDATE["name"].width - 1))
    report(f.SEX, "sex", ~pl.col("sex").is_in(["M", "F"]))
    report(f.BORN, "born", pl.col("date").is_null() & (pl.col("born") != "000000"))
    length, check = pl.col("uci_length"), pl.col("check")
    report(f.UCI_MISSING, "uci", length == 0)
    report(f.UCI_FORM, "uci", (length > 0) & (check.is_null() | (length < 12)))
    frame = frame.with_columns(core)
    report(f.UCI_WRONG, "uci", check.is_not_null() & (length == 13) & (uci.str.slice(12) != check), "core", "check")
    report(f.UCI_LETTER_MISSING, "uci", check.is_not_null() & (length == 12), "check")
    report(f.ULN_WRONG, "uln", (pl.col("uln") != "") & ~pl.col("uln_valid"))


# --- Shifted records -------------------------------------------------------------------------------------------------


@frozen
class Shift:
    """How a record was shifted: `field` is `by` columns too short (or, `over`, too long), so the rest moved."""

    field: Field
    by: int
    over: bool
    cause: str
    mended: str


def _without_shifted(frame: pl.DataFrame, found: Found) -> pl.DataFrame:
    """`frame` without the records that are shifted (FIL-4); each of those becomes one finding."""
    sound = (
        pl.col("born").str.contains("^[0-9]{6}$")
        & pl.col("sex").is_in(["M", "F"])
        & pl.col("uci").str.contains(f"^{_UCI}[A-Z]?$")
        & pl.col("uln").str.contains("^(?:[0-9]{10})?$")
        & (pl.col("reserved") == "")
        & pl.col("slots").str.contains(f"^ *(?:{_OPTION} *)*$")
    )
    suspects = frame.filter(~sound)
    shifted = []
    for row in suspects.iter_rows(named=True):
        shift = explain_shift(row["record"])
        if shift:
            shifted.append(_shift_row(row, shift))
    if not shifted:
        return frame
    rows = pl.DataFrame(shifted, schema_overrides={"file": pl.UInt32, "line": pl.UInt32})
    found.rows(f.RECORD_SHIFTED, rows)
    return frame.join(rows, on=["file", "line"], how="anti", maintain_order="left")


def _shift_row(row: dict[str, object], shift: Shift) -> dict[str, object]:
    record = str(row["record"])
    place = shift.field
    displaced = next(one for one in CANDIDATE.fields if one.first > place.last and one.cut(shift.mended).strip())
    first = displaced.first + (shift.by if shift.over else -shift.by)
    value = record[first - 1 : first - 1 + displaced.width].rstrip()
    return {
        "file": row["file"],
        "line": row["line"],
        "candidate": row["candidate"],
        "value": value,
        "first": first,
        "last": first + max(len(value), 1) - 1,
        "cause": shift.cause,
        "shift": shift.by,
        "side": "right" if shift.over else "left",
        "wanted": f"{_spoken(place)} filled to columns {place.first}-{place.last}, "
        f'then {_spoken(displaced)} "{value}" in '
        f"columns {displaced.first}-{displaced.last}",
    }


_NAMES = {"uci": "the UCI", "upn": "the UPN", "uln": "the ULN", "name": "the name", "reserved": "the reserved field",
          "sex": "the sex", "born": "the date of birth", "option_1": "option"}  # fmt: skip


def _spoken(place: Field) -> str:
    return _NAMES.get(place.name, place.name)


def explain_shift(record: str) -> Shift | None:
    """The one padding mistake that explains why a candidate record makes no sense, or null.

    Tries, for each field whose text a producer may have trimmed or let run over, to put the missing columns back (or to
    take the extra ones out), and keeps the first repair after which every later field is right. One that pushes text
    over the end of the record repairs nothing.
    """
    if _sound(record):
        return None
    width = CANDIDATE.width
    return next(
        (shift for shift in _repairs(record) if not shift.mended[width:].strip() and _sound(shift.mended)), None
    )


def _repairs(record: str) -> Iterator[Shift]:
    width = CANDIDATE.width
    upn, uln, reserved = CANDIDATE["upn"], CANDIDATE["uln"], CANDIDATE["reserved"]
    for place in (upn, uln, reserved):
        mended = _padded(record, place, place.width)
        yield Shift(
            place,
            place.width,
            False,
            f"{_spoken(place)} is missing and its columns were not filled with spaces",
            mended,
        )
    both = _padded(_padded(record, upn, upn.width), uln, uln.width)
    yield Shift(
        uln, upn.width + uln.width, False, "UPN and ULN are missing and their columns were not filled with spaces", both
    )
    for place in (CANDIDATE["name"], CANDIDATE["uci"], upn):
        for by in range(1, place.width):
            cause = f"{_spoken(place)} is shorter than its field and was not filled with spaces"
            yield Shift(place, by, False, cause, _padded(record, place, by))
    name = CANDIDATE["name"]
    for by in range(1, 41):
        mended = (record[: name.last] + record[name.last + by :]).ljust(width)
        yield Shift(name, by, True, f"the name has {name.width + by} characters where {name.width} fit", mended)


def _padded(record: str, place: Field, by: int) -> str:
    end = place.last - by
    return record[:end] + " " * by + record[end:]


_SLOTS = re.compile(rf"(?:{_OPTION}|)")


def _sound(record: str) -> bool:
    """Whether every field after the name is what it should be, check characters included."""
    cut = {one.name: one.cut(record).strip() for one in CANDIDATE.fields}
    if cut["sex"] not in ("M", "F") or not re.fullmatch("[0-9]{6}", cut["born"]) or cut["reserved"]:
        return False
    uci = cut["uci"]
    if not re.fullmatch(f"{_UCI}[A-Z]?", uci) or (len(uci) == 13 and uci_check_letter(uci[:12]) != uci[12]):
        return False
    if cut["upn"] and not re.fullmatch("[A-Z][0-9]{11}[0-9A-Z]", cut["upn"]):
        return False
    if cut["uln"] and not uln_valid(pl.Series([cut["uln"]]))[0]:
        return False
    for number in range(1, SLOTS + 1):
        slot = CANDIDATE[f"option_{number}"]
        code = slot.cut(record)
        if not _SLOTS.fullmatch(code.rstrip()) or record[slot.last : slot.last + 1].strip():
            return False
    return True
