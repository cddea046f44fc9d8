"""Thirteen ordinary stories of operations staff, in one world, clicks counted. They are played in their order: results
come out before the last three."""

from __future__ import annotations

from collections.abc import Iterator

import asyncssh
import pytest
from playwright.sync_api import Browser

from fixtures.generate import people
from infra.running.postgres import EmbeddedPostgres
from pipeline.intake.ingest import ingest
from tests.console.clerk import Clerk
from tests.console.world import NAMED_BY, World, furnished, served
from tests.support import CENTRE


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
    assert "None is missing." in said
    assert clerk.clicks == 0


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
    assert "Moved\t0\t5\t0" in clerk.page.get_by_label("What it would do").inner_text()
    clerk.fill("L2D from", "20")
    clerk.click("What if?", "button")
    assert "This cannot be" in clerk.page.get_by_role("alert").inner_text()
    assert world.desk.results.conversions("2024-06") == before
    assert clerk.page.request.get("/resultsday/boundaries", headers={NAMED_BY: "reader"}).status == 403
