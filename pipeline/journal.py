"""The journal: the jobs record what was run, which is enough to replay a season (RES-6).

A job is a function of the desk, some arguments and an instant. `journaled` records it before it begins and completes
the record when it has ended. A feed file is on the record from when it is taken in. A job that another job calls is
part of that job. What a job that died had not finished is taken up by its next run, and recorded there too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, get_type_hints

from attrs import asdict, has

from infra.ledger.journal import Entry
from infra.ledger.results import Awarding
from parsers.findings import visible
from pipeline.archive import taking
from pipeline.desk import Desk, up_to_date
from pipeline.jobs import JOBS, Job, job_of
from pipeline.orders import StaffError
from pipeline.steps import BEGUN, DROPPED, ENDED
from pipeline.typed import storable
from rules.catalogue import Series

P = ParamSpec("P")
R = TypeVar("R")


class JournalError(ValueError):
    """An entry of the journal cannot be run; the message says why."""


def journaled(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a function the job that `pipeline/jobs.py` declares. Its first parameter is the desk."""
    return _on_record(job_of(function), function)


def recorded_as(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a function another way to run a job: it is on record as that job, and a replay runs the job. It has the
    parameters of the job's own function."""
    return lambda function: _on_record(JOBS[name], function)


def _on_record(job: Job, function: Callable[P, R]) -> Callable[P, R]:
    signature = inspect.signature(function)

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        call = signature.bind(*args, **kwargs)
        (first, desk), *rest = call.arguments.items()
        with taking() as taken:
            if taken is None:
                # Within another job there is nothing to record: that job is recorded.
                return function(*args, **kwargs)
            number = desk.journal.begin(_entry(job.name, dict(rest)))
            BEGUN.passed()
            if not job.receives:
                taken.note = partial(desk.journal.take, number)
            call.arguments[first] = up_to_date(desk)
            try:
                result = function(*call.args, **call.kwargs)
            except ValueError:
                # Refused with a reason (`ReleaseError`, `AwardError` ...): a replay would be refused as well.
                if not taken and not job.receives:
                    desk.journal.drop(number)
                    DROPPED.passed()
                raise
        landed, known = desk.journal.landed() if job.receives else (None, None)
        if job.idle(result) and landed == known and (job.receives or not taken):
            desk.journal.drop(number)
            DROPPED.passed()
        else:
            files = () if job.receives else sorted(taken, key=lambda file: (file["received"], file["key"]))
            desk.journal.end(number, files, landed)
            ENDED.passed()
        return result

    return run


def _entry(name: str, given: dict[str, Any]) -> Entry:
    instant = given.get("now") or next(
        value.at for value in given.values() if has(type(value)) and hasattr(value, "at")
    )
    plain = {key: _plain(value) for key, value in given.items() if key != "now"}
    _storable(plain)
    return Entry(at=instant, job=name, arguments=plain)


def _storable(plain: Any) -> None:
    """FIL-7: what is ordered can be written down. Raises `StaffError` on a character that no column takes; people at
    the console and on the command line are told by their own doors, which let fewer in."""
    if isinstance(plain, str) and not storable(plain):
        raise StaffError(f"nothing was done: {visible(plain)} has a character that cannot be read")
    if isinstance(plain, list | dict):
        for part in plain.values() if isinstance(plain, dict) else plain:
            _storable(part)


def run_again(desk: Desk, entry: Entry) -> Any:
    """Runs a job of the journal on `desk` with its recorded arguments; raises `JournalError`."""
    job = JOBS.get(entry.job)
    if job is None:
        raise JournalError(f"there is no job {entry.job}")
    hints = get_type_hints(job.resolved())
    takes = {kind.__name__: kind for kind in hints.values() if isinstance(kind, type) and has(kind)}
    arguments = {name: _value(desk, job.name, takes, plain) for name, plain in entry.arguments.items()}
    if "now" in hints:
        arguments["now"] = entry.at
    return job.run(desk, **arguments)


# --- Arguments as JSON -----------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    if isinstance(value, Series):
        return {"Series": value.id}
    if isinstance(value, Awarding):
        return {"Awarding": [value.series, value.version]}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if has(type(value)):
        return {type(value).__name__: {name: _plain(part) for name, part in asdict(value, recurse=False).items()}}
    if isinstance(value, Mapping):
        return {"dict": {str(name): _plain(part) for name, part in value.items()}}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _value(desk: Desk, job: str, takes: Mapping[str, type[Any]], plain: Any) -> Any:
    if isinstance(plain, list):
        return [_value(desk, job, takes, item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    [(kind, said)] = plain.items()
    if kind == "datetime":
        return datetime.fromisoformat(said)
    if kind == "dict":
        return {name: _value(desk, job, takes, part) for name, part in said.items()}
    if kind == "Series":
        found: Any = desk.catalogue.series_by_id(said)
    elif kind == "Awarding":
        found = desk.results.of_version(*said)
    else:
        values = {name: _value(desk, job, takes, part) for name, part in said.items()}
        found = takes[kind](**values) if kind in takes else None
    if found is None:
        raise JournalError(f"{job} was run with a {kind} that does not exist: {said}")
    return found
