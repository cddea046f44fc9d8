"""Real health: each part of the desk is used as the jobs use it, and the answer says in words what is wrong.

Everybody who can reach the page may read the answer: it names parts and times, and nothing that the desk stores.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import httpx
from attrs import frozen
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from infra.ledger.alerts import WatchBook, revisions
from infra.ledger.approvals import ApprovalBook
from infra.ledger.place import StoreBook
from infra.ledger.roles import can_do_more
from infra.ledger.seals import SealBook
from infra.ledger.sql import open_engine
from infra.settings import MIB, Settings
from infra.store import PROBES, Store, StoreError, WrongStore, open_store, own_store
from pipeline.results.audit import looked
from pipeline.results.difference_approval import accepted, open_differences
from pipeline.watching import progress
from pipeline.watching.alerts import Alert
from pipeline.watching.watch import INGEST, INGEST_MINUTES, WATCH, disks
from rules.catalogue import Catalogue
from rules.sheets import CatalogueError

SECONDS = 5
"""Seconds a part may take to answer a single question."""
AUDIT = timedelta(days=2)
"""Ours: a job audits everything once a day."""
HEARTBEAT = timedelta(seconds=60)
"""Ours: an older sign of life from Airflow's scheduler does not count."""


@frozen
class Part:
    """One part of the desk; `wrong` says what is wrong with it, and is empty when nothing is."""

    name: str
    wrong: str

    def line(self) -> str:
        """For a person."""
        return f"{self.name:<10} {self.wrong or 'ok'}"


def health(settings: Settings, airflow_url: str, now: datetime) -> tuple[Part, ...]:
    """Checks every part, at `now` (aware). `airflow_url` is the address of Airflow's API server, empty if unknown.
    Never raises."""
    engine = (
        open_engine(settings.database_url, connect_args={"connect_timeout": SECONDS}) if settings.database_url else None
    )
    try:
        return tuple(_parts(settings, engine, airflow_url, now))
    finally:
        if engine is not None:
            engine.dispose()


def _parts(settings: Settings, engine: Engine | None, airflow_url: str, now: datetime) -> Iterator[Part]:
    ledger = Part("ledger", _ledger(engine))
    yield ledger
    if engine is not None and not ledger.wrong:
        yield Part("tables", _asked(lambda: _tables(engine)))
        yield Part("jobs", _asked(lambda: _jobs(engine, now)))
        yield Part("progress", _asked(lambda: _told(progress.of_ledger(WatchBook(engine), now))))
        if not _asked(lambda: _tables(engine)):
            yield Part("seal", _asked(lambda: _seal(engine, now)))
            yield Part("role", _asked(lambda: can_do_more(engine)))
    yield Part("store", _store(settings, None if ledger.wrong else engine))
    yield Part("disk", _disk(settings))
    yield Part("catalogue", _catalogue(settings))
    yield Part("scheduler", _scheduler(airflow_url, now))
    if airflow_url and settings.database_url and not ledger.wrong:
        yield Part("airflow", _airflow(settings, now))
    if settings.broker and settings.queues:
        yield Part("workers", _told(progress.of_workers(settings, now)))
    if settings.sftp_check:
        yield Part("sftp", _sftp(settings.sftp_check))


def _ledger(engine: Engine | None) -> str:
    if engine is None:
        return "there is no ledger: the desk is down, or RESULTSDAY_DATABASE_URL is not set"

    def answers() -> str:
        with engine.connect() as connection:
            connection.execute(select(1))
        return ""

    return _asked(answers)


def _asked(question: Callable[[], str]) -> str:
    try:
        return question()
    except SQLAlchemyError as error:
        return f"the ledger cannot be used ({type(error).__name__})"


def _tables(engine: Engine) -> str:
    there, newest = revisions(engine)
    return "" if there == newest else f"the tables have revision {there or 'none'}, this program needs {newest}"


