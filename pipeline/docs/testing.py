"""The page of the tests: which kinds there are, what each proves, and how each is run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from pipeline.doors import DOORS
from pipeline.jobs import JOBS, all_steps
from pipeline.watching.alerts import ALERTS
from rules.findings import CODES

ROOT = Path(__file__).resolve().parents[2]


@frozen
class Kind:
    """A kind of tests: `proves`, in sentences; `places`, the files and folders it is in, the first of which is shown
    and run unless there is another `command`."""

    name: str
    proves: str
    places: tuple[str, ...]
    command: str = ""


KINDS: Mapping[str, tuple[Kind, ...]] = {
    "Rules and formats": (
        Kind(
            "rules",
            "Each rule does what its sentence says, at both sides of every limit. Awards are worked out a second time, "
            "slowly and in plain Python, and compared.",
            ("tests/rules/",),
        ),
        Kind(
            "scenarios",
            "What a centre does on which day, and what comes of it, in lines that an exams officer can read and write. "
            "Real ingest, ledger and store.",
            ("tests/pipeline/test_scenarios.py", "tests/scenarios/README.md"),
        ),
        Kind(
            "formats",
            "Records of every layout are made up, written, read and compared. Whatever is done to a file, reading it "
            "gives findings and never an error.",
            ("tests/parsers/",),
        ),
        Kind(
            "fuzzing",
            "The same for as long as you like. A file that breaks the reader is kept in `tests/crashers/` and read in "
            "every later run.",
            ("tests/parsers/test_fuzz.py",),
            "make fuzz FUZZ_SECONDS=60",
        ),
    ),
    "Jobs": (
        Kind(
            "jobs",
            "Each job, report and command does its work, on a real PostgreSQL. Run again, it changes nothing.",
            ("tests/pipeline/",),
        ),
        Kind(
            "whole seasons",
            "A made-up school year, with the mistakes that real ones have. An audit that uses none of the desk's code "
            "compares replies, fees, marks, awards and result files with what must become of each; then the season is "
            "replayed. In another, two learners in a hundred change after each milestone.",
            ("tests/test_season.py",),
            "make reliability PARTS=conservation",
        ),
    ),
    "When something fails": (
        Kind(
            "the crash matrix",
            "Every job is killed at each of its steps and run again. Every row and every file is what an undisturbed "
            "run leaves. The tests take a hundred of these crashes, every day others, at least one at each step; the "
            "command takes all.",
            ("tests/pipeline/test_crash_matrix.py",),
            ".venv/bin/python -m bench.crash_matrix",
        ),
        Kind(
            "chaos",
            "Jobs and PostgreSQL are killed at random moments, and the season is compared and replayed. A seed that "
            "fails can be played again.",
            ("tests/pipeline/test_chaos.py",),
            "make chaos SEED=1 SECONDS=60",
        ),
        Kind(
            "faults",
            "The disk is full, S3 or the database fails, two ingests begin at once, the clock jumps: nothing is lost "
            "or doubled, and nothing is published early.",
            ("tests/pipeline/test_faults.py",),
        ),
        Kind(
            "hostile senders",
            "What [security](security.md) says is defended is defended: its page names a test for each attack.",
            ("tests/security/",),
        ),
        Kind(
            "load",
            "Thousands of files at once, very large files, slow uploads: all are answered once, in bounded memory. "
            "The tests use small numbers, the command large ones.",
            ("tests/test_load.py",),
            "make reliability PARTS=load",
        ),
    ),
    "The world outside": (
        Kind(
            "store, database, mail, broker",
            "The desk's own half works with a real PostgreSQL, an S3 server, a mail server and a Celery worker.",
            ("tests/infra/",),
        ),
        Kind(
            "file transfer",
            "A centre with a real SFTP client reaches its own folders and nothing else.",
            ("tests/landing/",),
        ),
        Kind(
            "Airflow",
            "Every DAG keeps the policy of the project, and runs at its dates in a whole Airflow.",
            ("tests/dags/",),
        ),
        Kind(
            "the console",
            "The pages show what the ledger holds, and each only to those who may see it, in a real browser.",
            ("tests/console/",),
        ),
        Kind(
            "production",
            "Image, Compose, Kubernetes and Terraform files are what the tools that read them expect.",
            ("tests/deploy/",),
        ),
        Kind(
            "rehearsal",
            "Production as its pages say: every service of the compose file on loopback, with FAB, people made by the "
            "documented commands, and a small season up to results day. `make test` holds the pages to the files, and "
            "the roles to FAB. `make disturbances` kills or stops each part of it ([disturbances](disturbances.md)).",
            ("tests/rehearsal/",),
            "make rehearsal",
        ),
        Kind(
            "upgrades",
            "A ledger that the first version wrote is upgraded without losing a row, and the desk goes on with it.",
            ("tests/upgrades/",),
        ),
    ),
    "Code and pages": (
        Kind(
            "the house",
            "Imports run one way, functions are short, no job looks at the clock, and each rule has a test.",
            ("tests/test_house.py",),
        ),
        Kind(
            "the pages",
            "Examples print what the page says, links and names lead somewhere, and generated pages are up to date.",
            ("tests/test_docs.py", "tests/test_reliability.py"),
        ),
        Kind(
            "the runbook",
            "Every command of every page is run, on a desk in the state that the page is about.",
            ("tests/test_runbook.py",),
        ),
        Kind(
            "installation",
            "Whatever is missing ends in a sentence that helps, and what is half made is made anew.",
            ("tests/test_install.py",),
        ),
        Kind(
            "packages",
            "Both wheels are built and installed into empty environments, where the commands on files work.",
            ("tests/test_packages.py",),
        ),
        Kind(
            "CONTRIBUTING",
            "Both walks are done step by step in a copy of the project, and end with tests that pass.",
            ("tests/test_contributing.py",),
        ),
    ),
}
"""Every file of tests belongs to a kind; where a folder and a file both fit, to the file's."""


