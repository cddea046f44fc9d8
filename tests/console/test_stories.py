"""Ordinary stories of operations staff, in one world, clicks counted. They are played in their order: results
come out before story 12."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import asyncssh
import pytest
from playwright.sync_api import Browser

from fixtures.generate import people
from infra.ledger.door import Visit
from infra.running.postgres import EmbeddedPostgres
from parsers.feed import EXAMPLE_COMPLETE, write_feed
from pipeline.demo.rehearsal import land
from pipeline.intake.ingest import ingest
from pipeline.watching.alerts import INGEST_SILENT, alert, tell
from tests.console.clerk import Clerk
from tests.console.world import NAMED_BY, World, furnished, served
from tests.support import CENTRE, ON_TIME, REGISTERED, centre_file, name_of

OTHER = "98765"


@pytest.fixture(scope="module")
def world(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with furnished(postgres, tmp_path_factory.mktemp("stories"), "stories") as made, served(made):
        yield made


@pytest.fixture
def clerk(browser: Browser, world: World) -> Iterator[Clerk]:
    context = browser.new_context(extra_http_headers={NAMED_BY: "clerk"}, base_url=world.url)
    context.set_default_timeout(30_000)
    someone = Clerk(context.new_page())
    someone.begin()
    yield someone
    context.close()


def test_1_have_you_had_our_file_and_what_did_you_answer(clerk: Clerk) -> None:
    clerk.search(CENTRE)
    clerk.click("X6412315.X01")
    assert "Outcome\naccepted" in clerk.reads()
    assert "REPLY X6412315.X01" in clerk.page.locator("pre.reply").inner_text()
    assert "E5.641230001" in clerk.page.locator("pre.original").inner_text()
    assert clerk.clicks == 1


def test_2_we_have_a_reply_here_what_is_it_about(clerk: Clerk) -> None:
    clerk.search("x6412315.x06")
    assert clerk.page.get_by_role("heading", level=1).inner_text() == "E6412315.X09"
    assert clerk.clicks == 0


def test_3_which_candidate_has_this_uln(clerk: Clerk) -> None:
    uln = list(people(CENTRE, 4, seed=1))[1]["uln"]
    clerk.search(f"{uln[:3]} {uln[3:]}")
    assert clerk.page.get_by_role("heading", level=1).inner_text() == f"Candidate 0002 of centre {CENTRE}"
    assert uln not in clerk.page.url
    assert clerk.clicks == 0


def test_4_who_of_ours_gets_no_result_and_why(clerk: Clerk) -> None:
    clerk.search("School 64123")
    said = clerk.reads()
    assert "every component will be complete, but certification is not claimed CRT-1\t1\t0004" in said
    assert "only our staff can still do it" in said  # the windows of that series have closed
    assert "None is missing." in said
    assert clerk.clicks == 0


def test_ops_2_when_was_this_school_last_here(clerk: Clerk, world: World) -> None:
    clerk.search(CENTRE)
    assert "Last log-in (SFTP)\nnone in the last year" in clerk.reads()
    world.desk.door.visited({(CENTRE, "SHA256:made-up"): Visit(logged_in=world.now)})
    clerk.page.reload()
    assert "Last log-in (SFTP)\n11 August 2024 12:00 BST" in clerk.reads()
    assert "Last fetched a file\nnever" in clerk.reads()
    assert clerk.clicks == 0


def test_mod_3_our_system_said_that_everything_is_marked(clerk: Clerk, world: World) -> None:
    feed = write_feed([EXAMPLE_COMPLETE | {"centre": CENTRE, "option": "BEN02"}])
    land(world.desk, f"feeds/online/{CENTRE}/said.csv", feed, ON_TIME)
    ingest(world.desk, ON_TIME + timedelta(minutes=1))
    clerk.page.set_extra_http_headers({NAMED_BY: "reader"})
    clerk.search(f"{CENTRE} said.csv".split()[1])
    assert "you have said that your marks of BEN02 in May/June 2024 are complete" in clerk.reads()
    clerk.click("Who did what")
    assert "marking system (stated)\tmarks complete" in clerk.reads()
    assert clerk.clicks == 1


def test_reg_8_why_do_we_pay_for_her_again(clerk: Clerk, world: World) -> None:
    her = next(iter(people(CENTRE, 1, seed=1))) | {"candidate": "0077"}
    at = REGISTERED + timedelta(days=30)
    data = centre_file(
        ("BEN22",), letter="A", centre="58201", series="9B23", body="13", sequence=2, count=1, changed=her
    )
    land(world.desk, f"inbox/58201/{name_of(data)}", data, at)
    ingest(world.desk, at + timedelta(minutes=1))
    clerk.page.set_extra_http_headers({NAMED_BY: "reader"})  # who may not see personal data
    clerk.page.goto("/resultsday/files?centre=58201&every=1&code=REGISTERED_ALREADY")
    clerk.page.get_by_role("link", name=re.compile(r"^\d+$")).first.click()
    assert "candidate 0077 is registered for BEN22 already, at another centre; this registration" in clerk.reads()
    assert "customer services: they move a learner from another centre without a fee" in clerk.reads()


def test_a_list_is_sorted_and_gone_back_to(clerk: Clerk) -> None:
    clerk.click("Files")
    clerk.page.get_by_label("of all series").check()
    clerk.click("Show", "button", clerk.page.locator("form.choose"))
    newest = clerk.page.locator("main table tbody tr").first.inner_text()
    clerk.click("Received", within=clerk.page.locator("main"))
    assert clerk.page.locator("th[aria-sort=ascending]").inner_text().startswith("Received")
    oldest = clerk.page.locator("main table tbody tr").first.inner_text()
    assert oldest != newest
    clerk.page.reload()
    assert clerk.page.locator("main table tbody tr").first.inner_text() == oldest
    clerk.page.go_back()
    assert clerk.page.locator("main table tbody tr").first.inner_text() == newest
    outcomes = clerk.page.get_by_label("Outcome").locator("option").all_inner_texts()
    assert len(outcomes) == len(set(outcomes))
    assert clerk.clicks == 3


def test_5_cal_3_can_we_have_longer_for_the_marks(clerk: Clerk) -> None:
    clerk.search(CENTRE)
    clerk.click("Extend a deadline")
    clerk.choose("Deadline", "marks_deadline")
    clerk.fill("Last day", "2024-05-01")
    clerk.click("Show the effect", "button")
    assert "is not later" in clerk.page.get_by_role("alert").inner_text()
    clerk.fill("Last day", "2024-09-20")
    clerk.click("Show the effect", "button")
    assert "Ends for this centre\n16 May 2024 00:00 BST" in clerk.reads()
    assert "Would end for this centre\n21 September 2024 00:00 BST" in clerk.reads()
    clerk.page.reload()
    clerk.fill("Why (it is recorded with your name)", "a fire at the school")
    clerk.click("Do it, as clerk", "button")
    assert "20 September 2024" in clerk.page.get_by_label("Its deadlines").inner_text()
    assert "extension" in clerk.page.locator("#acted").inner_text()
    assert clerk.clicks == 5


def test_6_crt_1_we_forgot_to_claim_for_somebody(clerk: Clerk, world: World) -> None:
    clerk.search(f"{CENTRE}/0004")
    clerk.click(CENTRE)
    clerk.click("Claim an award")
    clerk.fill("Candidate number", "0004")
    clerk.choose("Cash-in code", "BEN99")
    clerk.click("Show the effect", "button")
    assert "Options new\n0004 BEN99" in clerk.reads()
    assert "It costs\nGBP 0.00" in clerk.reads()
    clerk.fill("Why (it is recorded with your name)", "asked by telephone")
    clerk.click("Do it, as clerk", "button")
    assert ingest(world.desk, world.now).outcomes == {"accepted": 1}
    clerk.page.reload()
    assert "certification is not claimed" not in clerk.reads()
    assert clerk.clicks == 5


def test_7_ent_2_take_it_back(clerk: Clerk, world: World) -> None:
    clerk.search(CENTRE)
    clerk.click("Withdraw an entry or a claim")
    clerk.fill("Candidate number", "0004")
    clerk.choose("Option", "BEN99")
    clerk.click("Show the effect", "button")
    assert "Options withdrawn\n0004 BEN99" in clerk.reads()
    clerk.fill("Why (it is recorded with your name)", "the wrong learner")
    clerk.click("Do it, as clerk", "button")
    assert ingest(world.desk, world.now).outcomes == {"accepted": 1}
    clerk.page.reload()
    assert "certification is not claimed" in clerk.reads()
    assert clerk.clicks == 4


def test_8_reg_1_is_this_centre_approved(clerk: Clerk) -> None:
    clerk.search(CENTRE)
    clerk.click("Decide about an approval")
    clerk.choose("Qualification", "BZS22")
    clerk.choose("Decision", "granted")
    clerk.fill("From (day)", "2024-09-01")
    clerk.click("Show the effect", "button")
    assert "On record\nnothing" in clerk.reads()
    clerk.fill("Why (it is recorded with your name)", "the visit went well")
    clerk.click("Do it, as clerk", "button")
    assert clerk.page.url.endswith("#acted")
    assert clerk.clicks == 5


def test_9_here_is_our_new_key(clerk: Clerk, world: World) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519", comment="Exams office")
    clerk.search(CENTRE)
    clerk.click("Add a key")
    clerk.fill("Public key, as the centre sent it", key.export_private_key().decode())
    clerk.click("Show the effect", "button")
    assert "this is a private key" in clerk.page.get_by_role("alert").inner_text()
    clerk.fill("Public key, as the centre sent it", key.export_public_key().decode())
    clerk.click("Show the effect", "button")
    assert key.get_fingerprint() in clerk.reads()
    clerk.fill("Why (it is recorded with your name)", "a new computer")
    clerk.click("Do it, as clerk", "button")
    assert [held.fingerprint for held in world.desk.keys.valid(CENTRE, world.now)] == [key.get_fingerprint()]
    assert clerk.clicks == 4


def test_10_fil_3_this_file_is_held_what_now(clerk: Clerk, world: World) -> None:
    clerk.click("Quarantine")
    clerk.click("Decide file")
    clerk.clicks += 1
    clerk.page.get_by_label("Ignore").check()
    clerk.page.get_by_label("Why").first.fill("sent by mistake")
    clerk.click("Do it, as clerk", "button")
    assert "HELD_CLOSED" in clerk.reads()
    clerk.page.goto(f"{world.url}/resultsday/quarantine")
    assert "No file is held." in clerk.reads()
    assert clerk.clicks == 4


def test_15_ent_7_she_goes_to_another_school_now(clerk: Clerk, world: World) -> None:
    her = next(iter(people(CENTRE, 1, seed=1)))
    for data, at in (
        (centre_file(("BEN22",), centre=OTHER, series="9B23", body="13", count=1, changed=her), REGISTERED),
        (centre_file(("BEN01",), centre=OTHER, count=1, changed=her), ON_TIME),
    ):
        land(world.desk, f"inbox/{OTHER}/{name_of(data)}", data, at)
        ingest(world.desk, at + timedelta(minutes=5))
    clerk.click("Work")
    clerk.click(
        f"candidate 0001, BEN01 in 2024-06, held at centre {CENTRE} School {CENTRE} as candidate 0001: move the learner"
    )
    said = clerk.reads()
    assert f"To\ncentre {OTHER} School {OTHER}, as candidate 0001" in said
    assert clerk.clicks == 2


def test_11_res_2_why_did_somebody_get_this_grade(clerk: Clerk, world: World) -> None:
    reader = clerk.page.context.browser
    assert reader
    context = reader.new_context(extra_http_headers={NAMED_BY: "reader"}, base_url=world.url)
    someone = Clerk(context.new_page())
    someone.begin()
    someone.search(f"{CENTRE}/0002")
    said = someone.reads()
    assert "Results are under embargo (RES-2): May/June 2024, to centres 21 August 2024 00:01 BST" in said
    assert "UMS" not in said
    world.release()
    someone.page.reload()
    said = someone.reads()
    assert "50 raw is 75 UMS, L2D" in said
    assert "embargo" not in said
    assert not [learner["uci"] for learner in people(CENTRE, 4, seed=1) if learner["uci"] in said]
    assert someone.clicks == 0
    context.close()


def test_12_is_everything_out_and_nothing_early(clerk: Clerk) -> None:
    clerk.click("Night")
    said = clerk.reads()
    assert "released\tcentres\t3\t3\t21 August 2024 00:01 BST" in said
    assert "refreshes itself every 30 seconds" in said
    with clerk.page.expect_download() as report:
        clerk.click("Report: nothing early, everything out (CSV)")
    told = report.value.path().read_text(encoding="utf-8")
    assert told.count(",out,") == 5
    assert "EARLY" not in told
    assert clerk.clicks == 2


def test_13_ops_3_who_extended_that_deadline(clerk: Clerk) -> None:
    clerk.click("Who did what")
    clerk.choose("What", "extension")
    clerk.click("Show", "button", clerk.page.locator("main"))
    assert "\tclerk\textension\t64123\t" in clerk.reads()
    assert "a fire at the school" in clerk.reads()
    with clerk.page.expect_download() as export:
        clerk.click("CSV of all 1")
    assert "a fire at the school" in export.value.path().read_text(encoding="utf-8")
    assert clerk.clicks == 4


def test_res_7_a_mark_was_wrong_it_is_corrected_and_the_effect_is_seen_first(clerk: Clerk, world: World) -> None:
    clerk.click("Corrections")
    clerk.click("Open a correction")
    clerk.fill("About (64123/0001/BEN03, several by comma; BEN03 for everybody's)", f"{CENTRE}/0002/BEN99")
    clerk.choose("Kind", "error_of_the_board")
    clerk.fill("Requested by", "centre 64123")
    clerk.fill("Why (it is recorded with your name)", "page 4 was not marked")
    clerk.click("Open it, as clerk", "button")
    assert "nothing is issued in" in clerk.page.get_by_role("alert").inner_text()
    clerk.fill("About (64123/0001/BEN03, several by comma; BEN03 for everybody's)", f"{CENTRE}/0002/BEN01")
    clerk.click("Open it, as clerk", "button")
    clerk.fill(
        "Marks: 64123/0001/BEN03=60, =absent, =void or =back, one a line",
        f"{CENTRE}/0002/BEN01=20",
    )
    clerk.click("Show the effect", "button")
    assert "Outcome\nlowered" in clerk.reads()
    assert f"2024-06\t{CENTRE}\t0002\tBEN01\t50 raw, 75 UMS, L2D\t20 raw" in clerk.reads()
    assert not world.desk.corrections.all()[-1].proposed
    clerk.fill("Why (for the record, and for the letter to the centre)", "page 4 was counted twice")
    clerk.click("Propose it, as clerk", "button")
    assert "Proposed\nby clerk" in clerk.reads()
    clerk.click("Decide about what is proposed")
    clerk.clicks += 1
    clerk.page.get_by_label("Reject").check()
    clerk.fill("Why", "page 4 was right")
    clerk.click("Say it, as clerk", "button")
    assert world.desk.corrections.all()[-1].state == "rejected"
    assert clerk.clicks == 10


def test_res_8_a_learner_is_withheld_after_results_day_and_released(clerk: Clerk, world: World) -> None:
    clerk.click("Corrections")
    clerk.click("Withhold results")
    clerk.fill("Centre (empty: every one)", CENTRE)
    clerk.fill("Candidate number (empty: every one)", "0003")
    clerk.click("Show the effect", "button")
    assert "Outcome\nwithheld" in clerk.reads()
    clerk.fill("Why (it is recorded with your name)", "malpractice, case 17")
    clerk.click("Propose it, as clerk", "button")
    clerk.click("Decide about what is proposed")
    clerk.clicks += 1
    clerk.page.get_by_label("Approve").check()
    clerk.fill("Why", "I have read the file")
    clerk.click("Say it, as clerk", "button")
    clerk.click("Corrections")
    assert f"2024-06\t{CENTRE}\t0003\tevery one" in clerk.reads()
    clerk.click("Release", "button")
    assert "On record\nwithheld" in clerk.reads()
    clerk.fill("Why (it is recorded with your name)", "nothing was found")
    clerk.click("Do it, as clerk", "button")
    assert "Nothing is withheld." in clerk.reads()
    reader = {NAMED_BY: "reader"}
    assert clerk.page.request.get("/resultsday/corrections", headers=reader).status == 200
    assert clerk.page.request.get("/resultsday/withholding/put", headers=reader).status == 403
    assert clerk.clicks == 10


def test_what_needs_a_person_is_on_the_work_list_until_it_is_solved_or_closed(clerk: Clerk, world: World) -> None:
    world.desk.store.put(f"inbox/{CENTRE}/E6412315.X07.part", b"E1")
    clerk.click("Work")
    assert f"unfinished upload\t{CENTRE}\tE6412315.X07.part, 2 bytes (FIL-4)" in clerk.reads()
    before = clerk.page.locator("tbody tr").count()
    clerk.page.locator("input[name=chosen]").first.check()
    clerk.click("Take …", "button")
    assert "Take 1 item" in clerk.reads()
    clerk.fill("Note", "I ring them up")
    clerk.click("Do it, as clerk", "button")
    assert "in hand: clerk\tI ring them up" in clerk.reads()
    clerk.page.locator("input[name=chosen]").first.check()
    clerk.click("Close …", "button")
    clerk.fill("Why", "they send it again tomorrow")
    clerk.click("Do it, as clerk", "button")
    assert clerk.page.locator("tbody tr").count() == before - 1
    clerk.click("Who did what")
    assert "work closed" in clerk.reads()
    assert "they send it again tomorrow" in clerk.reads()


def test_awd_1_a_boundary_is_moved_on_the_page_and_nothing_is_recorded(clerk: Clerk, world: World) -> None:
    before = world.desk.results.conversions("2024-06")
    clerk.click("Boundaries")
    clerk.fill("L2D from", "51")
    clerk.click("What if?", "button")
    assert "BEN01 L2D from 48 [placeholder] to 51" in clerk.reads()
    assert "51" not in clerk.page.url.partition("/resultsday")[2]
    assert "Moved\t0\t5\t0" in clerk.page.get_by_label("What it would do").inner_text()
    clerk.fill("L2D from", "20")
    clerk.click("What if?", "button")
    assert "This cannot be" in clerk.page.get_by_role("alert").inner_text()
    assert world.desk.results.conversions("2024-06") == before
    assert clerk.page.request.get("/resultsday/boundaries", headers={NAMED_BY: "reader"}).status == 403


def test_14_reg_6_a_name_is_wrong_and_put_right_and_back(clerk: Clerk, world: World) -> None:
    def name() -> str:
        held = world.desk.ledger.registrations_of([CENTRE]).filter(candidate="0003")
        return str(held["name"][-1])

    before = name()
    for new, why in (("Newname: Ann", "the birth certificate"), (before, "it was right before")):
        clerk.begin()
        clerk.search(f"{CENTRE}/0003")
        clerk.click(CENTRE)
        clerk.click("Put a name or a date of birth right")
        clerk.fill("Candidate number", "0003")
        clerk.fill("The right name, as SURNAME:FORENAMES; empty: as it is", new)
        clerk.click("Show the effect", "button")
        assert f"Centre {CENTRE} School {CENTRE}\nname becomes what you typed" in clerk.reads()
        assert "Costs\nnothing" in clerk.reads()
        assert "Newname" not in clerk.page.url
        clerk.fill("Why (it is recorded with your name)", why)
        clerk.click("Do it, as clerk", "button")
        assert "details corrected" in clerk.page.locator("#acted").inner_text()
        assert clerk.clicks == 4
    assert name() == before


def test_16_reg_10_a_school_has_another_name_and_one_is_new(clerk: Clerk, world: World) -> None:
    clerk.search(CENTRE)
    clerk.click("Change the register")
    clerk.fill("Name", "Riverside School")
    clerk.click("Show the effect", "button")
    assert f"Name\nSchool {CENTRE} becomes Riverside School" in clerk.reads()
    clerk.fill("Why (it is recorded with your name)", "a letter of the head")
    clerk.click("Do it, as clerk", "button")
    assert f"Centre {CENTRE} Riverside School" in clerk.reads()
    clerk.search("13131")
    clerk.click("Add centre 13131 to the register")
    clerk.fill("Name", "Hilltop School")
    clerk.click("Show the effect", "button")
    clerk.fill("Why (it is recorded with your name)", "approved by the board")
    clerk.click("Do it, as clerk", "button")
    assert "Centre 13131 Hilltop School" in clerk.reads()
    assert clerk.clicks == 6


def test_ops_3_an_alert_is_taken_on_and_its_kind_silenced_for_a_while(clerk: Clerk, world: World) -> None:
    def told() -> list[str]:
        found = [alert(INGEST_SILENT, f"{number}", minutes=20 + number) for number in range(2)]
        return [one.key for one in tell(world.desk.settings, world.desk.watch, found, world.now)]

    assert told() == ["INGEST_SILENT:0", "INGEST_SILENT:1"]
    clerk.click("Alerts")
    clerk.click("Acknowledge INGEST_SILENT")
    clerk.click("Show the effect", "button")
    assert "No ingest has succeeded for 20 minutes." in clerk.reads()
    clerk.fill("Why (it is recorded with your name)", "I look at the scheduler")
    clerk.click("Do it, as clerk", "button")
    assert "clerk: “I look at the scheduler”" in clerk.reads()
    clerk.click("Silence INGEST_SILENT")
    clerk.fill("Last day", f"{world.now + timedelta(days=30):%Y-%m-%d}")
    clerk.click("Show the effect", "button")
    assert "at most 7 days" in clerk.page.get_by_role("alert").inner_text()
    clerk.fill("Last day", f"{world.now + timedelta(days=1):%Y-%m-%d}")
    clerk.click("Show the effect", "button")
    clerk.fill("Why (it is recorded with your name)", "the machine is moved")
    clerk.click("Do it, as clerk", "button")
    assert "INGEST_SILENT until" in clerk.reads()
    found = alert(INGEST_SILENT, "moved", minutes=60)
    assert tell(world.desk.settings, world.desk.watch, [found], world.now) == []
    assert tell(world.desk.settings, world.desk.watch, [found], world.now + timedelta(days=3)) == [found]
    clerk.click("End it for INGEST_SILENT")
    clerk.click("Show the effect", "button")
    clerk.fill("Why (it is recorded with your name)", "it is back")
    clerk.click("Do it, as clerk", "button")
    assert world.desk.watch.silenced(world.now) == {}
    clerk.click("Who did what")
    assert clerk.reads().count("alert silenced") >= 2
    assert clerk.clicks == 12


def test_ent_3_a_further_sitting_is_granted_with_its_effect_shown_first(clerk: Clerk, world: World) -> None:
    clerk.search(CENTRE)
    clerk.click("Grant a further sitting")
    clerk.fill("Candidate number", "0001")
    clerk.choose("Component", "BEN01")
    clerk.fill("How many", "1")
    clerk.click("Show the effect", "button")
    assert "Would be\n1 of BEN01" in clerk.reads()
    clerk.fill("Why (it is recorded with your name)", "ill on the day")
    clerk.click("Do it, as clerk", "button")
    assert world.desk.actions.allowances([CENTRE])["number"].to_list() == [1]
    assert "extra sitting" in clerk.page.locator("#acted").inner_text()
    assert clerk.clicks == 4
