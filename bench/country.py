"""A made-up country in a ledger, by SQL: a series that is under way, and seasons before it whose results are out.

The rows go in beside the triggers that seal them: it is for measuring pages and pictures, and an audit would find it.
"""

from __future__ import annotations

import sqlalchemy as sa

CENTRES, LEARNERS = 3_000, 50
HISTORY = range(2020, 2024)
"""The seasons before, with which the ledger has ten million rows."""

_PEOPLE = f"""
    FROM generate_series(0, {CENTRES - 1}) AS c(n), generate_series(1, {LEARNERS}) AS l(n),
         LATERAL (SELECT (10000 + c.n)::text AS centre, lpad(l.n::text, 4, '0') AS candidate,
                         (10000 + c.n)::text || '0230' || lpad(l.n::text, 3, '0') || 'A' AS uci) AS p
"""
# So many centres of each ten are late with entries, and with marks.
_ENTERED = "c.n % 10 <> 7"
_MARKED = "c.n % 10 NOT IN (3, 7)"

ROWS = (
    """INSERT INTO submissions (centre, file_name, landing_key, kind, received, modified, size, sha256, letter,
                               awarding_body, series, sequence, reply_stream, reply_number, outcome, booked, counts)
       SELECT (10000 + c)::text, letter || (10000 + c)::text || body || '.X01', 'inbox/' || c || letter || key, 'file',
              day::timestamptz, day::timestamptz, 10000, md5(c || letter || key), letter, body, key, 1, body,
              row_number() OVER (PARTITION BY c, body ORDER BY day),
              CASE WHEN c % 50 = 9 AND letter = 'M' THEN 'quarantined' WHEN c % 7 = 0 THEN 'accepted with warnings'
                   ELSE 'accepted' END, NOT (c % 50 = 9 AND letter = 'M'), '{}'::jsonb
       FROM generate_series(0, %(last)s) AS c,
            (VALUES ('E', '13', '9B23', '2023-09-18'), ('E', '15', '6B24', '2024-02-15'), ('A', '15', '6B24',
             '2024-03-15'), ('M', '15', '6B24', '2024-04-30')) AS f(letter, body, key, day)
       WHERE key = '9B23' OR c % 10 <> 7""",
    """INSERT INTO replies (submission_id, name, text, twin, published)
       SELECT id, 'X' || centre || reply_stream || '.X0' || reply_number, '',
              jsonb_build_object('name', 'X', 'centre', centre, 'file', file_name, 'size', size, 'sha256', sha256,
                                 'received', received, 'received_at', received, 'outcome', outcome,
                                 'findings', '[]'::jsonb, 'fees', '[]'::jsonb)::text, true FROM submissions""",
    """INSERT INTO findings (submission_id, ordinal, code, rule, reach, line, first_column, last_column, message,
                             expected, remedy, candidate)
       SELECT id, 1, CASE WHEN outcome = 'quarantined' THEN 'NUMBER_REUSED' ELSE 'NAME_CUT' END, 'FIL-3',
              CASE WHEN outcome = 'quarantined' THEN 'hold' ELSE 'warning' END, NULL, NULL, NULL,
              CASE WHEN outcome = 'quarantined' THEN 'sequence number 001 of May/June 2024 was used before, by a file '
              || 'with other contents received 30 April 2024 01:00 BST' ELSE 'a name fills its field' END, '', '', NULL
       FROM submissions WHERE outcome <> 'accepted'""",
    f"""INSERT INTO registrations (submission_id, line, centre, series, candidate, uci, uln, upn, name, sex, option)
        SELECT c.n + 1, l.n + 2, centre, '2023-09', candidate, uci, '', '', 'MADE:UP', 'F', 'BEN22' {_PEOPLE}""",
    f"""INSERT INTO learner_versions (uci, centre, name, sex, uln, upn, submission_id, line, since)
        SELECT uci, centre, 'MADE:UP', 'F', '', '', c.n + 1, l.n + 2, '2023-09-18'::timestamptz {_PEOPLE}""",
    f"""INSERT INTO entries (submission_id, line, centre, series, candidate, uci, option, kind, band, pence,
                             entry_pence)
        SELECT c.n + 1, l.n + 2, centre, '2024-06', candidate, uci, o.option, o.kind, 'on_time', 0, 0 {_PEOPLE},
               (VALUES ('BEN01', 'internal'), ('BEN02', 'internal'), ('BEN03', 'external'), ('BEN99', 'cash_in'))
               AS o(option, kind)
        WHERE {_ENTERED}""",
    f"""INSERT INTO marks (centre, series, candidate, uci, component, version, stage, mark, status, source, line,
                           received)
        SELECT centre, '2024-06', candidate, uci, o.option, 1, o.stage, 20 + (7 * l.n + c.n) % 31, '', 'x', l.n,
               '2024-04-30' {_PEOPLE},
               (VALUES ('BEN01', 'submitted'), ('BEN02', 'submitted'), ('BEN03', 'external')) AS o(option, stage)
        WHERE {_MARKED}""",
    """INSERT INTO cohorts (centre, series, component, state, size, sampled_at)
       SELECT (10000 + c)::text, '2024-06', o, CASE WHEN c % 11 = 0 THEN 'feedback' ELSE 'agreed' END, 50, '2024-05-20'
       FROM generate_series(0, %(last)s) AS c, (VALUES ('BEN01'), ('BEN02')) AS v(o) WHERE c % 10 NOT IN (3, 7)""",
)  # fmt: skip


