"""Rules about learners: who they are (REG-4, REG-5) and that they are registered under the name they are entered with
(REG-2, REG-3). Frames as in `parsers.columns.Columns`, with the file's `centre`, `series` and so on joined to them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from parsers import findings as library
from parsers import forms
from parsers.findings import Found
from parsers.identifiers import uln
from parsers.layouts import CANDIDATE
from rules import findings as f
from rules.centres import Register
from rules.known import Arrival

_HERE = ["file", "line", "candidate"]


def identified(records: pl.DataFrame) -> pl.DataFrame:
    """The records whose UCI and candidate number may be ones. What cannot be, like a UCI in a spreadsheet's notation,
    is told as that: that several have it only follows."""
    return records.filter(
        pl.col("uci").str.contains(f"^(?:{forms.UCI.pattern})$"),
        pl.col("candidate").str.contains(f"^(?:{forms.CANDIDATE_NUMBER.pattern})$"),
    )


def numbered(records: pl.DataFrame) -> pl.DataFrame:
    """The same for ULNs: zeros that stand for one are told as no ULN."""
    formed = records.filter(pl.col("uln").str.contains(f"^(?:{forms.ULN.pattern})$"))
    rows = np.frombuffer("".join(formed["uln"]).encode("ascii"), np.uint8).reshape(-1, forms.ULN_DIGITS)
    return formed.filter(uln.valid_rows(rows))


def one_uci_one_number(
    records: pl.DataFrame, held: pl.DataFrame, found: Found, entered: pl.DataFrame | None = None
) -> None:
    """REG-4, REG-5: in a centre and series a UCI has one candidate number and a number one UCI, in the file and in
    what is held; of records without a centre nothing is known. `held`: `centre`, `series`, `candidate`, `uci`.

    REG-8: after a merge a learner can hold things under two numbers of a centre. What only keeps or ends what its
    number holds is possible then. `entered`: what the records enter (`file`, `line`, `option`), `held` has `option`
    too."""
    known = records.filter((pl.col("uci") != "") & (pl.col("centre") != ""))
    whose = ["file", "centre", "candidate", "uci"]
    ours = known.select("file", "centre", "series").unique().join(held, on=["centre", "series"])
    both = pl.concat([known.select(whose), ours.select(whose)])
    merged = known.clear() if entered is None else _of_merged(known, held, entered)
    for code, shared, many, judged in (
        (f.CANDIDATE_NUMBER_SHARED, "candidate", "uci", known),
        (f.UCI_TWO_NUMBERS, "uci", "candidate", known.join(merged, on=["file", "line"], how="anti")),
    ):
        clashes = _clashes(judged, both.rename({many: "other"}), ["file", "centre", shared], many)
        place = CANDIDATE[shared]
        found.rows(code, clashes.select(*_HERE, pl.col("uci").alias("value"), "other"), place.columns, place.name)


def _of_merged(records: pl.DataFrame, held: pl.DataFrame, entered: pl.DataFrame) -> pl.DataFrame:
    """The records of a number under which a learner who holds things under several is on record, that enter nothing
    which that number does not hold."""
    number = ["centre", "series", "candidate", "uci"]
    several = held.filter(pl.col("candidate").n_unique().over("centre", "series", "uci") > 1)
    theirs = records.join(several, on=number, how="semi")
    adding = entered.select("file", "line", "option").join(theirs, on=["file", "line"])
    adding = adding.join(several, on=[*number, "option"], how="anti")
    return theirs.join(adding, on=["file", "line"], how="anti")


def _clashes(records: pl.DataFrame, values: pl.DataFrame, key: list[str], many: str) -> pl.DataFrame:
    """The records whose `many` is not the only one `values` (`key`, `other` and what is told of it) hold under their
    key, beside the first `other` that differs, by file and line."""
    # Two values of a key are enough to find one that differs: pairing all of them would let a single file, of two
    # hundred thousand records under one number, take all memory there is.
    held = pl.col("held")
    several = (
        values.unique([*key, "other"], keep="first", maintain_order=True)
        .filter(pl.len().over(key) > 1)
        .select(*key, pl.struct(pl.exclude(key)).alias("held"))
        .group_by(key)
        .agg(held.first().alias("first"), held.get(1).alias("second"))
    )
    differing = pl.when(pl.col("first").struct.field("other") != pl.col(many)).then("first").otherwise("second")
    return records.join(several, on=key).with_columns(differing.alias("held")).unnest("held").sort("file", "line")


def one_uln_one_uci(
    records: pl.DataFrame, learners: pl.DataFrame, found: Found, moving: pl.DataFrame | None = None
) -> None:
    """REG-4: two UCIs for one ULN, in the file or at any centre, refuse the candidate and show both.
    `learners`: `uln`, `uci`, `centre` of everybody known. `moving`: records of registrations that nothing refused so
    far: a learner to whom one gives another ULN, or none, does not keep that of before (REG-6)."""
    known = records.filter((pl.col("uln") != "") & (pl.col("uci") != ""))
    refused = _NOBODY
    clashes = known.clear()
    for attempt in range(_CHAIN):
        stays = learners if moving is None or attempt == _CHAIN - 1 else _unmoved(learners, moving, refused)
        clashes = _two_ucis(known, stays)
        again = clashes.select(_CANDIDATE).unique()
        if again.height == refused.height:
            break
        # What is refused moves nothing, so that others may be refused for it.
        refused = again
    place = CANDIDATE["uln"]
    rows = clashes.select(*_HERE, pl.col("uln").alias("value"), "uci", "other", "where")
    found.rows(f.ULN_TWO_UCIS, rows, place.columns, place.name)


_CANDIDATE = ["file", "candidate"]
_NOBODY = pl.DataFrame(schema={"file": pl.UInt32, "candidate": pl.String})
_CHAIN = 10
"""Learners who pass on ULNs in a row, at most; longer chains are refused."""


def _unmoved(learners: pl.DataFrame, moving: pl.DataFrame, refused: pl.DataFrame) -> pl.DataFrame:
    """Who keeps a ULN: `learners` without those to whom an accepted record gives another, or none."""
    moved = moving.join(refused, on=_CANDIDATE, how="anti").select("centre", "uci", pl.col("uln").alias("given"))
    gone = learners.join(moved, on=["centre", "uci"]).filter(pl.col("uln") != pl.col("given"))
    return learners.join(gone, on=["uln", "uci", "centre"], how="anti")


def _two_ucis(known: pl.DataFrame, learners: pl.DataFrame) -> pl.DataFrame:
    """The records whose ULN has another UCI too: beside them the `other` and `where` it is."""
    inside = known.select("file", "uln", pl.col("uci").alias("other")).with_columns(where=pl.lit("in this file"))
    outside = (
        known.select("file", "uln", "centre")
        .unique(maintain_order=True)
        .join(learners.rename({"uci": "other", "centre": "elsewhere"}), on="uln")
    )
    at = (
        pl.when(pl.col("centre") == pl.col("elsewhere"))
        .then(pl.lit("at your centre"))
        .otherwise(pl.lit("at another centre"))
    )
    both = pl.concat([inside, outside.select("file", "uln", "other", where=at)])
    return _clashes(known, both, ["file", "uln"], "uci")


def registered(options: pl.DataFrame, registrations: pl.DataFrame, found: Found) -> None:
    """REG-2: an entry needs a registration of the learner for the qualification at this centre.
    `options`: a row per entry with `centre`, `registration` (code needed) and `subject`.

    FIL-4: nothing is told of whom the UCI is none or another's, nor of what is refused already, because it is not
    offered or the centre not approved: a registration would not help."""
    held = registrations.select("centre", "uci", pl.col("option").alias("registration")).unique()
    missing = (
        options.join(held, on=["centre", "uci", "registration"], how="anti", maintain_order="left")
        .join(found.refused_for(*_NOBODYS), on=_CANDIDATE, how="anti", maintain_order="left")
        .join(found.refused_entries(), on=[*_CANDIDATE, "option"], how="anti", maintain_order="left")
    )
    together = missing.group_by(*_HERE, "centre", "uci", "subject", "registration", maintain_order=True).agg(
        pl.col("option").str.join(", ").alias("value"), pl.col("first").min(), pl.col("last").max()
    )
    under_number = registrations.group_by("centre", "candidate").agg(
        pl.col("uci").unique().sort().first().alias("other")
    )
    near = (
        pl.when(pl.col("other").is_not_null() & (pl.col("other") != pl.col("uci")))
        .then(pl.format("; candidate number {} is registered with UCI {}", "candidate", "other"))
        .otherwise(pl.lit(""))
    )
    rows = together.join(under_number, on=["centre", "candidate"], how="left", maintain_order="left").select(
        *_HERE, "value", "first", "last", "subject", "registration", "uci", near=near
    )
    found.rows(f.NOT_REGISTERED, rows, field="option", refused=missing)


_NOBODYS = (library.UCI_MISSING, library.UCI_FORM, library.UCI_WRONG, f.CANDIDATE_NUMBER_SHARED)
"""Findings by which it is not known whose record it is."""


def same_name(records: pl.DataFrame, registrations: pl.DataFrame, found: Found) -> None:
    """REG-3: the name entered equals the registered name, both normalised; the finding shows both spellings. Of what is
    not written as a name that is told, and no more (FIL-4)."""
    names = (
        registrations.sort("id")
        .unique(["centre", "uci"], keep="last")
        .select("centre", "uci", pl.col("name").alias("registered"))
    )
    other = (
        records.join(names, on=["centre", "uci"], maintain_order="left")
        .filter(pl.col("kept") != pl.col("registered"))
        .join(found.refused_for(library.NAME_FORM), on=_CANDIDATE, how="anti", maintain_order="left")
        .select(*_HERE, pl.col("name").alias("value"), "uci", "registered", near=_turned())
    )
    place = CANDIDATE["name"]
    found.rows(f.NAME_MISMATCH, other, place.columns, place.name)


def _turned() -> pl.Expr:
    """What is added where a name is the registered one, its parts in each other's place."""
    forenames_first = pl.col("kept").str.replace("^([^:]*):(.*)$", "$2:$1") == pl.col("registered")
    return pl.when(forenames_first).then(pl.lit(": forenames and surname have changed places")).otherwise(pl.lit(""))


