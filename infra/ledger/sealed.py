"""Which tables are sealed (OPS-7), and what the database itself does about it.

A sealed table is only added to. After each statement that adds rows, a trigger writes one row of `seals`: the keys of
the new rows and a digest of each. When the desk commits, `seal_chain` gives the seals of its transaction the next
places in the chain, each hashed together with the head before it. Whoever adds rows by other means does not do that,
so such rows stay without a place.

A table joins by a line in `SEALED`; `migrate` does the rest, also for the rows that are there already. What must have a
state is declared with those columns: only they can be changed, and every change becomes a row of `states`, with what
stood there before. So a row that never changes costs nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen
from sqlalchemy import Connection, Table, text

from infra.ledger.personal import ERASED, PERSONAL, UCIS
from infra.ledger.tables import (
    actions,
    approvals,
    awardings,
    awards,
    calendar_changes,
    centre_approvals,
    centre_keys,
    centres,
    certificates,
    choices,
    cohorts,
    conversions,
    correction_effects,
    correction_states,
    correction_subjects,
    corrections,
    draws,
    entries,
    erasures,
    frozen_rows,
    hold_decisions,
    kept_back,
    learner_ucis,
    learner_versions,
    marks,
    moderator_marks,
    proposals,
    published_files,
    registrations,
    removals,
    results,
    states,
    submissions,
)


@frozen(kw_only=True)
class Sealed:
    """A table whose rows are sealed one by one. `key`: columns that tell its rows apart and never change, without a
    UCI; `words`: the columns by which people are told of a row; `states`: the only columns that may change, each time
    with a row of `states`."""

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
        """The columns that are hashed: all, as they were when the row came."""
        return tuple(column.name for column in self.table.columns)

    @property
    def fixed(self) -> tuple[str, ...]:
        """The columns that never change."""
        return tuple(name for name in self.columns if name not in self.states)


_HELD = ("centre", "series", "candidate", "option")
_ALL = (
    Sealed(
        table=submissions,
        words=("centre", "file_name", "sha256"),
        states=("outcome", "booked", "pence", "counts"),
    ),
    # A transfer moves what a learner holds to another centre; a file, or staff, ends it.
    Sealed(table=registrations, words=_HELD, states=("centre", "candidate", "ended_by")),
    Sealed(table=entries, words=_HELD, states=("centre", "candidate", "ended_by")),
    Sealed(table=learner_versions, words=("centre", "who"), states=("until",)),
    Sealed(table=learner_ucis, words=("centre", "who"), states=("until",)),
    Sealed(table=moderator_marks, words=("cohort_id", "candidate")),
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
    Sealed(
        table=centre_keys,
        words=("centre", "fingerprint", "added_by"),
        states=tuple(column.name for column in centre_keys.columns if column.name.startswith(("ends_", "removed_"))),
    ),
    Sealed(
        table=calendar_changes,
        key=("number",),
        words=("series", "event", "component", "who"),
        states=tuple(
            column.name
            for column in calendar_changes.columns
            if column.name.startswith(("since", "decision", "decided"))
        ),
    ),
    Sealed(table=corrections, key=("number",), words=("number", "series", "who")),
    Sealed(table=correction_subjects, words=("number", "centre", "candidate", "component")),
    Sealed(table=correction_states, words=("number", "state", "who")),
    Sealed(
        table=correction_effects,
        key=("number", "series", "centre", "candidate", "code"),
        words=("number", "series", "centre", "candidate", "code"),
    ),
    Sealed(table=certificates, words=("number", "state", "centre", "candidate")),
    Sealed(table=removals, key=("key",), words=("key",), states=("kind", "at")),
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

_ARRIVED = "what a file said is in the archive, and a replay makes the rows anew"
NOT_SEALED: Mapping[str, str] = {
    "findings": f"{_ARRIVED}; the words are taken out in time",
    "replies": f"{_ARRIVED}; the words are taken out in time",
    "fee_lines": "their sum is that of the file (`submissions`), and the audit adds them up",
    "samples": "put anew by every draw: draws and the moderator's marks are sealed, and the audit compares them",
    "checkpoints": "counted from other tables",
    "looks": "compared from other tables",
    "release_files": "worked on until a file is out; it is in the approved manifest, then in `published_files`",
    "frozen_sums": "only help to find the row; whether one differs is said by `frozen_rows`",
    "seals": "the chain itself",
    "audits": "say what was looked at; the next audit looks again",
    "journal": "says what ran; what came of it is in other tables, and a replay compares them",
    "alerts": "say what people were told",
    "beats": "say what ran last",
    "shares": "say who is deciding which files at the moment; what came of it is in other tables",
    "notices": "say what centres were told is in their outboxes; nothing is decided by it",
    "events_posted": "say which outcomes were posted to a webhook",
    "door_bytes": "count what centres have moved within the day",
    "door_limits": "count who was turned away",
    "door_visits": "say when centres logged in and fetched last",
    "letters_fetched": "say which letters were fetched; nothing is decided by it",
}
"""Every other table, and why it is not sealed."""

_IN_FULL: dict[str, Table] = {table.name: table for table in (results, awards, choices)}


def digest(sealed: Sealed, columns: tuple[str, ...], of: str) -> str:
    """SQL for the digest of a row of the table that is called `of` in the statement: 16 bytes of its SHA-256."""
    return f"substr(sha256(convert_to(ROW({_names(columns, of)})::text, 'UTF8')), 1, 16)"


def as_it_came(sealed: Sealed) -> str:
    """SQL for the rows of a table as they were when they came: without the changes of state since then."""
    if not sealed.states:
        return sealed.name
    return (
        f"(SELECT (came.r).* FROM (SELECT CASE WHEN w.was IS NULL THEN n "  # noqa: S608 -- names of our own tables
        f"ELSE jsonb_populate_record(n, w.was) END AS r FROM {sealed.name} AS n LEFT JOIN ("
        f"SELECT DISTINCT ON (key) key, was FROM states WHERE table_name = '{sealed.name}' AND was IS NOT NULL "
        f"ORDER BY key, id) AS w ON w.key = {key(sealed, 'n')} OFFSET 0) AS came)"
    )


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
        'SELECT %L, string_to_array(%L, '',''), array_agg(r.k), string_agg(r.d, '''') '
        'FROM (SELECT %s AS k, %s AS d FROM added AS a ORDER BY %s) AS r HAVING count(*) > 0',
        TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1], TG_ARGV[3], TG_ARGV[2]);
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
        'INSERT INTO states (table_name, key, said, was) SELECT c.* FROM ('
        'SELECT %L, %s, %s AS said, %s AS was FROM now_so AS a JOIN was_so AS b ON %s ORDER BY %s'
        ') AS c WHERE c.said IS DISTINCT FROM c.was',
        TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1], TG_ARGV[2], TG_ARGV[3], TG_ARGV[4]);
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
    IF EXISTS (
        SELECT FROM unnest(stand_ins) AS p (stand_in) WHERE p.stand_in !~ '^{ERASED}[0-9]+$' OR NOT EXISTS (
            SELECT FROM erasures AS e WHERE e.xmin = pg_current_xact_id()::xid
            AND e.number = substr(p.stand_in, {len(ERASED) + 1})::bigint
        )
    ) THEN
        RAISE EXCEPTION 'nobody is forgotten without being recorded among erasures (OPS-9)' USING ERRCODE = '42501';
    END IF;
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
        same = f"({_names(sealed.key, 'a')}) = ({_names(sealed.key, 'b')})"
        arguments = [key(sealed, "a"), _said(sealed, "a"), _said(sealed, "b"), same, _names(sealed.key, "a")]
        # An earlier kind, which kept the first state too.
        yield f"DROP TRIGGER IF EXISTS seal_first ON {sealed.name}"
        yield _trigger(sealed.name, "seal_states", "AFTER UPDATE", "now_so", arguments, "seal_next")
    yield from _refusals(sealed.name, sealed.fixed)


def _said(sealed: Sealed, of: str) -> str:
    """SQL for what the columns that may change say, as JSON."""
    said = ", ".join(f"'{name}', {of}.\"{name}\"" for name in sealed.states)
    return f"jsonb_build_object({said})"


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
        name: ("seal_added", "seal_kept", "seal_same", *(("seal_next",) if sealed.states else ()))
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
        updates = [
            f"UPDATE {table.name} AS t SET {name} = p.stand_in{given if name == 'uci' else ''} "  # noqa: S608 -- our own
            f"FROM unnest(ucis, stand_ins) AS p (uci, stand_in) WHERE t.{name} = p.uci;"
            for name in UCIS[table]
        ]
        if table.name in SEALED:
            sealed = SEALED[table.name]
            yield f"touched := ARRAY({touched(sealed, 'ucis')});"
            yield from updates
            yield _anew(sealed)
            yield "UPDATE seals SET digests = NULL WHERE number = ANY(touched);"
        else:
            yield from updates


def touched(sealed: Sealed, ucis: str) -> str:
    """SQL for the places of the seals in force with rows about learners."""
    return (
        f"SELECT DISTINCT s.number FROM seals AS s, unnest(s.keys) AS u (key) "  # noqa: S608 -- our own tables
        f"JOIN {sealed.name} AS t ON {key(sealed, 't')} = u.key WHERE s.table_name = '{sealed.name}' "
        f"AND s.number IS NOT NULL AND s.digests IS NOT NULL "
        f"AND ({' OR '.join(f't.{name} = ANY({ucis})' for name in UCIS[sealed.table])})"
    )


def _anew(sealed: Sealed) -> str:
    columns = ",".join(sealed.columns)
    return (
        f"INSERT INTO seals (table_name, columns, keys, digests, replaces) "  # noqa: S608 -- names of our own tables
        f"SELECT s.table_name, string_to_array('{columns}', ','), s.keys, "
        f"string_agg({digest(sealed, sealed.columns, 't')}, '' ORDER BY u.place), s.number "
        f"FROM seals AS s, unnest(s.keys) WITH ORDINALITY AS u (key, place) "
        f"JOIN {as_it_came(sealed)} AS t ON {key(sealed, 't')} = u.key WHERE s.number = ANY(touched) "
        f"GROUP BY s.id ORDER BY s.number;"
    )


def functions() -> str:
    """SQL that makes what triggers call, in the form that psycopg2 takes."""
    return _FUNCTIONS.replace("%(forget)s", "\n".join(_forget())).replace("%", "%%")


def install(connection: Connection) -> None:
    """Makes functions and triggers what this code says, brings the rows of tables that join into the chain, and chains
    what the migrations have added. In the caller's transaction; it can be repeated."""
    raw = connection.exec_driver_sql
    raw(functions())
    # To count which of thousands of keys in a cell are frequent (ANALYZE) costs more than to seal them.
    raw("ALTER TABLE seals ALTER keys SET STATISTICS 0, ALTER columns SET STATISTICS 0, ALTER digests SET STATISTICS 0")
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


_AT_ONCE = 10_000
"""Rows under one seal, of those that were there before their table was sealed."""


def _join(connection: Connection, sealed: Sealed) -> None:
    """Seals the rows that were there before the table was sealed."""
    names, columns = _names(sealed.key, "a"), ",".join(sealed.columns)
    statement = (
        f"INSERT INTO seals (table_name, columns, keys, digests) SELECT '{sealed.name}', "  # noqa: S608 -- our names
        f"string_to_array('{columns}', ','), array_agg(r.k ORDER BY r.place), string_agg(r.d, '' ORDER BY r.place) "
        f"FROM (SELECT {key(sealed, 'a')} AS k, {digest(sealed, sealed.columns, 'a')} AS d, "
        f"row_number() OVER (ORDER BY {names}) AS place FROM {sealed.name} AS a) AS r "
        f"GROUP BY (r.place - 1) / {_AT_ONCE} ORDER BY min(r.place)"
    )
    connection.exec_driver_sql("SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'")
    connection.exec_driver_sql(statement)
