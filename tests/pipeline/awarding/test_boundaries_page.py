"""The page of the boundaries: what is tried is under embargo, and stands in no address (RES-2, AWD-1)."""

from __future__ import annotations

from fastapi import Request
from fastapi.testclient import TestClient

from pipeline.console.access import Person
from pipeline.console.app import application
from pipeline.desk import Desk
from tests.pipeline.results_season import BUILT, play


async def _approver(request: Request) -> Person:
    return Person("jane", frozenset({"look", "approve"}))


def test_res_2_marks_that_are_tried_stand_in_no_address(work: Desk) -> None:
    play(work)
    site = application(work.settings, lambda: BUILT, _approver, lambda back: back)
    pages = TestClient(site, headers={"origin": "http://testserver"})
    tried = {"series": "2024-06", "component": "BEN01", "L2P": "1"}
    shown = pages.get("/boundaries", params={"series": "2024-06"})
    assert '<form method="post" action="/boundaries">' in shown.text
    assert "What it would do" not in pages.get("/boundaries", params=tried).text
    assert 'name="L2P" type="number" min="0" max="60" value="1"' in pages.post("/boundaries", data=tried).text
    assert pages.post("/boundaries", data=tried, headers={"origin": "http://elsewhere"}).status_code == 403
