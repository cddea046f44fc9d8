"""Which tables are sealed (OPS-7), and what the database itself does about it.

A sealed table is only added to. After each statement that adds rows, a trigger writes one row of `seals`: the keys of
the new rows and a digest of each. When the desk commits, `seal_chain` gives the seals of its transaction the next
places in the chain, each hashed together with the head before it. Whoever adds rows by other means does not do that,
so such rows stay without a place.

A table joins by a line in `SEALED`; `migrate` does the rest, also for the rows that are there already. What must have a
state is declared with those columns: only they can be changed, and every state becomes a row of `states`.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen
from sqlalchemy import Connection, Table, text

from infra.ledger.personal import PERSONAL
from infra.ledger.tables import (
    actions,
    approvals,
    awardings,
    awards,
    centre_approvals,
    centres,
    choices,
    cohorts,
    conversions,
    draws,
    erasures,
    frozen_rows,
    hold_decisions,
    kept_back,
    marks,
    proposals,
    published_files,
    results,
    states,
)


@frozen(kw_only=True)
class Sealed:
    """A table whose rows are sealed one by one. `key`: columns that tell its rows apart, without a UCI; `words`: the
    columns by which people are told of a row; `states`: the only columns that may change, row by row of `states`."""

    table: Table
    key: tuple[str, ...] = ("id",)
    words: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are hashed: all that never change."""
        return tuple(column.name for column in self.table.columns if column.name not in self.states)


_ALL = (
    Sealed(table=marks, words=("series", "centre", "candidate", "component", "version", "source", "line")),
    Sealed(
        table=cohorts,
        words=("series", "centre", "component"),
        states=tuple(
            column.name for column in cohorts.columns if column.name not in ("id", "series", "centre", "component")
        ),
    ),
    Sealed(table=draws, key=("cohort_id", "number", "candidate"), words=("cohort_id", "number", "candidate")),
    Sealed(table=conversions, words=("series", "component", "version"), states=("approved_by", "approved_at")),
    Sealed(
        table=awardings,
        words=("series", "version"),
        states=("state", "manifest_sha256", "decided_by", "decided_at", "why"),
    ),
    Sealed(table=frozen_rows, words=("awarding_id", "table_name", "edition")),
    Sealed(table=kept_back, key=("awarding_id", "centre"), words=("awarding_id", "centre")),
    Sealed(table=published_files, words=("place",)),
    Sealed(table=proposals, words=("kind", "subject", "who")),
    Sealed(table=approvals, words=("proposal_id", "verdict", "who")),
    Sealed(table=actions, words=("action", "centre", "series", "option", "who")),
    Sealed(table=hold_decisions, key=("submission_id",), words=("action", "who")),
    Sealed(table=centres, words=("number", "source", "who")),
    Sealed(table=centre_approvals, words=("centre", "qualification", "decision", "who")),
    Sealed(table=erasures, key=("number",), words=("number", "who")),
    Sealed(table=states, words=("table_name", "key")),
)

SEALED = {sealed.name: sealed for sealed in _ALL}
"""Every table that is sealed row by row, by its name."""

FROZEN = {
    "results": ("centre", "candidate", "component", "uci"),
    "awards": ("centre", "candidate", "uci", "registration", "cash_in", "claim_id"),
    "choices": ("centre", "uci", "registration", "component", "series"),
}
"""Tables that an awarding fills once and as a whole, each with the columns that order its rows: they are hashed
together (`infra.ledger.frozen`), and the hash is a sealed row of `frozen_rows`."""

_IN_FULL: dict[str, Table] = {table.name: table for table in (results, awards, choices)}


def digest(sealed: Sealed, columns: tuple[str, ...], of: str) -> str:
    """SQL for the digest of a row of the table that is called `of` in the statement: 16 bytes of its SHA-256."""
    return f"substr(sha256(convert_to(ROW({_names(columns, of)})::text, 'UTF8')), 1, 16)"


def key(sealed: Sealed, of: str) -> str:
    """SQL for the key of a row, as text."""
    return f"concat_ws('/', {_names(sealed.key, of)})"


CONTENT = (
    "encode(sha256(convert_to(array_to_string({of}columns, ',') || E'\\n' || array_to_string({of}keys, ' ') || E'\\n', "
    "'UTF8') || {of}digests), 'hex')"
)
"""SQL for what a seal seals: the SHA-256 of columns, keys and digests."""
HEAD = (
    "encode(sha256(convert_to(concat_ws(' ', {before}, {of}number, {of}table_name, {of}content_sha256, "
    "coalesce({of}replaces, 0)), 'UTF8')), 'hex')"
)
"""SQL for the head of the chain with a seal: the SHA-256 of the head before it and of what it says."""

_UTC = "SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET search_path = public, pg_temp"

_FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION seal_added() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {_UTC} AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO seals (table_name, columns, keys, digests) '
        'SELECT %L, string_to_array(%L, '',''), array_agg(%s ORDER BY %s), string_agg(%s, '''' ORDER BY %s) '
        'FROM added AS a HAVING count(*) > 0',
        TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1], TG_ARGV[2], TG_ARGV[3], TG_ARGV[2]);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION seal_content() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {_UTC} AS $$
BEGIN
    NEW.content_sha256 := {CONTENT.format(of="NEW.")};
    NEW.transaction := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION seal_chain() RETURNS void LANGUAGE plpgsql SECURITY DEFINER {_UTC} AS $$
DECLARE
    mine bigint := pg_current_xact_id_if_assigned()::text::bigint;
    seal record;
    before text;
    last bigint;
BEGIN
    IF mine IS NULL OR to_regclass('public.seals') IS NULL THEN  -- an empty database, which a backup is restored into
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM seals WHERE number IS NULL AND transaction = mine) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7310020);
    SELECT s.number, s.head INTO last, before FROM seals AS s WHERE s.number IS NOT NULL ORDER BY s.number DESC LIMIT 1;
    FOR seal IN SELECT * FROM seals AS s WHERE s.number IS NULL AND s.transaction = mine ORDER BY s.id LOOP
        last := coalesce(last, 0) + 1;
        seal.number := last;
        before := {HEAD.format(before="coalesce(before, '')", of="seal.")};
        UPDATE seals SET number = last, head = before, transaction = NULL WHERE id = seal.id;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION seal_states() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {_UTC} AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO states (table_name, key, said) SELECT %L, %s, %s FROM now_so AS a %s',
        TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1],
        CASE TG_OP WHEN 'UPDATE' THEN 'JOIN was_so AS b USING (id) WHERE a IS DISTINCT FROM b ORDER BY id' ELSE '' END);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION seal_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('resultsday.forgetting', true) = 'yes' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is sealed: rows are added and never changed (OPS-7)', TG_TABLE_NAME USING ERRCODE = '42501';
END $$;

CREATE OR REPLACE FUNCTION seal_forget(ucis text[], stand_ins text[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
{_UTC} SET resultsday.forgetting = 'yes' AS $$
DECLARE
    touched bigint[];
BEGIN
%(forget)s
END $$;
"""  # noqa: S608 -- our own words


def _names(columns: tuple[str, ...], of: str) -> str:
    return ", ".join(f'{of}."{name}"' for name in columns)


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


def _triggers(sealed: Sealed) -> Iterator[str]:
    """What watches over a table that is sealed row by row."""
    columns = ",".join(sealed.columns)
    arguments = [columns, key(sealed, "a"), _names(sealed.key, "a"), digest(sealed, sealed.columns, "a")]
    yield _trigger(sealed.name, "seal_added", "AFTER INSERT", "added", arguments)
    if sealed.states:
        said = ", ".join(f"'{name}', a.\"{name}\"" for name in sealed.states)
        arguments = [key(sealed, "a"), f"jsonb_build_object({said})"]
        yield _trigger(sealed.name, "seal_states", "AFTER INSERT", "now_so", arguments, "seal_first")
        yield _trigger(sealed.name, "seal_states", "AFTER UPDATE", "now_so", arguments, "seal_next")
    yield from _refusals(sealed.name, sealed.columns)


def _trigger(table: str, function: str, when: str, rows: str, arguments: list[str], name: str = "") -> str:
    was = "OLD TABLE AS was_so " if "UPDATE" in when else ""
    return (
        f"CREATE OR REPLACE TRIGGER {name or function} {when} ON {table} REFERENCING {was}NEW TABLE AS {rows} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {function}({', '.join(map(_quoted, arguments))})"
    )


def _refusals(table: str, columns: tuple[str, ...]) -> Iterator[str]:
    names = ", ".join(f'"{name}"' for name in columns)
    for name, when in (("seal_kept", "DELETE OR TRUNCATE"), ("seal_same", f"UPDATE OF {names}")):
        yield (
            f"CREATE OR REPLACE TRIGGER {name} BEFORE {when} ON {table} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION seal_refuse()"
        )


GUARDS = {
    **{
        name: ("seal_added", "seal_kept", "seal_same", *(("seal_first", "seal_next") if sealed.states else ()))
        for name, sealed in SEALED.items()
    },
    **dict.fromkeys(FROZEN, ("seal_kept", "seal_same")),
    "seals": ("seal_content", "seal_kept"),
}
"""The triggers that must be there, by table: the audit looks whether they are."""


def is_sealed(table: Table) -> bool:
    """Whether rows of a table are only added."""
    return table.name in SEALED or table.name in FROZEN


def _forget() -> Iterator[str]:
    """OPS-9: the one change that sealed rows allow: who it was is taken out of them. Seals with such rows are replaced
    by seals of the rows as they are then, and their digests, from which a UCI could be guessed, are taken out too."""
    for table, gone in PERSONAL.items():
        if not is_sealed(table):
            continue
        given = "".join(
            f', "{name}" = {"NULL" if value is None else _quoted(str(value))}' for name, value in gone.items()
        )
        update = (
            f"UPDATE {table.name} AS t SET uci = p.stand_in{given} "  # noqa: S608 -- names of our own tables
            f"FROM unnest(ucis, stand_ins) AS p (uci, stand_in) WHERE t.uci = p.uci;"
        )
        if table.name in SEALED:
            sealed = SEALED[table.name]
            yield f"touched := ARRAY({touched(sealed, 'ucis')});"
            yield update
            yield _anew(sealed)
            yield "UPDATE seals SET digests = NULL WHERE number = ANY(touched);"
        else:
            yield update


def touched(sealed: Sealed, ucis: str) -> str:
    """SQL for the places of the seals in force with rows about learners."""
    return (
        f"SELECT DISTINCT s.number FROM seals AS s, unnest(s.keys) AS u (key) "  # noqa: S608 -- our own tables
        f"JOIN {sealed.name} AS t ON {key(sealed, 't')} = u.key WHERE s.table_name = '{sealed.name}' "
        f"AND s.number IS NOT NULL AND s.digests IS NOT NULL AND t.uci = ANY({ucis})"
    )


def _anew(sealed: Sealed) -> str:
    columns = ",".join(sealed.columns)
    return (
        f"INSERT INTO seals (table_name, columns, keys, digests, replaces) "  # noqa: S608 -- names of our own tables
        f"SELECT s.table_name, string_to_array('{columns}', ','), s.keys, "
        f"string_agg({digest(sealed, sealed.columns, 't')}, '' ORDER BY u.place), s.number "
        f"FROM seals AS s, unnest(s.keys) WITH ORDINALITY AS u (key, place) "
        f"JOIN {sealed.name} AS t ON {key(sealed, 't')} = u.key WHERE s.number = ANY(touched) "
        f"GROUP BY s.id ORDER BY s.number;"
    )


def install(connection: Connection) -> None:
    """Makes functions and triggers what this code says, brings the rows of tables that join into the chain, and chains
    what the migrations have added. In the caller's transaction; it can be repeated."""
    raw = connection.exec_driver_sql
    raw(_FUNCTIONS.replace("%(forget)s", "\n".join(_forget())).replace("%", "%%"))
    raw(
        "CREATE OR REPLACE TRIGGER seal_content BEFORE INSERT ON seals FOR EACH ROW EXECUTE FUNCTION seal_content(); "
        "CREATE OR REPLACE TRIGGER seal_kept BEFORE DELETE OR TRUNCATE ON seals FOR EACH STATEMENT "
        "EXECUTE FUNCTION seal_refuse()"
    )
    new = [name for name in (*SEALED, *FROZEN) if not _joined(connection, name)]
    for sealed in SEALED.values():
        for statement in _triggers(sealed):
            raw(statement)
    for name in FROZEN:
        for statement in _refusals(name, tuple(column.name for column in _IN_FULL[name].columns)):
            raw(statement)
    for name in new:
        if name in SEALED:
            _join(connection, SEALED[name])
    raw("SELECT seal_chain()")


def _joined(connection: Connection, table: str) -> bool:
    """Whether a table has a trigger of ours, or its rows a seal: then its rows are not sealed again."""
    found = connection.execute(
        text(
            "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'seal_kept' AND tgrelid = to_regclass(:name)) "
            "OR EXISTS (SELECT FROM seals WHERE table_name = :name)"
        ),
        {"name": table},
    )
    return bool(found.scalar())


def _join(connection: Connection, sealed: Sealed) -> None:
    """Seals the rows that were there before the table was sealed."""
    names, columns = _names(sealed.key, "a"), ",".join(sealed.columns)
    statement = (
        f"INSERT INTO seals (table_name, columns, keys, digests) SELECT '{sealed.name}', "  # noqa: S608 -- our names
        f"string_to_array('{columns}', ','), array_agg({key(sealed, 'a')} ORDER BY {names}), "
        f"string_agg({digest(sealed, sealed.columns, 'a')}, '' ORDER BY {names}) "
        f"FROM {sealed.name} AS a HAVING count(*) > 0"
    )
    connection.exec_driver_sql("SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'")
    connection.exec_driver_sql(statement)
    if sealed.states:
        said = ", ".join(f"'{name}', a.\"{name}\"" for name in sealed.states)
        connection.exec_driver_sql(
            f"INSERT INTO states (table_name, key, said) SELECT '{sealed.name}', {key(sealed, 'a')}, "  # noqa: S608
            f"jsonb_build_object({said}) FROM {sealed.name} AS a ORDER BY {names}"
        )
