"""Every act about a centre or its learners."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.console.acts import ACTS, Act
from pipeline.console.learner_acts import LEARNER_ACTS
from pipeline.console.register_acts import REGISTER_ACTS

EVERY: Mapping[str, Act] = {**ACTS, **REGISTER_ACTS, **LEARNER_ACTS}
"""By their names in addresses."""
