"""Which files of a crowd several ingests decide at the same time, each those of its centres, and which are left to one.

What comes of it is what one ingest makes of the same files, byte for byte. A file of whose learners no waiting file of
another centre speaks gives and takes nothing across centres, so it does not matter when it is decided. All others are
left to the last ingest, with whatever their centres have sent after them, and are decided in the turns in which one
ingest would have taken them (REG-7, ENT-7). Nothing of it depends on who is faster, or on how many they are.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import groupby

import polars as pl

from infra.ledger.shares import SHARES
from infra.ledger.submissions import Received
from pipeline.desk import Desk
from pipeline.intake.ingest import arrivals_of, rounds
from rules.persons import persons, spoken_of


def shard_of(centre: str, shards: int) -> int:
    """The shard of a centre, of so many: always the same."""
    return zlib.crc32(centre.encode()) % shards


def shared(desk: Desk, files: Sequence[Received], shards: int) -> pl.DataFrame:
    """How these files, all that are not decided, are shared (`SHARES`). Raises what reading them raises: then they are
    not shared."""
    left = left_to_one(desk, files)
    rows = []
    for turn, together in enumerate(turns(files, desk.settings.batch_files, desk.settings.batch_bytes)):
        for place, file in enumerate(together):
            shard = None if file.id in left else shard_of(file.landing.centre, shards)
            rows.append((file.id, shard, turn, place))
    return pl.DataFrame(rows, schema=SHARES, orient="row")


def turns(files: Sequence[Received], most_files: int, most_bytes: int) -> Iterator[list[Received]]:
    """The files that one ingest decides together, time after time: batches as `Ledger.waiting` gives them, and the
    rounds of each. `files`: all of them, as it gives them."""
    of = {centre: list(its) for centre, its in groupby(files, lambda file: file.landing.centre)}
    while of:
        oldest = {centre: min(file.landing.received for file in its) for centre, its in of.items()}
        in_order = [file for centre in sorted(of, key=lambda one: (oldest[one], one)) for file in of[centre]]
        batch = _first(in_order, most_files, most_bytes)
        yield from rounds(batch)
        taken = {file.id for file in batch}
        of = {centre: rest for centre, its in of.items() if (rest := [file for file in its if file.id not in taken])}


def left_to_one(desk: Desk, files: Sequence[Received]) -> set[int]:
    """The ids of the files that are left to the last ingest: those that speak of a learner of whom a file of another
    centre speaks, those that may correct a UCI (REG-8), which other centres may hold too, and what follows them in
    their centre."""
    if not files:
        return set()
    said = _said(desk, files)
    centres = pl.DataFrame({"file": range(len(files)), "centre": [file.landing.centre for file in files]},
                           schema={"file": pl.UInt32, "centre": pl.String})  # fmt: skip
    said = said.join(centres, on="file").with_columns(_NUMBER)
    numbers = desk.shares.numbered(centres["centre"].unique().to_list(), said["series"].unique().to_list())
    numbers = numbers.with_columns(_NUMBER)
    leads = desk.learners.ucis(pl.concat([said["uci"], numbers["uci"]]).unique().to_list())
    ulns = desk.learners.of_ulns(said.filter(pl.col("uln") != "")["uln"].unique().to_list())
    left = {*_of_several(said, numbers, leads, ulns), *_in_doubt(said, numbers, leads)}
    late, ids = set[str](), set[int]()
    for at, file in enumerate(files):
        if at in left or file.landing.centre in late:
            late.add(file.landing.centre)
            ids.add(file.id)
    return ids


_NUMBER = pl.concat_str("centre", "series", "candidate", separator=" ").alias("number")
"""A candidate number of a centre in a series, as a word for a learner."""


def _of_several(said: pl.DataFrame, numbers: pl.DataFrame, leads: pl.DataFrame, ulns: pl.DataFrame) -> list[int]:
    """The files that speak of a learner of whom a file of another centre speaks too, by whatever word."""
    uci, uln = pl.format("uci {}", "uci"), pl.format("uln {}", "uln")
    together = pl.concat([
        said.filter(pl.col("uci") != "").select(one="number", other=uci),
        said.filter(pl.col("uln") != "").select(one="number", other=uln),
        numbers.select(one="number", other=uci),
        leads.select(one=uci, other=pl.format("uci {}", "in_force")),
        ulns.select(one=uln, other=uci),
    ])  # fmt: skip
    words = pl.concat([said["number"], together["one"], together["other"]]).unique()
    of = said.join(persons(words, together), left_on="number", right_on="word")
    several = pl.col("centre").n_unique().over("person") > 1
    return of.filter(several)["file"].unique().to_list()


def _in_doubt(said: pl.DataFrame, numbers: pl.DataFrame, leads: pl.DataFrame) -> list[int]:
    """The files that speak of a candidate number under which several UCIs stand, in files and in the ledger."""
    led = dict(leads.select("uci", "in_force").iter_rows())
    every = pl.concat([said.select("number", "uci"), numbers.select("number", "uci")])
    every = every.filter(pl.col("uci") != "").with_columns(pl.col("uci").replace(led))
    doubtful = every.group_by("number").agg(pl.col("uci").n_unique()).filter(pl.col("uci") > 1)
    return said.join(doubtful, on="number", how="semi")["file"].unique().to_list()


def _said(desk: Desk, files: Sequence[Received]) -> pl.DataFrame:
    """Whom the files name (`rules.persons.SPOKEN`); as many are read at a time as are decided in a batch."""
    parts, start = [], 0
    while start < len(files):
        some = _first(files[start:], desk.settings.batch_files, desk.settings.batch_bytes)
        of_batch = spoken_of(arrivals_of(desk, some), desk.catalogue)
        parts.append(of_batch.with_columns(pl.col("file") + start))
        start += len(some)
    return pl.concat(parts)


def _first(files: Sequence[Received], most_files: int, most_bytes: int) -> list[Received]:
    """The first files, as many as a batch takes."""
    batch: list[Received] = []
    size = 0
    for file in files:
        if len(batch) == most_files or size >= most_bytes:
            break
        batch.append(file)
        size += file.landing.size
    return batch
