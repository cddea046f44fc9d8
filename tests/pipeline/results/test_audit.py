"""The audit of the record (OPS-7): whoever can write to the database as its owner, with every trigger switched off,
changes nothing that it does not name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.ledgers import Ledger, put_back, read_ledger
from infra.ledger.actions import Action
from infra.ledger.approvals import Order, Signer
from infra.ledger.calendar import ChangeRow
from infra.ledger.corrections import Case, Subject
from infra.ledger.keys import PublicKey
from infra.ledger.register import ApprovalRow
from infra.ledger.sealed import FROZEN, NOT_SEALED, SEALED
from infra.ledger.seals import _compared
from infra.ledger.tables import metadata
from infra.settings import Settings
from infra.store import FolderStore
from pipeline.approvals import decide, put_forward
from pipeline.desk import Desk, open_desk
from pipeline.results.audit import HEADS, Audit, audit
from pipeline.results.difference_approval import waiting
from pipeline.results.embargo import ReleaseError
from pipeline.results.release import approve, release
from pipeline.watching.watch import watch
from rules import terms
from tests.catalogue import FROZEN as CATALOGUE
from tests.pipeline.results_season import (
    APPROVED,
    BUILT,
    TO_CENTRES,
    TO_LEARNERS,
    WHO,
    WHY,
    awarded,
    build,
    series,
)

AUDITED = TO_LEARNERS + timedelta(hours=1)


@pytest.fixture(scope="module")
def world(postgres: object, empty_ledger: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A season whose results are out, on one desk for all attacks."""
    server = sa.create_engine(postgres.url("postgres"), isolation_level="AUTOCOMMIT")  # type: ignore[attr-defined]
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE sealed TEMPLATE {empty_ledger}"))
    server.dispose()
    urls = {
        "database_url": postgres.desk_url("sealed"),  # type: ignore[attr-defined]
        "database_owner_url": postgres.url("sealed"),  # type: ignore[attr-defined]
    }
    folder = tmp_path_factory.mktemp("sealed")
    with open_desk(Settings(catalogue=CATALOGUE, state=folder, settle_seconds=30, **urls)) as desk:
        awarding = awarded(desk)
        built = build(desk, awarding, BUILT).awarding
        approve(desk, built, WHO, WHY, APPROVED)
        release(desk, series(desk), "centres", TO_CENTRES)
        release(desk, series(desk), "learners", TO_LEARNERS)
        desk.actions.record(Action(at=AUDITED, who="B. Staff", why="asked for", action="extension", centre="64123"))
        _decided_by_people(desk)
        yield desk


def _decided_by_people(desk: Desk) -> None:
    """A row of every kind of decision that the season has not needed."""
    day = AUDITED.date()
    asked = ChangeRow(
        number=0, series="2024-06", event="results_to_centres", component="", day=day, since=None, at=AUDITED,
        who="B. Staff", why="storm",
    )  # fmt: skip
    desk.calendar.decide(
        desk.calendar.ask(asked), "confirmed", AUDITED, AUDITED, Signer("C. Head", terms.BY_CONSOLE), "seen"
    )
    case = Case(
        number=0, series="2024-06", source="", requested_by="64123", requested_on=day, why="asked", who="B. Staff",
        how=terms.BY_CONSOLE, at=AUDITED, subjects=(Subject(component="BEN01", centre="64123", candidate="0004"),),
    )  # fmt: skip
    desk.corrections.open(case, "")
    desk.register.decide(
        ApprovalRow(
            centre="64123",
            qualification="BEN22",
            decision="granted",
            route="full",
            since=day,
            at=AUDITED,
            source="order",
            who="B. Staff",
            why="visited",
        )
    )
    desk.keys.add(
        "64123", PublicKey("ssh-ed25519", "ssh-ed25519 AAAA", "SHA256:x", ""), Order("B. Staff", "new", AUDITED)
    )
    with desk.ledger.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO cohorts (centre, series, component, state, size, sampled_at) "
            "VALUES ('64123', '2024-06', 'BEN02', 'sampled', 1, now()); "
            "INSERT INTO samples (cohort_id, uci, candidate, reason, centre_mark, moderated_mark) "
            "SELECT id, 'A', '0001', 'drawn', 40, 41 FROM cohorts; "
            "INSERT INTO moderator_marks (cohort_id, candidate, mark) SELECT id, '0001', 41 FROM cohorts"
        )


