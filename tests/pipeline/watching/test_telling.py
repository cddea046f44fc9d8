"""Centres that want it are told what is new in their outboxes, by a real mail server and a real webhook; the desk's own
webhook is told what became of each file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from attrs import evolve

from infra.host import free_port
from infra.notify import Delivery
from infra.settings import Settings
from infra.store import FolderStore
from pipeline.awarding.award import award
from pipeline.centres.orders import CentreEdit, CentreError, edit_centre
from pipeline.console.worklist import ALERTS, items
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from pipeline.results.release import approve, release
from pipeline.watching import telling
from pipeline.watching.bounces import came_back
from pipeline.watching.news import kind_of
from pipeline.watching.telling import Telling, message_id, tell_centres
from rules.centres import LONGEST_ADDRESS, TOLD, tells
from tests.mailbox import Mailbox, certificate, mail_server, webhook
from tests.pipeline.inbox import land
from tests.pipeline.results_season import AWARDED, TO_CENTRES, WHO, WHY, build, play, series
from tests.support import CENTRE, centre_file

NOW = datetime.now(UTC)
"""The store's own clock says when a file is new."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OFFICE = "exams@riverside.example"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as running:
        yield running


@pytest.fixture
def desk(fresh: Settings, box: Mailbox) -> Iterator[Desk]:
    with open_desk(evolve(fresh, alert_smtp_port=box.port, alert_seconds=5)) as desk:
        yield desk


def wants(desk: Desk, told: str = OFFICE, at: datetime = NOW - HOUR, centre: str = CENTRE) -> None:
    assert edit_centre(desk, centre, CentreEdit(told=told), at, WHO, WHY)


def sends(desk: Desk, name: str = "E6412315.X01", number: int = 1) -> None:
    land(desk, f"{CENTRE}/{name}", centre_file(("BEN01",), count=1, sequence=number), NOW - 2 * HOUR)
    ingest(desk, NOW - HOUR)


def letter(desk: Desk, name: str, words: str, at: datetime = NOW) -> None:
    desk.store.put(f"outbox/{CENTRE}/{name}", words.encode())
    assert isinstance(desk.store, FolderStore)
    os.utime(desk.store.root / "outbox" / CENTRE / name, (at.timestamp(), at.timestamp()))


def untold(desk: Desk) -> list[str]:
    return [item.words for item in items(desk, desk.console.work(ALERTS), (), "2024-06") if item.kind == "untold"]


# --- By mail ---------------------------------------------------------------------------------------------------------


def test_ops_10_a_centre_that_wants_it_gets_a_line_for_its_reply_and_nothing_about_a_person(
    desk: Desk, box: Mailbox
) -> None:
    sends(desk)
    assert tell_centres(desk, NOW) == Telling()  # it has not asked for it
    wants(desk)
    assert tell_centres(desk, NOW) == Telling(fresh=1, told=1)
    [mail] = box.mails
    assert (mail["To"], mail["Subject"]) == (OFFICE, f"Resultsday: 1 new file in the outbox of centre {CENTRE}")
    [line] = [line.strip() for line in str(mail.get_content()).splitlines() if "E6412315" in line]
    outcome = desk.ledger.sent([CENTRE], 1)["outcome"][0]
    assert line == f"E6412315.X01: {outcome}, reply X6412315.X01"
    assert tell_centres(desk, NOW + DAY) == Telling()
    assert len(box.mails) == 1


def test_ops_10_a_centre_gets_one_message_in_ten_minutes_and_the_next_has_what_came_meanwhile(
    desk: Desk, box: Mailbox
) -> None:
    wants(desk)
    letter(desk, "sample-2024-06-BEN02.txt", "draw")
    assert tell_centres(desk, NOW).told == 1
    letter(desk, "checkpoint-2024-06-award.txt", "three learners")
    letter(desk, "feedback-2024-06-BEN02.txt", "well done")
    assert tell_centres(desk, NOW + 5 * MINUTE) == Telling(fresh=2)
    assert tell_centres(desk, NOW + 10 * MINUTE - timedelta(seconds=1)) == Telling()
    assert tell_centres(desk, NOW + 10 * MINUTE) == Telling(told=1)
    last = str(box.mails[-1].get_content())
    assert "2 new files" in last
    assert "checkpoint-2024-06-award.txt" in last
    assert "feedback-2024-06-BEN02.txt" in last
    assert len(box.mails) == 2


