"""What every report holds, and so who may see it: declared once, by the place it is written to. What is not declared
here is shown to nobody."""

from __future__ import annotations

from collections.abc import Mapping

from rules import terms

REPORT_CLASSES: Mapping[str, terms.ReportClass] = {
    "reports/award/": terms.EMBARGO,
    "reports/boundaries/": terms.EMBARGO,
    "reports/centres/": terms.STAFF,
    "reports/certificates/": terms.PERSONAL,
    "reports/checkpoints/": terms.PERSONAL,
    "reports/claims/": terms.PERSONAL,
    "reports/corrections/": terms.EMBARGO,
    "reports/drift/": terms.EMBARGO,
    "reports/marks/": terms.PERSONAL,
    "reports/moderation/": terms.EMBARGO,
    "reports/results/": terms.EMBARGO,
    "reports/what-if/": terms.EMBARGO,
}
"""`embargo`: shows results, or marks before they are final (RES-2); `personal`: names, identifiers or marks of
learners; `staff`: counts and codes; `public`: what anybody may know."""


NOTE_CLASSES: Mapping[str, terms.ReportClass] = {
    "audit": terms.STAFF_ONLY,
    "award": terms.STAFF_ONLY,
    "basedata": terms.PUBLIC,
    "certificates": terms.STAFF_ONLY,
    "checkpoints": terms.STAFF_ONLY,
    "claim_lists": terms.STAFF_ONLY,
    "fees": terms.STAFF_ONLY,
    "ingest": terms.STAFF_ONLY,
    "keep": terms.STAFF_ONLY,
    "late_claims": terms.STAFF_ONLY,
    "moderation": terms.STAFF_ONLY,
    "results_day": terms.STAFF_ONLY,
    "updated_results": terms.STAFF_ONLY,
    "watch": terms.STAFF_ONLY,
}
"""What the notes of a DAG's runs and the return values of its tasks hold, by its name. Everybody who has logged in to
Airflow may read them, so nothing above `staff` is written there (`pipeline/watching/notes.py`)."""


def note_class(dag: str) -> terms.ReportClass | None:
    """The class of what a DAG says in Airflow; None: it has none, and is closed."""
    return NOTE_CLASSES.get(dag)


def report_class(key: str) -> terms.ReportClass | None:
    """The class of a report by its key in the store; None: it has none, and is closed."""
    return next((its for place, its in REPORT_CLASSES.items() if key.startswith(place)), None)
