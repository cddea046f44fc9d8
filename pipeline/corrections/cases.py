"""Cases (RES-7): opened by a person, or by an input that arrives for issued results. What a case would do is proposed
with its whole effect by one person, and approved or rejected by another (OPS-4). Approved, it becomes a version of the
results that contains it and nothing else, and it is out within the run.

Every job can die anywhere and be run again: what has been approved is recorded at once, with everything that follows
from it, and published by this run or the next.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
from attrs import asdict, evolve, frozen

from infra.ledger.approvals import Proposal, Signer
from infra.ledger.corrections import Case, State, Subject, reason_of
from infra.store import Missing
from pipeline.approvals import NOT_SEEN, Exhibit, Signature, deciders, reasons, sign, together
from pipeline.approvals import propose as put_forward
from pipeline.corrections.effect import CorrectionError, Effect, Plan, effect, words
from pipeline.corrections.outputs import issue_versions, tell_centres
from pipeline.corrections.preview import about, certificate_rows, files
from pipeline.corrections.withheld import out_subjects, recorded, withheld_effect
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.orders import with_name_and_reason
from pipeline.results.embargo import sha256_of
from pipeline.results.result_files import typed
from pipeline.steps import CASE_OPENED, CASE_STATED, CORRECTED, EFFECT_SHOWN
from rules import terms
from rules.catalogue import INSTANTS, Series, instant_text, series_title
from rules.corrections import KINDS, CorrectionKind, consent_missing, outcome

log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Request:
    """What somebody asks for: results of a series to be looked at again. `about`: `64123/0001/BEN03`, or a component
    for everybody's (of a withholding also `64123/0001`, `64123/*/BEN03` or `64123`); `on`: the day of the request
    (`2024-09-01`)."""

    kind: str
    about: Sequence[str]
    by: str
    on: str
    consent: str = ""


@journaled
def open_case(
    desk: Desk, series: Series, request: Request, who: str, why: str, now: datetime, by: Signature = NOT_SEEN
) -> Case:
    """RES-7: opens a case about issued results, at `now` (aware). Raises `CorrectionError`."""
    with_name_and_reason(who, why, CorrectionError)
    kind, requested, consent = _kind(request.kind), _day(request.on), _consent(request.consent)
    if requested is None or not request.by.strip():
        raise CorrectionError("say who asked for it, and on which day (2024-09-01)")
    if requested > now.date():
        raise CorrectionError(f"the request is of {requested:%-d %B %Y}, which is still to come")
    if not desk.results.is_out(series.id):
        raise CorrectionError(f"nothing of {series.title} is out: there is nothing to correct")
    subjects = _subjects(desk, series, request.about, kind)
    if kind.withholds:
        _not_asked_already(desk, series, subjects, (who, now))
    case = desk.corrections.open(
        Case(
            number=0, series=series.id, source="", requested_by=request.by, requested_on=requested, why=why, who=who,
            how=by.how, at=now, subjects=tuple(subjects),
        ),
        kind.name,
        consent,
    )  # fmt: skip
    CASE_OPENED.passed()
    log.info("correction %d of %s is opened", case.number, series.id)
    return case


def _subjects(desk: Desk, series: Series, about_: Sequence[str], kind: CorrectionKind) -> list[Subject]:
    """What a request is about; raises `CorrectionError` for what was never issued."""
    if kind.withholds:
        return out_subjects(desk, series, about_)
    results, awards = typed(desk.results.current(series.id))
    issued = set(results.select("centre", "candidate", "component").iter_rows())
    components = {component for _, _, component in issued}
    # An award follows from its components, but for one that was voided by itself (RES-8).
    voided = awards.filter(pl.col("reason") == "AWARD_VOIDED")
    issued |= set(voided.select("centre", "candidate", "cash_in").iter_rows())
    subjects = []
    for said in dict.fromkeys(about_):
        parts = tuple(said.split("/"))
        if parts in issued:
            subjects.append(Subject(centre=parts[0], candidate=parts[1], component=parts[2]))
        elif said in components:
            subjects.append(Subject(component=said))
        else:
            raise CorrectionError(
                f"nothing is issued in {series.title} for {said}: name centre, candidate number and component "
                f"(64123/0001/BEN03), or a component for everybody's"
            )
    if not subjects:
        raise CorrectionError("name at least one result (64123/0001/BEN03), or a component")
    return subjects


def _not_asked_already(desk: Desk, series: Series, subjects: Sequence[Subject], order: tuple[str, datetime]) -> None:
    """RES-8: raises `CorrectionError` where somebody has asked already for the same to be withheld, and nobody has
    decided: once the one is, the other would be left over. A run that died (the same `order`) asks again."""
    for case in desk.corrections.all(series.id):
        waits = case.kind == terms.WITHHOLDING and case.state in (terms.OPEN, terms.PROPOSED)
        if waits and (case.who, case.at) != order and (same := set(case.subjects) & set(subjects)):
            raise CorrectionError(
                f"correction {case.number} is {case.state} for {', '.join(sorted(map(str, same)))} already: it is "
                f"decided first (`resultsday correction show {case.number}`)"
            )


def _kind(name: str) -> CorrectionKind:
    if name not in KINDS:
        raise CorrectionError(f"say what kind of correction it is: {', '.join(KINDS)}")
    return KINDS[name]


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said)
    except ValueError:
        return None


def _consent(said: str) -> date | None:
    day = _day(said)
    if said and day is None:
        raise CorrectionError(f"{said} is no day of consent: write 2024-09-01")
    return day


def numbered(desk: Desk, number: int) -> Case:
    """The case with a number; raises `CorrectionError`."""
    case = desk.corrections.numbered(number)
    if case is None:
        raise CorrectionError(f"there is no correction {number}: `resultsday correction list` shows them all")
    return case


# --- Proposed --------------------------------------------------------------------------------------------------------


def considered(desk: Desk, case: Case, plan: Plan) -> Effect:
    """RES-7: the whole effect of a plan, if a case of its kind may be decided like that; nothing is recorded. Raises
    `CorrectionError`."""
    series = desk.catalogue.series_by_id(case.series)
    assert series
    kind = _kind(plan.kind)
    if not case.is_open:
        raise CorrectionError(f"correction {case.number} is {case.state}: open another")
    day = desk.catalogue.milestone(series, INSTANTS[terms.CENTRES], case.at)
    if missing := consent_missing(kind, _consent(plan.consent), day.day if day else None):
        raise CorrectionError(missing)
    for said in [*plan.marks, *plan.boundaries]:
        if not any(_covers(subject, said) for subject in case.subjects):
            raise CorrectionError(
                f"correction {case.number} is not about {said}: a case is about what it was opened for. Open another"
            )
    if kind.withholds:
        if plan.marks or plan.boundaries or plan.left_higher:
            raise CorrectionError("a withholding says nothing about marks and boundaries (RES-8)")
        found = withheld_effect(desk, series, plan)
        if found.effects.is_empty():
            raise CorrectionError("all of it is withheld already, or pending: `resultsday withhold list`")
        return found
    return _does_something(effect(desk, series, plan))


def _does_something(found: Effect) -> Effect:
    if not found.effects.is_empty() or not (found.plan.marks or found.plan.boundaries):
        return found
    if found.closed:
        raise CorrectionError(
            f"nothing that is out would change, and {found.closed:,} of its results are withheld: they are released "
            f"first (`resultsday withhold list`), and then corrected (RES-8)"
        )
    if found.not_made:
        raise CorrectionError(
            f"nothing that is out would change: the award would be given back, and would not be made all the same. "
            f"{'; '.join(found.not_made)}. Give back with it what else is voided: open a correction that names these "
            f"components too (`resultsday correction open`), and propose `=back` for each (RES-8)"
        )
    raise CorrectionError("nothing would change: propose that the results are confirmed instead")


def _covers(subject: Subject, said: str) -> bool:
    return str(subject) == said or (not subject.candidate and said.rpartition("/")[2] == subject.component)


def completed(case: Case, plan: Plan) -> Plan:
    """A plan with what the case knows already: its kind, the learner's consent, and whose results are withheld."""
    last = case.states[-1]
    kind = plan.kind or case.kind
    withholds = kind in KINDS and KINDS[kind].withholds
    return evolve(
        plan,
        kind=kind,
        consent=plan.consent or (last.consent.isoformat() if last.consent else ""),
        withheld=tuple(str(subject) for subject in case.subjects) if withholds else (),
    )


