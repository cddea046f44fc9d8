"""What is shown to whoever approves the results of a series (OPS-4)."""

from __future__ import annotations

from infra.ledger.results import Awarding
from pipeline.approvals import Exhibit, files_shown
from pipeline.awarding.balance import facts as balance_facts
from pipeline.awarding.balance import written_sheet
from pipeline.awarding.preview import preview_place
from pipeline.desk import Desk
from rules import terms
from rules.catalogue import instant_text, series_title


def subject_of(awarding: Awarding) -> str:
    """What the approvals call an awarding."""
    return f"{awarding.series} version {awarding.version}"


def result_exhibit(desk: Desk, awarding: Awarding) -> Exhibit:
    """OPS-4: what is shown to whoever approves an awarding: its hashes and counts, and the pages of its preview."""
    counts = awarding.counts
    pages = [stored.key for stored in desk.store.list(preview_place(awarding)) if stored.kind == "file"]
    sheet = written_sheet(desk, awarding)
    facts = (
        ("As of", instant_text(awarding.at)),
        ("Claims", f"{counts['awarded']:,} awarded of {counts['claims']:,}"),
        ("Component results", f"{counts['results']:,}"),
        ("Results", f"SHA-256 {awarding.sha256}"),
        ("Conversion tables", f"SHA-256 {awarding.conversions_sha256}"),
        ("Manifest of the files under embargo", f"SHA-256 {awarding.manifest_sha256}"),
        *(balance_facts(sheet) if sheet else ()),
        ("Preview", f"{len(pages)} files" if pages else f"not written yet: `resultsday preview {awarding.series}`"),
    )
    return Exhibit(
        kind=terms.RESULTS,
        subject=subject_of(awarding),
        title=f"Results of {series_title(awarding.series)}, version {awarding.version}",
        facts=facts,
        files=files_shown(desk, sorted(pages)),
    )
