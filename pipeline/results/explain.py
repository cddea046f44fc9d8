"""How an outcome came about (RES-5): from file and line to grade, every version and choice with its rule.

It holds identifiers, marks and grades, no names and no dates of birth.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import polars as pl
from attrs import field, frozen

from infra.ledger.results import ConversionRow
from infra.ledger.trail import Trail
from pipeline.approvals import record
from pipeline.desk import Desk
from pipeline.register import title as titled
from pipeline.report_page import Grid, page
from pipeline.results.who_it_is import changes
from pipeline.wording import WIDTH, money
from rules import terms
from rules.catalogue import PLACEHOLDER, Component, Qualification, instant_text, series_title
from rules.certification import REASONS, WHYS
from rules.conversion import Boundaries, points
from rules.corrections import KINDS
from rules.withholding import last_word_about


class Unexplained(ValueError):  # noqa: N818
    """There is nobody or nothing to explain; the message says which."""


@frozen
class TrailStep:
    """One thing that happened: `what`, where it comes from, and the rule behind it."""

    what: str
    source: str = ""
    rule: str = ""


@frozen
class Section:
    """The steps of one component or claim, in their order."""

    title: str
    steps: tuple[TrailStep, ...]


@frozen
class Explanation:
    """What is known of one learner's qualifications."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...] = field(repr=False)


def explain(
    desk: Desk, centre: str, candidate: str, qualification: str | None = None, series: str | None = None
) -> Explanation:
    """RES-5: everything that led to the results of a learner, by the candidate number in `series` (or the latest series
    in which the centre used it), for one `qualification` (any of its codes, or its subject) or for all. Raises
    `Unexplained`."""
    trail = desk.trail
    known = trail.learners(centre, candidate, series)
    if not known:
        where = f" in {series_title(series)}" if series else ""
        raise Unexplained(f"centre {centre} has registered or entered nobody as candidate {candidate}{where}")
    uci, latest = known[0]
    others = sorted({other for other, _ in known} - {uci})
    registered, entered = trail.registered(uci), trail.entered(uci)
    wanted = [each for each in desk.catalogue.qualifications if _is_about(each, qualification)]
    if not wanted:
        raise Unexplained(f"{qualification} is no qualification; name its subject or one of its codes")
    codes = set(registered["option"]) | set(entered["option"])
    mine = [
        each
        for each in wanted
        if codes & {each.registration_code, each.cash_in_code, *(part.code for part in each.components)}
    ]
    if not mine:
        raise Unexplained(f"candidate {candidate} of centre {centre} has nothing of {qualification}")
    story = _Story(desk, trail, uci)
    changed = tuple(TrailStep(*change) for change in changes(desk, uci))
    sections = [Section("Who the learner is: what has changed", changed)] if changed else []
    sections += [section for each in mine for section in story.of(each)]
    sections += story.corrections([
        code for each in mine for code in (each.cash_in_code, *(part.code for part in each.components))
    ])  # fmt: skip
    sections += story.approvals([part.code for each in mine for part in each.components])
    facts = [("Centre", titled(desk, centre))]
    facts += [("Candidate", f"{candidate}, {series_title(latest)}"), ("UCI", uci or "none")]
    if others:
        facts.append(("Not", f"the number was that of {', '.join(others)} in other series; name the series for that"))
    title = f"How it came about: {', '.join(each.subject for each in mine)}"
    return Explanation(title, tuple(facts), tuple(sections))


def _is_about(qualification: Qualification, said: str | None) -> bool:
    codes = (
        qualification.registration_code, qualification.cash_in_code, *(part.code for part in qualification.components),
    )  # fmt: skip
    return said is None or said.upper() in codes or said.casefold() == qualification.subject.casefold()


