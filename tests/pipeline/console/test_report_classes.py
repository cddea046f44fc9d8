"""Every report has a class, and what has none is closed (OPS-4)."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.report_classes import REPORT_CLASSES, report_class
from rules import terms

ROOT = Path(__file__).parents[3]


def test_ops_4_every_place_that_reports_are_written_to_has_a_class() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "pipeline").rglob("*.py"))
    places = set(re.findall(r"[\"`](reports/[a-z-]+/)", code))
    assert places >= {"reports/award/", "reports/drift/", "reports/certificates/"}
    assert places == set(REPORT_CLASSES)


def test_ops_4_a_report_without_a_class_is_closed() -> None:
    for key in ("reports/other/x.html", "reports/awardx/1", "archive/x", "reports/", ""):
        assert report_class(key) is None
    assert report_class("reports/drift/2024-06/1.csv") == terms.EMBARGO
    assert report_class("reports/certificates/2024-06.html") == terms.PERSONAL
