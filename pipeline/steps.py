"""Where a run can end: after every change of store or ledger there is a step with a name.

A run that dies has passed some steps and not the next; running it again makes up for that. `pipeline/jobs.py` says
which job passes which step. The crash matrix (`bench/crashes.py`) ends a process at each step, and fails where a change
has no step or a step is never passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import frozen

Watcher = Callable[["Step"], None]
_watchers: list[Watcher] = []


@frozen
class Step:
    """A change that has just become permanent: the part of the desk it belongs to, its name, and what is true now."""

    place: str
    name: str
    holds: str

    def passed(self) -> None:
        """Call this right after the change, in the same thread."""
        for watcher in _watchers:
            watcher(self)

    def __str__(self) -> str:
        return f"{self.place}: {self.name}"


@contextmanager
def watched(by: Watcher) -> Iterator[None]:
    """Calls `by` with each step that is passed in the block, in whatever thread."""
    _watchers.append(by)
    try:
        yield
    finally:
        _watchers.remove(by)


# --- The journal: steps of every job ---------------------------------------------------------------------------------

BEGUN = Step("journal", "begun", "the job is on record as begun")
ENDED = Step("journal", "ended", "its record is complete")
DROPPED = Step("journal", "dropped", "its record is removed: there was nothing to do")

# --- Intake ----------------------------------------------------------------------------------------------------------

ARCHIVED = Step("archive", "archived", "a file that came in is in the archive")
RECEIVED = Step("ingest", "received", "a batch of files is on the books, each with the number of its reply")
ACKNOWLEDGED = Step("ingest", "acknowledged", "a centre's outbox says that its file has come")
TAKEN_OUT = Step("ingest", "taken out", "a file that is on the books is no longer in the inbox")
SET_ASIDE = Step("ingest", "set aside", "what is not a file has gone from the inbox to quarantine")
BOOKED = Step("ingest", "booked", "what was decided about a round of files is in the ledger, with their replies")
SHARED = Step("ingest", "shared", "it is on record which of several ingests decides which files")
SHARES_ENDED = Step("ingest", "shares ended", "several ingests have decided all, and nothing is shared any more")
HELD = Step("ingest", "held", "a copy of a held file is in quarantine")
TWIN_OUT = Step("ingest", "twin out", "a reply is out as JSON")
REPLY_OUT = Step("ingest", "reply out", "a reply is out as text")
INDEX_OUT = Step("ingest", "index out", "a list of what a centre has sent is in its outbox")
HOLDINGS_OUT = Step("ingest", "holdings out", "a list of what a centre holds is in its outbox")
TRIAL_OUT = Step("ingest", "trial out", "the answer to a file that is only tried is in the centre's outbox")
TRIAL_CLEARED = Step("ingest", "trial cleared", "a file that was only tried is gone")
ANSWERED = Step("ingest", "answered", "the ledger knows which replies are out")
ONCE_MORE = Step("quarantine", "once more", "a held file is on the books again, with what a person decided")
ASKED_FOR = Step("calendar", "asked for", "a date that staff want changed is on record; nothing of it is in force")
DATE_DECIDED = Step("calendar", "decided", "the date is confirmed and in force from its instant on, or dropped")
RECORDED = Step("staff", "recorded", "what a member of staff did is on record, with who and why")
WRITTEN = Step("staff", "written", "the feed file for it is where files land")
FEED_NOTED = Step("feed", "noted", "a feed file that came in is on the record of the job that takes it")
FEED_REPORTED = Step("feed", "reported", "the report on a feed file is written")
FEED_TAKEN_OUT = Step("feed", "taken out", "a feed file is no longer among the feeds")

# --- Marking ---------------------------------------------------------------------------------------------------------

EXTERNAL_BOOKED = Step("marks", "booked", "the board's marks of a file are in the ledger")
MISSING_LISTED = Step("marks", "missing listed", "a list or a report of missing marks is written")
LIST_OUT = Step("moderation", "list out", "the list of a sample is in the centre's outbox")
DRAWN = Step("moderation", "drawn", "the samples of a centre are in the ledger")
MODERATED = Step("moderation", "marked", "the moderator's marks of a file are in the ledger")
FEEDBACK_OUT = Step("moderation", "feedback out", "feedback on a sample is in the centre's outbox")
PROPOSAL_OUT = Step("moderation", "proposal out", "the page by which an adjustment is decided is written")
COMPARED = Step("moderation", "compared", "the result of comparing a sample is in the ledger")
DECIDED = Step("moderation", "decided", "an adjustment is applied or rejected, and it is recorded who did it and why")
LATE_ADJUSTED = Step(
    "moderation", "adjusted late", "marks of an adjusted cohort that came after the award are adjusted"
)

# --- Approvals -------------------------------------------------------------------------------------------------------

PUT_FORWARD = Step("approvals", "put forward", "what waits for a decision is on record, with the hash of what is shown")
SIGNED = Step("approvals", "signed", "it is on record what a person has said about a proposal")

# --- Awarding --------------------------------------------------------------------------------------------------------

PROPOSED = Step("award", "proposed", "the conversion tables of a file of boundaries are in the ledger")
APPROVED = Step("award", "approved", "conversion tables are approved, and it is recorded who did it and why")
AWARDED = Step("award", "awarded", "a version of the results is in the ledger")
PREVIEWED = Step("award", "previewed", "a file of the preview is written")
WEIGHED = Step("award", "weighed", "the balance sheet of a version, or the list of its exceptions, is written")
EXCEPTION_DECIDED = Step("award", "exception decided", "it is recorded who accepted an exception or took that back")

DRIFT_REPORTED = Step("drift", "reported", "the list of whom ledger and version differ is written")
LOOKED = Step("drift", "looked", "the ledger knows what a comparison of a version with it found")

# --- Results ---------------------------------------------------------------------------------------------------------

PUT_AWAY = Step("embargo", "put away", "a file is under embargo")
OUT = Step("embargo", "out", "a file is published")
NOTED = Step("embargo", "noted", "the ledger knows which files of a batch are published")
REPORTED = Step("release", "reported", "a part of the report of a release is written")
NUMBERS_FREE = Step("release", "numbers free", "what was withdrawn or left half built holds no number of a file")
MANIFEST_PUT = Step("release", "manifest put", "the manifest is under embargo or in the reports")
FILES_BOOKED = Step("release", "files booked", "the files under embargo are on the books")
KEPT_BACK = Step("release", "kept back", "the ledger knows which centres the release passes over")
STATE_CHANGED = Step("release", "state changed", "the version of the results is in its next state")
REQUEST_BOOKED = Step(
    "updated files", "request booked", "a request for updated files is recorded, and the files are on the books"
)
HEAD_OUT = Step("audit", "head out", "the head of the chain of seals is in the store")
AUDITED = Step("audit", "audited", "the ledger knows what an audit found")
CLAIMS_LISTED = Step("claims", "listed", "a centre's list of claims to make, or the report on them, is written")
CERTIFICATES_NUMBERED = Step("certificates", "numbered", "new certificates are in the register, each with its number")
CERTIFIED = Step("certificates", "listed", "a list of certificates is written")

# --- Corrections -----------------------------------------------------------------------------------------------------

CASE_OPENED = Step("corrections", "opened", "a case is on record, with what it is about")
EFFECT_SHOWN = Step("corrections", "shown", "a page of a correction's effect is written")
CASE_STATED = Step("corrections", "stated", "a case is in its next state, and it is recorded who did it and why")
CORRECTED = Step("corrections", "corrected", "a correction is approved, and its versions are in the ledger")
CENTRE_TOLD = Step("corrections", "told", "the letter on a correction is in a centre's outbox")

# --- The season ------------------------------------------------------------------------------------------------------

LETTER_OUT = Step("checkpoint", "letter out", "the letter of a checkpoint is in a centre's outbox")
CHECK_REPORTED = Step("checkpoint", "reported", "a part of the report of a checkpoint is written")
CHECK_RECORDED = Step("checkpoint", "recorded", "the ledger knows that the checkpoint was taken, and its counts")
STATED = Step("statements", "stated", "a statement or an invoice is in a centre's outbox")
DEADLINES_OUT = Step("deadlines", "out", "a centre's outbox has its deadlines as they are now")
PUBLISHED = Step("basedata", "published", "a file of a version of the basedata is written")

# --- Keeping and forgetting ------------------------------------------------------------------------------------------

GONE_NOTED = Step("keeping", "noted", "files that are no longer kept are on record")
LET_GO = Step("keeping", "let go", "a file that is no longer kept is gone")
EMPTIED = Step("keeping", "emptied", "old findings or replies have no text any more")
ALERTS_GONE = Step("keeping", "alerts gone", "old alerts are removed")
FORGOTTEN = Step("keeping", "forgotten", "learners are forgotten, and it is recorded who did it and why")

# --- Centres ---------------------------------------------------------------------------------------------------------

REGISTERED = Step("centres", "registered", "centres of a file or of an order are in the register")
APPROVAL_DECIDED = Step("centres", "decided", "what was asked or decided about an approval is on record")