class _Story:
    """The rows about one learner, and the sentences made of them."""

    def __init__(self, desk: Desk, trail: Trail, uci: str) -> None:
        self.desk = desk
        self.uci = uci
        self.registered = trail.registered(uci)
        self.entered = trail.entered(uci)
        self.marks = trail.marks(uci)
        self.awarded = trail.awarded(uci)
        self.chosen = trail.chosen(uci)
        self.actions = trail.done(uci)
        self.corrected = desk.corrections.about(
            self.entered.select("series", "centre", "candidate").unique().iter_rows()
        )
        self.holds = desk.actions.holds(max(series.id for series in desk.catalogue.all_series()))
        self.tables = {(table.series, table.component): table for table in desk.results.conversions()}
        # What was left higher rests on the table by which it was issued.
        for row in self.corrected.filter(pl.col("choice") == terms.LEFT_HIGHER).iter_rows(named=True):
            case = desk.corrections.numbered(row["number"])
            for table in desk.results.conversions(row["series"], before=case.states[-1].at) if case else ():
                if table.component == row["code"]:
                    self.tables[table.series, table.component] = table
        centres = self.awarded["centre"].unique().to_list()
        series = self.awarded["series"].unique().to_list()
        self.published = pl.concat([trail.published(centre, series) for centre in centres]) if centres else None

    def of(self, qualification: Qualification) -> Iterator[Section]:
        """The sections about a qualification: registration, each component, each claim."""
        steps = [
            step
            for row in _rows(self.registered, option=qualification.registration_code)
            for step in self._came(row, "REG-2")
        ]
        code = self.desk.catalogue.edition().spoken(qualification.registration_code)
        title = f"{qualification.subject}: registration with {code}"
        yield Section(title, tuple(steps) or (_NOTHING,))
        for part in qualification.components:
            yield self._component(part)
        yield from self._claims(qualification)

    def _component(self, part: Component) -> Section:
        steps: list[TrailStep] = []
        entered = _rows(self.entered, option=part.code)
        for series in sorted({row["series"] for row in entered}):
            for row in entered:
                if row["series"] == series:
                    steps += self._came(row, "ENT-1")
            steps += self._marks(part, series)
            steps += self._counted(part, series)
        steps += [self._done(row) for row in _rows(self.actions, option=part.code)]
        kind = part.scope
        code = self.desk.catalogue.edition().spoken(part.code)
        return Section(f"{code} {part.title} ({kind})", tuple(steps) or (_NOTHING,))

    def _came(self, row: dict[str, Any], rule: str) -> Iterator[TrailStep]:
        title, number = series_title(row["series"]), row["candidate"]
        costs = f", {row['band'].replace('_', ' ')}, {money(row['pence'])} (FEE-1)" if "band" in row else ""
        verb = "registered" if "band" not in row else "claimed" if row["kind"] == terms.CASH_IN else "entered"
        yield TrailStep(f"{title}: {verb} as candidate {number}{costs}", _source(row), rule)
        if row["ended_by"]:
            yield TrailStep(
                f"{title}: withdrawn", f"{row['ended_by']}, received {instant_text(row['ended_at'])}", "FIL-3"
            )

    def _marks(self, part: Component, series: str) -> Iterator[TrailStep]:
        held = list(self._holds(part, series))
        yield from (step for _, step in held)
        if any(state == terms.WITHHELD for state, _ in held):
            return  # nothing else of it is readable (RES-8)
        versions = _rows(self.marks, component=part.code, series=series)
        for row in versions:
            said = "absent" if row["status"] == "A" else "not yet available" if row["mark"] is None else row["mark"]
            yield TrailStep(f"{series_title(series)}: raw mark, version {row['version']} ({row['stage']}): {said}",
                       _mark_source(row), _STAGES.get(row["stage"], "MRK-2"))  # fmt: skip
        if not versions:
            yield TrailStep(f"{series_title(series)}: no mark", "", "MRK-3")
            return
        final, table = versions[-1], self.tables.get((series, part.code))
        if final["status"] == "A":
            yield TrailStep(f"{series_title(series)}: absent is 0 UMS, and flagged", "", "AWD-4")
        elif final["mark"] is not None and table is not None:
            yield self._converted(part, final["mark"], table)
        elif final["mark"] is not None:
            yield TrailStep(f"{series_title(series)}: no approved conversion table yet", "", "AWD-1")

    def _holds(self, part: Component, series: str) -> Iterator[tuple[str, TrailStep]]:
        """RES-8: what was withheld, voided or given back of a sitting, by whom and why."""
        mine = self.entered.filter(option=part.code, series=series).with_columns(pl.lit(self.uci).alias("uci"))
        words = {
            terms.WITHHELD: "the result is withheld",
            terms.HOLD_VOIDED: "the result was voided",
            terms.HOLD_GIVEN_BACK: "the result that was voided is given back",
        }
        for hold in self.holds.filter(pl.col("state").is_in(list(words))).iter_rows(named=True):
            if last_word_about(mine, self.holds.filter(pl.col("id") == hold["id"])).null_count() < mine.height:
                by = f"{hold['who']}, {instant_text(hold['at'])}: {hold['why']}"
                yield hold["state"], TrailStep(f"{series_title(series)}: {words[hold['state']]}", by, "RES-8")

    def _converted(self, part: Component, raw: int, table: ConversionRow) -> TrailStep:
        # The ledger does not keep the order of grades.
        falling = tuple(sorted(table.boundaries.items(), key=lambda boundary: -boundary[1]))
        boundaries = Boundaries(table.series, table.component, table.raw_max, falling)
        scale = self.desk.catalogue.scale(part.code, table.approved_at)
        line = next(pair for pair in pairwise(points(boundaries, scale)) if pair[0][0] <= raw <= pair[1][0])
        (low, low_ums), (high, high_ums) = line
        how = (
            f"on the line from {low} raw = {low_ums} UMS to {high} raw = {high_ums} UMS"
            if raw not in (low, high)
            else "a point of the table"
        )
        mark = PLACEHOLDER if table.placeholder else ""
        approved = f"approved by {table.approved_by}" if table.approved_by else "not approved"
        return TrailStep(
            f"{series_title(table.series)}: {raw} raw is {table.ums[raw]} UMS, {table.grades[raw]}{mark}: {how}",
            f"conversion table {part.code} {table.series} version {table.version}, {approved}, {table.sha256[:12]}",
            "AWD-1",
        )

    def _counted(self, part: Component, series: str) -> Iterator[TrailStep]:
        for row in _rows(self.chosen, component=part.code, series=series):
            why = WHYS[row["why"]]
            counts = "counts" if row["counts"] else "does not count"
            for of in _rows(self.awarded, awarding_id=row["awarding_id"], registration=row["registration"]):
                yield TrailStep(
                    f"{series_title(series)}: {counts} for the claim in {series_title(of['series'])}: {why.words}",
                    _awarding(of),
                    why.rule,
                )

    def _claims(self, qualification: Qualification) -> Iterator[Section]:
        code = qualification.cash_in_code
        named = self.desk.catalogue.edition().spoken(code)
        claims = _rows(self.entered, option=code)
        series = sorted({row["series"] for row in claims} | {row["series"] for row in self._awards(qualification)})
        for of in series:
            steps = [step for row in claims if row["series"] == of for step in self._came(row, "CRT-1")]
            for row in self._awards(qualification):
                if row["series"] == of:
                    steps += self._decided(row)
            steps += [self._done(row) for row in _rows(self.actions, option=code, series=of)]
            yield Section(f"{named} claim for {qualification.subject} in {series_title(of)}", tuple(steps))
        if not series:
            yield Section(f"{named} claim for {qualification.subject}", (TrailStep("not claimed", "", "CRT-1"),))

    def _awards(self, qualification: Qualification) -> list[dict[str, Any]]:
        return _rows(self.awarded, registration=qualification.registration_code)

    def _decided(self, row: dict[str, Any]) -> Iterator[TrailStep]:
        parts = [
            f"{part['ums']} ({part['component']} {part['series']})"
            for part in _rows(self.chosen, awarding_id=row["awarding_id"], registration=row["registration"])
            if part["counts"]
        ]
        if row["outcome"] == terms.AWARDED:
            flag = ", partly absent (#)" if row["partial_absence"] else ""
            yield TrailStep(f"{' + '.join(parts)} = {row['ums']} UMS: {row['grade']}{flag}", _awarding(row), "CRT-3")
            which = "the one for performance tables" if row["performance"] else "a second one, held beside the first"
            yield TrailStep(f"this certification is {which}", "", "CRT-4")
        else:
            reason = REASONS[row["reason"]]
            about = f" ({row['about']})" if row["about"] else ""
            yield TrailStep(f"{_OUTCOMES[row['outcome']]}: {reason.words}{about}", _awarding(row), reason.rule)
            yield TrailStep(reason.remedy)
        if self.published is not None:
            for file in _rows(self.published, awarding_id=row["awarding_id"]):
                yield TrailStep(f"published in {file['place']}", instant_text(file["published_at"]), "RES-2")

    def corrections(self, codes: Sequence[str]) -> Iterator[Section]:
        """RES-7: what corrections have done to results of these codes: as they were issued, and as they are now."""
        steps = []
        for row in self.corrected.filter(pl.col("code").is_in(codes)).iter_rows(named=True):
            case = self.desk.corrections.numbered(row["number"])
            assert case
            decided, proposed = case.states[-1], case.proposed
            now = "left as it is" if row["choice"] == terms.LEFT_HIGHER else f"corrected to {_result(row)}"
            left = f": {decided.plan['left_higher']}" if row["choice"] == terms.LEFT_HIGHER else ""
            was = f"issued as {_result(row, '_before')}, {now}{left}"
            if row["way"] == terms.WITHHELD:
                was = "issued before, and withheld"
            by = f"proposed by {proposed.by}, approved by {decided.by}" if proposed else ""
            steps.append(TrailStep(
                f"{series_title(row['series'])} {row['code']}: {was}",
                f"correction {case.number} ({KINDS[case.kind].title}), {by}, {instant_text(decided.at)}: {case.why}",
                "RES-7",
            ))  # fmt: skip
        if steps:
            yield Section("What was corrected", tuple(steps))

    def approvals(self, components: Sequence[str]) -> Iterator[Section]:
        """OPS-4: who approved the boundaries, adjustments and results that these components of the learner rest on."""
        book = self.desk.approvals
        entered = self.entered.filter(pl.col("option").is_in(components))
        adjusted = self.marks.filter(pl.col("component").is_in(components), pl.col("stage") == terms.ADJUSTED)
        cohorts = [" ".join(row) for row in adjusted.select("series", "centre", "component").unique().iter_rows()]
        versions = [
            f"{series} version {version}" for series, version in self.awarded.select("series", "version").iter_rows()
        ]
        subjects = {
            terms.BOUNDARIES: entered["series"].unique().to_list(),
            terms.ADJUSTMENT: cohorts,
            terms.RESULTS: versions,
        }
        steps = [
            TrailStep(f"{proposal.kind} {proposal.subject}: {what.lower()} {words}", "", "OPS-4")
            for kind, its in subjects.items()
            for proposal in sorted(book.current(kind, its), key=lambda proposal: proposal.subject)
            for what, words in record(proposal)
        ]
        if steps:
            yield Section("Who decided", tuple(steps))

    def _done(self, row: dict[str, Any]) -> TrailStep:
        return TrailStep(
            f"{row['action'].replace('_', ' ')} by {row['who']}: {row['why']}", instant_text(row["at"]), "OPS-3"
        )