def approved(options: pl.DataFrame, arrivals: Sequence[Arrival], register: Register, found: Found) -> None:
    """REG-1, REG-10: nothing is taken for a qualification before its centre's approval for it, and nothing at all of a
    centre that is not in the register. `options`: a row per option with `centre`, `registration` (the qualification's
    code) and `subject`."""
    wanted = options.select("file", "centre", "registration").unique()
    refused = []
    for file, centre, registration in wanted.iter_rows():
        standing = register.standing(centre, registration, arrivals[file].received)
        if not standing.approved:
            refused.append((file, centre, registration, standing.known, standing.reason))
    schema = {
        "file": pl.UInt32, "centre": pl.String, "registration": pl.String, "known": pl.Boolean, "since": pl.String,
    }  # fmt: skip
    rows = options.join(
        pl.DataFrame(refused, schema=schema, orient="row"), on=["file", "centre", "registration"], maintain_order="left"
    )
    told: list[str | pl.Expr] = [*_HERE, pl.col("option").alias("value"), "option", "first", "last", "centre"]
    unknown, known = rows.filter(~pl.col("known")), rows.filter("known")
    found.rows(f.CENTRE_UNKNOWN, unknown.select(*told), field="option")
    found.rows(f.CENTRE_NOT_APPROVED, known.select(*told, "subject", "since"), field="option")