@journaled
def propose(desk: Desk, number: int, plan: Plan, who: str, why: str, now: datetime, by: Signature = NOT_SEEN) -> Case:
    """RES-7, OPS-4: proposes what is to come of a case at `now` (aware), and writes its effect for whoever approves it:
    a page, every result, and the draft of the notice to the regulator, in `reports/corrections/<number>/`. Proposed
    again, it takes the place of the proposal before. Raises `CorrectionError`."""
    with_name_and_reason(who, why, CorrectionError)
    case = numbered(desk, number)
    plan = completed(case, plan)
    found = considered(desk, case, plan)
    last = case.states[-1]
    if (last.state, last.sha256, last.who) == (terms.PROPOSED, found.sha256, who):
        put_forward(desk, exhibit_of(case), by.people, Signer(who, by.how), last.at)  # a run that died may not have
        return case
    pages = files(desk, case, found)
    for key, data in pages.items():
        desk.put(EFFECT_SHOWN, key, data)
    state = State(
        state=terms.PROPOSED, who=who, how=by.how, at=now, why=why, kind=plan.kind, consent=_consent(plan.consent),
        outcome=outcome(found.effects), plan=plan.content(), sha256=found.sha256,
        files={key: sha256_of(data) for key, data in pages.items()},
    )  # fmt: skip
    desk.corrections.step(case, state)
    CASE_STATED.passed()
    case = numbered(desk, number)
    put_forward(desk, exhibit_of(case), by.people, Signer(who, by.how), now)
    log.info("correction %d is proposed: %s", number, state.outcome)
    return case