def _jobs(engine: Engine, now: datetime) -> str:
    beats = WatchBook(engine).beats()
    wrong = []
    for job in (INGEST, WATCH):
        if job not in beats:
            wrong.append(f"no run of {job} has succeeded yet")
        elif now - beats[job].last >= INGEST_MINUTES:
            minutes = int((now - beats[job].last) / timedelta(minutes=1))
            wrong.append(f"no run of {job} has succeeded for {minutes} minutes")
    return "; ".join(wrong)


def _seal(engine: Engine, now: datetime) -> str:
    """OPS-7: what the last audits found, and what is new since then. Everything is looked at once a day by a job."""
    seals, approvals = SealBook(engine), ApprovalBook(engine)
    last = seals.audited()
    new = [found for found in looked(seals, last.number if last else 0) if not accepted(approvals, found)]
    if found := [*open_differences(seals, approvals), *new]:
        return f"the record is not as it was sealed: {found[0].unnamed}; `resultsday audit` names it"
    whole = seals.audited(whole=True)
    if whole and now - whole.at >= AUDIT:
        return f"everything was last audited {(now - whole.at).days} days ago"
    return ""


def _store(settings: Settings, engine: Engine | None) -> str:
    try:
        store = _known_store(settings.store_location, engine)
        return store.proof(f"{PROBES}{secrets.token_hex(8)}") if store else _NO_STORE
    except WrongStore:
        return "this is not the store that the ledger knows: unmounted, exchanged, empty or gone"
    except (StoreError, OSError) as error:
        return f"the store cannot be written and read ({type(error).__name__})"


_NO_STORE = "the ledger does not know its store yet: start the desk"


def _known_store(location: str, engine: Engine | None) -> Store | None:
    """The store, None before the ledger has one. Where the ledger cannot be asked, which is told of the ledger, nobody
    knows which store is ours. Nothing is created."""
    if engine is not None:
        with suppress(SQLAlchemyError):
            book = StoreBook(engine)
            return own_store(location, book, hurry=SECONDS) if book.identity() else None
    return open_store(location, create=False, hurry=SECONDS)


def _disk(settings: Settings) -> str:
    try:
        low = [
            f"{name} at {folder.absolute()}"
            for name, (folder, free) in disks(settings).items()
            if free < settings.free_disk_bytes
        ]
    except OSError as error:
        return f"the free space cannot be read ({type(error).__name__})"
    return f"less than {settings.free_disk_bytes // MIB:,} MiB are free for the {' and the '.join(low)}" if low else ""


def _catalogue(settings: Settings) -> str:
    try:
        Catalogue.load(settings.catalogue)
    except CatalogueError as error:
        return f"the catalogue cannot be read: {error}"
    return ""


def _scheduler(airflow_url: str, now: datetime) -> str:
    if not airflow_url:
        return "there is no Airflow: the desk is down"
    try:
        with httpx.Client(timeout=SECONDS, trust_env=False) as client:
            said = client.get(f"{airflow_url}/api/v2/monitor/health").raise_for_status().json()["scheduler"]
        beat = datetime.fromisoformat(said["latest_scheduler_heartbeat"])
    except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
        return f"Airflow does not report on its scheduler ({type(error).__name__})"
    return "" if now - beat < HEARTBEAT else "the scheduler has given no sign of life for a minute"


def _airflow(settings: Settings, now: datetime) -> str:
    try:
        return _told(progress.of_airflow(settings, now))
    except SQLAlchemyError as error:
        return f"Airflow's tables cannot be read ({type(error).__name__})"


def _told(found: Iterable[Alert]) -> str:
    """What people are told of it, in one line."""
    return " ".join(trouble.happened for trouble in found)


def _sftp(address: str) -> str:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
            greeting = connection.recv(4)
    except (OSError, ValueError) as error:
        return f"the landing service does not answer ({type(error).__name__})"
    return "" if greeting == b"SSH-" else "something else answers at the landing service's address"
