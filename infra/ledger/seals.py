"""The chain of seals in the ledger: its head, what in it differs from the rows, and what audits have found (OPS-7).

Every question is one statement that returns what breaks it, in the code of this module: a function that somebody
changed in the database is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from typing import Any

import polars as pl
from attrs import frozen
from sqlalchemy import Connection, Engine, Table, insert, select, text

from infra.ledger import sql
from infra.ledger.frozen import Canonical, canonical, freeze
from infra.ledger.personal import ERASED, UCIS
from infra.ledger.sealed import CONTENT, FROZEN, GUARDS, HEAD, SEALED, Sealed, as_it_came, digest, key, touched
from infra.ledger.tables import (
    audits,
    awards,
    choices,
    frozen_rows,
    frozen_sums,
    marks,
    published_files,
    results,
    seals,
)

AT_ONCE = 2
"""Tables that are looked through at a time: to hash its rows keeps a processor of PostgreSQL's busy."""

_TABLES: dict[str, Table] = {table.name: table for table in (results, awards, choices)}


@frozen
class Head:
    """The end of the chain: the place of the last seal, and its hash; 0 and empty before the first."""

    number: int
    head: str


NO_HEAD = Head(0, "")


@frozen(kw_only=True)
class Broken:
    """One row, or one place of the chain, that is not as it was sealed. `what`: changed, added, removed, state,
    follows, chain or guard; `place`: of the seal, 0 where there is none; `row`: which row, in words; `now`: what
    the row is now, hashed, so that whoever looks at it can be held to what they saw."""

    what: str
    table: str
    row: str
    place: int = 0
    now: str = ""


_NUMBERED = re.compile(
    r"((?:the row (?:before|after) )?(?:awarding [0-9]+, (?:row [0-9]+|all rows)|(?:id|number|submission_id) [0-9]+)"
    r"|20[0-9]{2}-[01][0-9] version [0-9]+)(?![\w/])"
)


def unnamed(row: str, now: str) -> str:
    """A row, in the words of `Broken`, for whoever may not know whose it is: its number, where it has one of its own,
    and else a hash of the words, by which it is found again."""
    numbered = _NUMBERED.match(row)
    number = numbered[1] if numbered else "a row"
    own = number.startswith(("id", "number", "submission_id")) or ", row" in number or ", all rows" in number
    return number if own else f"{number}, key {sha256(f'{row} {now}'.encode()).hexdigest()[:12]}"


@frozen(kw_only=True)
class Audited:
    """An audit on record: when (aware), whether of everything, how far it came and what it found, as JSON."""

    at: datetime
    whole: bool
    number: int
    head: str
    found: Sequence[Any]