def exhibit_of(case: Case) -> Exhibit:
    """OPS-4: exactly what is shown to whoever approves a proposal."""
    proposed = case.proposed
    if proposed is None:
        raise CorrectionError(f"nothing is proposed for correction {case.number} yet")
    facts = (
        *about(case),
        ("Proposed", f"by {proposed.by}, {instant_text(proposed.at)}: {proposed.why}"),
        ("Outcome", proposed.outcome),
        *words(Plan(**proposed.plan)),
        ("Effect", f"SHA-256 {proposed.sha256}"),
    )
    title = f"Correction {case.number} of {series_title(case.series)}"
    return Exhibit(
        kind=terms.CORRECTION, subject=str(case.number), title=title, facts=facts, files=dict(proposed.files)
    )


# --- Decided ---------------------------------------------------------------------------------------------------------


@journaled
def approve(desk: Desk, number: int, who: str, why: str, now: datetime, by: Signature = NOT_SEEN) -> Case:
    """RES-7, OPS-4: approves what is proposed for a case, if it would still do what was shown, and carries it out: a
    version of every series concerned, the portal, complete results files, a letter to each centre, certificates.
    Returns the case as it is then, still proposed while more people are asked. Raises `CorrectionError`,
    `ReleaseError`, and as `sign` does."""
    case = numbered(desk, number)
    if case.state == terms.PROPOSED:
        with_name_and_reason(who, why, CorrectionError)
        plan = Plan(**(case.proposed.plan if case.proposed else {}))
        found = _still(desk, case, plan)
        proposal = sign(desk, exhibit_of(case), terms.APPROVED, who, why, now, by)
        if proposal.state != terms.APPROVED:
            return case
        _record(desk, case, found, proposal)
        case = numbered(desk, number)
    if case.state == terms.APPROVED:
        approved = case.states[-1]
        issue_versions(desk, case, approved.at, now)
        tell_centres(desk, case, approved.at)
        done = State(**{**_values(approved), "state": terms.DONE})
        desk.corrections.step(case, done)
        CASE_STATED.passed()
    elif case.state != terms.DONE:
        raise CorrectionError(f"correction {number} is {case.state}: there is nothing to approve")
    log.info("correction %d is approved and issued", number)
    return numbered(desk, number)


def _values(state: State) -> dict[str, Any]:
    return asdict(state, recurse=False)


def _still(desk: Desk, case: Case, plan: Plan) -> Effect:
    """AWD-5: the effect, if it is still what was proposed, and its pages as they were written."""
    found, proposed = considered(desk, case, plan), case.proposed
    assert proposed
    if found.sha256 != proposed.sha256:
        raise CorrectionError(
            f"correction {case.number} would do something else now than what was proposed: results or claims it is "
            f"about have changed since. Propose it again (`resultsday correction propose {case.number}`)"
        )
    for key, sha256 in proposed.files.items():
        try:
            data = desk.store.get(key)
        except Missing:
            data = b""
        if sha256_of(data) != sha256:
            raise CorrectionError(f"{key} is not as it was written: find out who changed it, and propose it again")
    return found


def _record(desk: Desk, case: Case, found: Effect, proposal: Proposal) -> None:
    """Everything that follows in the ledger, at once."""
    proposed, said = case.proposed, proposal.approvals[-1]
    assert proposed
    names = deciders(proposal)
    state = State(**{
        **_values(proposed), "state": terms.APPROVED, "who": names, "how": terms.BY_APPROVAL, "at": said.at,
        "why": reasons(proposal),
    })  # fmt: skip
    reason = reason_of(case.number)
    decided = {"at": said.at, "state": terms.PROPOSED, "decided_by": names, "decided_at": said.at, "why": reason}
    desk.results.correct(
        case,
        state,
        found.effects,
        [(version.values | decided, version.results.frames()) for version in found.versions],
        found.sourced(reason, said.at),
        found.tables,
        certificate_rows(desk, found, reason),
        # Who asked for it comes first: they do not end it (RES-8).
        recorded(
            found,
            together([proposed.by, *(str(one.by) for one in proposal.approvals)]),
            f"{case.why} ({reason})",
            said.at,
        ),
    )
    CORRECTED.passed()


@journaled
def reject(desk: Desk, number: int, who: str, why: str, now: datetime, by: Signature = NOT_SEEN) -> Case:
    """RES-7, OPS-4: rejects what is proposed for a case: nothing changes, and something else can be proposed. Raises
    `CorrectionError`, and as `sign` does."""
    with_name_and_reason(who, why, CorrectionError)
    case = numbered(desk, number)
    if case.state == terms.REJECTED:
        return case
    if case.state != terms.PROPOSED:
        raise CorrectionError(f"correction {number} is {case.state}: there is nothing to reject")
    sign(desk, exhibit_of(case), terms.REJECTED, who, why, now, by)
    rejected = State(
        state=terms.REJECTED, who=who, how=by.how, at=now, why=why, kind=case.kind, consent=case.states[-1].consent
    )
    desk.corrections.step(case, rejected)
    CASE_STATED.passed()
    return numbered(desk, number)
