"""Approvals in the ledger (OPS-4): what was put forward, by its SHA-256, and who approved or rejected it, when, why,
and how the desk knows who they are. Rows are added, never changed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from attrs import asdict, frozen
from sqlalchemy import ColumnElement, Connection, Engine, case, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on

from infra.ledger.tables import approvals, proposals
from rules import terms

_SPOKEN = {
    terms.BY_CONSOLE: "{who}",
    terms.BY_ACCOUNT: "system account {who}",
    terms.BY_THE_DESK: "the desk",
    terms.BY_APPROVAL: "{who}",
    terms.STATED: "{who} (stated)",
    terms.PLAYED: "{who}",
}


def spoken(who: ColumnElement[Any], how: ColumnElement[Any]) -> ColumnElement[str]:
    """SQL for a person as on record: what `Signer` says; empty where nobody is named."""
    told = {known: form.split("{who}") for known, form in _SPOKEN.items() if known != terms.BY_THE_DESK}
    each = {known: literal(before) + who + literal(after) for known, (before, after) in told.items()}
    return case((who == "", literal("")), else_=case(each, value=how, else_=who))


@frozen
class Signer:
    """Somebody, and how the desk knows who they are."""

    who: str
    how: str

    def __str__(self) -> str:
        """As it stands on record and on pages: a system account is shown as such."""
        return _SPOKEN[self.how].format(who=self.who)

    @property
    def person(self) -> str:
        """What tells people apart: an account of the same name is the same person."""
        return plain_name(self.who)


def plain_name(name: str) -> str:
    """OPS-4: a name as names of people are compared: capitals, and how accents are coded, make no other person."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def reads_as_another(name: str) -> bool:
    """Whether a log-in's name would stand on record as another's: as a system account, the desk, a stated name, or
    people who did something together; or as the same name once more, by spaces that nobody sees."""
    others = {form.format(who="") for form in _SPOKEN.values()} - {""}
    plain = name.casefold()
    marks = (" and ", *(form.strip() for form in others))
    return name != " ".join(name.split()) or not name.isprintable() or any(mark in plain for mark in marks)


@frozen
class Order:
    """Who does something, why, when (aware), and how the desk knows who they are (OPS-3, OPS-4)."""

    who: str
    why: str
    at: datetime
    how: str = terms.STATED

    @property
    def by(self) -> Signer:
        """Who does it, as on record."""
        return Signer(self.who, self.how)


def with_name_and_reason(who: str, why: str, refusal: type[Exception]) -> None:
    """OPS-3: raises `refusal` unless it is said who does something, and why; every door that staff come by asks it."""
    if not (says_something(who) and says_something(why)):
        raise refusal("say who is doing this and why (OPS-3)")


def says_something(text: str) -> bool:
    """Whether a name or a reason has a letter or a digit: spaces that nobody sees and dots are none."""
    return any(character.isalnum() for character in text)


THE_DESK = Signer("", terms.BY_THE_DESK)
NOT_PUT_FORWARD = 0
"""The number of a proposal that is not on record."""
VERIFIED = (terms.BY_CONSOLE, terms.BY_ACCOUNT)
"""How the desk knows people whom it has verified."""


@frozen(kw_only=True)
class Said:
    """What one person said about a proposal: `approved` or `rejected`. `people`: how many were asked for then; `at` is
    aware."""

    by: Signer
    verdict: str
    people: int
    at: datetime
    why: str


@frozen(kw_only=True)
class Proposal:
    """Something that people approve, and what they have said so far, in order. `people`: how many were asked for when
    it was put forward; `counts`: whether who did that is one of them. `at` is aware."""

    id: int
    kind: str
    subject: str
    sha256: str
    people: int
    counts: bool
    by: Signer
    at: datetime
    said: tuple[Said, ...] = ()

    @property
    def asked(self) -> int:
        """How many people must stand for it: the most that were asked for at any time."""
        return max(self.people, *(said.people for said in self.said), 1)

    @property
    def approvals(self) -> tuple[Said, ...]:
        """Who has approved it, in order."""
        return tuple(said for said in self.said if said.verdict == terms.APPROVED)

    @property
    def lacking(self) -> int:
        """How many people are still asked for."""
        proposer = self.counts and self.by.how in VERIFIED
        return max(self.asked - len(self.approvals) - proposer, 0 if self.approvals else 1)

    @property
    def rejection(self) -> Said | None:
        """Who has rejected it; a single rejection is enough."""
        return next((said for said in self.said if said.verdict == terms.REJECTED), None)

    @property
    def state(self) -> str:
        """`proposed`, `approved` or `rejected`."""
        if self.rejection:
            return terms.REJECTED
        return terms.APPROVED if self.lacking == 0 else terms.PROPOSED