def test_ops_10_what_says_the_same_again_is_no_news_and_what_says_something_else_is(desk: Desk, box: Mailbox) -> None:
    wants(desk)
    letter(desk, "checkpoint-2024-06-award.txt", "three learners", NOW - 3 * MINUTE)
    assert tell_centres(desk, NOW).told == 1
    letter(desk, "checkpoint-2024-06-award.txt", "three learners", NOW - 2 * MINUTE)
    assert tell_centres(desk, NOW + HOUR) == Telling()
    letter(desk, "checkpoint-2024-06-award.txt", "two learners", NOW - MINUTE)
    assert tell_centres(desk, NOW + HOUR) == Telling(fresh=1, told=1)


def test_ops_10_what_was_there_before_the_centre_asked_is_no_news_and_nobody_is_told_who_no_longer_asks(
    desk: Desk, box: Mailbox
) -> None:
    letter(desk, "checkpoint-2024-06-award.txt", "three learners", NOW - 2 * HOUR)
    wants(desk, at=NOW - HOUR)
    assert tell_centres(desk, NOW) == Telling()
    letter(desk, "sample-2024-06-BEN02.txt", "draw", NOW)
    wants(desk, "", at=NOW + MINUTE)
    assert tell_centres(desk, NOW + 2 * MINUTE) == Telling()
    # Another postcode or address in between changes nothing of since when it asks.
    wants(desk, at=NOW - MINUTE, centre="10001")
    assert edit_centre(desk, "10001", CentreEdit(postcode="ZZ1 9ZZ"), NOW + MINUTE, WHO, WHY)
    wants(desk, "other@riverside.example", at=NOW + 2 * MINUTE, centre="10001")
    told = desk.register.told()["10001"]
    assert (told.to, told.since, told.here) == ("other@riverside.example", NOW - MINUTE, NOW + 2 * MINUTE)


def test_ops_10_a_name_that_a_sender_made_up_is_told_to_nobody(desk: Desk, box: Mailbox) -> None:
    wants(desk)
    sends(desk, "Anna Example failed.txt")
    assert tell_centres(desk, NOW).told == 1
    text = str(box.mails[0].get_content())
    assert "Anna" not in text
    assert "a file with another name: " in text


def test_ops_10_of_more_than_fifty_files_the_rest_is_counted(desk: Desk, box: Mailbox) -> None:
    wants(desk)
    for number in range(53):
        letter(desk, f"correction-{number:02}.txt", f"{number}")
    assert tell_centres(desk, NOW).told == 1
    text = str(box.mails[0].get_content())
    assert "53 new files" in text
    assert "  and 3 more" in text
    assert text.count("a correction of results") == 50


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("X6412315.X01", "reply"),
        ("R6412315.X01", "results"),
        ("sample-2024-06-BEN02.txt", "sample"),
        ("claims-2024-06.txt", "claims"),
        ("X6412315.X01.json", None),
        ("index.html", None),
        ("entries.csv", None),
        ("statement-2024-06.csv", None),
        ("TRIAL-E6412315.X01.txt", None),
    ],
)
def test_ops_10_kinds_of_files_of_which_centres_are_told(name: str, kind: str | None) -> None:
    found = kind_of(name)
    assert (found.name if found else None) == kind


# --- When it fails ---------------------------------------------------------------------------------------------------


def test_ops_10_a_mail_server_that_is_gone_delays_no_reply_and_the_centre_is_told_later(
    desk: Desk, box: Mailbox
) -> None:
    wants(desk)
    gone = evolve(desk, settings=evolve(desk.settings, alert_smtp_port=free_port()))
    sends(gone)
    assert gone.store.get(f"outbox/{CENTRE}/X6412315.X01")
    assert tell_centres(gone, NOW) == Telling(fresh=1, not_told=1)
    assert untold(desk) == []
    assert tell_centres(gone, NOW + HOUR) == Telling(not_told=1)
    assert untold(desk) == ["1 news, last answer: ConnectionRefusedError. Look at the e-mail address (OPS-10)"]
    assert tell_centres(desk, NOW + 2 * HOUR) == Telling(told=1)
    assert (untold(desk), len(box.mails)) == ([], 1)


