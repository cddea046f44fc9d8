"""What the demo prints: a line for each step, the outcome of every sample, and what a centre finds in its outbox."""

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
from pipeline.demo.rehearsal import SeasonStep, late_centre
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


def step_line(console: Console, step: SeasonStep, note: str, seconds: float) -> None:
    """A step that is done: its instant, DAG, purpose and duration, and the run's note."""
    when = f"{step.at.astimezone(LONDON):%Y-%m-%d %H:%M %Z}"
    console.print(f"{when:<21} {step.job:<16} {step.title:<42} {seconds:5.1f} s", markup=False)
    for line in note.splitlines()[:2]:
        console.print(f"{'':<21} {line}", style="dim", markup=False)


def samples_story(console: Console, story: Sequence[dict[str, Any]], store: Store) -> None:
    """The outcome of every sample file."""
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
    console.print("\nOutcome of every sample file\n")
    # The table keeps its width: a narrow window may wrap it, but loses no column.
    wide = Console(width=max(console.width, WIDE), color_system=None)
    with wide.capture() as drawn:
        wide.print(table)
    console.print(drawn.get(), end="")
    console.print(
        "\nAccepted and refused count candidates; +n are single entries refused. Fees are placeholders: no prices "
        f"are published.\nThe replies are in {store}/outbox"
    )


def season_story(console: Console, desk: Desk, made: Season) -> None:
    """The results of the season: counts of its files, the outbox of a centre with a reply and results, and the pages
    for staff."""
    landed = [event.name for event in made.events if event.kind in ("file", "portal")]
    outcomes = Counter(desk.ledger.story(landed)["outcome"])
    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    console.print(f"\nOutcomes of the season's files: {said}.")
    centre = late_centre(made)
    found = [file for file in desk.store.list(f"outbox/{centre}/") if file.kind == "file"]
    _heading(console, f"The outbox of centre {centre}, {desk.store}/outbox/{centre}")
    for file in found:
        if not file.key.endswith(".json"):
            console.print(f"{file.size:>8,}  {file.key.rpartition('/')[2]}", markup=False)
    replies = [file for file in found if REPLY.fullmatch(file.key.rpartition("/")[2])]
    _print_file(console, desk.store, "The longest reply", max(replies, key=lambda reply: reply.size).key)
    results = [file.key for file in found if RESULTS.fullmatch(file.key.rpartition("/")[2])]
    if results:
        name = max(results).rpartition("/")[2]
        _heading(console, f"The results file {name}, as `resultsday describe` shows it")
        lines = describe(read(name, desk.store.get(max(results))), Wish(rows=ROWS, width=WIDE))
        console.print("\n".join(lines), markup=False)
    for note in (file.key for file in found if file.key == f"{max(results, default='')}.txt"):
        _print_file(console, desk.store, "What changed in it", note)
    _heading(console, f"For staff, in {desk.store}")
    for file in desk.store.list("reports/"):
        if file.kind == "file" and file.key.endswith(".html") and "2024" in file.key:
            console.print(file.key, markup=False)


def _heading(console: Console, words: str) -> None:
    console.print(f"\n{words}\n", style="bold", markup=False)


def _print_file(console: Console, store: Store, title: str, key: str) -> None:
    lines = store.get(key).decode("ascii").splitlines()
    _heading(console, f"{title}: {key.rpartition('/')[2]}")
    more = [f"... and {len(lines) - LINES} more lines"] if len(lines) > LINES else []
    console.print("\n".join([*lines[:LINES], *more]), markup=False)
