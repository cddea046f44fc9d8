"""The page about disturbances says what `make disturbances` has seen, and nobody has lost anything."""

from __future__ import annotations

import json
from pathlib import Path

from attrs import asdict, evolve

from tests.rehearsal import documents
from tests.rehearsal.disturbances import BY_HAND, PAGE, PLAN, RECORD, STORE, Row, keep, page, recorded

SEEN = Row(
    part="broker", way="killed", taken="2026-12-01", load=3.2, health="workers: Celery's broker does not answer",
    said_after=2.9, recovered=31.4, uploads=0.0, alerts=["No worker answers"], lost=0,
)  # fmt: skip


def test_the_page_is_made_of_the_record() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(recorded())
    assert json.loads(RECORD.read_text(encoding="utf-8")).keys() == {"rows"}


def test_ops_6_nothing_was_lost_and_what_nobody_has_run_says_so() -> None:
    rows = recorded()
    assert sum(row.lost for row in rows) == 0
    measured = [(row.way, row.part) for row in rows if row.note != BY_HAND]
    assert set(measured) <= set(PLAN)
    missing = [f"{part} {way}" for way, part in PLAN if (way, part) not in measured]
    assert all(each in page(rows) for each in missing)


def test_every_service_of_the_compose_file_is_disturbed() -> None:
    text = (documents.DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    for _, part in PLAN:
        assert part in ("PostgreSQL", STORE) or f"\n  {part}:" in text


def test_a_row_replaces_the_one_before_about_the_same(tmp_path: Path) -> None:
    record = tmp_path / "disturbances.json"
    record.write_text(json.dumps({"rows": [asdict(SEEN)]}), encoding="utf-8")
    keep(evolve(SEEN, way="stopped for a minute"), record)
    keep(evolve(SEEN, recovered=12.0), record)
    assert [row.recovered for row in recorded(record)] == [31.4, 12.0]
    text = record.with_suffix(".md").read_text(encoding="utf-8")
    assert "| broker | killed | workers: Celery's broker does not answer, 3 s | always could | 12 s |" in text
    assert "PostgreSQL killed" in text
