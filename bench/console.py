"""How long the console takes at national size: 3,000 centres, 540,000 entries, made by SQL into a ledger of its own.

`python -m bench.console` prints for every page what it took on the server, without Airflow around it: the first time,
in which the series is counted for all pages, and the slowest of five after it.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import httpx
import sqlalchemy as sa
from fastapi import Request

from bench.desks import new_desk, temporary_server
from infra.settings import Settings
from pipeline.console.access import Person
from pipeline.console.app import application
from pipeline.desk import open_desk

CENTRES, LEARNERS = 3_000, 50

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
    f"""INSERT INTO entries (submission_id, line, centre, series, candidate, uci, option, kind, band, pence,
                             entry_pence)
        SELECT c.n + 1, l.n + 2, centre, '2024-06', candidate, uci, o.option, o.kind, 'on_time', 0, 0 {_PEOPLE},
               (VALUES ('BEN01', 'internal'), ('BEN02', 'internal'), ('BEN03', 'external'), ('BEN99', 'cash_in'))
               AS o(option, kind)
        WHERE {_ENTERED}""",
    f"""INSERT INTO marks (centre, series, candidate, uci, component, version, stage, mark, status, source, line,
                           received)
        SELECT centre, '2024-06', candidate, uci, o.option, 1, o.stage, 30, '', 'x', l.n, '2024-04-30' {_PEOPLE},
               (VALUES ('BEN01', 'submitted'), ('BEN02', 'submitted'), ('BEN03', 'external')) AS o(option, stage)
        WHERE {_MARKED}""",
    """INSERT INTO cohorts (centre, series, component, state, size, sampled_at)
       SELECT (10000 + c)::text, '2024-06', o, CASE WHEN c % 11 = 0 THEN 'feedback' ELSE 'agreed' END, 50, '2024-05-20'
       FROM generate_series(0, %(last)s) AS c, (VALUES ('BEN01'), ('BEN02')) AS v(o) WHERE c % 10 NOT IN (3, 7)""",
)  # fmt: skip


def fill(url: str) -> None:
    """A national series into an empty, migrated ledger."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for rows in ROWS:
            connection.exec_driver_sql(rows.replace("%(last)s", str(CENTRES - 1)).replace("%", "%%"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


PAGES = (
    "", "centres", "centres?only=marks&sort=marks&down=1&at=2", "centres/10009", "centres/10009/candidates/0001",
    "files", "files?code=NAME_CUT", "files/37", "quarantine", "watch", "approval", "work", "night", "audit",
    "boundaries",
)  # fmt: skip
SEARCHES = ("10009", "10009/0001", "100090230001A", "E1000915")
NOW = datetime(2024, 5, 7, 10, tzinfo=UTC)


async def somebody(_: Request) -> Person:
    """Who may see everything."""
    return Person("bench", frozenset(("look", "files", "act", "personal", "approve")))


def main() -> None:
    """Fills a ledger and asks for every page."""
    with temporary_server() as (server, folder):
        settings = new_desk(server, folder, "national")
        with open_desk(settings):
            pass  # the store becomes the ledger's own, before there is anything in it
        fill(settings.database_url)
        ask(settings)


def ask(settings: Settings) -> None:
    """Prints how long every page of that desk takes."""
    app = application(settings, lambda: NOW, somebody, lambda _: "/")
    asyncio.run(_ask(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench", timeout=None)))


async def _ask(client: httpx.AsyncClient) -> None:
    await client.get("/search")  # opens the desk and reads the catalogue
    print(f"{'':46}{'first':>10}{'slowest of 5':>14}{'KiB':>8}")
    for path in PAGES:
        address = f"/{path}{'&' if '?' in path else '?'}series=2024-06"
        await _timed(path or "season", client, address, None)
    for words in SEARCHES:
        await _timed(f"search {words}", client, "/search", {"words": words})


async def _timed(title: str, client: httpx.AsyncClient, address: str, form: dict[str, str] | None) -> None:
    took, size = [], 0
    for _ in range(6):
        began = time.perf_counter()
        if form is None:
            answer = await client.get(address)
        else:
            answer = await client.post(address, data=form, headers={"Origin": "http://bench"}, follow_redirects=True)
        took.append(time.perf_counter() - began)
        answer.raise_for_status()
        size = len(answer.content)
    print(f"{title:46}{took[0] * 1000:8.0f} ms{max(took[1:]) * 1000:11.0f} ms{size / 1024:8.0f}")


if __name__ == "__main__":
    main()
