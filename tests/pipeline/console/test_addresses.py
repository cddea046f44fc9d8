"""What may stand in an address of the console: addresses are in logs, so no mark, no person's number and nothing under
embargo does (RES-2, OPS-3). A candidate number is how a page about a candidate is called."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import Request
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from pipeline.console.access import Person
from pipeline.console.acts import DESK_ACTS
from pipeline.console.app import application
from pipeline.console.every_act import EVERY
from pipeline.console.routes import routes
from pipeline.corrections import cases
from pipeline.desk import Desk
from pipeline.results.release import approve, release
from tests.pipeline.results_season import (
    APPROVED,
    AWARDED,
    BUILT,
    CENTRE,
    TO_CENTRES,
    TO_LEARNERS,
    WHO,
    WHY,
    awarded,
    build,
    play,
    series,
)

CONSOLE = Path(__file__).parents[3] / "pipeline" / "console"
PATHS = {"centre", "candidate", "number", "name", "key", "verb"}
QUERIES = {
    "series", "kind", "owner", "centre", "at", "who", "action", "since", "until", "code", "every", "outcome", "only",
    "starts", "sort", "down", "page", "still", "on", "component",
    "q", "shown",  # sealed: `pipeline.console.tokens`
}  # fmt: skip
"""How lists are filtered, sorted and paged, and what is sealed."""
LINKED = {"candidate", "to", "number", "qualification", "code", "key"}
FORM = re.compile(r"<form(?P<head>[^>]*)>(?P<body>.*?)</form>", re.DOTALL)


def test_every_address_takes_only_what_may_stand_in_a_log() -> None:
    asked = [route for route in routes.routes if isinstance(route, APIRoute)]
    assert len(asked) > 40
    for route in asked:
        assert {each.name for each in route.dependant.path_params} <= PATHS, route.path
        assert {each.name for each in route.dependant.query_params} <= QUERIES, route.path


def test_whatever_else_a_view_reads_from_an_address_is_declared_by_a_link() -> None:
    read = {path.stem for path in CONSOLE.rglob("*.py") if "query_params" in path.read_text(encoding="utf-8")}
    assert read == {"act", "visit"}
    acts = [*EVERY.values(), *DESK_ACTS.values()]
    assert {field.name for act in acts for field in act.fields if field.linked} == LINKED
    assert not any(field.linked for field in EVERY["learner-uci"].fields if field.name != "candidate")


def test_forms_that_put_what_is_said_into_the_address_only_choose_what_a_list_shows() -> None:
    forms = [
        (path.stem, found["head"], found["body"])
        for path in (CONSOLE / "templates").glob("*.html")
        for found in FORM.finditer(path.read_text(encoding="utf-8"))
    ]
    assert len(forms) > 20
    for page, head, body in forms:
        if 'method="post"' not in head:
            assert 'class="choose" method="get"' in head, page
            assert set(re.findall(r'name="([^"]+)"', body)) <= QUERIES, page


async def _clerk(request: Request) -> Person:
    return Person("clerk", frozenset({"look", "files", "act", "personal"}))


@pytest.fixture
def pages(work: Desk) -> TestClient:
    play(work)
    site = application(work.settings, lambda: AWARDED, _clerk, lambda back: back)
    return TestClient(site, headers={"origin": "http://testserver"}, follow_redirects=False)


def test_res_7_marks_of_a_correction_that_is_looked_at_stand_in_no_address(work: Desk) -> None:
    approve(work, build(work, awarded(work), BUILT).awarding, WHO, WHY, APPROVED)
    release(work, series(work), "centres", TO_CENTRES)
    release(work, series(work), "learners", TO_LEARNERS)
    now = TO_LEARNERS + timedelta(hours=10)
    request = cases.Request(kind="appeal", about=[f"{CENTRE}/0002/BEN03"], by=WHO, on="2024-08-22")
    case = cases.open_case(work, series(work), request, WHO, WHY, now)
    site = application(work.settings, lambda: now, _clerk, lambda back: back)
    pages = TestClient(site, headers={"origin": "http://testserver"}, follow_redirects=False)
    said = {"kind": "appeal", "marks": f"{CENTRE}/0002/BEN03=60", "look": "1"}
    path = f"/corrections/{case.number}"
    assert "2. The effect" not in pages.get(path, params=said).text
    shown = pages.post(path, data=said)
    assert (shown.status_code, "2. The effect" in shown.text) == (200, True)
    assert not work.corrections.all()[-1].proposed


def test_res_8_who_is_to_be_withheld_stands_in_no_address(pages: TestClient) -> None:
    about = {"series": "2024-06", "centre": CENTRE, "candidate": "0002"}
    assert "2. The effect" not in pages.get("/withholding/put", params=about).text
    assert "2. The effect" in pages.post("/withholding/put", data=about).text


def test_what_an_act_is_told_is_not_taken_from_an_address(pages: TestClient) -> None:
    said = {"series": "2024-06", "candidate": "0002", "to": "64123B240001X"}
    shown = pages.get(f"/centres/{CENTRE}/acts/learner-uci", params=said).text
    assert ('value="0002"' in shown, "64123B240001X" in shown) == (True, False)


def test_items_of_the_work_list_are_chosen_without_an_address(pages: TestClient) -> None:
    shown = pages.get("/work", params={"series": "2024-06", "chosen": "x", "does": "work_taken"}).text
    assert "Do it" not in shown
    assert pages.post("/work", data={"series": "2024-06", "does": "work_taken", "chosen": "x"}).status_code == 200
    assert pages.post("/work", data={"does": "work_taken", "chosen": "x", "why": " "}).status_code == 400


ABOUT = {"centre": CENTRE, "candidate": "0002", "number": "1", "name": "x.txt", "key": "0", "verb": "put"}
"""An address of each kind of page; whether the page is there does not matter."""


def _asked(method: str) -> list[tuple[str, list[str], list[str]]]:
    """The addresses of this method, each with the names of its queries and of what its path is filled in with."""
    return [
        (route.path, [each.name for each in route.dependant.query_params], re.findall(r"{(\w+)", route.path))
        for route in routes.routes
        if isinstance(route, APIRoute) and method in route.methods
    ]


def _filled(path: str, **changed: str) -> str:
    filled = ABOUT | changed
    return re.sub(r"{(\w+)[^}]*}", lambda found: filled[found[1]], path)


async def _head(request: Request) -> Person:
    return Person("head", frozenset({"look", "files", "act", "personal", "approve"}))


@pytest.fixture
def every_page(work: Desk) -> TestClient:
    site = application(work.settings, lambda: AWARDED, _head, lambda back: back)
    headers = {"origin": "http://testserver"}
    return TestClient(site, headers=headers, follow_redirects=False, raise_server_exceptions=False)


def test_fil_7_no_page_takes_a_control_character_in_its_address(every_page: TestClient) -> None:
    for bad in ("%00", "a%00b", "%0A", "%1B[31m", "%7F", "%C2%85"):
        for path, names, fills in _asked("GET"):
            for name in {*names, "at", "series", "unknown"}:
                assert every_page.get(f"{_filled(path)}?{name}={bad}").status_code == 404, (path, name)
            for name in fills:
                assert every_page.get(_filled(path, **{name: bad})).status_code == 404, (path, name)
            assert every_page.get(f"{_filled(path)}?{bad}=1").status_code == 404, path
        assert every_page.get(f"/static/{bad}").status_code == 404


def test_fil_7_no_form_takes_a_control_character_but_the_ends_of_lines(every_page: TestClient) -> None:
    for bad in ("\0", "a\0b", "\x1b[31m", "\x7f", "\x85"):
        for path, _, _ in _asked("POST"):
            for said in ({"words": bad}, {"why": bad}, {"unknown": bad}, {bad: "x"}):
                assert every_page.post(_filled(path), data=said).status_code == 400, (path, said)
    assert every_page.post("/search", data={"words": "a\r\n\tb"}).status_code == 303
    half = b'--b\r\nContent-Disposition: form-data; name="words"\r\n\r\n+2AA-\r\n--b--\r\n'
    kind = {"content-type": "multipart/form-data; boundary=b; charset=utf-7"}
    assert every_page.post("/search", content=half, headers=kind).status_code == 400
