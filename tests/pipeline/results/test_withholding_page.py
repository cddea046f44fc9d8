"""Withholding in the console: whose results it is stands there as the centre says it, by candidate number (RES-8)."""

from __future__ import annotations

import logging

import polars as pl
import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from infra.ledger.learners import MOVING, LearnerBook
from pipeline.console.access import Person
from pipeline.console.app import application
from pipeline.desk import Desk
from pipeline.orders import Order
from pipeline.results.withholding import Scope, withhold
from tests.pipeline.results_season import AWARDED, CENTRE, WHO, WHY, play


async def _op(request: Request) -> Person:
    return Person("clerk", frozenset({"look", "files", "act"}))


def test_ops_3_who_withholds_a_candidate_is_shown_no_uci(work: Desk) -> None:
    uci = play(work).learners["0002"]["uci"]
    site = application(work.settings, lambda: AWARDED, _op, lambda back: back)
    pages = TestClient(site, headers={"origin": "http://testserver"})
    about = {"series": "2024-06", "centre": CENTRE, "candidate": "0002"}
    for verb in ("put", "release", "void", "give-back"):
        shown = pages.post(f"/withholding/{verb}", data=about).text
        assert f"{CENTRE}/0002" in shown
        assert uci not in shown
    assert uci not in pages.post("/withholding/release", data=about | {"why": WHY, "shown": ""}).text


def test_ops_3_no_log_says_whose_uci_it_is(work: Desk, caplog: pytest.LogCaptureFixture) -> None:
    uci = play(work).learners["0002"]["uci"]
    with caplog.at_level(logging.INFO):
        withhold(work, Scope(series="2024-06", centre=CENTRE, uci=uci), Order(WHO, WHY, AWARDED))
    assert "a learner" in caplog.text
    assert uci not in caplog.text


def test_ops_3_who_is_refused_an_act_is_shown_no_uci(work: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    uci = play(work).learners["0002"]["uci"]
    site = application(work.settings, lambda: AWARDED, _op, lambda back: back)
    pages = TestClient(site, headers={"origin": "http://testserver"})
    nothing = pl.DataFrame(schema=MOVING)  # as after the release: results that are out stay
    monkeypatch.setattr(LearnerBook, "transferable", lambda *_: nothing)
    asked = {"series": "2024-06", "candidate": "0002", "to": "58201", "number": "0999"}
    shown = pages.get(f"/centres/{CENTRE}/acts/learner-transfer", params=asked).text
    assert "holds nothing at centre" in shown
    assert uci not in shown
