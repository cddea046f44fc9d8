"""What the demo prints: a line a step, what came of every sample, and what a centre of the season finds in its
outbox."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from fixtures.season import Season
from infra.store import Store
from parsers.reader import read
from pipeline.demo.rehearsal import Step, late_centre
from pipeline.desk import Desk
from pipeline.files.describe import Wish, describe
from pipeline.wording import money
from rules.catalogue import LONDON
from rules.decisions import Outcome

LINES = 45
ROWS = 8
WIDE = 144
REPLY = re.compile(r"X[0-9]{7}\.X[0-9]{2}")
RESULTS = re.compile(r"R[0-9]{7}\.X[0-9]{2}")


def step_line(console: Console, step: Step, note: str, seconds: float) -> None:
    """A step that was done: its instant, the DAG, what it was for, how long it took, and the run's note."""
    when = f"{step.at.astimezone(LONDON):%Y-%m-%d %H:%M %Z}"
    console.print(f"{when:<21} {step.job:<16} {step.title:<42} {seconds:5.1f} s", markup=False)
    for line in note.splitlines()[:2]:
        console.print(f"{'':<21} {line}", style="dim", markup=False)


def samples_story(console: Console, story: Sequence[dict[str, Any]], store: Store) -> None:
    """What became of every sample file."""
    table = Table(box=None, pad_edge=False)
    for heading in ("centre", "file", "received", "outcome"):
        table.add_column(heading, no_wrap=True)
    for heading in ("accepted", "refused", "warnings", "fees"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("reply", no_wrap=True)
    for row in story:
        counts, outcome = row["counts"], row["outcome"]
        booked = Outcome(outcome).booked
        entries = f" +{counts['options_refused']}" if counts["options_refused"] else ""
        table.add_row(
            row["centre"],
            row["file_name"],
            f"{row['received'].astimezone(LONDON):%Y-%m-%d %H:%M %Z}",
            outcome,
            str(counts["candidates"] - counts["candidates_refused"] if booked else 0),
            f"{counts['candidates_refused']}{entries}",
            str(counts["warnings"]),
            money(row["pence"]),
            f"{row['centre']}/{row['reply']}",
        )
    console.print("\nWhat came of every sample file\n")
    # The table keeps its width: a narrow window may wrap it, but no column is lost.
    wide = Console(width=max(console.width, WIDE), color_system=None)
    with wide.capture() as drawn:
        wide.print(table)
    console.print(drawn.get(), end="")
    console.print(
        "\nAccepted and refused count candidates; +n are single entries refused. Fees are placeholders: nobody "
        f"published prices.\nThe replies lie in {store}/outbox"
    )


def season_story(console: Console, desk: Desk, made: Season) -> None:
    """What came of the season: its files in counts, one centre's outbox with a reply and its results, and the pages for
    staff."""
    landed = [one.name for one in made.events if one.kind in ("file", "portal")]
    outcomes = Counter(desk.ledger.story(landed)["outcome"])
    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    console.print(f"\nThe newest of each of the season's files: {said}.")
    centre = late_centre(made)
    found = [one for one in desk.store.list(f"outbox/{centre}/") if one.kind == "file"]
    _heading(console, f"The outbox of centre {centre}, {desk.store}/outbox/{centre}")
    for one in found:
        if not one.key.endswith(".json"):
            console.print(f"{one.size:>8,}  {one.key.rpartition('/')[2]}", markup=False)
    replies = [one for one in found if REPLY.fullmatch(one.key.rpartition("/")[2])]
    _print_file(console, desk.store, "The reply that says most", max(replies, key=lambda one: one.size).key)
    results = [one.key for one in found if RESULTS.fullmatch(one.key.rpartition("/")[2])]
    if results:
        name = max(results).rpartition("/")[2]
        _heading(console, f"The results file {name}, as `resultsday describe` shows it")
        lines = describe(read(name, desk.store.get(max(results))), Wish(rows=ROWS, width=WIDE))
        console.print("\n".join(lines), markup=False)
    for note in (one.key for one in found if one.key == f"{max(results, default='')}.txt"):
        _print_file(console, desk.store, "What changed in it", note)
    _heading(console, f"For staff, below {desk.store}")
    for one in desk.store.list("reports/"):
        if one.kind == "file" and one.key.endswith(".html") and "2024" in one.key:
            console.print(one.key, markup=False)


def _heading(console: Console, words: str) -> None:
    console.print(f"\n{words}\n", style="bold", markup=False)


def _print_file(console: Console, store: Store, title: str, key: str) -> None:
    lines = store.get(key).decode("ascii").splitlines()
    _heading(console, f"{title}: {key.rpartition('/')[2]}")
    more = [f"... and {len(lines) - LINES} more lines"] if len(lines) > LINES else []
    console.print("\n".join([*lines[:LINES], *more]), markup=False)