def _result(row: dict[str, Any], when: str = "") -> str:
    raw, ums, grade, outcome = (row[f"{name}{when}"] for name in ("raw", "ums", "grade", "outcome"))
    marks = "" if raw is None else f"{raw} raw, "
    return f"{marks}{ums} UMS, {grade}" if grade else str(outcome).replace("_", " ")


_NOTHING = TrailStep("nothing")
NOBODY = "nobody on record: who asked is only stated in the file"
_STAGES = {terms.SUBMITTED: "MRK-1", terms.EXTERNAL: "MRK-1", terms.AMENDED: "MRK-2", terms.ADJUSTED: "MOD-2",
           terms.CORRECTED: "RES-7"}  # fmt: skip
_OUTCOMES = {terms.NOT_ELIGIBLE: "not eligible", terms.PENDING: "pending"}


def _rows(frame: pl.DataFrame, **wanted: Any) -> list[dict[str, Any]]:
    return [row for row in frame.iter_rows(named=True) if all(row[name] == value for name, value in wanted.items())]


def _source(row: dict[str, Any]) -> str:
    asked = f", ordered by {row['ordered_by'] or NOBODY}" if row["channel"] == terms.STAFF else ""
    return f"{row['file_name']} line {row['line']}, {row['channel']}, received {instant_text(row['received'])}{asked}"