def test_ops_10_a_receiver_that_answers_too_late_gets_the_same_message_a_few_times_and_then_hourly(
    desk: Desk, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wants(desk)
    letter(desk, "sample-2024-06-BEN02.txt", "draw")
    late = Delivery(taken=False, answer="no answer within 10 seconds")
    with monkeypatch.context() as patch:
        patch.setattr(telling, "deliver", lambda *_: late)
        runs = [tell_centres(desk, NOW + 5 * n * MINUTE).not_told for n in range(12 * 5)]
        assert [5 * n for n, tried in enumerate(runs) if tried] == [0, 10, 20, 40, 80, 140, 200, 260]
        wants(desk, "head@riverside.example", at=NOW + 262 * MINUTE)
        assert tell_centres(desk, NOW + 265 * MINUTE).not_told == 1  # at another address at once
    assert tell_centres(desk, NOW + 5 * HOUR).told == 0
    assert tell_centres(desk, NOW + 6 * HOUR).told == 1


def test_ops_10_an_address_that_nobody_knows_is_on_the_work_list_until_another_takes_it(
    desk: Desk, box: Mailbox
) -> None:
    box.refuses.add(OFFICE)
    wants(desk)
    sends(desk)
    assert tell_centres(desk, NOW) == Telling(fresh=1, not_told=1)
    assert untold(desk) == ["1 news, last answer: mail server: 550. Look at the e-mail address (OPS-10)"]
    assert tell_centres(desk, NOW + HOUR) == Telling()  # not every five minutes
    assert tell_centres(desk, NOW + DAY) == Telling(not_told=1)
    wants(desk, "head@riverside.example", at=NOW + DAY + MINUTE)
    assert untold(desk) == []
    assert tell_centres(desk, NOW + DAY + 2 * MINUTE) == Telling(told=1)
    assert [mail["To"] for mail in box.mails] == ["head@riverside.example"]


REPORT = """\
From: MAILER-DAEMON@mail.example
To: resultsday@localhost
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example

Final-Recipient: rfc822; Exams@riverside.example
Action: {action}
Status: {status}

--b
Content-Type: {kind}

From: resultsday@localhost
Message-ID: {about}
Subject: a message

--b--
"""


def report(about: str, action: str = "failed", status: str = "5.1.1", kind: str = "message/rfc822") -> bytes:
    return REPORT.format(about=about, action=action, status=status, kind=kind).encode()


def test_ops_10_a_mail_that_comes_back_later_is_on_the_work_list_too(desk: Desk, box: Mailbox) -> None:
    wants(desk)
    sends(desk)
    assert tell_centres(desk, NOW).told == 1
    about = str(box.mails[0]["Message-ID"])
    for nothing in (b"", b"no mail at all", report(about, "delayed")):
        assert came_back(desk, nothing, NOW + MINUTE) == []
    assert came_back(desk, report(about), NOW + MINUTE) == [CENTRE]
    assert untold(desk) == ["1 news, last answer: came back: 5.1.1. Look at the e-mail address (OPS-10)"]
    wants(desk, "head@riverside.example", at=NOW + HOUR)
    assert tell_centres(desk, NOW + 2 * HOUR).told == 1
    assert [mail["To"] for mail in box.mails] == [OFFICE, "head@riverside.example"]
    assert untold(desk) == []


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers", "message/rfc822-headers"])
def test_ops_10_a_report_counts_once_and_only_about_a_message_of_ours(desk: Desk, box: Mailbox, kind: str) -> None:
    wants(desk)
    letter(desk, "sample-2024-06-BEN02.txt", "draw")
    assert tell_centres(desk, NOW).told == 1
    first = str(box.mails[0]["Message-ID"])
    assert first == f"<{message_id(CENTRE, NOW)}@{desk.settings.alert_mail_from.partition('@')[2]}>"
    letter(desk, "checkpoint-2024-06-award.txt", "three learners")
    assert tell_centres(desk, NOW + HOUR).told == 1
    for forged in ("<made.up@elsewhere.example>", "", f"<{message_id(CENTRE, NOW + MINUTE)}@localhost>"):
        assert came_back(desk, report(forged, kind=kind), NOW + HOUR) == []
    assert came_back(desk, report(first, kind=kind), NOW + HOUR) == [CENTRE]
    assert [len(waiting.notices) for waiting in desk.told.waiting([CENTRE]).values()] == [1]  # of that message alone
    assert tell_centres(desk, NOW + 2 * DAY).told == 1
    assert came_back(desk, report(first, kind=kind), NOW + 2 * DAY) == []  # handed in again
    assert untold(desk) == []


@pytest.mark.parametrize("status", ["", "  ", "\0", "5.1.1\0", "\x1b[31m"])
def test_ops_10_whatever_a_report_says_as_its_status_the_message_came_back(
    desk: Desk, box: Mailbox, status: str
) -> None:
    wants(desk)
    letter(desk, "sample-2024-06-BEN02.txt", "draw")
    assert tell_centres(desk, NOW).told == 1
    assert came_back(desk, report(str(box.mails[0]["Message-ID"]), status=status), NOW + MINUTE) == [CENTRE]
    said = "5.1.1" if "5.1.1" in status else "undeliverable"
    assert untold(desk) == [f"1 news, last answer: came back: {said}. Look at the e-mail address (OPS-10)"]


class KilledError(Exception):
    """The run ends here."""


def _killed(*_: object) -> None:
    raise KilledError


def test_ops_10_a_run_that_is_killed_before_or_after_it_has_told_tells_at_most_once_more(
    desk: Desk, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wants(desk)
    sends(desk)
    with monkeypatch.context() as patch:  # what is new is in the queue, nobody is told
        patch.setattr(telling, "_due", _killed)
        with pytest.raises(KilledError):
            tell_centres(desk, NOW)
    assert box.mails == []
    with monkeypatch.context() as patch:  # the centre is told, and that is not on record
        patch.setattr(type(desk.told), "told", _killed)
        with pytest.raises(KilledError):
            tell_centres(desk, NOW)
    assert len(box.mails) == 1
    assert [tell_centres(desk, NOW + n * HOUR).told for n in range(3)] == [1, 0, 0]
    assert len(box.mails) == 2


def test_ops_10_two_runs_never_tell_at_the_same_time(desk: Desk, box: Mailbox) -> None:
    wants(desk)
    sends(desk)
    with desk.ledger.exclusive("telling"), open_desk(desk.settings) as other:
        assert tell_centres(other, NOW).note().startswith("NOTHING TOLD: another run has the turn")
    assert box.mails == []


# --- Under embargo ---------------------------------------------------------------------------------------------------


def test_ops_10_res_2_of_results_nobody_is_told_before_they_are_out(desk: Desk, box: Mailbox) -> None:
    play(desk)
    wants(desk)
    may_june = series(desk)
    tell_centres(desk, NOW)
    told = len(box.mails)
    awarding = build(desk, award(desk, may_june, AWARDED).awarding, AWARDED).awarding
    approve(desk, awarding, WHO, WHY, AWARDED)
    tell_centres(desk, NOW + DAY)
    assert len(box.mails) == told
    release(desk, may_june, "centres", TO_CENTRES)
    assert tell_centres(desk, NOW + 2 * DAY).told == 1
    lines = [line for line in str(box.mails[-1].get_content()).splitlines() if line.startswith("  ")]
    assert lines == ["  results: R6412315.X01"]


# --- By webhook ------------------------------------------------------------------------------------------------------


def test_ops_10_a_centre_can_be_told_by_webhook_over_https_and_our_token_stays_with_us(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    ours = evolve(desk, settings=evolve(desk.settings, alert_webhook_token="our own"))
    with webhook(trusted) as hook:
        wants(desk, hook.url)
        sends(desk)
        hook.answer = 503
        assert tell_centres(ours, NOW) == Telling(fresh=1, not_told=1)
        hook.answer = 204
        assert tell_centres(ours, NOW + MINUTE) == Telling()
        assert tell_centres(ours, NOW + 10 * MINUTE) == Telling(told=1)
        headers, content = hook.taken[-1]
        hook.answer = 404
        letter(desk, "sample-2024-06-BEN02.txt", "draw")
        assert tell_centres(ours, NOW + HOUR) == Telling(fresh=1, not_told=1)
    assert "Authorization" not in headers
    assert (content["centre"], content["count"]) == (CENTRE, 1)
    [news] = content["news"]
    assert (news["file"], news["kind"]) == ("X6412315.X01", "reply")
    assert untold(desk) == ["1 news, last answer: webhook: 404. Look at the webhook address (OPS-10)"]


def test_ops_10_the_desks_own_webhook_gets_each_file_once_and_in_order(fresh: Settings) -> None:
    with webhook() as hook:
        settings = evolve(fresh, file_webhook=hook.url, alert_webhook_token="our own", alert_seconds=5)
        with open_desk(settings) as desk:
            assert tell_centres(desk, NOW - DAY) == Telling()  # from now on
            sends(desk)
            sends(desk, "Anna Example.txt")
            hook.answer = 500
            assert tell_centres(desk, NOW) == Telling(failed=True)
            hook.answer, before = 204, len(hook.taken)
            assert tell_centres(desk, NOW) == Telling(posted=2)
            assert tell_centres(desk, NOW) == Telling()
            posted = [content for _, content in hook.taken[before:]]
            outcomes = desk.ledger.sent([CENTRE], 9).sort("received")["outcome"].to_list()
    assert hook.taken[-1][0]["Authorization"] == "Bearer our own"
    assert [one["reply"] for one in posted] == ["X6412315.X01", "X6412315.X02"]
    assert [one["file"] for one in posted] == ["E6412315.X01", "a file with another name"]
    assert sorted(one["outcome"] for one in posted) == sorted(outcomes)
    assert {one["centre"] for one in posted} == {CENTRE}


def test_ops_10_files_that_the_desks_webhook_refuses_do_not_stop_those_behind_them(fresh: Settings) -> None:
    with webhook() as hook:
        settings = evolve(fresh, file_webhook=hook.url, alert_seconds=5)
        with open_desk(settings) as desk:
            tell_centres(desk, NOW - DAY)  # from now on
            for number in range(12):
                sends(desk, f"{number}.txt")
            hook.refused = lambda body: 422 if body["reply"] != "X6412315.X12" else 0
            done = tell_centres(desk, NOW)
            assert done == Telling(posted=1, refused=11)
            assert done.note().endswith("1 files posted, 11 refused for good.")
            assert len(hook.taken) == 12
            assert tell_centres(desk, NOW) == Telling()  # not posted again


@pytest.mark.parametrize("answer", [302, 401, 403, 404, 405, 407, 410, 429, 500, 503])
def test_ops_10_files_wait_for_a_desks_webhook_whose_address_or_token_is_wrong(fresh: Settings, answer: int) -> None:
    with webhook() as hook:
        settings = evolve(fresh, file_webhook=hook.url, alert_seconds=5)
        with open_desk(settings) as desk:
            tell_centres(desk, NOW - DAY)  # from now on
            sends(desk)
            sends(desk, "Anna Example.txt")
            hook.answer = answer
            assert tell_centres(desk, NOW) == Telling(failed=True)
            assert len(hook.taken) == 1
            hook.answer = 204
            assert tell_centres(desk, NOW) == Telling(posted=2)


# --- In the register -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["exams", "a@b", "a@b.example, c@d.example", "http://riverside.example/hook", "https://", "a b@c.example",
     "a@b.example\r\nBcc: c@d.example", f"{'a' * 60}@{'b' * 190}.example",
     "a\x7fb@c.example", "a\u200bb@c.example", "\u00e9va@c.example", "a(c)@b.example", "[a]@b.example", "a@[10.0.0.1]",
     "a..b@c.example", ".a@c.example", "a:b@c.example", "a@b\u00fccher.example",
     "https://a.example/\u202e", "https://a.example/\u00e9", "https://a.example/'", "https://a.example/a b",
     "https://a.example/\x1b"],
)  # fmt: skip
def test_reg_10_an_address_at_which_nobody_can_be_told_is_refused(work: Desk, address: str) -> None:
    with pytest.raises(CentreError, match="one e-mail address, or the address of a webhook"):
        edit_centre(work, CENTRE, CentreEdit(told=address), NOW, WHO, WHY)
    assert len(address) > LONGEST_ADDRESS or not pl.Series([address]).str.contains(TOLD).any()  # as the feed asks


@pytest.mark.parametrize(
    "address",
    ["", "exams@riverside.example", "o'neill+exams.office@st-anne.sch.example", "a_b{c}|d~e@x.example",
     "https://hooks.example/in/Az09-._~!$&()*+,;=:@%20?a=b#c[1]"],
)  # fmt: skip
def test_reg_10_addresses_at_which_a_centre_can_be_told(address: str) -> None:
    assert tells(address)
    assert pl.Series([address]).str.contains(TOLD).all()  # as the feed asks


@pytest.mark.parametrize("address", ["a\0b@c.example", "a@b.example\n", "https://a.example/\0", "\0"])
def test_fil_7_no_address_of_a_centre_has_a_nul_or_the_end_of_a_line(address: str) -> None:
    assert not tells(address)
    assert not pl.Series([address]).str.contains(TOLD).any()  # as the feed asks
