"""Keys with which centres log in, kept in the ledger and not in files: there every change has a who, when and why,
applies to every copy of the service at once, and is in the ledger's backup. No row is ever deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, Engine, Row, Select, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from infra.ledger.approvals import Order, with_name_and_reason
from infra.ledger.tables import centre_keys


class KeyRefused(ValueError):  # noqa: N818
    """A key cannot be added, rotated or removed; the message says why."""


@frozen
class PublicKey:
    """A public key as a centre gave it: `line` is kind and data, `fingerprint` as `ssh-keygen -l` prints it."""

    kind: str
    line: str
    fingerprint: str
    comment: str


@frozen(kw_only=True)
class CentreKey:
    """A key of a centre as the ledger has it; None for what has not happened."""

    id: int
    centre: str
    kind: str
    public_key: str
    fingerprint: str
    comment: str
    added_at: datetime
    added_by: str
    added_how: str
    added_why: str
    ends_at: datetime | None
    ends_by: str | None
    ends_how: str | None
    ends_why: str | None
    removed_at: datetime | None
    removed_by: str | None
    removed_how: str | None
    removed_why: str | None

    def valid(self, now: datetime) -> bool:
        """Whether a centre can log in with it at `now` (aware)."""
        return self.removed_at is None and (self.ends_at is None or now < self.ends_at)


class KeyBook:
    """The keys of centres in the ledger."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, centre: str, key: PublicKey, order: Order) -> None:
        """Adds a key for a centre, valid at once beside those it has. Raises `KeyRefused`."""
        with self._changing(order) as connection:
            _insert(connection, centre, key, order)

    def rotate(self, centre: str, key: PublicKey, until: datetime, order: Order) -> Sequence[CentreKey]:
        """Adds a key, valid at once, and ends those that were valid at `until` (aware); returns the latter. Raises
        `KeyRefused`."""
        with self._changing(order) as connection:
            old = [held for held in _rows(connection, _held(centre)) if held.valid(order.at)]
            if not old:
                raise KeyRefused(f"centre {centre} has no valid key to rotate: add one")
            _insert(connection, centre, key, order)
            t = centre_keys.c
            sooner = or_(t.ends_at.is_(None), t.ends_at > until)
            ids = [row.id for row in old]
            ended = {"ends_at": until, "ends_by": order.who, "ends_how": order.how, "ends_why": order.why}
            connection.execute(update(centre_keys).where(t.id.in_(ids), sooner).values(ended))
            return _rows(connection, select(centre_keys).where(t.id.in_(ids)).order_by(t.id))

    def remove(self, centre: str, fingerprint: str | None, order: Order) -> Sequence[CentreKey]:
        """Removes a key at once and ends the sessions it opened; None removes every key of the centre. Returns the keys
        removed; raises `KeyRefused` when there is none."""
        t = centre_keys.c
        query = _held(centre)
        if fingerprint is not None:
            query = query.where(t.fingerprint == fingerprint)
        with self._changing(order) as connection:
            found = _rows(connection, query)
            if not found:
                which = f"key {fingerprint}" if fingerprint else "key"
                raise KeyRefused(f"centre {centre} has no {which} to remove")
            removed = {
                "removed_at": order.at,
                "removed_by": order.who,
                "removed_how": order.how,
                "removed_why": order.why,
            }
            ids = [row.id for row in found]
            connection.execute(update(centre_keys).where(t.id.in_(ids)).values(removed))
        return found

    def valid(self, centre: str, now: datetime) -> Sequence[CentreKey]:
        """The keys with which a centre can log in at `now` (aware)."""
        with self._engine.connect() as connection:
            return [key for key in _rows(connection, _held(centre)) if key.valid(now)]

    def all_valid(self, now: datetime) -> Mapping[str, Sequence[CentreKey]]:
        """The keys with which each centre can log in at `now` (aware)."""
        t, found = centre_keys.c, dict[str, list[CentreKey]]()
        with self._engine.connect() as connection:
            for key in _rows(connection, select(centre_keys).where(t.removed_at.is_(None)).order_by(t.id)):
                if key.valid(now):
                    found.setdefault(key.centre, []).append(key)
        return found

    def still_valid(self, ids: Collection[int], now: datetime) -> set[int]:
        """Those of the keys with these ids that are valid at `now` (aware)."""
        with self._engine.connect() as connection:
            query = select(centre_keys).where(centre_keys.c.id.in_(ids))
            return {key.id for key in _rows(connection, query) if key.valid(now)}

    def keys(self, centre: str) -> Sequence[CentreKey]:
        """Every key a centre has or had, the oldest first."""
        with self._engine.connect() as connection:
            query = select(centre_keys).where(centre_keys.c.centre == centre).order_by(centre_keys.c.id)
            return _rows(connection, query)

    def centres(self, now: datetime) -> Mapping[str, int]:
        """How many valid keys each centre has at `now` (aware), for every centre that ever had a key."""
        t = centre_keys.c
        valid = t.removed_at.is_(None) & (t.ends_at.is_(None) | (t.ends_at > now))
        query = select(t.centre, func.count().filter(valid).label("valid")).group_by(t.centre).order_by(t.centre)
        with self._engine.connect() as connection:
            return {row.centre: row.valid for row in connection.execute(query)}

    @contextmanager
    def _changing(self, order: Order) -> Iterator[Connection]:
        with_name_and_reason(order.who, order.why, KeyRefused)
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise KeyRefused("the centre already has this key; remove it before adding it again") from None


def _insert(connection: Connection, centre: str, key: PublicKey, order: Order) -> None:
    row: dict[str, Any] = {
        "centre": centre, "kind": key.kind, "public_key": key.line, "fingerprint": key.fingerprint,
        "comment": key.comment, "added_at": order.at, "added_by": order.who, "added_how": order.how,
        "added_why": order.why,
    }  # fmt: skip
    connection.execute(insert(centre_keys).values(row))


def _held(centre: str) -> Select[Any]:
    t = centre_keys.c
    return select(centre_keys).where(t.centre == centre, t.removed_at.is_(None)).order_by(t.id)


def _rows(connection: Connection, query: Select[Any]) -> list[CentreKey]:
    found: Sequence[Row[Any]] = connection.execute(query).all()
    return [CentreKey(**row._mapping) for row in found]
