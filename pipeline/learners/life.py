"""The whole life of a learner on record (REG-6 to REG-8), and what an order about one would change: shown before it is
given. Names and dates of birth are personal data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from infra.ledger.approvals import Signer
from pipeline.desk import Desk
from rules import terms
from rules.catalogue import day_text, instant_text, series_title

Rows = Mapping[str, pl.DataFrame]


def in_force(desk: Desk, uci: str) -> str:
    """The UCI in force of the learner to whom a UCI leads."""
    led = desk.learners.ucis([uci])
    return str(led["in_force"][0]) if led.height else uci


def is_known(life: Rows) -> bool:
    """Whether anything is on record under any UCI of a learner."""
    return any(not frame.is_empty() for frame in life.values())


def show(desk: Desk, uci: str) -> list[str]:
    """Everything about the learner to whom a UCI leads, in lines; says so where there is nobody."""
    head = in_force(desk, uci)
    life = desk.learners.life(head)
    if not is_known(life):
        return [f"Nobody is on record under UCI {uci}."]
    lines = [f"UCI {head}" + (f" (asked for: {uci})" if head != uci else "")]
    lines += _section("Details, every version", _details(life["details"]))
    lines += _section("UCIs corrected or merged", _ucis(life["ucis"]))
    lines += _section("What is held", _held(life))
    lines += _section("Results and awards, every version", _results(life))
    return lines


def details_becoming(desk: Desk, uci: str, name: str, born: str) -> list[str]:
    """What another name (as it is kept) or date of birth (YYYY-MM-DD; empty: as it is) would change, a centre a line,
    and what stays. Names are personal data."""
    held = desk.learners.life(in_force(desk, uci))["details"].filter(pl.col("until").is_null())
    lines = [f"UCI {in_force(desk, uci)}, in force from now on:"]
    for row in held.iter_rows(named=True):
        there = {"name": row["name"], "date of birth": f"{row['born'] or 'none'}"}
        here = {"name": name, "date of birth": born}
        said = [f"{what} {there[what]} becomes {here[what]}" for what in here if here[what] not in ("", there[what])]
        lines.append(f"  centre {row['centre']}: {', '.join(said) or 'nothing changes'}")
    if held.is_empty():
        lines.append("  no centre has their details in force")
    return [
        *lines,
        "What was issued before stays as it was; an entry in the name of before is refused from now on (REG-3).",
    ]


def _section(title: str, lines: Iterator[str]) -> list[str]:
    return ["", title, *(list(lines) or ["  nothing"])]


def _details(versions: pl.DataFrame) -> Iterator[str]:
    for row in versions.iter_rows(named=True):
        born = day_text(row["born"]) if row["born"] else "none"
        until = f" until {instant_text(row['until'])}" if row["until"] else ""
        yield (
            f"  centre {row['centre']}, {instant_text(row['since'])}{until}: {row['name']}, born {born}, sex "
            f"{row['sex'] or 'none'}, ULN {row['uln'] or 'none'}, UPN {row['upn'] or 'none'}, UCI {row['uci']}; "
            f"{_source(row)}"
        )


def _source(row: Mapping[str, Any]) -> str:
    return (
        f"ordered by {Signer(row['who'], row['how'])}: {row['why']}"
        if row["who"]
        else f"{row['file_name']} line {row['line']}"
    )


def _ucis(ucis: pl.DataFrame) -> Iterator[str]:
    for row in ucis.iter_rows(named=True):
        until = f", undone or led on {instant_text(row['until'])}" if row["until"] else ""
        yield f"  {row['uci']} leads to {row['in_force']} since {instant_text(row['since'])}{until}; {_source(row)}"


def _held(life: Rows) -> Iterator[str]:
    for table in ("registrations", "entries", "marks"):
        code = "component" if table == "marks" else "option"
        frame = life[table]
        if frame.is_empty():
            continue
        groups = frame.group_by("series", "centre", "candidate", "uci", maintain_order=True).agg(
            pl.col(code).unique(maintain_order=True).str.join(" ")
        )
        for series, centre, candidate, uci, codes in groups.iter_rows():
            yield f"  {table}: {series_title(series)}, centre {centre}, candidate {candidate}, UCI {uci}: {codes}"


def _results(life: Rows) -> Iterator[str]:
    for table in ("results", "awards"):
        for row in life[table].iter_rows(named=True):
            grade = row["grade"] or "none"
            yield (
                f"  {table}: {series_title(row['series'])}, centre {row['centre']}, UCI {row['uci']}: {row['code']} "
                f"{grade} (version {row['version']}, {row['state']})"
            )


def clashes(desk: Desk, uci: str, into: str) -> list[str]:
    """What a merge of two UCIs would make one person hold twice, in sentences: entries of one series (ENT-7), and
    awards of one qualification that each count as the first (CRT-4)."""
    lives = [desk.learners.life(each) for each in (uci, into)]
    taken = [life["entries"].select("series", "option", "centre") for life in lives]
    both = taken[0].join(taken[1], on=["series", "option"], suffix="_too").sort("series", "option")
    lines = [
        f"{option} in {series_title(series)} is entered at centre {centre} and at centre {too}: withdraw one (ENT-7)"
        for series, option, centre, too in both.unique(maintain_order=True).iter_rows()
    ]
    firsts = [
        life["awards"].filter("performance", state=terms.RELEASED).select("code", "series").unique() for life in lives
    ]
    for code, series, too in firsts[0].join(firsts[1], on="code", suffix="_too").sort("code").iter_rows():
        one, other = sorted((series, too))
        lines.append(
            f"{code} was issued in {series_title(one)} and in {series_title(other)}, each as the first (CRT-4): "
            f"what is out stays, and the later one goes on the work list, to be left out of the performance tables"
        )
    return lines


def following(desk: Desk, uci: str) -> list[str]:
    """What is filed under exactly this UCI and so follows when it leads elsewhere, in lines: what moves, and that it
    costs nothing."""
    life = desk.learners.life(uci)
    counts = [
        f"{frame.height} {name}" for name, frame in life.items() if name not in ("ucis", "details") and len(frame)
    ]
    return [f"What follows: {', '.join(counts) or 'nothing yet'}.", "It costs nothing."]
