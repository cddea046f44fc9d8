"""What each role may do under the log-in of production, tried over the real pages and the real API (OPS-4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.rehearsal.visitors import Visitor
from tests.roles import TRIED

PEOPLE = ("vera", "jane", "ops", "olive")
"""A viewer, a user who may approve, the services, the owner: in the order of `TRIED`."""
PAGES = {
    "": ("vera", "jane", "olive"),
    "centres": ("vera", "jane", "olive"),
    "approval": ("vera", "jane", "olive"),
    "files": ("jane", "olive"),
    "quarantine": ("jane", "olive"),
    "approvals/999": ("jane",),
}
"""Who sees a page of the console; the service user sees none."""


def not_as_said(visitors: Mapping[str, Visitor]) -> Iterator[str]:
    """Everything that somebody may do more or less than the pages say."""
    for page, allowed in PAGES.items():
        for name in PEOPLE:
            said = visitors[name].get(f"/resultsday/{page}")
            if (said.status_code != 403) != (name in allowed) or said.status_code == 401:
                yield f"{name} at /resultsday/{page}: {said.status_code} {said.url}"
    for what, method, path, body, expected in TRIED:
        for name, may in zip(PEOPLE, expected, strict=True):
            answer = visitors[name].asks(method, path, **({} if method == "GET" else {"json": body}))
            if (answer.status_code < 400) != may:
                yield f"{name}, {what}: {answer.status_code} {answer.text[:300]}"
