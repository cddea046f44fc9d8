"""Who may do what over Airflow's API (OPS-4): one table, whichever log-in Airflow has.

Airflow's own roles allow a user to stop a schedule and an operator to write what tasks have returned. Here every
request that changes something is refused unless a line of `MAY` allows it: by role, method, address and what it says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import field, frozen

from infra.airflow_api import SERVICE

OWNER, OP, USER, VIEWER = "admin", "op", "user", "viewer"
RANKS = (VIEWER, USER, OP, OWNER)
API, UI = "/api/v2/", "/ui/"
AHEAD = timedelta(minutes=1)
"""How far a clock may be wrong before a run counts as one of the future."""
NOW = timedelta(minutes=10)
"""Airflow's form fills in the instant at which it was opened."""
Body = Mapping[str, Any]


def _plain(body: Body, now: datetime) -> bool:
    """A run as the schedule would make it: without parameters or a note, and at no instant of somebody's choice. The
    note of a run is the desk's word, which people read as such."""
    chosen = [body[name] for name in ("run_after", "logical_date") if body.get(name)]
    others = set(body) - {"run_after", "logical_date"}
    return not any(body[name] for name in others) and all(abs(_instant(at) - now) < NOW for at in chosen)


def _note(body: Body, now: datetime) -> bool:
    """The note of a run, and nothing else."""
    return set(body) == {"note"}


def _anything(body: Body, now: datetime) -> bool:
    return True


@frozen(kw_only=True)
class May:
    """Something that whoever has a role, or more, may do: an address below Airflow's API, and what the request says."""

    role: str
    method: str
    path: str
    says: Callable[[Body, datetime], bool] = field(default=_anything, repr=False)
    words: str


_LIST = r"dags/~/dagRuns/(?:list|~/taskInstances/list)"
_INGEST = r"dags/ingest/dagRuns"
MAY = (
    May(role=VIEWER, method="POST", path=_LIST, words="look at lists of runs and tasks"),
    May(role=VIEWER, method="POST", path=r"dags/[^/]+/(?:un)?favorite", words="choose favourites"),
    May(role=VIEWER, method="POST", path=r"ui/auth/token", words="get a token of their own"),
    May(role=USER, method="POST", path=_INGEST, says=_plain, words="start the ingest, without parameters or a note"),
)
"""What people may do. Whoever has the owner's role may do everything, but put a run into the future."""
SERVICES_MAY = (
    May(role=OP, method="POST", path=_INGEST, says=_plain, words="start the ingest"),
    May(role=OP, method="PATCH", path=r"dags/[^/]+/dagRuns/[^/]+", says=_note, words="write the note of a run"),
)
"""What the service user `ops` may do, whose password every service holds."""
CLOSED = re.compile(
    r"(?:variables|connections|config|eventLogs)(?:/|$)|.*/(?:xcomEntries|state-store)(?:/|$)|dags/[^/]+/dagRuns/[^/]+/wait$"
)
"""What only the owner's role reads: it may hold secrets, or what is under embargo. Airflow's wait for a run gives out
what its tasks have returned."""


@frozen
class Asked:
    """A request as the table sees it: method, address below Airflow's API, what it says, and who sends it."""

    method: str
    path: str
    body: Body
    who: str
    role: str


def refusal(asked: Asked, now: datetime) -> str:
    """Why a request is refused, in a sentence; empty when it is not. `now` is aware."""
    dated = [asked.body.get(name) for name in ("run_after", "logical_date")] if _starts(asked) else []
    if any(_instant(at) > now + AHEAD for at in dated if at):
        return "a run of the future would hold up the schedule: leave the date out"
    if asked.role == OWNER:
        return ""
    if asked.method in ("GET", "HEAD", "OPTIONS"):
        return _only_the_owner(asked) if CLOSED.match(asked.path) else ""
    lines = SERVICES_MAY if asked.who == SERVICE else MAY
    allowed = any(
        may.method == asked.method
        and re.fullmatch(may.path, asked.path)
        and at_least(asked.role, may.role)
        and may.says(asked.body, now)
        for may in lines
    )
    return "" if allowed else _only_the_owner(asked)


def _starts(asked: Asked) -> bool:
    """Whether it asks for a run."""
    return asked.method == "POST" and asked.path.endswith("/dagRuns")


def _only_the_owner(asked: Asked) -> str:
    lines = SERVICES_MAY if asked.who == SERVICE else MAY
    mine = [may.words for may in lines if at_least(asked.role, may.role)]
    may = f"{asked.who} may {', '.join(mine)}" if mine else f"{asked.who} may look"
    return f"this is for the owner's role ({OWNER}) only; {may}"


def at_least(role: str, lowest: str) -> bool:
    """Whether a role is `lowest` or a higher one; one that the table does not know is below all."""
    return role in RANKS and RANKS.index(role) >= RANKS.index(lowest)


def _instant(said: Any) -> datetime:
    """An instant as Airflow reads it; what is none lies in the future."""
    try:
        read = datetime.fromisoformat(str(said))
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def below_api(path: str) -> str | None:
    """An address below Airflow's API, with `ui/` in front for that of its pages; None for any other."""
    plain = re.sub(r"/{2,}", "/", path)
    if plain.startswith(UI):
        return plain.removeprefix("/").rstrip("/")
    return plain.removeprefix(API).rstrip("/") if plain.startswith(API) else None


def body_of(data: bytes) -> Body | None:
    """What a request says; None when it says nothing that can be read."""
    if not data.strip():
        return {}
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def role_of_user(user: Any, like: Mapping[str, str]) -> str:
    """The role of somebody who has logged in, whichever log-in Airflow has: with the simple one they have a role, with
    FAB several. `like`: which of ours another role is like (`Settings.own_roles`)."""
    names = [str(user.role or "")] if hasattr(user, "role") else [role.name for role in getattr(user, "roles", ())]
    return role_of(names, like)


def role_of(names: list[str], like: Mapping[str, str]) -> str:
    """The highest of somebody's roles, by the names of simple log-in and FAB and by what others are `like`; empty: none
    that the table knows."""
    mine = {like.get(name.casefold(), name.casefold()) for name in names}
    return next((role for role in reversed(RANKS) if role in mine), "")
