"""A file for every finding the format library can make, in `fixtures/findings/<CODE>[-<scenario>]/`, with what is
said of it in `findings.txt`. After a change that is meant: `make golden`, and read the difference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from parsers import causes, checks, forms, reader
from parsers.bundle import is_bundle, read_bundle
from parsers.columns import columns
from parsers.feed import read_feed
from parsers.findings import CODES, Finding, Found, in_order
from parsers.reader import Submission, read
from tests.golden import FIXTURES, Golden

SCENARIOS = sorted(path for path in (FIXTURES / "findings").iterdir() if path.is_dir())


def findings_of(path: Path) -> tuple[Finding, ...]:
    """Everything the library finds in a file of any kind."""
    data = path.read_bytes()
    if is_bundle(data) and path.suffix.lower() == ".zip":
        bundle = read_bundle(path.name, data)
        return in_order([*bundle.findings, *(finding for member in bundle.members for finding in _of(member))])
    return in_order(_of(read_feed(path.name, data) if path.suffix == ".csv" else read(path.name, data)))


def _of(submission: Submission) -> Iterator[Finding]:
    yield from submission.findings
    if submission.layout:
        found = Found([submission.named])
        columns([submission], submission.layout, found)
        yield from found.of(0)


def text_of(findings: tuple[Finding, ...]) -> str:
    """Findings as a person reads them."""
    parts = []
    for finding in findings:
        who = f", candidate {finding.candidate}" if finding.candidate else ""
        said = f"{finding.message[:1].upper()}{finding.message[1:]}. ({finding.rule}, {finding.code})"
        lines = [f"{finding.place}{who}: {finding.reach.spoken.upper()}", said, f"Expected: {finding.expected}"]
        parts.append("\n".join([*lines, f"To do:    {finding.remedy}\n"]))
    return "\n".join(parts)


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda folder: folder.name)
def test_fil_4_what_is_wrong_is_said_as_on_record(folder: Path, golden: Golden) -> None:
    [path] = [path for path in folder.iterdir() if path.name != "findings.txt"]
    findings = findings_of(path)
    code = folder.name.split("-")[0]
    assert code in [finding.code for finding in findings]
    golden.file(folder / "findings.txt", text_of(findings))


def test_every_finding_of_the_library_has_a_fixture() -> None:
    sources = [Path(str(module.__file__)) for module in (reader, causes, checks)]
    sources += [sources[0].with_name(name) for name in ("bundle.py", "feed.py", "table.py")]
    made = {name for path in sources for name in re.findall(r"\bf\.([A-Z_]{3,})\b", path.read_text(encoding="utf-8"))}
    made |= {form.code for form in vars(forms).values() if isinstance(form, forms.Form)}
    made |= set(re.findall(r'code="([A-Z_]+)"', (sources[0].with_name("layouts.py")).read_text(encoding="utf-8")))
    assert made <= CODES.keys()
    assert {folder.name.split("-")[0] for folder in SCENARIOS} == made