@pytest.fixture(scope="module")
def ledger(world: Desk) -> Ledger:
    """The ledger as the season left it."""
    return read_ledger(world.settings.owner_url)


@pytest.fixture
def attack(world: Desk, ledger: Ledger) -> Iterator[Callable[[str], Audit]]:
    """Runs SQL as the owner, with triggers switched off, and audits; afterwards the ledger is as it was."""

    def run(statement: str, *, triggers: bool = False) -> Audit:
        owner = sa.create_engine(world.settings.owner_url, poolclass=sa.NullPool)
        with owner.begin() as connection:
            if not triggers:
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            changed = connection.exec_driver_sql(statement).rowcount
            assert changed, "the attack changes something"
        return audit(world, AUDITED)

    yield run
    put_back(world.settings.owner_url, ledger)


def test_ops_7_what_nobody_has_touched_is_as_it_was_sealed(world: Desk) -> None:
    found = audit(world, AUDITED)
    assert next(iter(found.lines())).startswith(f"The record is as it was sealed: {found.head.number} seals")
    assert found.differences == ()
    assert json.loads(found.as_json())["differences"] == []
    assert [stored.key for stored in world.store.list(HEADS)][-1].endswith(f"-{found.head.head[:16]}.json")


ATTACKS = {
    "a grade": ("UPDATE results SET grade = 'L2D' WHERE candidate = '0004' AND component = 'BEN01'", "results", "0004"),
    "a grade and its UMS": ("UPDATE awards SET grade = 'L2M', ums = 200 WHERE candidate = '0002'", "awards", "0002"),
    "a sitting": (
        "UPDATE choices SET ums = ums + 1 WHERE centre = '58201' AND component = 'BEN02'",
        "choices",
        "BEN02",
    ),
    "a mark": ("UPDATE marks SET mark = 59 WHERE candidate = '0004' AND component = 'BEN01'", "marks", "0004"),
    "an approver": ("UPDATE approvals SET who = 'E. Vil'", "approvals", "E. Vil"),
    "who decided": ("UPDATE awardings SET decided_by = 'E. Vil'", "awardings", "2024-06"),
    "who approved boundaries": ("UPDATE conversions SET approved_by = 'E. Vil'", "conversions", "BEN01"),
    "a boundary": ("UPDATE conversions SET source = 'better' WHERE component = 'BEN03'", "conversions", "BEN03"),
    "a state on record": ('UPDATE states SET said = said || \'{"why": "other"}\'', "states", "awardings"),
    "a reason": ("UPDATE actions SET why = 'other' WHERE action = 'extension'", "actions", "B. Staff"),
    "a removed action": ("DELETE FROM actions WHERE action = 'extension'", "actions", "is gone"),
    "a removed result": ("DELETE FROM results WHERE candidate = '0004' AND component = 'BEN02'", "results", "gone"),
    "a claim": (
        "UPDATE entries SET option = 'BEN98' WHERE candidate = '0002' AND kind = 'cash_in'",
        "entries",
        "0002",
    ),
    "an entry that was withdrawn by nobody": (
        "UPDATE entries SET ended_by = submission_id WHERE candidate = '0004' AND option = 'BEN01'",
        "entries",
        "0004",
    ),
    "when a file came": ("UPDATE submissions SET received = received - interval '9 days'", "submissions", "64123"),
    "what became of a file": ("UPDATE submissions SET outcome = 'rejected'", "submissions", "64123"),
    "a name": ("UPDATE learner_versions SET name = 'SMYTHE:ANNA'", "learner_versions", "64123"),
    "a date set by staff": (
        "UPDATE calendar_changes SET decided_who = 'E. Vil'",
        "calendar_changes",
        "results_to_centres",
    ),
    "who opened a case": ("UPDATE corrections SET who = 'E. Vil'", "corrections", "E. Vil"),
    "a state of a case": ("UPDATE correction_states SET kind = 'clerical'", "correction_states", "open"),
    "who decided about a centre": ("UPDATE centre_approvals SET who = 'E. Vil'", "centre_approvals", "E. Vil"),
    "a key of a centre": ("UPDATE centre_keys SET added_by = 'E. Vil'", "centre_keys", "E. Vil"),
    "a key that was never removed": ("UPDATE centre_keys SET removed_by = 'E. Vil'", "centre_keys", "B. Staff"),
    "what a file costs": ("UPDATE fee_lines SET pence = pence + 1", "fee_lines", "the sum of file"),
    "a fee that is gone": ("DELETE FROM fee_lines WHERE candidate = '0004'", "fee_lines", "the sum of file"),
    "a moderator's mark": ("UPDATE samples SET moderated_mark = 3", "samples", "candidate 0001"),
    "a published file": ("UPDATE published_files SET sha256 = 'x'", "published_files", "2024-06"),
}


