"""The list of who is owed a result (RES-8), as staff read it and as a spreadsheet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from infra.settings import Settings
from pipeline.cli import main
from pipeline.results.owed import OWED, lines_of

DAY = datetime(2024, 8, 21, 23, 1, tzinfo=UTC)
ROW = {
    "series": "2024-06", "centre": "64123", "candidate": "0001", "uci": "641230220001D", "registration": "BEN22",
    "state": "pending", "code": "MARK_PENDING", "about": "BEN03", "since": DAY, "turn": "the board", "letter": "",
    "sent": None,
}  # fmt: skip


def test_res_8_the_list_counts_by_state_and_says_reason_since_when_turn_and_letter() -> None:
    later = ROW | {"candidate": "0002", "uci": "641230220002E", "letter": "claims-2024-06.txt", "sent": DAY}
    text = "\n".join(lines_of(pl.DataFrame([ROW, later], schema=OWED)))
    assert "2024-06  pending: 2" in text
    assert "pending since 22 August 2024 00:01 BST: there is no mark yet for a component (BEN03)" in text
    assert "Turn: the board. The result follows when the mark is there. Letter: none." in text
    assert "Letter: claims-2024-06.txt of 22 August 2024 00:01 BST, not fetched." in text
    read = later | {"fetched": DAY + timedelta(hours=1), "fetched_by": "Exams office"}
    assert "fetched 22 August 2024 01:01 BST by Exams office." in "\n".join(lines_of(pl.DataFrame([read], schema=OWED)))


def test_res_8_a_command_lists_it_and_writes_it(
    fresh: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in (("CATALOGUE", fresh.catalogue), ("STATE", fresh.state), ("DATABASE_URL", fresh.database_url)):
        monkeypatch.setenv(f"RESULTSDAY_{name}", str(value))
    assert CliRunner().invoke(main, ["owed"]).output == "Nobody is owed a result.\n"
    assert CliRunner().invoke(main, ["owed", "2099-06"]).exit_code == 1
    done = CliRunner().invoke(main, ["owed", "2024-06", "--csv", str(tmp_path / "owed.csv")])
    assert "0 rows" in done.output
    assert (tmp_path / "owed.csv").read_text(encoding="utf-8-sig").strip() == ",".join(OWED)