def _mark_source(row: dict[str, Any]) -> str:
    received = f"received {instant_text(row['received'])}"
    if row["stage"] == terms.ADJUSTED:
        return f"moderation, {instant_text(row['received'])}"
    if row["stage"] == terms.CORRECTED:
        return f"{row['source']}, {instant_text(row['received'])}"
    if row["file_name"]:
        return f"{row['file_name']} line {row['line']}, {received}"
    return f"the board's marking, {row['source'][:12]} line {row['line']}, {received}"


def _awarding(row: dict[str, Any]) -> str:
    decided = f", approved by {row['decided_by']}" if row["state"] in terms.ISSUED_STATES and row["decided_by"] else ""
    return f"results of {row['series']} version {row['version']} ({row['state']}{decided})"


# --- Shown -----------------------------------------------------------------------------------------------------------


def text(explanation: Explanation) -> Iterator[str]:
    """The explanation as lines of text."""
    yield explanation.title
    for label, words in explanation.facts:
        yield f"  {label:<11}{words}"
    for section in explanation.sections:
        yield ""
        yield section.title
        for step in section.steps:
            rule = f" ({step.rule})" if step.rule else ""
            yield from textwrap.wrap(
                f"{step.what}{rule}", WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
            )
            if step.source:
                yield from textwrap.wrap(
                    step.source, WIDTH, initial_indent="      ", subsequent_indent="      ", break_on_hyphens=False
                )


def as_page(explanation: Explanation, now: datetime) -> bytes:
    """The explanation as a page of HTML; `now` (aware) is shown."""
    facts: Sequence[tuple[str, str]] = [*explanation.facts, ("As of", instant_text(now))]
    grids = [
        Grid(
            title=section.title,
            frame=pl.DataFrame(
                [(step.what, step.source, step.rule) for step in section.steps],
                schema={"What": pl.String, "From": pl.String, "Rule": pl.String},
                orient="row",
            ),
        )
        for section in explanation.sections
    ]
    return page(explanation.title, facts, grids)