NAMED = r"64123|58201|\b00[0-9]{2}\b|BEN0|E\. Vil"
"""Centres, candidates, options and people of the season."""


def test_ops_7_every_table_is_sealed_or_says_why_not() -> None:
    said = [*SEALED, *FROZEN, *NOT_SEALED]
    assert sorted(said) == sorted(metadata.tables)
    assert all(NOT_SEALED.values())


def test_ops_7_who_decided_is_always_sealed() -> None:
    for name in NOT_SEALED:
        of = {column.name for column in metadata.tables[name].columns}
        assert not of & {"who", "why", "decided_by", "approved_by", "mark", "grade", "ums", "verdict"}, name


@pytest.mark.parametrize("what", ATTACKS)
def test_ops_7_the_audit_names_the_row(attack: Callable[[str], Audit], what: str) -> None:
    statement, table, said = ATTACKS[what]
    found = attack(statement)
    assert any(one.table == table and said in one.words for one in found.differences), list(found.lines())
    assert found.differences[0].words in list(found.lines())[1]
    told = list(found.lines(named=False))
    for one, line in zip(found.differences, [told[1], *told[3:]], strict=False):
        assert line.endswith("OPS-7)"), line
        if one.table == "files":  # a place of the store, which says for which centre it is and for nobody else
            assert not re.search("000[0-9]", line), line
            continue
        assert not re.search(NAMED, line), line
        key = re.search(r"key [0-9a-f]{12}", line)
        assert re.search(r"(id|number|submission_id|row) [0-9]|all rows", line) or (key and key[0] in one.in_full), line


def test_ops_7_a_row_that_was_not_added_by_the_desk(attack: Callable[..., Audit]) -> None:
    columns = "(at, who, why, action, centre) VALUES (now(), 'E. Vil', 'none', 'extension', '64123')"
    found = attack(f"INSERT INTO actions {columns}", triggers=True)
    assert [(one.what, one.table) for one in found.differences] == [("added", "actions")]
    assert "E. Vil" in found.differences[0].words
    assert "was not added by the desk" in found.differences[0].words


def test_ops_7_the_desk_goes_on_and_an_unsealed_row_stays_found(attack: Callable[..., Audit], world: Desk) -> None:
    columns = "(at, who, why, action, centre) VALUES (now(), 'E. Vil', 'none', 'extension', '64123')"
    attack(f"INSERT INTO actions {columns}")
    world.actions.record(Action(at=AUDITED, who="B. Staff", why="also", action="extension", centre="58201"))
    found = audit(world, AUDITED)
    assert [(one.what, one.table) for one in found.differences] == [("added", "actions")]


def test_ops_7_a_result_that_was_added_to_a_version(attack: Callable[[str], Audit]) -> None:
    names = ", ".join(column.name for column in metadata.tables["results"].columns if column.name != "candidate")
    found = attack(
        f"INSERT INTO results (candidate, {names}) SELECT '0099', {names} FROM results WHERE candidate = '0002' LIMIT 1"
    )
    assert "candidate 0099" in found.differences[0].words
    assert "uci" not in "\n".join(found.lines())
    assert "0099" not in "\n".join(found.lines(named=False))
    assert found.differences[0].what == "added"


def test_ops_7_a_chain_whose_end_was_cut_off(attack: Callable[[str], Audit], world: Desk) -> None:
    audit(world, AUDITED)
    found = attack(
        "WITH gone AS (DELETE FROM seals WHERE number = (SELECT max(number) FROM seals) RETURNING keys) "
        "DELETE FROM actions WHERE id::text IN (SELECT keys[1] FROM gone)"
    )
    assert found.differences[0].what == "tail"
    assert "its end was cut off" in found.differences[0].words


