"""Boundaries and awardings on a real ledger and store."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from attrs import evolve
from click.testing import CliRunner, Result

from bench.ledgers import rewritten
from pipeline.awarding.award import (
    AwardError,
    Taken,
    approve_boundaries,
    award,
    award_claims,
    boundary_exhibit,
    conversion_row,
    take_boundaries,
)
from pipeline.awarding.boundary_approval import waiting
from pipeline.cli import main
from pipeline.desk import Desk
from pipeline.marking.samples import sample
from rules.conversion import ConversionError
from tests.pipeline.results_of import BOUNDARIES, NOW, feed, june, played, with_boundaries
from tests.scenario_language import Scenario, Season

MUCH_LATER = datetime.fromisoformat("2100-01-01T00:00:00+00:00")
"""Whatever was written has settled."""


def given(desk: Desk, data: bytes) -> Taken:
    desk.store.put("feeds/boundaries/june.csv", data)
    return take_boundaries(desk, MUCH_LATER)


def report(desk: Desk) -> str:
    return desk.store.get("reports/boundaries/june.txt").decode("ascii")


# --- Boundaries ------------------------------------------------------------------------------------------------------


def test_awd_1_boundaries_are_archived_proposed_reported_and_removed(work: Desk) -> None:
    assert given(work, feed({"BEN01": BOUNDARIES, "BEN03": BOUNDARIES})) == Taken(files=1, proposed=2)
    assert not [stored for stored in work.store.list("feeds/boundaries/") if stored.kind == "file"]
    assert len(list(work.store.list("archive/"))) == 1
    assert "BEN03   L2D 48, L2M 42, L2P 36, L1D 30, L1M 24, L1P 18 of 60 [placeholder]" in report(work)
    [internal, external] = work.results.conversions("2024-06", approved=False)
    assert (internal.ums[36], external.ums[36]) == (54, 72)
    assert external.grades[35:37] == ["L1D", "L2P"]
    assert work.results.conversions("2024-06") == []


def test_awd_1_a_file_that_is_still_growing_waits(work: Desk) -> None:
    # Dropped by other means than the store, whose own files are whole and do not wait.
    path = Path(work.settings.store_location) / "feeds" / "boundaries" / "june.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(feed({"BEN01": BOUNDARIES}))
    [stored] = [one for one in work.store.list("feeds/boundaries/") if one.kind == "file"]
    assert take_boundaries(work, stored.modified + timedelta(seconds=29)) == Taken()
    assert take_boundaries(work, stored.modified + timedelta(seconds=30)).files == 1


def test_awd_1_the_same_boundaries_again_propose_nothing_and_others_the_next_version(work: Desk) -> None:
    given(work, feed({"BEN01": BOUNDARIES, "BEN03": BOUNDARIES}))
    approve_boundaries(work, june(work), "A. Officer", "the meeting's", NOW)
    assert given(work, feed({"BEN01": BOUNDARIES})).proposed == 0
    assert given(work, feed({"BEN03": {**BOUNDARIES, "L2P": 35}})).proposed == 1
    assert [conversion.version for conversion in work.results.conversions("2024-06", approved=False)] == [1, 2]
    assert [conversion.boundaries["L2P"] for conversion in work.results.conversions("2024-06")] == [36, 36]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (feed({"BEN01": {**BOUNDARIES, "L2P": 42}}), "the boundary 42 of L2P is not below 42 of L2M"),
        (feed({"BEN01": {"L2D": 48}}), "there are boundaries for L2D, expected L2D, L2M, L2P, L1D, L1M, L1P"),
        (feed({"BEN01": {**BOUNDARIES, "U": 1}}), 'the grade "U" of this row cannot be used'),
        (feed({"BEN01": {**BOUNDARIES, "L2P": "3x"}}), 'the raw mark "3x" of this row cannot be used'),
        (feed({"BEN09": BOUNDARIES}), 'the component "BEN09" of this row cannot be used'),
        (feed({"BEN01": BOUNDARIES}, series="2023-09"), 'the series "2023-09" of this row cannot be used'),
        (feed({"BEN01": BOUNDARIES}, placeholder=""), 'the placeholder "" of this row cannot be used'),
        (feed({"BEN01": BOUNDARIES}) + feed({"BEN01": BOUNDARIES}).partition(b"\r\n")[2], "a grade has two boundaries"),
        (feed({}), "the file has a first line and no rows"),
        (b"series,component\r\n", "missing or wrong: grade, raw_mark, placeholder, source"),
        (b"\xff\xfe\x00", "UTF-16 text, not a file of this feed"),
    ],
)
def test_awd_1_one_bad_row_refuses_the_whole_file(work: Desk, data: bytes, said: str) -> None:
    good = feed({"BEN03": BOUNDARIES}).partition(b"\r\n")[2] if data.count(b"\r\n") > 2 else b""
    assert given(work, data + good) == Taken(files=1, refused=1)
    assert said in " ".join(report(work).split()).replace("The ", "the ")
    assert work.results.conversions(approved=False) == []
    assert not [stored for stored in work.store.list("feeds/boundaries/") if stored.kind == "file"]


def test_ops_3_an_approval_needs_who_and_why_and_is_on_record_once(work: Desk) -> None:
    with pytest.raises(AwardError, match="there are no boundaries for May/June 2024"):
        approve_boundaries(work, june(work), "A. Officer", "the meeting's", NOW)
    given(work, feed({"BEN01": BOUNDARIES}))
    for who, why in (("", "the meeting's"), ("A. Officer", " ")):
        with pytest.raises(AwardError, match="who is doing this and why"):
            approve_boundaries(work, june(work), who, why, NOW)
    assert waiting(work) == ["2024-06"]
    what, shown = boundary_exhibit(work, "2024-06").facts[0]
    assert (what, shown.partition(";")[0]) == (
        "BEN01", "L2D 48, L2M 42, L2P 36, L1D 30, L1M 24, L1P 18 of 60 raw marks [placeholder]",
    )  # fmt: skip
    assert approve_boundaries(work, june(work), "A. Officer", "the meeting's", NOW) == 1
    assert approve_boundaries(work, june(work), "A. Officer", "again", NOW) == 0
    assert waiting(work) == []
    done = work.actions.everything("").select("who", "why", "action", "series").rows()
    assert done == [("A. Officer", "the meeting's", "boundaries_approved", "2024-06")]
    [table] = work.results.conversions("2024-06")
    assert (table.approved_by, table.approved_at) == ("A. Officer", NOW)


def test_awd_2_a_table_in_which_raw_and_ums_differ_in_grade_is_refused(work: Desk) -> None:
    steep = {"L2D": 58, "L2M": 57, "L2P": 56, "L1D": 55, "L1M": 54, "L1P": 53}
    assert conversion_row(work.catalogue, "2024-06", "BEN01", steep, NOW, placeholder=True, source="ours").ums[53] == 27
    with pytest.raises(ConversionError, match="is not below the maximum"):
        conversion_row(work.catalogue, "2024-06", "BEN01", {**steep, "L2D": 60}, NOW, placeholder=True, source="ours")


# --- The award -------------------------------------------------------------------------------------------------------


@pytest.fixture
def season(work: Desk) -> Season:
    return played(work)


def awards_of(desk: Desk, series: str = "2024-06", kind: str = "series") -> dict[str, tuple[str, str, str]]:
    """Grade, outcome and reason by candidate number."""
    newest = desk.results.newest(series, [kind])
    assert newest
    frame = desk.results.frames(newest)["awards"]
    return {row[0]: row[1:] for row in frame.select("candidate", "grade", "outcome", "reason").iter_rows()}


def test_crt_2_a_series_is_awarded_counted_and_frozen(season: Season) -> None:
    with_boundaries(season.desk)
    awarded = award(season.desk, june(season.desk), NOW)
    assert awards_of(season.desk) == {
        "0001": ("L2P", "awarded", ""),
        "0002": ("L2M", "awarded", ""),
        "0003": ("L2D", "awarded", ""),
        "0004": ("L1M", "awarded", ""),
        "0005": ("", "pending", "MARK_PENDING"),
    }
    one = awarded.awarding
    assert (one.version, one.state, one.kind, one.at) == (1, "proposed", "series", NOW)
    assert one.counts["components"]["BEN03"] == {"L2P": 1, "L2D": 2, "absent": 1, "pending": 1}
    assert one.counts["qualifications"] == {"BEN22": {"L2P": 1, "L2M": 1, "L2D": 1, "L1M": 1, "pending": 1}}
    assert one.counts["reasons"] == {"MARK_PENDING": 1}
    assert (one.counts["results"], one.counts["claims"], one.counts["awarded"]) == (15, 5, 4)
    assert "4 of 5 claims awarded" in awarded.note()
    # Everybody reads the log and the notes of runs.
    assert awarded.told() == f"Awarding 2024-06 version 1 (series) is made, {awarded.awarding.sha256[:12]}."


def test_awd_4_absence_counts_as_nothing_and_is_flagged(season: Season) -> None:
    with_boundaries(season.desk)
    frames = season.desk.results.frames(award(season.desk, june(season.desk), NOW).awarding)
    absent = frames["results"].filter(pl.col("outcome") == "absent")
    assert absent.select("candidate", "component", "ums", "grade").rows() == [("0004", "BEN03", 0, "")]
    flagged = frames["awards"].filter("partial_absence")
    assert flagged["candidate"].to_list() == ["0004"]


def test_res_6_the_same_ledger_gives_the_same_hash_and_is_not_recorded_twice(season: Season) -> None:
    with_boundaries(season.desk)
    first = award(season.desk, june(season.desk), NOW).awarding
    assert award(season.desk, june(season.desk), NOW + timedelta(days=1)).awarding == first
    season.step("2024-08-14 12:00 BST | board marks BEN03 0005=30 | 1 new")
    second = award(season.desk, june(season.desk), NOW).awarding
    assert (second.version, second.sha256 != first.sha256) == (2, True)
    assert awards_of(season.desk)["0005"] == ("L2P", "awarded", "")


@pytest.mark.parametrize("unapproved", [True, False])
def test_awd_1_nothing_is_awarded_without_an_approved_table_for_every_component(
    season: Season, unapproved: bool
) -> None:
    if unapproved:
        given(season.desk, feed(dict.fromkeys(("BEN01", "BEN02", "BEN03"), BOUNDARIES)))
    else:
        with_boundaries(season.desk, {"BEN01": BOUNDARIES, "BEN02": BOUNDARIES})
    missing = "BEN01 in 2024-06, BEN02 in 2024-06, BEN03 in 2024-06" if unapproved else "for BEN03 in 2024-06"
    with pytest.raises(AwardError, match=f"no approved conversion table .*{missing}: write the boundaries"):
        award(season.desk, june(season.desk), NOW)
    assert season.desk.results.newest("2024-06") is None


def test_awd_1_nobody_entered_is_nothing_to_award(work: Desk) -> None:
    with pytest.raises(AwardError, match="nobody is entered for May/June 2024"):
        award(work, june(work), NOW)


def test_mod_2_moderation_that_has_not_ended_is_warned_of(season: Season) -> None:
    with_boundaries(season.desk)
    assert award(season.desk, june(season.desk), NOW).warnings == ()
    sample(season.desk, june(season.desk), NOW)
    awarded = award(season.desk, june(season.desk), NOW)
    assert awarded.warnings == ("2 cohorts without the moderator's marks",)
    assert "Warning: 2 cohorts" in awarded.note()


def test_res_3_released_results_are_not_awarded_again(season: Season) -> None:
    with_boundaries(season.desk)
    one = award(season.desk, june(season.desk), NOW).awarding
    season.desk.results.change(one, "released")
    with pytest.raises(AwardError, match=r"are released.*RES-3"):
        award(season.desk, june(season.desk), NOW)
    assert award(season.desk, june(season.desk), NOW, kind="reissue").awarding.version == 2


def test_awd_6_what_was_issued_is_carried_forward_and_not_computed_again(work: Desk) -> None:
    season = Season(work)
    season.play(
        Scenario(
            "award",
            "AWD-6 January is carried to June",
            (
                "2023-11-10 12:00 GMT | in 1B24 centre sends E 0001: BEN01 BEN02 | accepted",
                "2023-12-10 12:00 GMT | in 1B24 centre sends M 0001: BEN01=40 BEN02=40 | accepted",
                "2024-03-10 12:00 GMT | in 1B24 board sets boundaries 48 42 36 30 24 18 | 3 made",
                "2024-03-12 12:00 GMT | in 1B24 results are made | 0001 BEN01 graded L2P 60",
                "2024-03-21 00:01 GMT | in 1B24 results are published | files",
                "2024-02-15 12:00 GMT | centre sends E 0001: BEN03 BEN99 | accepted",
                "2024-06-20 12:00 BST | board marks BEN03 0001=40 | 1 new",
            ),
        )
    )
    with_boundaries(work)
    with rewritten(work.settings.database_url, work.store) as connection:
        # As if it had been issued with another table than the one on the books.
        connection.execute(sa.text("UPDATE results SET ums = 57 WHERE component = 'BEN01'"))
    june_results = award(work, june(work), NOW).awarding
    [used] = work.results.frames(june_results)["choices"].filter(pl.col("component") == "BEN01").iter_rows(named=True)
    assert (used["raw"], used["ums"]) == (40, 57)


def test_crt_6_later_claims_are_awarded_by_themselves(work: Desk) -> None:
    late = Season(work)
    late.play(
        Scenario(
            "award",
            "CRT-6 a claim after results day",
            (
                "2024-02-15 12:00 GMT | centre sends E BEN01 BEN02 BEN03 | accepted",
                "2024-04-15 12:00 BST | portal enters 0001 BEN99 | accepted",
                "2024-05-01 12:00 BST | centre sends M BEN01=40 BEN02=40 | accepted",
                "2024-06-20 12:00 BST | board marks BEN03 0001=40 0002=50 | 2 new",
            ),
        )
    )
    with_boundaries(work)
    first = award(work, june(work), NOW).awarding
    work.results.change(first, "released")
    assert set(awards_of(work)) == {"0001"}
    assert award_claims(work, june(work), NOW) is None

    late.step("2024-08-27 12:00 BST | staff enters 0002 BEN99 | accepted")
    later = award_claims(work, june(work), NOW + timedelta(days=14))
    assert later
    assert (later.awarding.kind, later.awarding.version) == ("claims", 2)
    assert awards_of(work, kind="claims") == {"0002": ("L2M", "awarded", "")}
    # A late claim issues the claim and nothing else (RES-7).
    assert work.results.frames(later.awarding)["results"].is_empty()
    again = award_claims(work, june(work), NOW + timedelta(days=15))
    assert again
    assert again.awarding == later.awarding
    work.results.change(later.awarding, "approved")
    assert award_claims(work, june(work), NOW + timedelta(days=15)) is None


# --- By hand ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(season: Season) -> Callable[..., Result]:
    def run(*words: str) -> Result:
        settings = evolve(season.desk.settings, settle_seconds=0)
        return CliRunner().invoke(main, list(words), env=settings.environment())

    return run


def test_awd_1_from_boundaries_to_a_preview_by_hand(season: Season, command: Callable[..., Result]) -> None:
    refused = command("award", "2024-06")
    assert refused.exit_code == 1
    assert "no approved conversion table" in refused.output
    assert "has not been awarded" in command("preview", "2024-06").output
    season.desk.store.put("feeds/boundaries/june.csv", feed(dict.fromkeys(("BEN01", "BEN02", "BEN03"), BOUNDARIES)))
    said = [
        command("boundaries", "take").output,
        command("approvals", "list").output,
        command("approvals", "approve", "1", "--why", "the meeting's").output,
        command("award", "2024-06").output,
        command("preview", "2024-06").output,
    ]
    assert "3 new conversion tables proposed" in said[0]
    assert re.match(r" +1  boundaries  2024-06 +[0-9a-f]{12}  0 of 1 approvals$", said[1])
    assert said[2].startswith("boundaries 2024-06: approved, on record as system account ")
    assert "Awarding 2024-06 version 1 (series): 4 of 5 claims awarded" in said[3]
    assert said[4].startswith("reports/award/2024-06/1/index.html\n")


def test_no_name_of_a_learner_is_in_a_report_or_message(season: Season, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        with_boundaries(season.desk)
        note = award(season.desk, june(season.desk), NOW).note()
    query = sa.text("select distinct split_part(name, ':', 1) from registrations")
    with season.desk.ledger.engine.connect() as connection:
        names = [row[0] for row in connection.execute(query)]
    assert len(names) > 1
    assert not [name for name in names if name in caplog.text or name in note or name in report(season.desk)]
