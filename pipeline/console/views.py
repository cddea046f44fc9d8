"""What the console's pages show, as plain values for their templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import polars as pl
from attrs import define, evolve, field, frozen
from fastapi import HTTPException

from infra.ledger.actions import Action as StaffAction
from infra.ledger.console import ConsoleBook
from infra.settings import Settings
from infra.store import BadKey, Missing
from parsers.findings import Reach
from pipeline.catalogue_in_use import in_use
from pipeline.console import decisions, pictures, records
from pipeline.console.access import Person
from pipeline.console.snapshots import FILTERS, MILESTONES, OF, ORDERS, TITLES, Snapshot, Snapshots
from pipeline.desk import Desk, open_desk
from pipeline.intake.quarantine import ACTIONS, Done, QuarantineError, held_file, releasable
from pipeline.orders import Order
from pipeline.report_classes import report_class
from rules import checkpoints, terms
from rules.catalogue import EVENTS, LONDON, Catalogue, Series
from rules.decisions import Outcome

PAGE = 50
"""Lines of a list per page."""
_KINDS = {"html": "text/html", "csv": "text/csv", "json": "application/json", "txt": "text/plain"}

PAGES = (
    ("", "Season", "look"), ("centres", "Centres", "look"), ("files", "Files", "files"),
    ("quarantine", "Quarantine", "files"), ("watch", "Watch", "look"), ("approval", "Approval", "look"),
    ("search", "Search", "files"),
)  # fmt: skip


@frozen(kw_only=True)
class Wanted:
    """Which centres, in what order, which page (from 1)."""

    only: str = ""
    sort: str = "centre"
    down: bool = False
    starts: str = ""
    page: int = 1

    def query(self, series: str, **changed: Any) -> str:
        """The same choice with changes, as the query of an address."""
        wish = evolve(self, **changed)
        given = {
            "series": series, "only": wish.only, "sort": wish.sort if wish.sort != "centre" else "",
            "down": "1" if wish.down else "", "starts": wish.starts, "at": wish.page if wish.page > 1 else "",
        }  # fmt: skip
        return "?" + urlencode({name: value for name, value in given.items() if value})


def under_embargo(key: str) -> bool:
    """Whether a report shows results or what may still change (RES-2)."""
    return report_class(f"reports/{key}") == terms.EMBARGO


def common(desk: Desk, now: datetime, person: Person, below: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """What every page needs: the user, the addresses of the pages, and the series."""
    series = shown.get("series") or current(desk.catalogue, now)
    return {
        "below": below,
        "root": below.removesuffix("/resultsday"),
        "person": person,
        "now": now,
        "series": series,
        "every_series": desk.catalogue.all_series(),
        "pages": [page for page in PAGES if person.may(page[2])],  # type: ignore[arg-type]
        "fault": desk.catalogue_fault,
        "refusal": "",
        "why": "",
        "personal": False,
    }


def current(catalogue: Catalogue, now: datetime) -> Series:
    """The current exam series: the first whose late claims have not ended, otherwise the last."""
    every = catalogue.all_series()
    for series in every:
        end = catalogue.milestone(series, "late_claims_close", now)
        if end is None or now < end.at:
            return series
    return every[-1]


@define
class Console:
    """The open desk and what is kept between requests."""

    settings: Settings
    clock: Callable[[], datetime]
    _desk: Desk | None = None
    _edition: float = 0.0
    _open: ExitStack = field(factory=ExitStack)
    _snapshots: Snapshots | None = None
    _lock: Lock = field(factory=Lock)

    def desk(self) -> Desk:
        """The desk, opened at the first request, with the catalogue as its files are now."""
        with self._lock:
            edition = max((file.stat().st_mtime for file in Path(self.settings.catalogue).iterdir()), default=0.0)
            if self._desk is None:
                self._desk, self._edition = self._open.enter_context(open_desk(self.settings)), edition
            elif edition != self._edition:
                found = in_use(self.settings)
                self._desk = evolve(self._desk, catalogue=found.catalogue, catalogue_fault=found.fault)
                self._edition = edition
            return self._desk

    def _series(self, desk: Desk, asked: str) -> Series:
        if not asked:
            return current(desk.catalogue, self.clock())
        found = desk.catalogue.series_by_id(asked)
        if found is None or found.purpose != terms.ENTRY:
            raise HTTPException(404, "There is no such series.")
        return found

    def _snapshot(self, desk: Desk, series: Series) -> Snapshot:
        with self._lock:
            if self._snapshots is None:
                self._snapshots = Snapshots(desk.console, lambda of: _silent(desk, of))
        return self._snapshots.of(series, self.clock)

    # --- The season --------------------------------------------------------------------------------------------------

    def season(self, desk: Desk, asked: str, on: str) -> dict[str, Any]:
        """A series at a glance. `on`: a day (`2024-04-20`) whose calendar is shown instead of today's."""
        series, book = self._series(desk, asked), desk.console
        now = _noon(on) or self.clock()
        dates = [date for date in desk.catalogue.milestones_of(series, now) if date.component == "*"]
        dates.sort(key=lambda date: (date.at, date.event))
        snapshot = self._snapshot(desk, series)
        totals = snapshot.centres.sum()
        count = {name: int(totals[name][0] or 0) for name in totals.columns if totals[name].dtype.is_integer()}
        outcomes = book.outcomes(series.key, series.awarding_body)
        ahead = [date for date in dates if date.at > now]
        tiles = [
            ("Centres", snapshot.centres.filter(pl.col("learners") > 0).height, "with entries", "centres"),
            ("Files received", sum(outcomes.values()), "of this series", "files"),
            ("Refused", outcomes.get(Outcome.REFUSED, 0), "files", f"files?outcome={Outcome.REFUSED}"),
            ("In quarantine", count["held"], "files of this series", "quarantine"),
            ("Entries", count["entries"], f"of {count['learners']:,} learners, claims included", "centres"),
            ("Marks in", count["marks"], f"of {count['internal']:,} for internal components", "centres?only=marks"),
            ("Outstanding", max(count["internal"] - count["marks"], 0), "marks of centres", "centres?only=marks"),
            ("Board\u2019s marks", count["board_marks"], f"of {count['external']:,} for external components", "watch"),
        ]
        return {
            "series": series,
            "asked": now,
            "as_on": on if _noon(on) else "",
            "dates": [(date, date.at <= now, date.at - now) for date in dates],
            "next": ahead[0] if ahead else None,
            "left": ahead[0].at - now if ahead else None,
            "meanings": EVENTS,
            "line": pictures.calendar_line(dates, now),
            "tiles": tiles,
            "todo": _todo(book, series, outcomes, len(snapshot.silent)),
            "counted": snapshot.at,
        }

    # --- Centres -----------------------------------------------------------------------------------------------------

    def centres(self, desk: Desk, asked: str, wanted: Wanted) -> dict[str, Any]:
        """The grid of centres and milestones, and the picture of all centres."""
        series = self._series(desk, asked)
        snapshot = self._snapshot(desk, series)
        if wanted.only not in FILTERS or wanted.sort not in ORDERS:
            raise HTTPException(404, "There is no such list of centres.")
        some = snapshot.centres.filter(FILTERS[wanted.only][1])
        if wanted.starts:
            some = some.filter(pl.col("centre").str.starts_with(wanted.starts))
        picture = pictures.overview(some, "centres/", f"?series={series.id}")
        ordered = some.sort(wanted.sort, "centre", descending=[wanted.down, False])
        last = max(-(-ordered.height // PAGE), 1)
        here = min(max(wanted.page, 1), last)
        shown = ordered.slice((here - 1) * PAGE, PAGE)
        return {
            "series": series,
            "counted": snapshot.at,
            "picture": picture,
            "reached": dict(some.group_by("reached").len().sort("reached").iter_rows()),
            "milestones": [(name, TITLES[name], *OF[name]) for name in MILESTONES],
            "summary": _summary(some),
            "rows": list(shown.iter_rows(named=True)),
            "names": desk.register.names(shown["centre"].to_list()),
            "total": ordered.height,
            "of_all": snapshot.centres.height,
            "filters": {name: words for name, (words, _) in FILTERS.items()},
            "wanted": wanted,
            "at": here,
            "last": last,
        }

    def centre(self, desk: Desk, centre: str, asked: str, at: int) -> dict[str, Any]:
        """Everything about a centre in a series."""
        series, book = self._series(desk, asked), desk.console
        _known_centre(centre)
        snapshot = self._snapshot(desk, series)
        row = snapshot.centres.filter(pl.col("centre") == centre)
        files, total = book.files(centre=centre, limit=PAGE, offset=(max(at, 1) - 1) * PAGE)
        missing = book.marks_missing(centre, series.id)
        by_component = missing.group_by("component", maintain_order=True).agg(
            pl.len().alias("count"), pl.col("candidate").str.join(", ").alias("candidates")
        )
        letters = [
            stored.key for stored in desk.store.list(f"outbox/{centre}/")
            if stored.kind == "file" and f"/checkpoint-{series.id}-" in stored.key
        ]  # fmt: skip
        if row.is_empty() and total == 0:
            raise HTTPException(404, f"Nothing is known of centre {centre}.")
        return {
            "series": series,
            "centre": centre,
            "name": desk.register.names([centre]).get(centre, ""),
            "row": next(row.iter_rows(named=True), None),
            "milestones": [(name, TITLES[name], *OF[name]) for name in MILESTONES],
            "files": list(files.iter_rows(named=True)),
            "total": total,
            "at": max(at, 1),
            "last": max(-(-total // PAGE), 1),
            "missing": list(by_component.iter_rows(named=True)),
            "missing_total": missing.height,
            "silent": centre in snapshot.silent,
            "codes": _with_words(book.codes(centre=centre, key=series.key, awarding_body=series.awarding_body)),
            "held": list(book.held(centre=centre).iter_rows(named=True)),
            "cohorts": book.cohorts(centre, series.id),
            "letters": [key.rpartition("/")[2] for key in sorted(letters)],
            "keys": book.keys(centre, self.clock()),
            "acted": book.acted(centre),
        }

    def candidate(self, desk: Desk, centre: str, candidate: str, *, personal: bool = False) -> dict[str, Any]:
        """Everything on the books under a candidate number; names and dates of birth only if `personal`."""
        book = desk.console
        _known_centre(centre)
        rows = book.person(centre, candidate)
        if rows.is_empty():
            raise HTTPException(404, f"Nothing is known of candidate {candidate} of centre {centre}.")
        ucis = rows["uci"].unique().to_list()
        if not personal:
            hidden = [pl.lit("\N{BULLET}" * 6).alias(name) for name in ("uci", "name")]
            rows = rows.with_columns(*hidden, pl.lit(None).alias("born"))
        return {
            "centre": centre,
            "candidate": candidate,
            "rows": list(rows.iter_rows(named=True)),
            "marks": book.person_marks(centre, ucis),
            "personal": personal,
        }

    # --- Files -------------------------------------------------------------------------------------------------------

    def files(
        self, desk: Desk, asked: str, *, outcome: str, code: str, centre: str, every: bool, at: int
    ) -> dict[str, Any]:
        """The files received, the newest first; of a single series unless `every`."""
        series, book = self._series(desk, asked), desk.console
        of: dict[str, Any] = {} if every else {"key": series.key, "awarding_body": series.awarding_body}
        rows, total = book.files(
            **of, centre=centre, outcome=outcome, code=code, limit=PAGE, offset=(max(at, 1) - 1) * PAGE
        )
        given = {"series": series.id, "outcome": outcome, "code": code, "centre": centre, "every": "1" if every else ""}
        return {
            "series": series,
            "rows": list(rows.iter_rows(named=True)),
            "total": total,
            "at": max(at, 1),
            "last": max(-(-total // PAGE), 1),
            "query": "?" + urlencode({name: value for name, value in given.items() if value}),
            "outcome": outcome,
            "code": code,
            "in_centre": centre,
            "every": every,
            "outcomes": [terms.WAITING, *(outcome.value for outcome in Outcome)],
            "codes": _with_words(book.codes(**of)) if not centre else [],
        }

    def file(self, desk: Desk, number: int, *, personal: bool = False) -> dict[str, Any]:
        """A file, its findings with the records they are about, and its reply; without personal data unless
        `personal`."""
        book = desk.console
        file = book.file(number)
        if file is None:
            raise HTTPException(404, f"There is no file with the number {number}.")
        found = list(book.findings(number).iter_rows(named=True))
        lines = {}
        if file["kind"] == "file" and file["channel"] == terms.EDI and file["size"] <= desk.settings.max_file_bytes:
            lines = records.lines_of(
                desk.store, file["sha256"], (finding["line"] for finding in found if finding["line"])
            )
        shown = [
            records.said(finding, personal=personal)
            | {
                "spoken": Reach(finding["reach"]).spoken,
                "record": records.record(
                    finding["line"], lines[finding["line"]], file["letter"], finding, personal=personal
                )
                if finding["line"] in lines
                else None,
            }
            for finding in found
        ]
        codes = frozenset(finding["code"] for finding in found if finding["reach"] == Reach.HOLD)
        return {
            "file": file,
            "findings": shown,
            "reply": records.reply_text(file["twin"], personal=personal) if file["twin"] else "",
            "is_open": file["outcome"] == Outcome.QUARANTINED and file["decision"] is None,
            "releasable": releasable(codes),
            "before": book.predecessor(number),
            "personal": personal,
        }

    def note_shown(self, desk: Desk, who: str, why: str, centre: str, what: str) -> None:
        """Records that personal data was shown (OPS-3); raises `HTTPException` when no reason was given."""
        if not why.strip():
            raise HTTPException(400, "Say why you need the personal data: your reason is recorded.")
        desk.actions.record(
            StaffAction(
                at=self.clock(), who=who, why=why.strip()[:500], action="personal_data", centre=centre, file_name=what
            )
        )

    # --- Quarantine --------------------------------------------------------------------------------------------------

    def quarantine(self, desk: Desk) -> dict[str, Any]:
        """The held files, and the decisions made."""
        book = desk.console
        return {"held": list(book.held().iter_rows(named=True)), "decided": list(book.decided().iter_rows(named=True))}

    def decide(self, desk: Desk, number: int, action: str, who: str, why: str) -> Done:
        """Carries out what a person decided about a held file; raises `QuarantineError`."""
        act = {name: run for name, run in ACTIONS.items() if name == action}
        if not act:
            raise QuarantineError("choose what to do with it")
        return act[action](desk, held_file(desk, number), Order(who, why, self.clock()))  # type: ignore[index]

    # --- Watching, approving -----------------------------------------------------------------------------------------

    def watch(self, desk: Desk, asked: str) -> dict[str, Any]:
        """What should have arrived and has not (OPS-2), and the checkpoints (OPS-1)."""
        series, book = self._series(desk, asked), desk.console
        snapshot, now = self._snapshot(desk, series), self.clock()
        centres, silent = snapshot.centres, snapshot.silent
        due = {event: desk.catalogue.milestone(series, event, now) for event in ("window_closes", "marks_deadline")}
        lacking = centres.filter(pl.col("marks") < pl.col("internal")).with_columns(
            (pl.col("internal") - pl.col("marks")).alias("lacking")
        )
        most = lacking.sort("lacking", "centre", descending=[True, False])
        taken = [
            {**checkpoint, "report": f"checkpoints/{series.id}-{checkpoint['event']}.html"}
            for checkpoint in book.checkpoints(series.id)
        ]
        return {
            "series": series,
            "silent": silent[:500],
            "silent_total": len(silent),
            "not_entered": centres.filter(FILTERS["not-entered"][1]).height,
            "lacking": list(most.head(PAGE).iter_rows(named=True)),
            "lacking_total": lacking.height,
            "due": due,
            "checkpoints": taken,
            "reasons": checkpoints.REASONS,
        }  # fmt: skip

    def approval(self, desk: Desk, asked: str, person: Person) -> dict[str, Any]:
        """What waits for approval, and the previews."""
        series, book = self._series(desk, asked), desk.console
        rows = [
            {**awarding, "preview": f"award/{awarding['series']}/{awarding['version']}/index.html"}
            for awarding in book.awardings(series.id)
        ]
        here = {"series": series, "awardings": rows, "states": book.states(series.id)}
        return here | decisions.waiting(desk, person, self.clock())

    def report(self, desk: Desk, key: str) -> tuple[bytes, str]:
        """A report in the store and its media type; raises `HTTPException` when there is none."""
        kind = _KINDS.get(key.rpartition(".")[2])
        try:
            if kind is None:
                raise Missing(key)
            return desk.store.get(f"reports/{key}"), kind
        except (Missing, BadKey):
            raise HTTPException(404, "There is no such report.") from None

    # --- Searching ---------------------------------------------------------------------------------------------------

    def search(self, desk: Desk, words: str) -> dict[str, Any]:
        """Centres, learners and files by what somebody typed: a centre number, with or without a candidate number, a
        UCI, part of a file name, or a centre and a sequence number of three digits."""
        asked = " ".join(words.upper().split())
        nothing = {"words": words, "asked": asked, "centre_found": "", "learners": [], "files": [], "total": 0}
        found = _found(desk.console, asked, words.strip()) if asked else {}
        return nothing | {
            name: list(value.iter_rows(named=True)) if isinstance(value, pl.DataFrame) else value
            for name, value in found.items()
        }


def _found(book: ConsoleBook, asked: str, typed: str) -> dict[str, Any]:
    """What is found by what `asked` looks like, by part of a file name where it looks like nothing else."""
    at_centre = re.fullmatch(r"([0-9]{5})(?:[ /]([0-9]{3,4}))?", asked)
    if at_centre:
        return _found_at_centre(book, at_centre[1], at_centre[2] or "")
    if re.fullmatch(r"[0-9]{12}[A-Z0-9]", asked) or re.fullmatch(r"[0-9A-Z]{5}[0-9]{7}[A-Z]", asked):
        return {"learners": book.learners(uci=asked)}
    if re.fullmatch(r"[0-9]{4}", asked):
        return {"learners": book.learners(candidate=asked)}
    files, total = book.files(named=typed, limit=PAGE)
    return {"files": files, "total": total}


def _found_at_centre(book: ConsoleBook, centre: str, number: str) -> dict[str, Any]:
    """The files of a centre, or with a number behind it: its files of that sequence number (three digits), or its
    candidate of that number (four)."""
    if len(number) == 3:
        files, total = book.files(centre=centre, sequence=int(number), limit=PAGE)
        return {"files": files, "total": total}
    files, total = book.files(centre=centre, limit=0 if number else PAGE)
    found = {"centre_found": centre if total else "", "files": files, "total": total}
    return found | {"total": 0, "learners": book.learners(centre=centre, candidate=number)} if number else found


def _silent(desk: Desk, series: Series) -> tuple[str, ...]:
    """OPS-2: centres that sent something last season, and nothing this season."""
    before = checkpoints.season_before(series, desk.catalogue)
    if before is None:
        return ()
    accounts = desk.accounts
    sent = [accounts.senders(each.id, each.key, each.awarding_body) for each in (before, series)]
    return tuple(checkpoints.silent(*sent)["centre"])


def _todo(book: ConsoleBook, series: Series, outcomes: Mapping[str, int], silent: int) -> list[tuple[int, str, str]]:
    """What needs a person now: how many, what, and where."""
    states = book.states(series.id)
    cohorts, awardings = states["cohorts"], states["awardings"]
    waits = [
        (book.held_count(), "file is held in quarantine and waits for a decision (all series)",
         "files are held in quarantine and wait for a decision (all series)", "quarantine"),
        (outcomes.get(terms.WAITING, 0), "file has been received and not decided yet",
         "files have been received and not decided yet", "files?outcome=waiting"),
        (cohorts.get(terms.PROPOSED, 0), "adjustment of marks is proposed and waits for approval (MOD-2)",
         "adjustments of marks are proposed and wait for approval (MOD-2)", "approval"),
        (states["boundaries"].get(terms.PROPOSED, 0), "conversion table waits for approval (AWD-1)",
         "conversion tables wait for approval (AWD-1)", "approval"),
        (awardings.get(terms.BUILT, 0), "version of the results is under embargo and waits for approval (RES-2)",
         "versions of the results are under embargo and wait for approval (RES-2)", "approval"),
        (silent, "centre that sent files a year ago has sent nothing (OPS-2)",
         "centres that sent files a year ago have sent nothing (OPS-2)", "watch"),
    ]  # fmt: skip
    return [(count, single if count == 1 else many, where) for count, single, many, where in waits if count]


def _noon(day: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=LONDON)
    except ValueError:
        return None


def _known_centre(centre: str) -> None:
    if not re.fullmatch("[0-9]{5}", centre):
        raise HTTPException(404, "A centre has five digits.")


def _summary(centres: pl.DataFrame) -> dict[str, dict[str, int]]:
    """How many centres have completed each milestone, partly completed it, or not begun it."""
    return {
        name: dict(centres.group_by(f"{name}_state").len().iter_rows()) for name in MILESTONES
    }  # fmt: skip


def _with_words(codes: pl.DataFrame) -> list[dict[str, Any]]:
    return [row | {"spoken": Reach(row["reach"]).spoken} for row in codes.iter_rows(named=True)]