def scenarios() -> int:
    """How many scenarios there are: each begins at the margin with its rules."""
    files = (ROOT / "tests" / "scenarios").glob("*.txt")
    return sum(len(re.findall(r"^\S", file.read_text(encoding="utf-8"), re.MULTILINE)) for file in files)


def rules() -> int:
    """How many rules the page of rules has."""
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    return len(re.findall(r"^\| [A-Z]{3}-\d+ \|", page, re.MULTILINE))


def _command(kind: Kind) -> str:
    return kind.command or f"make test T={kind.places[0].rstrip('/')}"


def testing() -> Iterator[str]:
    """The page of the tests."""
    yield "# How it is tested"
    yield "<!-- Generated by `make docs` from the code: do not edit. -->"
    yield (
        "`make test` checks style and types and runs every test below. `make test T=PATH` runs the tests of a folder "
        "or a file, and nothing else. Tests start the servers that they need themselves; all people in them are made "
        "up. How tests are written: [style](style.md#tests). What long runs have shown, with figures: "
        "[reliability](reliability.md)."
    )
    for title, kinds in KINDS.items():
        yield f"## {title}"
        rows = ["| tests | what they prove | where | command |", "|---|---|---|---|"]
        rows += [
            f"| {kind.name} | {kind.proves} | {', '.join(f'`{place}`' for place in kind.places)} | `{_command(kind)}` |"
            for kind in kinds
        ]
        yield "\n".join(rows)
    yield "## What is complete"
    yield (
        "For these, a test fails if one of them is forgotten. The numbers are counted from the code when this page is "
        "made."
    )
    rows = ["| of | there are | each has |", "|---|---:|---|"]
    rows += [f"| {of} | {count:,} | {each} |" for of, count, each in _complete()]
    yield "\n".join(rows)
    yield "## Recorded outputs"
    yield (
        "Replies, result files, reports and findings are compared, byte for byte, with files in `fixtures/`. If you "
        "meant to change one, `make golden` writes them anew: read the difference, then commit it."
    )


def _complete() -> Iterator[tuple[str, int, str]]:
    """What there is, how many, and what each of them is held to."""
    yield "[rules](rules.md)", rules(), "a test that names it; all but those of results day (RES), a scenario"
    yield "scenarios", scenarios(), "the rules it is about, and a run over the real ingest"
    yield "[finding codes](findings.md)", len(CODES), "a rule, an example that the code itself made, and a use"
    yield "[jobs](jobs.md)", len(JOBS), "a DAG or a command, a replay, and a place in the crash matrix"
    yield "[steps](steps.md)", len([*all_steps()]), "a crash at it"
    yield "[feeds](feeds.md)", len(DOORS), "every hostile file that can be made from its declaration"
    yield "[alerts](metrics.md#alerts)", len(ALERTS), "a page of the [runbook](runbook/README.md)"
