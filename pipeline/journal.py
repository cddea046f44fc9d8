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
from importlib import import_module
from pkgutil import walk_packages
from typing import Any, ParamSpec, TypeVar

from attrs import asdict, frozen, has

import pipeline
from infra.ledger.journal import Entry
from infra.ledger.results import Awarding
from pipeline.archive import taking
from pipeline.desk import Desk
from pipeline.steps import step
from rules.catalogue import Series

P = ParamSpec("P")
R = TypeVar("R")

BEGUN = step("journal", "begun", "the job is on record as begun")
ENDED = step("journal", "ended", "its record is complete")
DROPPED = step("journal", "dropped", "its record is taken back: there was nothing to do")


@frozen
class Job:
    """A function on record. `takes`: the attrs classes of its arguments, besides series and awardings."""

    name: str
    run: Callable[..., Any]
    takes: tuple[type[Any], ...]


JOBS: dict[str, Job] = {}
"""Every job that is put on record, by name."""


class JournalError(ValueError):
    """An entry of the journal cannot be run; the message says why."""


def journaled(
    name: str, *takes: type[Any], idle: Callable[[Any], bool] = lambda _: False, receives: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a function a job on record. Its first parameter is the desk; the instant is its parameter `now`, or `at` of
    one of `takes`, the attrs classes among its arguments. `receives`: it receives files, which the ledger knows, and is
    on record when it has. `idle` says of its result that there was nothing else to do, which needs no record."""

    def of(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            (_, desk), *rest = signature.bind(*args, **kwargs).arguments.items()
            with taking() as taken:
                if taken is None:
                    # Within another job there is nothing to record: that job is.
                    return function(*args, **kwargs)
                number = desk.journal.begin(_entry(name, dict(rest)))
                BEGUN.passed()
                if not receives:
                    taken.note = partial(desk.journal.take, number)
                try:
                    result = function(*args, **kwargs)
                except ValueError:
                    # Refused with a reason (`ReleaseError`, `AwardError` ...): a replay would be refused as well.
                    if not taken and not receives:
                        desk.journal.drop(number)
                        DROPPED.passed()
                    raise
            landed, known = desk.journal.landed() if receives else (None, None)
            if idle(result) and landed == known and (receives or not taken):
                desk.journal.drop(number)
                DROPPED.passed()
            else:
                files = () if receives else sorted(taken, key=lambda one: (one["received"], one["key"]))
                desk.journal.end(number, files, landed)
                ENDED.passed()
            return result

        JOBS[name] = Job(name, run, takes)
        return run

    return of


def _entry(name: str, given: dict[str, Any]) -> Entry:
    instant = given.get("now") or next(one.at for one in given.values() if has(type(one)) and hasattr(one, "at"))
    plain = {key: _plain(value) for key, value in given.items() if key != "now"}
    return Entry(at=instant, job=name, arguments=plain)


def run_again(desk: Desk, entry: Entry) -> Any:
    """Runs a job of the journal on `desk`, with what it was run with; raises `JournalError`."""
    for module in walk_packages(pipeline.__path__, "pipeline."):
        # Jobs are known once their modules are imported; no more of them than it takes, for Airflow is behind some.
        if entry.job not in JOBS:
            import_module(module.name)
    job = JOBS.get(entry.job)
    if job is None:
        raise JournalError(f"nobody knows the job {entry.job}")
    arguments = {name: _value(desk, job, plain) for name, plain in entry.arguments.items()}
    if "now" in inspect.signature(job.run).parameters:
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


def _value(desk: Desk, job: Job, plain: Any) -> Any:
    if isinstance(plain, list):
        return [_value(desk, job, one) for one in plain]
    if not isinstance(plain, dict):
        return plain
    [(kind, said)] = plain.items()
    if kind == "datetime":
        return datetime.fromisoformat(said)
    if kind == "dict":
        return {name: _value(desk, job, one) for name, one in said.items()}
    if kind == "Series":
        found: Any = desk.catalogue.series_by_id(said)
    elif kind == "Awarding":
        found = desk.results.of_version(*said)
    else:
        known = {one.__name__: one for one in job.takes}
        found = known[kind](**{name: _value(desk, job, one) for name, one in said.items()}) if kind in known else None
    if found is None:
        raise JournalError(f"{job.name} was run with a {kind} that is not there: {said}")
    return found