class SealBook:
    """Access to the chain. Nothing here changes it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def head(self, number: int | None = None) -> Head:
        """The head of the chain now, or as it was with the seal of this place; `NO_HEAD` when there is none."""
        t = seals.c
        query = select(t.number, t.head).where(t.number.is_not(None))
        query = query.where(t.number == number) if number is not None else query.order_by(t.number.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return Head(row.number, row.head) if row else NO_HEAD

    def broken(self, after: int = 0) -> Iterator[Broken]:
        """What is not as it was sealed, the first place of the chain first: of seals after a place, or of everything
        (0). A seal without a place, a link that does not fit, a row that differs, is gone or was never sealed."""
        with self._looking() as connection:
            found = [*_links(connection, after), *_unplaced(connection)]
        tables = iter(SEALED.values())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            looking = [pool.submit(self._looked, tables, after) for _ in range(AT_ONCE)]
            for looked in looking:
                found += looked.result()
        if not after:
            with self._looking() as connection:
                found += [*_sums(connection), *_unguarded(connection)]
        yield from sorted(found, key=lambda broken: (broken.place or 2**62, broken.table))

    @contextmanager
    def _looking(self) -> Iterator[Connection]:
        """A connection to look at many rows with."""
        with self._engine.connect() as connection:
            _plain_times(connection)
            connection.execute(text("SET LOCAL work_mem = '128MB'"))
            yield connection

    def _looked(self, tables: Iterator[Sealed], after: int) -> list[Broken]:
        """What differs in the next of `tables` that nobody has taken, until there is none left."""
        found: list[Broken] = []
        with self._looking() as connection:
            for sealed in tables:
                found += _rows(connection, sealed, after)
                found += _forgot_nobody(connection, sealed, after)
                if not after:
                    found += _never_sealed(connection, sealed)
                    found += _states(connection, sealed)
        return found

    def thawed(self, awarding_ids: Collection[int] | None = None) -> Iterator[Broken]:
        """The rows of awardings that are not as they were frozen, of all awardings or of these."""
        for name in FROZEN:
            for number in self._frozen_awardings(name, awarding_ids):
                with self._engine.connect() as connection:
                    yield from _thawed(connection, _TABLES[name], number)

    def _frozen_awardings(self, name: str, only: Collection[int] | None) -> list[int]:
        """The awardings that have rows in a table, or should have."""
        t, f = _TABLES[name].c, frozen_rows.c
        query = select(t.awarding_id).union(select(f.awarding_id).where(f.table_name == name))
        with self._engine.connect() as connection:
            there = sorted(connection.execute(query).scalars())
        return [number for number in there if only is None or number in only]

    def marks(self, series: str) -> pl.DataFrame:
        """Every version of a mark in a series: `id`, `component`, `mark`, `status`."""
        m = marks.c
        return sql.table(self._engine, select(m.id, m.component, m.mark, m.status).where(m.series == series))

    def published(self, awarding_id: int) -> dict[str, str]:
        """What was published of an awarding: the SHA-256 by place."""
        t = published_files.c
        with self._engine.connect() as connection:
            rows = connection.execute(select(t.place, t.sha256).where(t.awarding_id == awarding_id).order_by(t.id))
            return {row.place: row.sha256 for row in rows}

    def record(self, audited: Audited) -> None:
        """Puts an audit on record."""
        row = {name: getattr(audited, name) for name in ("at", "whole", "number", "head")}
        with self._engine.begin() as connection:
            connection.execute(insert(audits).values(**row, found=list(audited.found)))

    def audited_well(self) -> Audited | None:
        """The last audit that has found nothing: its head is in the store."""
        t = audits.c
        query = select(t.at, t.whole, t.number, t.head, t.found).where(t.found == [], t.number > 0)
        with self._engine.connect() as connection:
            row = connection.execute(query.order_by(t.id.desc()).limit(1)).mappings().one_or_none()
        return Audited(**row) if row else None

    def audited(self, *, whole: bool | None = None) -> Audited | None:
        """The last audit on record, or the last that looked at everything."""
        t = audits.c
        query = select(t.at, t.whole, t.number, t.head, t.found).order_by(t.id.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(query if whole is None else query.where(t.whole == whole)).mappings().one_or_none()
        return Audited(**row) if row else None


class SealBroken(ValueError):  # noqa: N818
    """Rows that are not as they were sealed; the message says which and what to do."""


def forget(connection: Connection, stand_ins: Mapping[str, str]) -> None:
    """OPS-9: replaces UCIs in the sealed tables by their stand-ins, and seals the rows anew, in the caller's
    transaction. Raises `SealBroken` when a row that would be sealed anew is not as it was sealed."""
    ucis, found = list(stand_ins), list[Broken]()
    _plain_times(connection)
    for sealed in SEALED.values():
        if "uci" in sealed.table.c:
            places = list(connection.execute(text(touched(sealed, ":ucis")), {"ucis": ucis}).scalars())
            found += _rows(connection, sealed, 0, places)
    thawing = [
        (table, number)
        for table in _TABLES.values()
        for number in connection.execute(
            select(table.c.awarding_id).distinct().where(table.c.uci.in_(ucis)).order_by(table.c.awarding_id)
        ).scalars()
    ]
    for table, number in thawing:
        found += _thawed(connection, table, number)
    if found:
        raise SealBroken(
            f"nobody was forgotten: {found[0].table}, {unnamed(found[0].row, found[0].now)} is not as it was sealed "
            f"(OPS-7). Run `resultsday audit`"
        )
    connection.execute(
        text("SELECT seal_forget(:ucis, :stand_ins)"), {"ucis": ucis, "stand_ins": list(stand_ins.values())}
    )
    for table, number in thawing:
        freeze(connection, table, number, canonical(table, _rows_of(connection, table, number)))


def _plain_times(connection: Connection) -> None:
    """Instants are hashed as the text that PostgreSQL makes of them, in UTC."""
    connection.execute(text("SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'"))


def _rows_of(connection: Connection, table: Table, awarding_id: int) -> pl.DataFrame:
    return sql.copied(connection, select(table).where(table.c.awarding_id == awarding_id))


# --- The chain -------------------------------------------------------------------------------------------------------


def _links(connection: Connection, after: int) -> list[Broken]:
    """The first seal that does not follow from the one before it, or does not say what was hashed."""
    head, content = HEAD.format(before="coalesce(s.before, '')", of="s."), CONTENT.format(of="s.")
    question = f"""
        SELECT s.number, s.table_name, s.number - s.previous - 1 AS lost FROM (
            SELECT *, coalesce(lag(number) OVER (ORDER BY number), :first) AS previous,
                lag(head) OVER (ORDER BY number) AS before
            FROM seals WHERE number >= :after
        ) AS s
        WHERE s.number > :after AND (
            s.number <> s.previous + 1 OR s.head IS DISTINCT FROM {head}
            OR (s.digests IS NOT NULL AND s.content_sha256 <> {content})
            OR (s.digests IS NULL AND NOT EXISTS (
                SELECT FROM seals AS r WHERE r.replaces = s.number AND r.number > s.number
                AND r.table_name = s.table_name AND r.keys = s.keys))
        ) ORDER BY s.number LIMIT 1
    """  # noqa: S608 -- our own words
    row = connection.execute(text(question), {"after": after, "first": after}).one_or_none()
    if row is None:
        return []
    words = f"{row.lost} seals before it are gone" if row.lost else "it does not follow from the seal before it"
    return [Broken(what="chain", table=row.table_name, row=words, place=row.number)]


def _unplaced(connection: Connection) -> list[Broken]:
    """Rows that were added, and not by the desk: their seals have no place in the chain."""
    question = "SELECT table_name, keys FROM seals WHERE number IS NULL ORDER BY id"
    rows = connection.execute(text(question)).all()
    return [
        Broken(what="added", table=row.table_name, row=_named(connection, SEALED[row.table_name], row.keys[0]))
        for row in rows
        if row.table_name in SEALED
    ]


def _rows(connection: Connection, sealed: Sealed, after: int, places: Sequence[int] | None = None) -> Iterator[Broken]:
    """The first row of each seal after a place that is not as it was sealed, or of these seals only."""
    versions = connection.execute(
        text("SELECT DISTINCT columns FROM seals WHERE table_name = :name AND number > :after"),
        {"name": sealed.name, "after": after},
    ).scalars()
    for columns in list(versions):
        wrong = connection.execute(
            text(_compared(sealed, tuple(columns))),
            {"name": sealed.name, "after": after, "columns": columns, "places": places},
        )
        for row in wrong.all():
            yield _first(connection, sealed, tuple(columns), row.number)


def _compared(sealed: Sealed, columns: tuple[str, ...]) -> str:
    # All keys before they are joined: PostgreSQL thinks that a seal has ten, and would read the table for each seal.
    return f"""
        WITH k AS MATERIALIZED (
            SELECT n.number, u.key, u.place FROM seals AS n, unnest(n.keys) WITH ORDINALITY AS u (key, place)
            WHERE n.table_name = :name AND n.number > :after AND n.columns = :columns AND n.digests IS NOT NULL
            AND (CAST(:places AS bigint[]) IS NULL OR n.number = ANY(:places))
        )
        SELECT s.number FROM seals AS s JOIN (
            SELECT k.number, string_agg({digest(sealed, columns, "t")}, '' ORDER BY k.place) AS digests
            FROM k LEFT JOIN {as_it_came(sealed)} AS t ON {key(sealed, "t")} = k.key GROUP BY k.number
        ) AS there ON there.number = s.number
        WHERE there.digests IS DISTINCT FROM s.digests ORDER BY s.number
    """  # noqa: S608 -- names of our own tables


def _first(connection: Connection, sealed: Sealed, columns: tuple[str, ...], number: int) -> Broken:
    """The first row of a seal that is changed or gone."""
    question = f"""
        SELECT u.key, t.digest IS NULL AS gone, encode(t.digest, 'hex') AS now
        FROM seals AS s CROSS JOIN unnest(s.keys) WITH ORDINALITY AS u (key, place) LEFT JOIN (
            SELECT {key(sealed, "t")} AS key, {digest(sealed, columns, "t")} AS digest FROM {as_it_came(sealed)} AS t
        ) AS t ON t.key = u.key
        WHERE s.number = :number AND t.digest IS DISTINCT FROM substr(s.digests, (16 * u.place - 15)::int, 16)
        ORDER BY u.place LIMIT 1
    """  # noqa: S608 -- names of our own tables
    row = connection.execute(text(question), {"number": number}).one_or_none()
    if row is None:  # a key twice: every row that is there has its digest, and there is one more
        return Broken(what="added", table=sealed.name, row="a row with the key of another", place=number)
    if row.gone:
        return Broken(what="removed", table=sealed.name, row=f"{'/'.join(sealed.key)} {row.key}", place=number)
    return Broken(what="changed", table=sealed.name, row=_named(connection, sealed, row.key), place=number, now=row.now)


def _forgot_nobody(connection: Connection, sealed: Sealed, after: int) -> list[Broken]:
    """The first seal that replaces another, and none of whose rows is about a learner who was forgotten (OPS-9): only
    that replaces a seal."""
    nobody = " AND ".join(f"t.{name} !~ '^{ERASED}'" for name in UCIS.get(sealed.table, ())) or "true"
    question = f"""
        WITH k AS MATERIALIZED (
            SELECT s.number, u.key FROM seals AS s CROSS JOIN unnest(s.keys) AS u (key)
            WHERE s.table_name = :name AND s.number > :after AND s.replaces IS NOT NULL
        )
        SELECT k.number FROM k LEFT JOIN {sealed.name} AS t ON {key(sealed, "t")} = k.key
        GROUP BY k.number HAVING bool_and(coalesce({nobody}, true)) ORDER BY k.number LIMIT 1
    """  # noqa: S608 -- names of our own tables
    number = connection.execute(text(question), {"name": sealed.name, "after": after}).scalar()
    words = "it replaces another seal, and nobody was forgotten"
    return [] if number is None else [Broken(what="chain", table=sealed.name, row=words, place=number)]


def _never_sealed(connection: Connection, sealed: Sealed) -> list[Broken]:
    """The first row of a table that is in no seal."""
    # All of them before the first is looked for: with a LIMIT beside it PostgreSQL compares each row with each key.
    question = f"""
        SELECT {key(sealed, "t")} FROM {sealed.name} AS t WHERE {key(sealed, "t")} = ANY(ARRAY(
            SELECT {key(sealed, "t")} FROM {sealed.name} AS t
            EXCEPT SELECT unnest(keys) FROM seals WHERE table_name = :name
        )) ORDER BY {", ".join(sealed.key)} LIMIT 1
    """  # noqa: S608 -- names of our own tables
    found = connection.execute(text(question), {"name": sealed.name}).scalar()
    return [] if found is None else [Broken(what="added", table=sealed.name, row=_named(connection, sealed, found))]


def _ordered(sealed: Sealed) -> str:
    columns = ", ".join(f't."{name}"' for name in sealed.key)
    return f"ROW({columns})"


def _states(connection: Connection, sealed: Sealed) -> list[Broken]:
    """The first row whose state is another than the last one on record."""
    if not sealed.states:
        return []
    question = f"""
        WITH wrong AS MATERIALIZED (
            SELECT {key(sealed, "t")} AS row, {_ordered(sealed)} AS place FROM {sealed.name} AS t JOIN (
                SELECT DISTINCT ON (key) key, said FROM states WHERE table_name = :name ORDER BY key, id DESC
            ) AS s ON s.key = {key(sealed, "t")}
            WHERE s.said <> (
                SELECT jsonb_object_agg(k, to_jsonb(t) -> k) FROM jsonb_object_keys(s.said) AS k
            )
        ) SELECT wrong.row FROM wrong ORDER BY place LIMIT 1
    """  # noqa: S608 -- names of our own tables
    found = connection.execute(text(question), {"name": sealed.name}).scalar()
    return [] if found is None else [Broken(what="state", table=sealed.name, row=_named(connection, sealed, found))]


_SUMS = {
    "samples": """
        SELECT 'cohort ' || s.cohort_id || ', candidate ' || s.candidate FROM samples AS s LEFT JOIN (
            SELECT DISTINCT ON (cohort_id, candidate) cohort_id, candidate, mark FROM moderator_marks
            ORDER BY cohort_id, candidate, id DESC
        ) AS m USING (cohort_id, candidate)
        WHERE s.moderated_mark IS DISTINCT FROM m.mark ORDER BY s.cohort_id, s.candidate LIMIT 1
    """,
    "fee_lines": """
        SELECT 'the sum of file ' || s.id || ' (centre ' || s.centre || ')' FROM submissions AS s LEFT JOIN (
            SELECT submission_id, sum(pence) AS pence FROM fee_lines GROUP BY submission_id
        ) AS f ON f.submission_id = s.id
        WHERE s.pence <> coalesce(f.pence, 0) ORDER BY s.id LIMIT 1
    """,
}
"""What follows from sealed tables, by the table: the first row that does not."""


def _sums(connection: Connection) -> list[Broken]:
    found = ((table, connection.execute(text(question)).scalar()) for table, question in _SUMS.items())
    return [Broken(what="follows", table=table, row=row) for table, row in found if row is not None]


def _unguarded(connection: Connection) -> list[Broken]:
    """Triggers of ours that are gone or switched off."""
    question = """
        SELECT tgrelid::regclass::text AS name, tgname FROM pg_trigger WHERE tgname LIKE 'seal\\_%' AND tgenabled = 'O'
    """
    there = {(row.name, row.tgname) for row in connection.execute(text(question))}
    missing = [(table, name) for table, names in GUARDS.items() for name in names if (table, name) not in there]
    return [Broken(what="guard", table=table, row=f"trigger {name}") for table, name in missing]


def _named(connection: Connection, sealed: Sealed, value: str) -> str:
    """A row in words: its key and what people know it by."""
    names = ", ".join(f't."{name}"' for name in sealed.words)
    question = f"SELECT {names} FROM {sealed.name} AS t WHERE {key(sealed, 't')} = :key"  # noqa: S608 -- our own names
    row = connection.execute(text(question), {"key": value}).mappings().first()
    said = (
        ", ".join(
            f"{name} {str(row[name])[: 12 if name == 'source' else None]}"
            for name in sealed.words
            if row[name] not in ("", None)
        )
        if row
        else ""
    )
    return f"{'/'.join(sealed.key)} {value}" + (f" ({said})" if said else "")


# --- Awardings -------------------------------------------------------------------------------------------------------


def _thawed(connection: Connection, table: Table, awarding_id: int) -> Iterator[Broken]:
    """The first row of an awarding that is not as it was frozen."""
    f, s = frozen_rows.c, frozen_sums.c
    newest = (
        select(f.rows, f.sha256, s.sums)
        .outerjoin(frozen_sums, s.frozen_id == f.id)
        .where(f.awarding_id == awarding_id, f.table_name == table.name)
        .order_by(f.edition.desc())
        .limit(1)
    )
    there = canonical(table, sql.copied(connection, select(table).where(table.c.awarding_id == awarding_id)))
    sealed = connection.execute(newest).one_or_none()
    if sealed is None:
        yield _of_awarding(there, 0, table, awarding_id, "added")
    elif there.sha256 != sealed.sha256:
        yield _first_row(there, bytes(sealed.sums or b""), sealed.rows, table, awarding_id)


def _first_row(there: Canonical, sums: bytes, rows: int, table: Table, awarding_id: int) -> Broken:
    """The first row that differs from what was frozen, by the sums of the rows."""
    frozen_sums_, now = memoryview(sums).cast("I"), there.sums
    known = pl.Series(list(frozen_sums_), dtype=pl.UInt32)
    foreign = ~pl.Series(list(now), dtype=pl.UInt32).is_in(known.implode())
    if foreign.any():
        what = "added" if len(now) > rows else "changed"
        return _of_awarding(there, foreign.arg_max() or 0, table, awarding_id, what)
    place = next((place for place, pair in enumerate(zip(frozen_sums_, now, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(now), rows) if place is None else place
    what = "removed" if len(now) < rows else "added" if len(now) > rows else "changed"
    return _of_awarding(there, at, table, awarding_id, what)


def _of_awarding(there: Canonical, place: int, table: Table, awarding_id: int, what: str) -> Broken:
    # Reports, alerts and logs repeat it: a learner is named by centre and candidate number, and by the row (OPS-3).
    names = [name for name in FROZEN[table.name] if name not in ("claim_id", "uci")]
    before = "the row before " if what == "removed" else ""
    if place >= there.rows.height:
        before, place = ("the row after " if what == "removed" else ""), there.rows.height - 1
    said = "all rows"
    if there.rows.height:
        row = there.rows.row(place, named=True)
        said = f"row {place + 1}: " + ", ".join(f"{name} {row[name]}" for name in names)
    return Broken(
        what=what, table=table.name, row=f"{before}awarding {awarding_id}, {said}", now=there.sha256[:32]
    )  # fmt: skip
