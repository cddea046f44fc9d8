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


def report_class(key: str) -> terms.ReportClass | None:
    """The class of a report by its key in the store; None: it has none, and is closed."""
    return next((its for place, its in REPORT_CLASSES.items() if key.startswith(place)), None)
