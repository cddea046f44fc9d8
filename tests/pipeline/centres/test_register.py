"""The register of centres as a feed and by staff orders (REG-10), and applications (REG-1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner, Result

from bench.registers import centre
from infra.ledger.register import CATALOGUE
from pipeline.centres.orders import Application, CentreEdit, CentreError, decide_approval, edit_centre
from pipeline.centres.take import REGISTER, take_register
from pipeline.cli import main
from pipeline.desk import Desk, open_desk
from pipeline.orders import StaffError
from pipeline.register import open_applications, register_of
from pipeline.replay import replay
from pipeline.watching.watch import conditions
from rules import terms
from rules.catalogue import LONDON
from rules.centres import Register, Standing, decide_by
from rules.periods import working_day
from tests.scenario_language import Season
from tests.support import CENTRE

NEW = "13131"
LANDED = datetime(2023, 8, 14, 9, tzinfo=LONDON)
TAKEN = LANDED + timedelta(minutes=5)
HOUR = timedelta(hours=1)
WHO, WHY = "A. Clerk", "form of 2 May"
HEADING = "number,name,postcode,contact,gcse_years,active_from,active_to"
ORDER = ("--why", WHY)


def land(desk: Desk, name: str, *rows: str, at: datetime = LANDED, heading: str = HEADING) -> str:
    """The report on a file of the register."""
    data = "\r\n".join([heading, *rows, ""]).encode()
    Season(desk).land(f"{REGISTER.place}{name}.csv", data, at)
    assert take_register(desk, at + timedelta(minutes=5)).files == 1
    return desk.store.get(f"{REGISTER.reports}{name}.txt").decode("ascii")


def standing(desk: Desk, code: str, at: datetime, number: str = NEW) -> Standing:
    return register_of(desk, [number]).standing(number, code, at)


# --- The feed --------------------------------------------------------------------------------------------------------


def test_reg_10_a_file_adds_and_changes_the_centres_that_it_names_and_no_others(work: Desk) -> None:
    known = work.register.newest()
    said = land(work, "first", f"{NEW},Hilltop School,ZZ1 9ZZ,exams@hilltop.example,2022,2022-09-01,")
    assert "1 new, 0 changed, 0 as they were, 0 refused" in said
    said = land(work, "second", f"{NEW},Hilltop Academy,ZZ1 9ZZ,,2022,2022-09-01,", at=LANDED + HOUR)
    assert "0 new, 1 changed, 0 as they were, 0 refused" in said
    assert [row.name for row in work.register.versions([NEW])] == ["Hilltop School", "Hilltop Academy"]
    assert {number: row for number, row in work.register.newest().items() if number != NEW} == known


def test_reg_10_a_file_is_judged_by_the_version_of_its_own_receipt(work: Desk) -> None:
    land(work, "first", f"{NEW},Hilltop School,,,,2022-09-01,")
    land(work, "second", f"{NEW},Hilltop School,,,2022,2022-09-01,", at=LANDED + 48 * HOUR)
    assert not standing(work, "BEN22", LANDED + HOUR).approved
    assert standing(work, "BEN22", LANDED + 49 * HOUR).approved
    assert standing(work, "BEN22", LANDED - HOUR) == Standing(approved=False, known=False)


def test_reg_10_a_file_without_a_column_for_it_leaves_it_to_each_centre_who_is_told(work: Desk) -> None:
    heading = f"{HEADING},told"
    row = f"{NEW},Hilltop School,,,,2022-09-01,"
    assert "1 new" in land(work, "first", f"{row},exams@hilltop.example", heading=heading)
    assert "1 as they were" in land(work, "older", row, at=LANDED + HOUR)
    assert work.register.told()[NEW].to == "exams@hilltop.example"
    said = land(work, "wrong", f"{row},exams at hilltop", at=LANDED + 2 * HOUR, heading=heading)
    assert "1 refused" in said
    assert "1 changed" in land(work, "nolonger", f"{row},", at=LANDED + 3 * HOUR, heading=heading)
    assert work.register.told() == {}
    without_postcode = "number,name,contact,gcse_years,active_from,active_to"
    assert "FEED_COLUMNS" in land(
        work, "unusable", f"{NEW},A,,,2022-09-01,", at=LANDED + 4 * HOUR, heading=without_postcode
    )


def test_reg_10_of_two_files_the_later_receipt_counts_whichever_is_taken_first(work: Desk) -> None:
    land(work, "later", f"{NEW},Later,,,,2022-09-01,", at=LANDED + HOUR)
    said = land(work, "earlier", f"{NEW},Earlier,,,,2022-09-01,")
    assert "1 as they were" in said
    assert "REGISTER_LATER" in said
    assert work.register.names([NEW]) == {NEW: "Later"}


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("1313,A,,,,2022-09-01,", "number"),
        ("00000,A,,,,2022-09-01,", "number"),
        ("13131,,,,,2022-09-01,", "name"),
        ("13131,A,CF24-3QX!!,,,2022-09-01,", "postcode"),
        ("13131,A,,,22/23,2022-09-01,", "gcse_years"),
        ("13131,A,,,,2022-02-30,", "active_from"),
        ("13131,A,,,,2022-09-01,2022-08-31", "active_to"),
    ],
)
def test_reg_10_a_row_that_cannot_be_used_is_refused_by_itself(work: Desk, row: str, field: str) -> None:
    said = land(work, "some", row, "31313,Good School,,,,2022-09-01,")
    assert "1 new, 0 changed, 0 as they were, 1 refused" in said
    assert f"he {field.replace('_', ' ')} " in " ".join(said.split())
    assert NEW not in work.register.newest()


def test_reg_10_a_centre_twice_in_a_file_is_not_applied_at_all(work: Desk) -> None:
    said = land(work, "twice", f"{NEW},A,,,,2022-09-01,", f"{NEW},B,,,,2022-09-01,")
    assert "0 new, 0 changed, 0 as they were, 2 refused" in said
    assert "REGISTER_TWICE" in said
    assert "ROW REFUSED" in said


def test_reg_10_a_row_that_stands_there_again_the_same_in_every_column_counts_once(work: Desk) -> None:
    said = land(work, "again", *[f"{NEW},A,,,,2022-09-01,"] * 2)
    assert "1 new, 0 changed, 0 as they were, 0 refused" in said
    assert "REGISTER_REPEATED" in said


# --- Orders ----------------------------------------------------------------------------------------------------------


def test_reg_10_staff_add_and_correct_a_centre_and_the_next_file_goes_on_from_there(work: Desk) -> None:
    assert edit_centre(work, NEW, CentreEdit(name="Hilltop School", gcse_years="2022 2021"), TAKEN, WHO, WHY)
    assert not edit_centre(work, NEW, CentreEdit(gcse_years="2021 2022"), TAKEN + HOUR, WHO, WHY)
    assert edit_centre(work, NEW, CentreEdit(active_to="2024-08-31"), TAKEN + 2 * HOUR, WHO, WHY)
    [_, last] = work.register.versions([NEW])
    assert (last.active_from, last.active_to, last.who, last.why) == (date(2023, 8, 14), date(2024, 8, 31), WHO, WHY)
    assert standing(work, "BEN22", datetime(2024, 8, 31, 23, 59, tzinfo=LONDON)).approved
    assert not standing(work, "BEN22", datetime(2024, 9, 1, tzinfo=LONDON)).approved


@pytest.mark.parametrize(
    ("number", "edit", "who"),
    [
        ("1313", CentreEdit(name="A"), WHO),
        (NEW, CentreEdit(postcode="ZZ1 9ZZ"), WHO),
        (NEW, CentreEdit(name="A", gcse_years="22"), WHO),
        (NEW, CentreEdit(name="A", active_from="1 May"), WHO),
        (NEW, CentreEdit(name="A", active_from="2024-09-01", active_to="2024-08-31"), WHO),
        (NEW, CentreEdit(name="A"), " "),
    ],
)
def test_reg_10_an_order_that_cannot_be_is_refused(work: Desk, number: str, edit: CentreEdit, who: str) -> None:
    with pytest.raises(CentreError):
        edit_centre(work, number, edit, TAKEN, who, WHY)
    assert NEW not in work.register.newest()


def test_fil_7_an_order_that_no_column_takes_is_refused_before_it_is_begun(work: Desk) -> None:
    for edit, why in ((CentreEdit(name="Hill\0top"), WHY), (CentreEdit(name="Hilltop"), "form \udcff")):
        with pytest.raises(StaffError, match="has a character that cannot be read"):
            edit_centre(work, NEW, edit, TAKEN, WHO, why)
    assert NEW not in work.register.newest()


@pytest.mark.parametrize("words", [("--name", "Hill\x1b[2Jtop", "--why", "new"), ("--name", "A", "--why", "\udcff")])
def test_fil_7_what_is_typed_on_the_command_line_can_be_read(work: Desk, words: tuple[str, ...]) -> None:
    done = run(work, "centre", "edit", NEW, *words)
    assert done.exit_code == 2
    assert "nothing was done" in done.output
    assert "cannot be read" in done.output
    assert NEW not in work.register.newest()


@pytest.mark.parametrize(
    ("number", "code", "since"),
    [("31313", "BEN22", "2024-09-01"), (CENTRE, "BEN01", "2024-09-01"), (CENTRE, "*", "soon")],
)
def test_reg_1_a_decision_is_about_a_centre_and_a_qualification_that_there_are(
    work: Desk, number: str, code: str, since: str
) -> None:
    about = Application(centre=number, qualification=code)
    with pytest.raises(CentreError):
        decide_approval(work, about, terms.GRANTED, since, TAKEN, WHO, WHY)


def test_reg_1_what_is_asked_by_fast_track_is_decided_as_that(work: Desk) -> None:
    about = Application(centre=CENTRE, qualification="BZS22")
    decide_approval(work, about, terms.ASKED, "2023-08-14", TAKEN, WHO, WHY, terms.FAST_TRACK)
    decide_approval(work, about, terms.GRANTED, "2023-08-15", TAKEN + HOUR, WHO, WHY)
    assert [(row.decision, row.route) for row in work.register.decisions([CENTRE])] == [
        (terms.ASKED, terms.FAST_TRACK), (terms.GRANTED, terms.FAST_TRACK),
    ]  # fmt: skip
    assert open_applications(work, TAKEN + HOUR) == []


# --- Working days ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        (date(2023, 9, 11), date(2023, 9, 18)),  # Monday to Monday
        (date(2023, 8, 24), date(2023, 9, 1)),  # the late summer bank holiday is on the 28th
        (date(2023, 12, 20), date(2023, 12, 29)),  # Christmas: the 25th and 26th
        (date(2024, 3, 28), date(2024, 4, 8)),  # Easter: Good Friday and Monday
        (date(2023, 5, 5), date(2023, 5, 15)),  # the coronation, the 8th
    ],
)
def test_reg_1_five_working_days_are_those_of_england(asked: date, due: date) -> None:
    assert decide_by(asked) == due


def test_reg_1_no_working_days_after_a_day_are_that_day() -> None:
    assert working_day(date(2023, 12, 25), 0) == date(2023, 12, 25)


def test_reg_1_a_late_fast_track_application_is_an_alert_and_a_full_one_is_not(work: Desk) -> None:
    asked = datetime(2023, 8, 24, 12, tzinfo=LONDON)
    for code, route in (("BZS22", terms.FAST_TRACK), ("BZH22", terms.FULL)):
        about = Application(centre=CENTRE, qualification=code)
        decide_approval(work, about, terms.ASKED, "2023-08-24", asked, WHO, WHY, route)  # type: ignore[arg-type]

    def told(at: datetime) -> list[str]:
        return [one.happened for one in conditions(work, work.watch, at) if one.code == "APPLICATION_LATE"]

    assert told(datetime(2023, 9, 1, 23, 59, tzinfo=LONDON)) == []
    [said] = told(datetime(2023, 9, 2, 0, 1, tzinfo=LONDON))
    assert f"1, the oldest of centre {CENTRE} since 24 August 2023" in said


# --- Replay ----------------------------------------------------------------------------------------------------------


def test_reg_10_res_6_a_register_is_replayed_with_files_orders_and_what_the_catalogue_had(
    work: Desk, new_ledger: Callable[[], str], tmp_path: Path
) -> None:
    work.register.add([evolve(centre("44444"), source=CATALOGUE)])
    land(work, "first", f"{NEW},Hilltop School,,,,2022-09-01,")
    edit_centre(work, NEW, CentreEdit(contact="office"), TAKEN + HOUR, WHO, WHY)
    decide_approval(work, Application(centre=NEW, qualification="*"), terms.GRANTED, "2023-09-01", TAKEN, WHO, WHY)
    settings = evolve(work.settings, state=tmp_path / "again", database_url=new_ledger(), settle_seconds=0)
    with open_desk(settings) as empty:
        assert replay(work, empty).differences == ()
        assert empty.register.newest() == work.register.newest()
        assert empty.register.decisions() == work.register.decisions()


def test_reg_10_an_empty_register_approves_nothing() -> None:
    assert Register().standing(CENTRE, "BEN22", TAKEN) == Standing(approved=False, known=False)


# --- Commands --------------------------------------------------------------------------------------------------------


def run(desk: Desk, *words: str) -> Result:
    return CliRunner().invoke(main, words, env=desk.settings.environment())


def test_reg_10_the_commands_add_show_ask_decide_and_end(work: Desk) -> None:
    assert "give its name" in run(work, "centre", "edit", NEW, "--postcode", "ZZ1 9ZZ", *ORDER).output
    assert "Hilltop" in run(work, "centre", "edit", NEW, "--name", "Hilltop School", *ORDER).output
    assert "BEN22 [placeholder]  Enterprise: not approved" in run(work, "centre", "show", NEW).output
    assert "asked for on" in run(work, "centre", "apply", NEW, "BEN22", "--fast-track", *ORDER).output
    assert f"{NEW}  BEN22  asked" in run(work, "centre", "applications").output
    assert "approved from" in run(work, "centre", "grant", NEW, "BEN22", *ORDER).output
    assert "BEN22 [placeholder]  Enterprise: approved" in run(work, "centre", "show", NEW).output
    assert "No application is open." in run(work, "centre", "applications").output
    today = f"{datetime.now(UTC).astimezone(LONDON):%Y-%m-%d}"
    assert f"ended from {today}" in run(work, "centre", "end", NEW, "BEN22", *ORDER).output
    assert f"refused from {today}" in run(work, "centre", "deny", NEW, "*", *ORDER).output
    assert "approved for nothing (REG-10)" in run(work, "centre", "show", "44444").output
    assert run(work, "centre", "grant", NEW, "BEN22").exit_code == 2
    assert "0 files of the register" in run(work, "run", "register").output
