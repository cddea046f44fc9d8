"""What files of registrations change in the personal details of learners (REG-6), and the UCIs they correct (REG-8)."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from attrs import frozen

from rules import terms
from rules.calendar import day_text
from rules.identity import DETAILS, differs, held_details, with_details
from rules.rounds import Round

VERSIONS = {
    "file": pl.UInt32, "line": pl.UInt32, "candidate": pl.String, "uci": pl.String, "name": pl.String, "born": pl.Date,
    "sex": pl.String, "uln": pl.String, "upn": pl.String, "held": pl.Boolean, "old": pl.String,
    **{f"held_{name}": pl.Date if name == "born" else pl.String for name in DETAILS},
}  # fmt: skip
"""New versions of details: `held`: the centre held the learner before, with the details `held_*`; `old`: the UCI that
is corrected, null where none is."""
DROPPED = {"file": pl.UInt32, "uci": pl.String}
"""Learners a centre no longer registers for anything: their details are in force there no longer."""

_CANDIDATE = ["file", "candidate"]


@frozen
class DetailChange:
    """One personal detail that a file changed, in words: `field` is what, `old` and `new` are empty for none."""

    candidate: str
    uci: str
    line: int
    field: str
    old: str
    new: str


def versions(
    records: pl.DataFrame, accepted: pl.DataFrame, added: pl.DataFrame, ended: pl.DataFrame, current: Round
) -> pl.DataFrame:
    """REG-6: the details of accepted candidates that are new, or other than what is held, where the learner is
    registered for something once the file is applied (`VERSIONS`)."""
    stated = with_details(_of_registrations(records, current)).join(accepted, on=_CANDIDATE, how="semi")
    if stated.is_empty():
        return pl.DataFrame(schema=VERSIONS)
    stated = stated.sort("file", "line").unique(_CANDIDATE, keep="first", maintain_order=True)
    told = current.corrected.select("file", "candidate", "old")
    held = held_details(current.known.registrations).with_columns(held=pl.lit(True))
    changed = pl.any_horizontal(differs(name) for name in DETAILS)
    return (
        stated.join(_registered(added, ended, current), on=["file", "uci"], how="semi")
        .join(held, on=["centre", "uci"], how="left")
        .join(told, on=_CANDIDATE, how="left")
        .with_columns(pl.col("held").fill_null(False))
        .filter(~pl.col("held") | changed | pl.col("old").is_not_null())
        .sort("file", "line")
        .select(pl.col(name).cast(kind) for name, kind in VERSIONS.items())
    )  # fmt: skip


def dropped(added: pl.DataFrame, ended: pl.DataFrame, current: Round) -> pl.DataFrame:
    """Learners whose last registration at a centre a file ends (`DROPPED`)."""
    gone = _whose(ended, current)
    return gone.join(_registered(added, ended, current), on=["file", "uci"], how="anti").sort("file", "uci")


def _registering(current: Round) -> list[int]:
    return [file for file, series in current.series.items() if series.purpose == terms.REGISTRATION]


def _of_registrations(rows: pl.DataFrame, current: Round) -> pl.DataFrame:
    return rows.filter(pl.col("file").is_in(_registering(current)))


def _centres(current: Round) -> pl.DataFrame:
    rows = [(file, current.arrivals[file].centre) for file in _registering(current)]
    return pl.DataFrame(rows, schema={"file": pl.UInt32, "centre": pl.String}, orient="row")


def _whose(ended: pl.DataFrame, current: Round) -> pl.DataFrame:
    """`file`, `uci` of the learners whose registrations end."""
    ids = _of_registrations(ended, current).select("file", "id")
    return ids.join(current.known.registrations.select("id", "uci"), on="id").select(*DROPPED).unique()


def _registered(added: pl.DataFrame, ended: pl.DataFrame, current: Round) -> pl.DataFrame:
    """`file`, `uci` of the learners who are registered for something at the file's centre once it is applied."""
    ids = _of_registrations(ended, current).select("id")
    left = current.known.registrations.join(ids, on="id", how="anti").select("centre", "uci").unique()
    kept = _centres(current).join(left, on="centre").select("file", "uci")
    new = _of_registrations(added, current).select("file", "uci_in_force").rename({"uci_in_force": "uci"})
    return pl.concat([kept, new]).unique()


def told(changed: pl.DataFrame) -> tuple[DetailChange, ...]:
    """The changes of one file's versions, by candidate and field: what the reply lists. Details of learners who are new
    to the centre are no changes."""
    # Most files change nothing, and polars takes longer to be asked for no rows than all of them to be looked through.
    return tuple(_told(changed.filter("held").sort("candidate", "line"))) if changed["held"].any() else ()


def _told(changed: pl.DataFrame) -> Iterator[DetailChange]:
    for row in changed.iter_rows(named=True):
        about = (row["candidate"], row["uci"], row["line"])
        if row["old"]:
            yield DetailChange(*about, "UCI", row["old"], row["uci"])
        for name, words in DETAILS.items():
            old, new = row[f"held_{name}"], row[name]
            if old != new:
                said = [day_text(value) if name == "born" and value else value or "" for value in (old, new)]
                yield DetailChange(*about, words, *said)