_THEN = f"""
    FROM generate_series(0, {CENTRES - 1}) AS c(n), generate_series(1, {LEARNERS}) AS l(n),
         LATERAL (SELECT (10000 + c.n)::text AS centre, lpad(l.n::text, 4, '0') AS candidate,
                         (10000 + c.n)::text || '0' || right('%(before)s', 2) || '0' || lpad(l.n::text, 3, '0') || 'A'
                         AS uci) AS p
"""
_COMPONENTS = "(VALUES ('BEN01', 'submitted'), ('BEN02', 'submitted'), ('BEN03', 'external')) AS o(option, stage)"

BEFORE = (
    """INSERT INTO submissions (centre, file_name, landing_key, kind, received, modified, size, sha256, letter,
                               awarding_body, series, sequence, reply_stream, reply_number, outcome, booked, counts)
       SELECT (10000 + c)::text, letter || (10000 + c)::text || '15.X0' || number,
              'inbox/' || c || letter || number || '%(year)s', 'file', at, at, 10000,
              md5(c || letter || number || '%(year)s'), letter, '15', '6B' || right('%(year)s', 2), number, '15',
              20 * (%(year)s - 2019) + number + CASE letter WHEN 'E' THEN 0 ELSE 8 END,
              CASE WHEN c % 7 = 0 THEN 'accepted with warnings' ELSE 'accepted' END, true, '{}'::jsonb
       FROM generate_series(0, %(last)s) AS c, (VALUES ('E', 2), ('M', 4)) AS f(letter, month),
            generate_series(1, 4) AS number,
            LATERAL (SELECT make_timestamptz(%(year)s, month, 15 + number, 12, 0, 0) AS at) AS d""",
    """INSERT INTO replies (submission_id, name, text, twin, published)
       SELECT id, 'X' || centre || reply_stream || '.X' || reply_number, '', '{}', true
       FROM submissions WHERE series = '6B' || right('%(year)s', 2)""",
    """INSERT INTO findings (submission_id, ordinal, code, rule, reach, message, expected, remedy)
       SELECT id, n, 'NAME_CUT', 'FIL-3', 'warning', 'a name fills its field', '', ''
       FROM submissions, generate_series(1, 5) AS n
       WHERE outcome <> 'accepted' AND series = '6B' || right('%(year)s', 2)""",
    f"""INSERT INTO registrations (submission_id, line, centre, series, candidate, uci, uln, upn, name, sex, option)
        SELECT c.n + 1, l.n + 2, centre, '%(before)s-09', candidate, uci, '', '', 'MADE:UP', 'F', 'BEN22' {_THEN}""",
    f"""INSERT INTO learner_versions (uci, centre, name, sex, uln, upn, submission_id, line, since)
        SELECT uci, centre, 'MADE:UP', 'F', '', '', c.n + 1, l.n + 2, '%(before)s-09-18'::timestamptz {_THEN}""",
    f"""INSERT INTO entries (submission_id, line, centre, series, candidate, uci, option, kind, band, pence,
                             entry_pence)
        SELECT c.n + 1, l.n + 2, centre, '%(year)s-06', candidate, uci, o.option, o.kind, 'on_time', 0, 0 {_THEN},
               (VALUES ('BEN01', 'internal'), ('BEN02', 'internal'), ('BEN03', 'external'), ('BEN99', 'cash_in'))
               AS o(option, kind)""",
    f"""INSERT INTO marks (centre, series, candidate, uci, component, version, stage, mark, status, source, line,
                           received)
        SELECT centre, '%(year)s-06', candidate, uci, o.option, 1, o.stage, 20 + (7 * l.n + c.n) % 31, '', 'x', l.n,
               '%(year)s-04-30' {_THEN}, {_COMPONENTS}""",
    """INSERT INTO awardings (id, series, version, kind, at, conversions_sha256, sha256, counts, state,
                             manifest_sha256, decided_by, decided_at)
       OVERRIDING SYSTEM VALUE
       SELECT %(no)s, '%(year)s-06', 1, 'series', '%(year)s-08-10', '', '',
              '{"claims": 150000, "awarded": 150000, "results": 450000}'::jsonb, 'released', md5('%(year)s'), 'admin',
              '%(year)s-08-12'""",
    f"""INSERT INTO results (awarding_id, centre, candidate, uci, component, registration, raw, status, mark_id, ums,
                             grade, outcome)
        SELECT %(no)s, centre, candidate, uci, o.option, 'BEN22', 30, '', NULL, 50, 'L2P', 'graded'
        {_THEN}, {_COMPONENTS}""",
    f"""INSERT INTO awards (awarding_id, centre, candidate, uci, registration, cash_in, claim_id, claimed_at, channel,
                            ums, grade, outcome, reason, about, partial_absence, performance)
        SELECT %(no)s, centre, candidate, uci, 'BEN22', 'BEN99', 1, '%(year)s-02-15', 'edi', 150, 'L2P', 'awarded', '',
               '', false, true {_THEN}""",
    f"""INSERT INTO choices (awarding_id, centre, uci, registration, component, series, raw, ums, counts, why)
        SELECT %(no)s, centre, uci, 'BEN22', o.option, '%(year)s-06', 30, 50, true, '' {_THEN}, {_COMPONENTS}""",
    """INSERT INTO release_files (awarding_id, place, embargoed, audience, centre, awarding_body, series, sequence,
                                  sha256, size, records, published_at)
       SELECT %(no)s, 'outbox/' || (10000 + c) || '/R' || (10000 + c) || '15.X0' || %(no)s, '', 'centres',
              (10000 + c)::text, '15', '%(year)s-06', %(no)s, md5(c::text), 10000, 50, '%(year)s-08-21 00:01+01'
       FROM generate_series(0, %(last)s) AS c""",
    """INSERT INTO actions (at, who, why, action, centre, series, event, until)
       SELECT make_timestamptz(%(year)s, 1 + n, 1 + c % 28, 12, 0, 0), 'clerk' || c % 12, 'made up ' || c,
              (ARRAY['extension', 'personal_data', 'marks_complete', 'certificate_asked'])[1 + n % 4],
              (10000 + c)::text, '%(year)s-06', CASE WHEN n % 4 = 0 THEN 'marks_deadline' ELSE '' END,
              CASE WHEN n % 4 = 0 THEN make_timestamptz(%(year)s, 5, 20, 0, 0, 0) END
       FROM generate_series(0, %(last)s) AS c, generate_series(0, 4) AS n""",
)  # fmt: skip
"""A season of which everything is out."""


def fill(url: str, history: range = range(0)) -> None:
    """A national series into an empty, migrated ledger, after seasons of the years of `history`."""
    engine = sa.create_engine(url)
    statements = [rows.replace("%(last)s", str(CENTRES - 1)) for rows in ROWS]
    for number, year in enumerate(history, 1):
        named = {
            "%(last)s": str(CENTRES - 1),
            "%(year)s": str(year),
            "%(before)s": str(year - 1),
            "%(no)s": str(number),
        }
        for rows in BEFORE:
            for name, value in named.items():
                rows = rows.replace(name, value)
            statements.append(rows)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


def rows_of(url: str) -> int:
    """How many rows the tables of a ledger have, counted."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        tables = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").scalars()
        counts = [connection.exec_driver_sql(f'SELECT count(*) FROM "{table}"').scalar_one() for table in list(tables)]
    engine.dispose()
    return sum(counts)
