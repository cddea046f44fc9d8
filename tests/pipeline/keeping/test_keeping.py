"""What is kept how long, and forgetting (OPS-9): a season is let go of long after its results."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from attrs import evolve
from click.testing import CliRunner, Result

from bench.ledgers import read_ledger
from fixtures.generate import people
from infra.ledger.keeping import Dispute
from infra.ledger.personal import ERASED, PERSONAL
from infra.ledger.tables import awards, metadata, results
from infra.store import FolderStore
from pipeline.cli import main
from pipeline.desk import Desk, open_desk
from pipeline.keeping.dispute import KeepingError, dispute
from pipeline.keeping.due import LOCKED, UNKNOWN, UNRELEASED, look
from pipeline.keeping.export import export
from pipeline.keeping.keep import keep
from pipeline.keeping.machine import on_this_machine
from pipeline.learners.orders import Details, correct_details
from pipeline.orders import Order
from pipeline.replay import replay
from pipeline.results.audit import HEADS, audit
from pipeline.results.release import approve, release
from rules import terms
from rules.keeping import JOB, KEEPING, STORE_PLACES
from tests.pipeline.results_season import (
    APPROVED,
    BUILT,
    CENTRE,
    PORTAL_CENTRE,
    TO_CENTRES,
    TO_LEARNERS,
    WHO,
    WHY,
    awarded,
    build,
    series,
)

LATER = datetime(2060, 1, 4, 3, 15, tzinfo=UTC)
"""Late enough for everything, whenever the season is played."""
PENDING = "0003"
"""The candidate whose external mark never came."""


@pytest.fixture
def released(work: Desk) -> Desk:
    """The season up to results day."""
    built = build(work, awarded(work), BUILT)
    approve(work, built.awarding, WHO, WHY, APPROVED)
    release(work, series(work), "centres", TO_CENTRES)
    release(work, series(work), "learners", TO_LEARNERS)
    return work


@pytest.fixture
def empty(work: Desk, new_ledger: Callable[[], str], tmp_path: Path) -> Iterator[Desk]:
    """A desk to replay into."""
    settings = evolve(work.settings, state=tmp_path / "again", database_url=new_ledger(), settle_seconds=0)
    with open_desk(settings) as desk:
        yield desk


def learners() -> dict[str, dict[str, str]]:
    return {person["candidate"]: person for person in people(CENTRE, 4, seed=1)}


def everything(desk: Desk) -> str:
    """All that ledger and store hold, as text."""
    rows = b"\n".join(read_ledger(desk.settings.database_url).rows.values())
    files = b"\n".join(desk.store.get(one.key) for one in desk.store.list("") if one.kind == "file")
    return (rows + files).decode("latin-1")


def counts(desk: Desk) -> list[object]:
    """Statistics of the results: learners, and how often each outcome, grade and sum of UMS, by component."""
    r, a = results.c, awards.c
    of = [r.component, r.outcome, r.grade]
    queries = (
        sa.select(*of, sa.func.count(), sa.func.sum(r.ums), sa.func.sum(r.raw)).group_by(*of).order_by(*of),
        sa.select(a.cash_in, a.outcome, a.grade, a.reason, sa.func.count()).group_by(
            a.cash_in, a.outcome, a.grade, a.reason
        ).order_by(a.cash_in, a.outcome, a.grade),
        sa.select(sa.func.count(sa.distinct(r.uci))),
        sa.select(a.uci.in_(sa.select(r.uci)), sa.func.count()).group_by(a.uci.in_(sa.select(r.uci))),
    )  # fmt: skip
    with desk.ledger.engine.connect() as connection:
        return [connection.execute(query).all() for query in queries]


# --- The table -------------------------------------------------------------------------------------------------------


def test_ops_9_nothing_that_names_learners_is_kept_longer_than_they_are() -> None:
    now = datetime(2030, 6, 1, tzinfo=UTC)
    last = KEEPING["learners"].before(now)
    for kept in KEEPING.values():
        if kept.personal:
            assert kept.before(now) >= last, kept.name
        assert kept.reason.endswith("."), kept.name


def test_ops_9_every_class_has_its_place_and_every_place_its_class(released: Desk) -> None:
    places = {f"{one.key.partition('/')[0]}/" for one in released.store.list("")}
    known = " ".join(kept.where for kept in KEEPING.values())
    assert {place for place in places if f"`{place}`" not in known} == set()
    assert {kept.name for kept in KEEPING.values() if kept.by == JOB} == {
        *(kept.name for kept in STORE_PLACES.values()), "findings", "replies", "alerts", "learners",
    }  # fmt: skip


def test_ops_9_every_column_that_names_a_learner_is_known() -> None:
    """A new table that names learners must say how they are forgotten there."""
    naming = {"uci", "uln", "upn", "name", "born", "feed"}
    for table in metadata.sorted_tables:
        columns = naming & set(table.columns.keys())
        if table.name in ("replies", "door_limits", "letters_fetched", "notices", "centres"):
            columns -= {"name"}  # of a file, of a limit, of a letter, of a school
        if table in PERSONAL:
            assert columns <= {"uci", *PERSONAL[table]}, table.name
        else:
            assert columns == set(), table.name


# --- Letting go ------------------------------------------------------------------------------------------------------


def test_ops_9_the_list_comes_first_and_changes_nothing(released: Desk) -> None:
    before = everything(released)
    found = look(released, LATER)
    assert found.count > 20
    assert everything(released) == before


def test_ops_9_learners_are_forgotten_and_the_statistics_of_results_stay_whole(released: Desk) -> None:
    corrected = next(one["uci"] for number, one in learners().items() if number != PENDING)
    early = Order("J. Clerk", "the centre asked", datetime(2024, 2, 1, 12, tzinfo=UTC))
    correct_details(released, corrected, Details(name="RIGHT:NAME", born="2007-01-01"), early)
    assert "RIGHT:NAME" in everything(released)
    before = counts(released)
    done = keep(released, LATER, WHO, WHY)
    assert done.learners.height == 4
    assert "RIGHT:NAME" not in everything(released)
    assert "2007-01-01" not in everything(released)
    text, gone = everything(released), [one for number, one in learners().items() if number != PENDING]
    for person in gone:
        assert person["uci"] not in text
        assert person["name"] not in text
        assert person["uln"] not in text
    assert counts(released) == before
    with released.ledger.engine.connect() as connection:
        query = sa.text("SELECT number, who, why FROM erasures ORDER BY number")
        assert [tuple(row) for row in connection.execute(query)] == [(number, WHO, WHY) for number in range(1, 5)]
        stand_ins = connection.execute(sa.text("SELECT DISTINCT uci FROM results ORDER BY uci")).scalars().all()
    assert [one for one in stand_ins if one.startswith(ERASED)] == [f"{ERASED}000000{number}" for number in range(1, 5)]
    assert audit(released, LATER).differences == ()  # the chain is whole (OPS-7)


def test_ops_9_a_learner_whose_result_is_pending_is_kept_with_the_reason(released: Desk) -> None:
    [of_learners] = [due for due in look(released, LATER).classes if due.kept.name == "learners"]
    assert of_learners.line().split(maxsplit=1)[1] == "4; kept back: 1 (a result is pending)"
    keep(released, LATER, WHO, WHY)
    assert learners()[PENDING]["uci"] in everything(released)


def test_ops_9_once_done_there_is_nothing_to_do_and_nothing_on_record(released: Desk) -> None:
    keep(released, LATER, WHO, WHY)
    jobs = len(released.journal.all())
    assert keep(released, LATER, WHO, WHY).count == 0
    assert len(released.journal.all()) == jobs


def test_ops_9_every_file_that_is_gone_is_on_record_and_basedata_and_the_waiting_stay(released: Desk) -> None:
    released.store.put("basedata/2024-06/1/S.X01", b"")
    released.store.put(f"inbox/{CENTRE}/E6412315.X09", b"")
    before = {one.key for one in released.store.list("") if one.kind == "file"}
    keep(released, LATER, WHO, WHY)
    after = {one.key for one in released.store.list("") if one.kind == "file"}
    heads = {key for key in after if key.startswith(HEADS)}  # they prove what the record was
    assert after - heads == {"basedata/2024-06/1/S.X01", f"inbox/{CENTRE}/E6412315.X09"}
    assert set(released.keeping.removed()) == before - after


def test_ops_9_what_the_archive_holds_and_the_books_do_not_know_stays(released: Desk) -> None:
    released.store.put(f"archive/{'0' * 64}", b"put there by somebody")
    [archive] = [due for due in look(released, LATER).classes if due.kept.name == "archive"]
    assert archive.back == {UNKNOWN: 1}


def test_ops_9_results_that_are_not_out_keep_their_files(work: Desk) -> None:
    build(work, awarded(work), BUILT)
    back = {due.kept.name: due.back for due in look(work, LATER).classes}
    assert back["embargo"][UNRELEASED] > 1
    assert keep(work, LATER, WHO, WHY).learners.is_empty()
    assert any(work.store.list("embargo/2024-06/"))


def test_ops_9_what_the_store_locks_stays(released: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FolderStore, "locked", lambda store, key, now: key.startswith("archive/"))
    files = len(list(released.store.list("archive/")))
    [archive] = [due for due in keep(released, LATER, WHO, WHY).classes if due.kept.name == "archive"]
    assert (archive.count, archive.back) == (0, {LOCKED: files})
    assert len(list(released.store.list("archive/"))) == files


def test_ops_9_a_dispute_of_one_series_keeps_its_reports_and_the_files_of_the_centre(released: Desk) -> None:
    assert dispute(released, Dispute(PORTAL_CENTRE, "2024-06"), TO_LEARNERS, WHO, WHY)
    keep(released, LATER, WHO, WHY)
    assert any(released.store.list("portal/learners/2024-06/"))
    assert not any(one.kind == "file" for one in released.store.list(f"outbox/{CENTRE}/"))
    assert any(one.kind == "file" for one in released.store.list(f"outbox/{PORTAL_CENTRE}/"))


@pytest.mark.parametrize(("centre", "of", "who"), [("6412", "", WHO), (CENTRE, "2050-13", WHO), (CENTRE, "", " ")])
def test_ops_9_a_dispute_names_a_centre_a_series_and_who(work: Desk, centre: str, of: str, who: str) -> None:
    with pytest.raises(KeepingError):
        dispute(work, Dispute(centre, of), TO_LEARNERS, who, WHY)


# --- What is held ----------------------------------------------------------------------------------------------------


def test_ops_9_a_learner_is_given_everything_and_that_is_on_record(released: Desk) -> None:
    person = learners()["0002"]
    held = export(released, person["uci"], LATER, WHO, "asked by letter")
    with released.ledger.engine.connect() as connection:
        for table in PERSONAL:
            query = sa.select(sa.func.count()).where(table.c.uci == person["uci"], sa.true())
            rows = connection.execute(query.select_from(table)).scalar_one()
            rows -= table.name == "actions"  # that it was given out comes after
            assert len(held.parts[table.name]) == rows, table.name
    text, twin = "\n".join(held.text()), json.loads(held.json())
    for words in (person["name"], "Marks, every version: 3", "awarded", "E6412315.X01", "10 years"):
        assert words in text
    assert learners()["0001"]["name"] not in text
    assert twin["uci"] == [person["uci"]]
    assert len(twin["held"]["marks"]) == 3
    [recorded] = [row for row in released.actions.everything("").to_dicts() if row["action"] == terms.EXPORT]
    assert (recorded["at"], recorded["uci"], recorded["why"]) == (LATER, person["uci"], "asked by letter")


def test_ops_9_a_uln_that_two_ucis_share_is_one_person(released: Desk) -> None:
    one, other = learners()["0001"], learners()["0002"]
    with released.ledger.engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))  # sealed rows are never changed
        change = sa.text("UPDATE learner_versions SET uln = :uln WHERE uci IN (:one, :other)")
        connection.execute(change, {"uln": "9276308686", "one": one["uci"], "other": other["uci"]})
    assert list(export(released, one["uci"], LATER, WHO, WHY).ucis) == [one["uci"], other["uci"]]


def test_ops_9_of_nobody_nothing_is_given_out(work: Desk) -> None:
    with pytest.raises(KeepingError, match="nothing is held"):
        export(work, "641230220001D", LATER, WHO, WHY)


# --- Replay ----------------------------------------------------------------------------------------------------------


def test_ops_9_res_6_a_replay_says_what_it_can_no_longer_replay(released: Desk, empty: Desk) -> None:
    keep(released, LATER, WHO, WHY)
    came = replay(released, empty)
    said = "\n".join(came.lines())
    files = sum(key.startswith("archive/") for key in released.keeping.removed())
    assert f"{files} files received from 2 September 2023 to 20 June 2024 are no longer in the archive" in said
    assert "jobs rest on such files and were refused: " in said
    assert "outputs are no longer kept and not compared" in said
    assert "4 learners have been forgotten" in said


def test_ops_9_res_6_a_file_that_is_gone_and_not_on_record_still_stops_a_replay(released: Desk, empty: Desk) -> None:
    archived = next(one for one in released.store.list("archive/"))
    released.store.remove(archived)
    with pytest.raises(Exception, match="there is no file"):
        replay(released, empty)


# --- This machine ----------------------------------------------------------------------------------------------------


def test_ops_9_old_logs_and_drafts_go_and_the_rest_of_the_state_stays(work: Desk) -> None:
    state = work.settings.state
    old, now = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
    gone = ("logs/scheduler.log.1", "airflow/logs/dag_id=ingest/run_id=1/attempt=1.log", "airflow/.passwords.json.x1")
    kept = ("airflow/passwords.json", "logs/new.log", "airflow/logs/new.log", "store.txt")
    for name in (*gone, *kept):
        path = state / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text", encoding="utf-8")
        at = now.timestamp() if "new" in name else old.timestamp()
        os.utime(path, (at, at))
    listed = on_this_machine(work.settings, now + timedelta(hours=1), carry_out=False)
    assert [(due.kept.name, due.count) for due in listed] == [("logs", 1), ("drafts", 1), ("airflow-logs", 1)]
    assert all((state / name).exists() for name in gone)
    on_this_machine(work.settings, now + timedelta(hours=1), carry_out=True)
    assert not any((state / name).exists() for name in gone)
    assert all((state / name).exists() for name in kept)
    assert not (state / "airflow/logs/dag_id=ingest/run_id=1").exists()


# --- Commands --------------------------------------------------------------------------------------------------------


def run(desk: Desk, *words: str) -> Result:
    return CliRunner().invoke(main, words, env=desk.settings.environment(), input="n\n")


def test_ops_9_the_commands_list_ask_and_record(released: Desk, tmp_path: Path) -> None:
    listed = run(released, "keep", "list")
    assert listed.exit_code == 0, listed.output
    assert "learners " in listed.output
    stopped = run(released, "keep", "carry-out", "--why", WHY)
    assert stopped.exit_code == 1
    assert "cannot be undone" in stopped.output
    order = ("--why", "appeal 17")
    assert "in dispute." in run(released, "keep", "dispute", CENTRE, *order).output
    assert "in dispute already" in run(released, "keep", "dispute", CENTRE, *order).output
    assert "settled." in run(released, "keep", "dispute", CENTRE, "--settled", *order).output
    assert run(released, "keep", "dispute", "1", *order).exit_code == 1
    uci, to = learners()["0002"]["uci"], tmp_path / "learner.json"
    assert learners()["0002"]["name"] in run(released, "learner", "export", uci, *order).output
    run(released, "learner", "export", uci, "--json", "--to", str(to), *order)
    assert json.loads(to.read_text(encoding="utf-8"))["uci"] == [uci]
    assert to.stat().st_mode & 0o077 == 0
    assert run(released, "learner", "export", uci).exit_code == 2
