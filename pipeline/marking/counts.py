"""What the steps of moderation did, in counts."""

from __future__ import annotations

from datetime import datetime

from attrs import asdict, field, frozen

from pipeline.desk import Desk
from pipeline.feeds import failed_note, kept_out, waiting

PLACE = "feeds/moderation/"
"""Where the moderators' files land."""


@frozen(kw_only=True)
class ModerationCounts:
    """What a step did, in counts; nothing in it is personal data."""

    read: int = 0
    """Files of centres that waited and were read first."""
    drawn: int = 0
    redrawn: int = 0
    files: int = 0
    agreed: int = 0
    feedback: int = 0
    proposed: int = 0
    failed: int = 0
    kept_out: str = field(default="", eq=False)

    def note(self) -> str:
        """The summary in a line, for the run's note and the log."""
        said = f"{self.kept_out} " if self.kept_out else ""
        first = f"{self.read} files that waited were read first; " if self.read else ""
        anew = f", {self.redrawn} drawn anew" if self.redrawn else ""
        return (
            f"{said}{first}{self.drawn} samples drawn{anew}; {self.files} moderator's files taken; "
            f"{self.agreed} cohorts agreed, {self.feedback} given feedback, {self.proposed} adjustments proposed."
            f"{failed_note(self.failed)}"
        )

    def __add__(self, more: ModerationCounts) -> ModerationCounts:
        """Both together."""
        mine, others = asdict(self), asdict(more)
        said = mine.pop("kept_out") or others["kept_out"]
        return ModerationCounts(kept_out=said, **{name: count + others[name] for name, count in mine.items()})


def kept_out_counts(desk: Desk, holder: str, now: datetime) -> ModerationCounts:
    """Nothing done, because another run of moderation holds the lock; with what waits (OPS-6)."""
    return ModerationCounts(kept_out=kept_out(holder, sum(1 for _ in waiting(desk, PLACE, now))))
