"""Lists of the console: how many there are, one page of them, their order and their filters, and all of it in the
address, so that going back and reloading show the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from attrs import evolve, frozen
from fastapi import Depends, HTTPException

PAGE = 50
"""Lines of a list per page."""
FARTHEST = 1_000_000
"""No list has so many pages."""


@frozen(kw_only=True)
class Turn:
    """Which page (from 1), and in which order: by a column, downwards or not. No column: the list's own order."""

    at: int = 1
    sort: str = ""
    down: bool = False


def _turn(at: int = 1, sort: str = "", down: bool = False) -> Turn:
    return Turn(at=at, sort=sort, down=down)


Turned = Annotated[Turn, Depends(_turn)]
"""What the address says of the page and the order."""

Page = tuple[Sequence[Any], int]
Fetch = Callable[[str, bool, int, int], Page]
"""The rows of a page and how many there are in all: by column, whether downwards, at most so many, after so many."""


@frozen(kw_only=True)
class Listing:
    """One page of a list. `path`: below the console; `given`: what else is in the address, filters and series;
    `orders`: the columns that it can be sorted by, none where it has one order only."""

    path: str
    given: Mapping[str, str]
    orders: Sequence[str]
    turn: Turn
    rows: Sequence[Any]
    total: int

    @property
    def at(self) -> int:
        """The page, from 1."""
        return self.turn.at

    @property
    def last(self) -> int:
        """The last page."""
        return _last(self.total)

    def query(self, **changed: Any) -> str:
        """The same list with changes (`at`, `sort`, `down`, or a filter), as the query of an address. Whatever changes
        but the page, begins with the first page."""
        order = {"sort": self.turn.sort, "down": "1" if self.turn.down else ""}
        wish = {**self.given, **order, "at": self.turn.at if not changed else 1, **changed}
        wish["at"] = wish["at"] if int(wish["at"]) > 1 else ""
        told = {name: "1" if value is True else value for name, value in wish.items() if value}
        return f"?{urlencode(told)}" if told else ""

    def sorted_by(self, column: str) -> str:
        """The query that sorts by a column, or turns the order if it is sorted by that already."""
        return self.query(sort=column, down=self.turn.sort == column and not self.turn.down)


def listing(path: str, given: Mapping[str, str], turn: Turn, fetch: Fetch, orders: Sequence[str] = ()) -> Listing:
    """The page that an address asks for; behind the last page, the last. Raises `HTTPException` where it asks for an
    order that the list does not have."""
    if turn.sort and turn.sort not in orders:
        raise HTTPException(404, f"This list cannot be sorted by {turn.sort[:40]}.")
    here = min(max(turn.at, 1), FARTHEST)
    rows, total = fetch(turn.sort, turn.down, PAGE, (here - 1) * PAGE)
    if here > _last(total):
        here = _last(total)
        rows, total = fetch(turn.sort, turn.down, PAGE, (here - 1) * PAGE)
    return Listing(path=path, given=given, orders=orders, turn=evolve(turn, at=here), rows=rows, total=total)


def of_rows(rows: Sequence[Any], keys: Mapping[str, Callable[[Any], Any]]) -> Fetch:
    """What `listing` fetches from rows that are all known: sorted by `keys`, what is empty last."""

    def fetch(sort: str, down: bool, limit: int, offset: int) -> Page:
        some = list(rows)
        if sort:
            key = keys[sort]
            some = sorted((row for row in some if key(row) is not None), key=key, reverse=down)
            some += [row for row in rows if key(row) is None]
        return some[offset : offset + limit], len(rows)

    return fetch


def _last(total: int) -> int:
    return max(-(-total // PAGE), 1)
