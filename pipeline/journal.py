"""What was run, put on record by the jobs themselves: enough to run a season once more (RES-6).

A job is a function of the desk, some arguments and an instant. `journaled` records it before it begins and completes
the record when it has ended; a feed file is on its record from when it is taken in. A job that a job calls is part of
it. What a job that died had not done with is taken up by the next run, and on record there too.
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
from pipeline.archive import taking
from pipeline.desk import Desk
from pipeline.jobs import JOBS, job_of
from pipeline.steps import BEGUN, DROPPED, ENDED
from rules.catalogue import Series

P = ParamSpec("P")
R = TypeVar("R")


class JournalError(ValueError):
    """An entry of the journal cannot be run; the message says why."""


def journaled(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a function the job that `pipeline/jobs.py` declares. Its first parameter is the desk."""
    job, signature = job_of(function), inspect.signature(function)

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        (_, desk), *rest = signature.bind(*args, **kwargs).arguments.items()
        with taking() as taken:
            if taken is None:
                # Within another job there is nothing to record: that job is.
                return function(*args, **kwargs)
            number = desk.journal.begin(_entry(job.name, dict(rest)))
            BEGUN.passed()
            if not job.receives:
                taken.note = partial(desk.journal.take, number)
            try:
                result = function(*args, **kwargs)
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
            files = () if job.receives else sorted(taken, key=lambda one: (one["received"], one["key"]))
            desk.journal.end(number, files, landed)
            ENDED.passed()
        return result

    return run


def _entry(name: str, given: dict[str, Any]) -> Entry:
    instant = given.get("now") or next(one.at for one in given.values() if has(type(one)) and hasattr(one, "at"))
    plain = {key: _plain(value) for key, value in given.items() if key != "now"}
    return Entry(at=instant, job=name, arguments=plain)


def run_again(desk: Desk, entry: Entry) -> Any:
    """Runs a job of the journal on `desk`, with what it was run with; raises `JournalError`."""
    job = JOBS.get(entry.job)
    if job is None:
        raise JournalError(f"nobody knows the job {entry.job}")
    hints = get_type_hints(job.resolved())
    takes = {one.__name__: one for one in hints.values() if isinstance(one, type) and has(one)}
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
        return {type(value).__name__: {name: _plain(one) for name, one in asdict(value, recurse=False).items()}}
    if isinstance(value, Mapping):
        return {"dict": {str(name): _plain(one) for name, one in value.items()}}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value


def _value(desk: Desk, job: str, takes: Mapping[str, type[Any]], plain: Any) -> Any:
    if isinstance(plain, list):
        return [_value(desk, job, takes, one) for one in plain]
    if not isinstance(plain, dict):
        return plain
    [(kind, said)] = plain.items()
    if kind == "datetime":
        return datetime.fromisoformat(said)
    if kind == "dict":
        return {name: _value(desk, job, takes, one) for name, one in said.items()}
    if kind == "Series":
        found: Any = desk.catalogue.series_by_id(said)
    elif kind == "Awarding":
        found = desk.results.of_version(*said)
    else:
        values = {name: _value(desk, job, takes, one) for name, one in said.items()}
        found = takes[kind](**values) if kind in takes else None
    if found is None:
        raise JournalError(f"{job} was run with a {kind} that is not there: {said}")
    return found
