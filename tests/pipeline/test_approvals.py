"""Approvals (OPS-4): who decides, about what exactly, and how many people it takes."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from attrs import evolve, fields_dict
from click.testing import CliRunner, Result

from infra.ledger.approvals import THE_DESK, ApprovalBook, Proposal, Said, Signer
from infra.ledger.results import Awarding
from infra.settings import SettingError, Settings
from infra.store import FolderStore
from pipeline.approvals import (
    KINDS,
    ApprovalError,
    Exhibit,
    Signature,
    decide,
    listed,
    open_decision,
    persons,
    put_forward,
    record,
    settle,
    sign,
    unlisted,
)
from pipeline.awarding.award import approve_boundaries, award, take_boundaries
from pipeline.awarding.preview import preview
from pipeline.cli import main
from pipeline.desk import Desk, open_desk
from pipeline.results.explain import explain, text
from pipeline.results.release import ReleaseError, release, withdraw
from rules import terms
from tests.pipeline.results_of import BOUNDARIES, NOW, feed, june, played
from tests.pipeline.results_season import AWARDED, BUILT, SECOND, TO_CENTRES, build, play, series

JANE, JOHN, EVE = (Signer(name, terms.BY_CONSOLE) for name in ("jane", "john", "eve"))
AT = datetime(2024, 8, 15, 12, tzinfo=UTC)
APPROVERS = "jane = jclerk, john"
WAITING = 4
"""The number under which the results wait, behind three exceptions."""


@pytest.fixture
def built(fresh: Settings) -> Awarding:
    """A version that waits under embargo."""
    with open_desk(fresh) as desk:
        play(desk)
        awarding = build(desk, award(desk, series(desk), AWARDED).awarding, BUILT).awarding
        preview(desk, awarding)
    return awarding


@pytest.fixture
def one(fresh: Settings, built: Awarding) -> Desk:
    """A desk that asks one person; results wait."""
    with open_desk(fresh) as desk:
        put_forward(desk, AT, people=1)
        return desk


@pytest.fixture
def two(fresh: Settings, built: Awarding) -> Desk:
    """A desk that asks two."""
    with open_desk(evolve(fresh, approvals=2, approvers=APPROVERS)) as desk:
        put_forward(desk, AT, people=2)
        return desk


def state(desk: Desk) -> str:
    newest = desk.results.newest("2024-06")
    assert newest
    return newest.state


# --- Bound to what was shown -----------------------------------------------------------------------------------------


def test_ops_4_the_hash_is_of_everything_that_is_shown_and_of_nothing_else() -> None:
    shown = Exhibit(kind="k", subject="s", title="t", facts=(("a", "b"),), files={"reports/x": "1" * 64})
    assert evolve(shown, title="other").sha256 == shown.sha256
    changed = [
        evolve(shown, kind="l"), evolve(shown, subject="z"), evolve(shown, facts=(("a", "c"),)),
        evolve(shown, facts=(("a", "b"), ("a", "b"))), evolve(shown, files={"reports/x": "2" * 64}),
        evolve(shown, files={}),
    ]  # fmt: skip
    assert len({exhibit.sha256 for exhibit in (shown, *changed)}) == 7


def test_ops_4_results_are_shown_with_every_hash_and_every_page(one: Desk, built: Awarding) -> None:
    exhibit = KINDS[terms.RESULTS].acts.exhibit(one, "2024-06 version 1")
    assert dict(exhibit.facts)["Manifest of the files under embargo"] == f"SHA-256 {built.manifest_sha256}"
    assert dict(exhibit.facts)["Results"] == f"SHA-256 {built.sha256}"
    pages = [stored.key for stored in one.store.list("reports/award/2024-06/1/")]
    assert sorted(exhibit.files) == sorted(pages)
    assert len(pages) == 8


@pytest.mark.parametrize("page", ["index.html", "boundaries.csv"])
def test_ops_4_what_has_changed_since_it_was_shown_is_not_approved(one: Desk, page: str) -> None:
    [proposal] = listed(one)
    key = f"reports/award/2024-06/1/{page}"
    one.store.put(key, one.store.get(key) + b" ")
    with pytest.raises(ApprovalError, match="what you were shown is no longer what would be decided: it has SHA-256"):
        decide(one, proposal.id, terms.APPROVED, JANE, "seen", AT)
    assert (state(one), listed(one)[0].said) == ("built", ())
    assert put_forward(one, AT) == ("results 2024-06 version 1",)
    [anew] = listed(one)
    assert (anew.id > proposal.id, anew.sha256 != proposal.sha256) == (True, True)
    # Neither the number nor the hash of before decides about what is there now.
    for shown in ("", proposal.sha256):
        with pytest.raises(ApprovalError, match="no longer"):
            decide(one, proposal.id, terms.APPROVED, JANE, "seen", AT, shown)
    assert decide(one, anew.id, terms.APPROVED, JANE, "seen", AT).state == terms.APPROVED
    assert state(one) == "approved"


@pytest.mark.parametrize("why", ["", " \u00a0", "\u200b", "..."])
def test_ops_3_a_decision_needs_a_reason_that_can_be_read(one: Desk, why: str) -> None:
    with pytest.raises(ApprovalError, match="a decision needs a reason"):
        decide(one, WAITING, terms.APPROVED, JANE, why, AT)
    assert listed(one)[0].said == ()


def test_ops_4_a_file_changed_under_embargo_is_refused_and_nothing_is_on_record(one: Desk, built: Awarding) -> None:
    first = one.results.files(built)[0]
    one.store.put(first.embargoed, one.store.get(first.embargoed) + b" ")
    with pytest.raises(ReleaseError, match="not as they were built"):
        decide(one, WAITING, terms.APPROVED, JANE, "seen", AT)
    assert (state(one), listed(one)[0].said) == ("built", ())


def test_ops_4_new_boundaries_make_an_approval_of_the_old_ones_impossible(work: Desk) -> None:
    played(work)
    work.store.put("feeds/boundaries/june.csv", feed({"BEN01": BOUNDARIES}))
    take_boundaries(work, datetime(2100, 1, 1, tzinfo=UTC))
    put_forward(work, NOW)
    [proposal] = listed(work)
    work.store.put("feeds/boundaries/again.csv", feed({"BEN01": {**BOUNDARIES, "L2D": 49}}))
    take_boundaries(work, datetime(2100, 1, 1, tzinfo=UTC))
    with pytest.raises(ApprovalError, match="no longer"):
        decide(work, proposal.id, terms.APPROVED, JANE, "seen", NOW)
    assert work.results.conversions("2024-06") == []


# --- How many people -------------------------------------------------------------------------------------------------


def test_ops_4_one_person_is_asked_where_one_is_set(one: Desk) -> None:
    decided = decide(one, WAITING, terms.APPROVED, EVE, "as previewed", AT)
    assert (decided.state, state(one)) == (terms.APPROVED, "approved")
    newest = one.results.newest("2024-06")
    assert newest
    assert (newest.decided_by, newest.decided_at, newest.why) == ("eve", AT, "as previewed")


def test_ops_4_two_are_asked_and_only_the_second_decides(two: Desk) -> None:
    decided = decide(two, WAITING, terms.APPROVED, JANE, "as previewed", AT)
    assert (decided.state, decided.lacking, state(two)) == (terms.PROPOSED, 1, "built")
    with pytest.raises(ReleaseError, match="is built and not approved"):
        release(two, series(two), "centres", TO_CENTRES + SECOND)
    decided = decide(two, WAITING, terms.APPROVED, JOHN, "I agree", AT + SECOND)
    assert (decided.state, decided.lacking, state(two)) == (terms.APPROVED, 0, "approved")
    newest = two.results.newest("2024-06")
    assert newest
    assert (newest.decided_by, newest.why) == ("jane and john", "as previewed; I agree")
    assert newest.decided_at == AT + SECOND


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (JANE, "jane has approved this already"),
        (Signer("JANE ", terms.BY_CONSOLE), "jane has approved this already"),
        (Signer("jane", terms.BY_ACCOUNT), "jane has approved this already"),
        (Signer("JClerk", terms.BY_ACCOUNT), "jane has approved this already"),  # her system account, by the setting
        (EVE, "eve may not decide: where 2 people are asked, RESULTSDAY_APPROVERS names them"),
        (Signer("root", terms.BY_ACCOUNT), "system account root may not decide"),
        (Signer("john", terms.PLAYED), "nobody has verified who john is"),
    ],
)  # fmt: skip
def test_ops_4_the_second_is_another_person_whom_the_desk_knows(two: Desk, second: Signer, words: str) -> None:
    decide(two, WAITING, terms.APPROVED, JANE, "as previewed", AT)
    with pytest.raises(ApprovalError, match=words):
        decide(two, WAITING, terms.APPROVED, second, "once more", AT + SECOND)
    assert (state(two), len(listed(two)[0].said)) == ("built", 1)


def test_ops_4_a_name_with_an_accent_is_one_person_however_it_is_coded(two: Desk) -> None:
    composed, decomposed = "ren\u00e9", "Rene\u0301"
    settings = evolve(two.settings, approvers=f"{composed},{decomposed},john")
    two = evolve(two, settings=settings)
    assert len(set(persons(settings).values())) == 2
    decide(two, WAITING, terms.APPROVED, Signer(composed, terms.BY_CONSOLE), "as previewed", AT)
    with pytest.raises(ApprovalError, match="has approved this already"):
        decide(two, WAITING, terms.APPROVED, Signer(decomposed, terms.BY_CONSOLE), "once more", AT + SECOND)


def test_ops_4_one_person_under_two_names_at_the_same_moment_is_one(two: Desk) -> None:
    before = two.approvals.numbered(WAITING)
    assert before
    exhibit = KINDS[before.kind].acts.exhibit(two, before.subject)
    decide(two, WAITING, terms.APPROVED, JANE, "as previewed", AT)
    # Her other account has looked at the proposal before that, and says it now.
    late = evolve(two, approvals=_AsItWas(two, before))
    by = Signature(how=terms.BY_ACCOUNT, people=2, shown=before.sha256)
    with pytest.raises(ApprovalError, match="jane has approved this already"):
        sign(late, exhibit, terms.APPROVED, "jclerk", "I agree", AT + SECOND, by)
    assert [said.by for said in listed(two)[0].said] == [JANE]


class _AsItWas(ApprovalBook):
    """A book in which somebody has looked a moment ago."""

    def __init__(self, desk: Desk, before: Proposal) -> None:
        super().__init__(desk.approvals._engine)
        self._before = before

    def newest(self, kind: str, subject: str) -> Proposal | None:
        """As it was."""
        return self._before


def test_ops_4_who_put_it_forward_does_not_approve_it(two: Desk) -> None:
    key = "reports/award/2024-06/1/index.html"
    two.store.put(key, two.store.get(key) + b" ")
    put_forward(two, AT, "Jane", terms.BY_ACCOUNT, 2)
    with pytest.raises(ApprovalError, match="system account Jane put this forward and cannot approve it"):
        decide(two, WAITING + 1, terms.APPROVED, JANE, "mine", AT)
    assert state(two) == "built"


def test_ops_4_a_lower_number_set_later_asks_no_fewer(two: Desk) -> None:
    alone = evolve(two, settings=evolve(two.settings, approvals=1))
    assert decide(alone, WAITING, terms.APPROVED, JANE, "alone", AT).lacking == 1
    with pytest.raises(ApprovalError, match="jane has approved this already"):
        decide(alone, WAITING, terms.APPROVED, JANE, "still alone", AT + SECOND)
    assert state(two) == "built"


def test_ops_4_a_higher_number_set_later_asks_more(one: Desk) -> None:
    both = evolve(one, settings=evolve(one.settings, approvals=2, approvers=APPROVERS))
    assert decide(both, WAITING, terms.APPROVED, JANE, "one of two", AT).lacking == 1
    assert state(one) == "built"


def test_ops_4_a_single_rejection_is_enough_whoever_approved_before(two: Desk) -> None:
    decide(two, WAITING, terms.APPROVED, JANE, "as previewed", AT)
    decided = decide(two, WAITING, terms.REJECTED, JANE, "I was wrong", AT + SECOND)
    assert (decided.state, state(two)) == (terms.REJECTED, "withdrawn")
    with pytest.raises((ApprovalError, ReleaseError)):
        decide(two, WAITING, terms.APPROVED, JOHN, "I agree", AT + 2 * SECOND)
    assert state(two) == "withdrawn"


def test_ops_4_a_kind_may_count_who_put_it_forward_as_one_of_two(one: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, terms.RESULTS, evolve(KINDS[terms.RESULTS], proposer_counts=True))
    both = evolve(one, settings=evolve(one.settings, approvals=2, approvers=APPROVERS))
    key = "reports/award/2024-06/1/index.html"
    both.store.put(key, both.store.get(key) + b" ")
    put_forward(both, AT, "jane", terms.BY_CONSOLE, 2)
    with pytest.raises(ApprovalError, match="cannot approve it"):
        decide(both, WAITING + 1, terms.APPROVED, JANE, "mine", AT)
    assert decide(both, WAITING + 1, terms.APPROVED, JOHN, "I agree", AT).state == terms.APPROVED
    assert state(both) == "approved"


def test_ops_4_a_proposal_alone_approves_nothing() -> None:
    def proposal(people: int, *who: str) -> Proposal:
        said = tuple(Said(by=Signer(name, terms.BY_CONSOLE), verdict=terms.APPROVED, people=people, at=AT, why="w")
                     for name in who)  # fmt: skip
        return Proposal(id=1, kind="k", subject="s", sha256="", people=people, counts=True, by=JANE, at=AT, said=said)

    assert [proposal(1).lacking, proposal(2).lacking, proposal(3).lacking] == [1, 1, 2]
    assert [proposal(2, "john").state, proposal(3, "john").state] == [terms.APPROVED, terms.PROPOSED]


def test_ops_4_less_than_one_person_cannot_be_set() -> None:
    with pytest.raises(SettingError, match="RESULTSDAY_APPROVALS must be at least 1"):
        Settings.load({"RESULTSDAY_APPROVALS": "0"})
    assert Settings.load({"RESULTSDAY_APPROVALS": "2"}).approvals == 2


# --- Put forward -----------------------------------------------------------------------------------------------------


def test_ops_4_what_waits_is_put_forward_once_and_what_was_rejected_only_when_it_is_asked_again(work: Desk) -> None:
    played(work)
    work.store.put("feeds/boundaries/june.csv", feed({"BEN01": BOUNDARIES}))
    take_boundaries(work, datetime(2100, 1, 1, tzinfo=UTC))
    assert unlisted(work)
    assert put_forward(work, NOW) == ("boundaries 2024-06",)
    assert (unlisted(work), put_forward(work, NOW), put_forward(work, NOW, again=True)) == (False, (), ())
    assert open_decision(work, terms.BOUNDARIES, "2024-06")
    rejected = decide(work, 1, terms.REJECTED, JANE, "too low", NOW)
    assert (rejected.state, listed(work)) == (terms.REJECTED, [])
    # As a job does that was killed when it had done its work.
    decide(work, 1, terms.REJECTED, JANE, "too low", NOW)
    assert work.approvals.newest(terms.BOUNDARIES, "2024-06") == rejected
    assert not open_decision(work, terms.BOUNDARIES, "2024-06")
    with pytest.raises(ApprovalError, match="was rejected by jane: it must be put forward again"):
        decide(work, 1, terms.APPROVED, JOHN, "never mind", NOW)
    assert put_forward(work, NOW) == ()
    assert put_forward(work, NOW, again=True) == ("boundaries 2024-06",)
    assert open_decision(work, terms.BOUNDARIES, "2024-06")
    assert decide(work, 2, terms.APPROVED, JOHN, "looked again", NOW).state == terms.APPROVED
    assert len(work.results.conversions("2024-06")) == 1
    done = work.actions.everything("").select("action", "who", "why").rows()
    assert done == [("boundaries_approved", "john", "looked again"), ("boundaries_rejected", "jane", "too low")]


def test_ops_4_what_was_said_without_effect_is_made_up_for(one: Desk) -> None:
    """A process that died between what somebody said and what follows from it."""
    exhibit = KINDS[terms.RESULTS].acts.exhibit(one, "2024-06 version 1")
    assert sign(one, exhibit, terms.APPROVED, "jane", "seen", AT, Signature(how=terms.BY_CONSOLE)).lacking == 0
    assert state(one) == "built"
    assert decide(one, WAITING, terms.APPROVED, JANE, "pressed again", AT + SECOND).state == terms.APPROVED
    assert state(one) == "approved"
    newest = one.results.newest("2024-06")
    assert newest
    assert newest.why == "seen"


def test_ops_4_where_the_console_cannot_reach_the_embargo_a_job_that_can_does_what_was_decided(
    one: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = FolderStore.get

    def without_embargo(store: FolderStore, key: str) -> bytes:
        if key.startswith("embargo/"):
            raise PermissionError(key)
        return get(store, key)

    with monkeypatch.context() as console:
        console.setattr(FolderStore, "get", without_embargo)
        decided = decide(one, WAITING, terms.APPROVED, JANE, "as previewed", AT)
    assert (decided.state, state(one)) == (terms.APPROVED, "built")
    assert settle(one, terms.RESULTS) == 1
    newest = one.results.newest("2024-06")
    assert newest
    assert (newest.state, newest.decided_by, newest.decided_at) == ("approved", "jane", AT)
    assert settle(one, terms.RESULTS) == 0


def test_ops_4_what_has_changed_since_it_was_decided_does_not_take_effect(one: Desk) -> None:
    exhibit = KINDS[terms.RESULTS].acts.exhibit(one, "2024-06 version 1")
    sign(one, exhibit, terms.APPROVED, "jane", "seen", AT, Signature(how=terms.BY_CONSOLE))
    key = "reports/award/2024-06/1/index.html"
    one.store.put(key, one.store.get(key) + b" ")
    with pytest.raises(ApprovalError, match="no longer"):
        settle(one, terms.RESULTS)
    assert state(one) == "built"


def test_ops_4_every_kind_is_declared_whole() -> None:
    rules = {kind.rule for kind in KINDS.values()}
    assert rules >= {"AWD-1", "AWD-7", "MOD-2", "RES-2"}
    for kind in KINDS.values():
        for function in ("waiting", "exhibit", "approve", "reject"):
            assert callable(getattr(kind.acts, function)), (kind.name, function)


# --- On record -------------------------------------------------------------------------------------------------------


def test_ops_4_names_times_and_hash_are_in_the_report_of_the_release_and_explained(two: Desk) -> None:
    decide(two, WAITING, terms.APPROVED, JANE, "as previewed", AT)
    decided = decide(two, WAITING, terms.APPROVED, Signer("john", terms.BY_ACCOUNT), "I agree", AT + SECOND)
    release(two, series(two), "centres", TO_CENTRES + SECOND)
    page = two.store.get("reports/results/2024-06/1/centres.html").decode()
    told = "\n".join(text(explain(two, "64123", "0001")))
    for words in ("by the desk", "jane, 15 August 2024 13:00 BST", "by log-in to the console", "system account john"):
        assert words in page
        assert words in " ".join(told.split())
    assert decided.sha256 in page
    assert decided.sha256 in "".join(told.split())


def test_ops_4_what_nobody_decided_has_no_record() -> None:
    assert record(None) == ()
    assert str(THE_DESK) == "the desk"
    assert str(Signer("eve", terms.BY_ACCOUNT)) == "system account eve"


# --- On the command line ---------------------------------------------------------------------------------------------


@pytest.fixture
def command(one: Desk) -> Callable[..., Result]:
    def run(*words: str, **env: str) -> Result:
        return CliRunner().invoke(main, ["approvals", *words], env=one.settings.environment() | env)

    return run


def test_ops_4_on_the_command_line_it_is_the_system_account_whatever_the_environment_says(
    one: Desk, command: Callable[..., Result]
) -> None:
    done = command("approve", f"{WAITING}", "--why", "seen", USER="admin", LOGNAME="admin", SUDO_USER="admin")
    account = pwd.getpwuid(os.getuid()).pw_name
    assert done.output == f"results 2024-06 version 1: approved, on record as system account {account}.\n"
    proposal = one.approvals.numbered(WAITING)
    assert proposal
    assert [(str(said.by), said.why) for said in proposal.said] == [(f"system account {account}", "seen")]
    assert command("approve", f"{WAITING}", "--why", "seen", "--who", "admin").exit_code == 2


def test_ops_4_where_two_are_asked_an_account_that_is_not_named_is_refused_in_a_sentence(
    one: Desk, command: Callable[..., Result]
) -> None:
    done = command("approve", f"{WAITING}", "--why", "seen", RESULTSDAY_APPROVALS="2")
    assert (done.exit_code, "RESULTSDAY_APPROVERS names them" in done.output) == (1, True)
    done = command(
        "approve", f"{WAITING}", "--why", "s", RESULTSDAY_APPROVALS="2", RESULTSDAY_APPROVERS=str(_account())
    )
    assert done.output == (
        f"results 2024-06 version 1: approved by system account {_account()}; 1 more must approve.\n"
    )
    assert state(one) == "built"


def test_ops_4_where_two_are_asked_only_who_may_decide_withdraws_results(one: Desk) -> None:
    words = ("results", "withdraw", "2024-06", "--why", "mine")
    two_asked = one.settings.environment() | {"RESULTSDAY_APPROVALS": "2", "RESULTSDAY_APPROVERS": "jane"}
    done = CliRunner().invoke(main, words, env=two_asked)
    assert (done.exit_code, "RESULTSDAY_APPROVERS names them" in done.output) == (1, True)
    assert state(one) == "built"
    done = CliRunner().invoke(main, words, env=two_asked | {"RESULTSDAY_APPROVERS": _account()})
    assert (done.exit_code, state(one)) == (0, "withdrawn")


def test_ops_4_whoever_calls_it_only_who_may_decide_withdraws_results(two: Desk, built: Awarding) -> None:
    strangers = {terms.BY_CONSOLE: ("clerk", "RESULTSDAY_APPROVERS names them"), terms.STATED: ("jane", "verified")}
    for how, (who, why) in strangers.items():
        with pytest.raises(ApprovalError, match=why):
            withdraw(two, built, who, "mine", AT, Signature(how=how))
    with pytest.raises(ApprovalError, match="nobody has verified"):
        withdraw(two, built, "jane", "mine", AT)
    assert state(two) == "built"
    assert withdraw(two, built, JANE.who, "a boundary is wrong", AT, Signature(how=JANE.how)).state == terms.WITHDRAWN


def test_ops_4_who_rejected_results_while_they_could_is_not_asked_again_when_it_takes_effect(
    two: Desk, built: Awarding
) -> None:
    exhibit = KINDS[terms.RESULTS].acts.exhibit(two, "2024-06 version 1")
    sign(two, exhibit, terms.REJECTED, JANE.who, "a boundary is wrong", AT, Signature(how=JANE.how, people=2))
    assert state(two) == "built"  # her door could not reach the embargo
    left = evolve(two, settings=evolve(two.settings, approvers="john,mary"))
    settle(left, terms.RESULTS)
    assert state(left) == "withdrawn"


def _account() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


# --- The journal -----------------------------------------------------------------------------------------------------


def test_res_6_a_decision_is_journaled_with_how_the_person_was_known(two: Desk) -> None:
    decide(two, WAITING, terms.APPROVED, JANE, "as previewed", AT)
    entry = two.journal.all()[-1]
    assert entry.job == "approve_results"
    signature = entry.arguments["by"]["Signature"]
    assert set(signature) == set(fields_dict(Signature))
    assert (signature["how"], signature["people"]) == (terms.BY_CONSOLE, 2)
    assert "as previewed" in json.dumps(entry.arguments)


def test_awd_1_boundaries_approved_without_two_people_are_not_used(work: Desk) -> None:
    both = evolve(work, settings=evolve(work.settings, approvals=2, approvers=APPROVERS))
    played(both)
    both.store.put("feeds/boundaries/june.csv", feed({"BEN01": BOUNDARIES}))
    take_boundaries(both, datetime(2100, 1, 1, tzinfo=UTC))
    by = Signature(how=terms.BY_CONSOLE, people=2)
    assert approve_boundaries(both, june(both), "jane", "the meeting's", NOW, by) is None
    assert both.results.conversions("2024-06") == []
    assert approve_boundaries(both, june(both), "john", "the meeting's", NOW, by) == 1
    [table] = both.results.conversions("2024-06")
    assert table.approved_by == "jane and john"