def test_ops_7_a_chain_that_was_written_anew(attack: Callable[[str], Audit], world: Desk) -> None:
    audit(world, AUDITED)
    found = attack("UPDATE seals SET head = repeat('0', 64) WHERE number = (SELECT max(number) FROM seals)")
    assert {one.what for one in found.differences} == {"tail", "chain"}


def test_ops_7_a_link_and_a_guard_that_are_gone(attack: Callable[[str], Audit], world: Desk) -> None:
    found = attack("DELETE FROM seals WHERE number = 2")
    assert any("1 seals before it are gone" in one.words for one in found.differences)
    owner = sa.create_engine(world.settings.owner_url, poolclass=sa.NullPool)
    with owner.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE marks DISABLE TRIGGER seal_same")
    try:
        assert any(one.what == "guard" and one.table == "marks" for one in audit(world, AUDITED).differences)
    finally:
        with owner.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE marks ENABLE TRIGGER seal_same")


def test_ops_7_a_swapped_file(world: Desk) -> None:
    store = world.store
    assert isinstance(store, FolderStore)
    for place in ("portal/learners/2024-06/1/64123.csv", "embargo/2024-06/1/portal/centres/2024-06/1/64123.csv"):
        there = store.get(place)
        store.put(place, there.replace(b"L2P", b"L2D") + b"\n")
        [found] = audit(world, AUDITED).differences
        assert found.words.startswith(f"files: {place} is another file")
        store.put(place, there)
    assert audit(world, AUDITED).differences == ()


def test_ops_7_a_file_of_the_archive_that_was_swapped(world: Desk) -> None:
    store = world.store
    key = next(stored.key for stored in store.list("archive/") if stored.kind == "file")
    there = store.get(key)
    store.put(key, there.replace(b"0", b"1", 1))
    [found] = audit(world, AUDITED).differences
    assert found.words == f"files: {key} is another file"
    store.put(key, there)


def test_ops_7_heads_that_were_taken_out_of_the_store(world: Desk) -> None:
    store, found = world.store, audit(world, AUDITED)
    heads = [stored for stored in store.list(HEADS) if stored.kind == "file"]
    kept = {stored.key: store.get(stored.key) for stored in heads}
    for stored in heads:
        store.remove(stored)
    [gone] = audit(world, AUDITED).differences
    assert "is no longer in the store" in gone.words
    assert gone.place == found.head.number
    for key, data in kept.items():
        store.put(key, data)


FORGED = """
    UPDATE marks SET mark = 59 WHERE candidate = '0004' AND component = 'BEN01';
    INSERT INTO seals (table_name, columns, keys, digests, content_sha256, replaces, transaction)
    SELECT s.table_name, s.columns, s.keys, (
        SELECT string_agg(substr(sha256(convert_to(m::text, 'UTF8')), 1, 16), '' ORDER BY k.place)
        FROM unnest(s.keys) WITH ORDINALITY AS k (key, place) JOIN marks AS m ON m.id::text = k.key
    ), '', s.number, pg_current_xact_id()::text::bigint
    FROM seals AS s JOIN marks AS m ON m.id::text = ANY(s.keys)
    WHERE s.table_name = 'marks' AND m.candidate = '0004' AND m.component = 'BEN01' ORDER BY s.number LIMIT 1;
    UPDATE seals SET digests = NULL WHERE number = (SELECT max(replaces) FROM seals);
    UPDATE seals SET content_sha256 = encode(sha256(convert_to(
        array_to_string(columns, ',') || E'\n' || array_to_string(keys, ' ') || E'\n', 'UTF8') || digests), 'hex')
    WHERE replaces IS NOT NULL;
    SELECT seal_chain()
"""
"""A mark that is changed, and sealed anew as if a learner had been forgotten."""


def test_ops_7_a_row_that_was_sealed_anew_though_nobody_was_forgotten(attack: Callable[[str], Audit]) -> None:
    found = attack(FORGED)
    assert any("replaces another seal, and nobody was forgotten" in one.words for one in found.differences)


