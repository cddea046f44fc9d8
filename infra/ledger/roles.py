"""The database role of the desk (OPS-7): the ledger's tables belong to another, the owner, who migrates. The desk reads
and adds; what is sealed it can neither change nor remove, by whatever program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from psycopg2.extensions import encrypt_password
from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.engine import make_url

from infra.ledger.sealed import FROZEN, SEALED
from infra.ledger.tables import here, metadata, own_store, wrong_passwords

_NO_INSERT = ("seals", "states")
"""Filled by triggers, with the rights of the owner."""
_MAINTAIN = (17,)
"""From this version of PostgreSQL on, a role that owns nothing can be let count the tables again (ANALYZE)."""


class RoleError(ValueError):
    """The role cannot be made; the message says why, and what to do."""


def admit(connection: Connection, desk_url: str) -> None:
    """Makes the role of an address, with its password, and gives it what the desk needs and no more, in the caller's
    transaction, which is the owner's. It can be repeated. An address of the owner itself changes nothing. Raises
    `RoleError`."""
    url, owner = make_url(desk_url), connection.execute(text("SELECT current_user")).scalar_one()
    if not url.username or url.username == owner:
        return
    role = connection.dialect.identifier_preparer.quote(url.username)
    _make(connection, url, role)
    for statement in _grants(role, connection.dialect.server_version_info or ()):
        connection.exec_driver_sql(statement)


def _make(connection: Connection, url: URL, role: str) -> None:
    there = connection.execute(
        text(
            "SELECT rolsuper, pg_has_role(:name, current_user, 'MEMBER') AS member FROM pg_roles WHERE rolname = :name"
        ),
        {"name": url.username},
    ).one_or_none()
    if there and (there.rolsuper or there.member):
        raise RoleError(
            f"the role {url.username} is a superuser, or may become the owner of the ledger's tables: the desk needs a "
            "role of its own (RESULTSDAY_DATABASE_URL), and only `resultsday migrate` the owner's"
        )
    may = connection.execute(
        text("SELECT rolsuper OR rolcreaterole AS make, rolsuper OR rolcreatedb AS give FROM pg_roles "
             "WHERE rolname = current_user")
    ).one()  # fmt: skip
    if not may.make:
        if there is None:
            raise RoleError(f"the owner may not make roles: make the role {url.username}, with LOGIN and its password")
        return
    if there is None:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN NOINHERIT")
    if url.password:
        # Not in clear: a statement may be in a log.
        with closing(connection.connection.cursor()) as raw:
            hashed = encrypt_password(
                str(url.password), str(url.username), scope=raw.connection, algorithm="scram-sha-256"
            )
            raw.execute(f"ALTER ROLE {role} LOGIN PASSWORD %s", (hashed,))
    if may.give:
        connection.exec_driver_sql(f"ALTER ROLE {role} CREATEDB")  # a replay makes a database of its own


def _grants(role: str, version: tuple[Any, ...]) -> Iterator[str]:
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
    yield f"GRANT USAGE ON SCHEMA public, {here.schema} TO {role}"
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
    yield f"GRANT SELECT, INSERT, UPDATE ON {own_store} TO {role}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {wrong_passwords} TO {role}"
    for name in metadata.tables:
        if name in SEALED:
            if name not in _NO_INSERT:
                yield f"GRANT INSERT ON {name} TO {role}"
            if states := SEALED[name].states:
                columns = ", ".join(f'"{state}"' for state in states)
                yield f"GRANT UPDATE ({columns}) ON {name} TO {role}"
        elif name in FROZEN:
            yield f"GRANT INSERT ON {name} TO {role}"
        elif name not in _NO_INSERT:
            yield f"GRANT INSERT, UPDATE, DELETE ON {name} TO {role}"
    if version >= _MAINTAIN:
        yield f"GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO {role}"
    for function in ("seal_chain()", "seal_forget(text[], text[])"):
        yield f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC"
        yield f"GRANT EXECUTE ON FUNCTION {function} TO {role}"


_TOO_MUCH = """
    SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super,
           coalesce(bool_or(pg_has_role(c.relowner, 'MEMBER')), false) AS owns
    FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
"""


def can_do_more(engine: Engine) -> str:
    """What the desk's own role can do to sealed rows besides adding to them, in words; empty when nothing."""
    with engine.connect() as connection:
        row = connection.execute(text(_TOO_MUCH)).one()
        if row.super or row.owns:
            who = connection.execute(text("SELECT current_user")).scalar_one()
            return f"the desk works as {who}, who {'is a superuser' if row.super else 'owns the tables'}"
        rights = " UNION ALL ".join(_right(name) for name in (*SEALED, *FROZEN))
        first = connection.execute(text(f"{rights} LIMIT 1")).scalar()
        return f"the desk's role can change or remove rows of {first}" if first else ""


def _right(name: str) -> str:
    fixed = SEALED[name].fixed if name in SEALED else tuple(column.name for column in metadata.tables[name].columns)
    columns = ", ".join(f"'{column}'" for column in fixed)
    return (
        f"SELECT '{name}' WHERE has_table_privilege('{name}', 'DELETE') "  # noqa: S608 -- our own names
        f"OR has_table_privilege('{name}', 'TRUNCATE') "
        f"OR EXISTS (SELECT FROM unnest(ARRAY[{columns}]) AS c WHERE has_column_privilege('{name}', c, 'UPDATE'))"
    )