class ApprovalBook:
    """The record of proposals and of what people said about them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def propose(
        self, kind: str, subject: str, sha256: str, people: int, by: Signer, at: datetime, *, counts: bool = False
    ) -> Proposal:
        """Puts something forward. If the newest proposal of this kind and subject is of the same hash and nobody has
        rejected it, that is returned and nothing is recorded."""
        new = Proposal(
            id=NOT_PUT_FORWARD, kind=kind, subject=subject, sha256=sha256, people=people, counts=counts, by=by, at=at
        )
        with self._engine.begin() as connection:
            return self._put(connection, new)

    def say(self, proposal: Proposal, said: Said, may: Callable[[Proposal], None] = lambda _: None) -> Proposal:
        """Records what somebody said, and puts the proposal forward with it where nobody has; returns the proposal as
        it is then. Said again, it is not recorded. `may` raises when they may not say it about the proposal as it is
        while nobody else can say anything; then nothing is recorded."""
        with self._engine.begin() as connection:
            if proposal.id == NOT_PUT_FORWARD:
                proposal = self._put(connection, proposal)
            values = {"proposal_id": proposal.id, "verdict": said.verdict, "people": said.people, "at": said.at}
            # Not by the row: who may lock it could change it (OPS-7).
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("proposals"), proposal.id)))
            [current] = self._with_words(connection, [proposal.id])
            if (said.by.person, said.verdict) not in {(other.by.person, other.verdict) for other in current.said}:
                may(current)
                connection.execute(approvals.insert().values(values | {"why": said.why, **asdict(said.by)}))
                [current] = self._with_words(connection, [proposal.id])
        return current

    def newest(self, kind: str, subject: str) -> Proposal | None:
        """The newest proposal about something; None when nobody has put it forward."""
        with self._engine.connect() as connection:
            return self._newest(connection, kind, subject)

    def numbered(self, number: int) -> Proposal | None:
        """The proposal with this number; None when there is none."""
        with self._engine.connect() as connection:
            return next(iter(self._with_words(connection, [number])), None)

    def current(self, kind: str | None = None, subjects: Sequence[str] | None = None) -> list[Proposal]:
        """The newest proposal of each kind and subject, or of these only, the newest first."""
        t = proposals.c
        query = select(t.id).ext(distinct_on(t.kind, t.subject))
        if kind is not None:
            query = query.where(t.kind == kind)
        if subjects is not None:
            query = query.where(t.subject.in_(subjects))
        with self._engine.connect() as connection:
            ids = list(connection.execute(query.order_by(t.kind, t.subject, t.id.desc())).scalars())
            return self._with_words(connection, ids)

    def _put(self, connection: Connection, new: Proposal) -> Proposal:
        about = f"proposal {new.kind} {new.subject}"
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(about))))
        newest = self._newest(connection, new.kind, new.subject)
        if newest and newest.sha256 == new.sha256 and not newest.rejection:
            return newest
        values = asdict(new, recurse=False, filter=lambda column, _: column.name not in ("id", "by", "said"))
        connection.execute(proposals.insert().values(values | asdict(new.by)))
        made = self._newest(connection, new.kind, new.subject)
        assert made
        return made

    def _newest(self, connection: Connection, kind: str, subject: str) -> Proposal | None:
        t = proposals.c
        query = select(t.id).where(t.kind == kind, t.subject == subject).order_by(t.id.desc()).limit(1)
        return next(iter(self._with_words(connection, list(connection.execute(query).scalars()))), None)

    def _with_words(self, connection: Connection, ids: Sequence[int]) -> list[Proposal]:
        """These proposals with what was said about each, the newest first."""
        t, a = proposals.c, approvals.c
        said: dict[int, list[Said]] = {}
        words = select(approvals).where(a.proposal_id.in_(ids)).order_by(a.id)
        for row in connection.execute(words).mappings():
            by = Signer(row["who"], row["how"])
            its = Said(by=by, verdict=row["verdict"], people=row["people"], at=row["at"], why=row["why"])
            said.setdefault(row["proposal_id"], []).append(its)
        rows = connection.execute(select(proposals).where(t.id.in_(ids)).order_by(t.id.desc())).mappings()
        return [
            Proposal(
                id=row["id"], kind=row["kind"], subject=row["subject"], sha256=row["sha256"], people=row["people"],
                counts=row["counts"], by=Signer(row["who"], row["how"]), at=row["at"],
                said=tuple(said.get(row["id"], ())),
            )
            for row in rows
        ]  # fmt: skip
