"""Which columns of the ledger say who a learner is, and what stands there once the learner was forgotten (OPS-9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table

from infra.ledger.tables import (
    actions,
    awards,
    certificates,
    choices,
    draws,
    entries,
    learner_ucis,
    learner_versions,
    marks,
    registrations,
    results,
    samples,
)

ERASED = "ERASED"
"""How the stand-in for the UCI of a learner who was forgotten begins; a number follows, 13 characters in all."""
NO_LONGER_KEPT = "no longer kept"
PERSONAL: Mapping[Table, Mapping[str, Any]] = {
    registrations: {"uln": "", "upn": "", "name": ERASED, "born": None},
    learner_versions: {"uln": "", "upn": "", "name": ERASED, "born": None, "why": NO_LONGER_KEPT},
    learner_ucis: {"why": NO_LONGER_KEPT},
    entries: {},
    marks: {},
    samples: {},
    draws: {},
    results: {},
    awards: {},
    choices: {},
    certificates: {},
    actions: {"why": NO_LONGER_KEPT, "feed": None},
}
"""Tables that name learners: each has a UCI, which a stand-in replaces, and what else goes, by what stands there then.
A test fails for a column of this kind in any other table."""
UCIS: Mapping[Table, tuple[str, ...]] = {
    table: ("uci", "in_force") if table is learner_ucis else ("uci",) for table in PERSONAL
}
"""The columns of these tables that hold a UCI."""