@pytest.mark.parametrize("table", ["marks", "entries"])
def test_ops_7_an_audit_reads_a_table_once_however_many_seals_it_has(world: Desk, table: str) -> None:
    sealed = SEALED[table]
    with world.ledger.engine.connect() as connection:
        said = {"name": table, "after": 0, "columns": list(sealed.columns), "places": None}
        asked = sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON) {_compared(sealed, sealed.columns)}")
        plan = str(connection.execute(asked, said).scalar())
        seals = connection.execute(sa.text("SELECT count(*) FROM seals WHERE table_name = :name"), said).scalar_one()
    read = re.findall(rf"'Relation Name': '{table}'.*?'Actual Loops': ([0-9]+)", plan)
    assert seals > 1
    assert set(read) == {"1"}


@pytest.mark.parametrize("table", [*SEALED, *FROZEN])
def test_ops_7_sealed_rows_cannot_be_changed_or_removed(world: Desk, table: str) -> None:
    column = SEALED[table].key[0] if table in SEALED else "awarding_id"
    statements = [f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"]
    if column != "id":
        statements.append(f"UPDATE {table} SET {column} = {column}")
    for statement in statements:
        with pytest.raises(sa.exc.ProgrammingError, match="42501"), world.ledger.engine.begin() as connection:
            connection.execute(sa.text(statement))


CHANGES = [
    (name, column.name)
    for name in (*SEALED, *FROZEN)
    for column in metadata.tables[name].columns
    if not column.primary_key and column.name != "awarding_id"
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from(CHANGES), pick=st.integers(0, 10_000))
def test_ops_7_no_change_of_any_row_escapes(world: Desk, ledger: Ledger, where: tuple[str, str], pick: int) -> None:
    table, column = where
    other = {
        sa.Boolean: f'NOT "{column}"',
        sa.Integer: f'coalesce("{column}", 0) + 1',
        sa.Text: f"coalesce(\"{column}\", '') || 'x'",
        sa.DateTime: f"coalesce(\"{column}\", now()) + interval '1 second'",
        sa.Date: f'coalesce("{column}", current_date) + 1',
    }
    kind = metadata.tables[table].columns[column].type
    value = next((words for type_, words in other.items() if isinstance(kind, type_)), "'{\"other\": 1}'")
    owner = sa.create_engine(world.settings.owner_url, poolclass=sa.NullPool)
    with owner.begin() as connection:
        rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
        if not rows:
            return
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(
            f'UPDATE {table} SET "{column}" = {value} WHERE ctid = '
            f"(SELECT ctid FROM {table} ORDER BY ctid OFFSET {pick % rows} LIMIT 1)"
        )
    try:
        assert any(broken.table == table for broken in (*world.seals.broken(), *world.seals.thawed())), where
    finally:
        put_back(world.settings.owner_url, ledger)


def test_ops_7_a_broken_record_holds_the_release_until_somebody_takes_it_on(work: Desk) -> None:
    built = build(work, awarded(work), BUILT).awarding
    approve(work, built, WHO, WHY, APPROVED)
    owner = sa.create_engine(work.settings.database_url, poolclass=sa.NullPool)

    def changed(mark: int) -> None:
        with owner.begin() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            connection.exec_driver_sql(
                f"UPDATE marks SET tasks = '{mark}' WHERE candidate = '0004' AND component = 'BEN01'"
            )

    changed(1)
    with pytest.raises(
        ReleaseError, match=r"nothing was published: .*marks: id [0-9]+ is not as it was sealed \(seal .*OPS-7\)"
    ) as held:
        release(work, series(work), "centres", TO_CENTRES)
    assert not re.search(NAMED, str(held.value))
    [subject] = waiting(work)
    assert "candidate 0004" in subject
    [told] = [one for one in watch(work, TO_CENTRES).wrong if one.code == "SEAL_BROKEN"]
    assert "marks: id " in told.happened
    assert not re.search(NAMED, f"{told.key} {told.subject} {told.happened}")
    put_forward(work, TO_CENTRES)
    [proposal] = work.approvals.current(terms.DIFFERENCE)
    person = Signer("J. Head", terms.BY_CONSOLE)
    decide(work, proposal.id, terms.APPROVED, person, "the file has this mark", TO_CENTRES, proposal.sha256)
    assert waiting(work) == []
    assert release(work, series(work), "centres", TO_CENTRES + timedelta(minutes=1)).fresh
    done = work.actions.everything("")["why"][0]
    assert done == f"the file has this mark ({subject})"
    changed(2)  # another change of the same row is another difference
    with pytest.raises(ReleaseError, match="marks: id "):
        release(work, series(work), "learners", TO_LEARNERS)
