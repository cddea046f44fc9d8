"""The words that the rules, the ledger and the jobs share, each said once: kinds of options, ways of entry, bands of
fees, states, stages, outcomes and decisions, as the ledger, files and reports have them.

The ground floor: `infra` and `dags` may use this module of `rules` too, and it uses nothing of ours. The words are
plain strings and not members of a `StrEnum`: Polars turns a list of members into a column of type Enum, which cannot be
joined to a column of text.
"""

from __future__ import annotations

from typing import Final, Literal

# What an option is for, and so what is paid for (FEE-1); a component's kind says who marks it.
REGISTRATION: Final = "registration"
INTERNAL: Final = "internal"
EXTERNAL: Final = "external"
CASH_IN: Final = "cash_in"
Kind = Literal["registration", "internal", "external", "cash_in"]
Marker = Literal["internal", "external"]
QUALIFICATION: Final = "qualification"
Scope = Literal["internal", "external", "qualification"]
"""What a scale of uniform marks is for."""
REFUND: Final = "refund"
"""The kind of a fee line that gives back (FEE-4)."""

# What a series is for: to register learners, or to enter and claim.
ENTRY: Final = "entry"
Purpose = Literal["registration", "entry"]

# The way an entry comes: file transfer, the board's portal, customer services.
EDI: Final = "edi"
ONLINE: Final = "online"
STAFF: Final = "staff"
Channel = Literal["edi", "online", "staff"]

# Outcomes of a file (FIL-1); WAITING: it is not decided yet.
ACCEPTED: Final = "accepted"
WITH_WARNINGS: Final = "accepted with warnings"
PARTLY: Final = "partly accepted"
REFUSED: Final = "refused"
REPEATED: Final = "already processed"
QUARANTINED: Final = "quarantined"
WAITING: Final = "waiting"
# How the name of the answer to a file that was only tried begins.
TRIAL: Final = "TRIAL-"
# How the name of the receipt for a file begins that has landed and is not decided yet.
RECEIVED: Final = "RECEIVED-"

# What a person decides about a held file: decide it again, close it, apply it all the same (FIL-3).
AGAIN: Final = "again"
IGNORE: Final = "ignore"
RELEASE: Final = "release"
HoldAction = Literal["again", "ignore", "release"]

# What staff grant or ask for (CAL-3, ENT-4, CRT-7).
EXTENSION: Final = "extension"
EXTRA_SITTING: Final = "extra_sitting"
# What staff order about who a learner is (REG-8).
UCI_CORRECTED: Final = "uci_corrected"
DETAILS_CORRECTED: Final = "details_corrected"
UCIS_MERGED: Final = "ucis_merged"
UCI_SPLIT: Final = "uci_split"
LEARNER_TRANSFERRED: Final = "learner_transferred"
CERTIFICATE: Final = "certificate"
MARKS_COMPLETE: Final = "marks_complete"

# What becomes of a date that staff ask for (CAL-7).
CONFIRMED: Final = "confirmed"
DROPPED: Final = "dropped"

# What keeps records from being let go, and its end; and that somebody was given what is held about them (OPS-9).
DISPUTE: Final = "dispute"
SETTLED: Final = "settled"
EXPORT: Final = "export"
PERSONAL_DATA: Final = "personal_data"
STORE_ADOPTED: Final = "store_adopted"

# What is withheld, and what is decided about it (RES-8).
WITHHELD: Final = "withheld"
HOLD_RELEASED: Final = "withheld_released"
HOLD_VOIDED: Final = "withheld_voided"
HOLD_GIVEN_BACK: Final = "withheld_given_back"
WITHHELD_STATUS: Final = "W"
"""The status of the mark in a result that is withheld."""
HoldWord = Literal["withheld_released", "withheld_voided", "withheld_given_back"]
WITHHOLDING: Final = "withholding"
"""The kind of correction by which what is out is withheld."""

# What is asked and decided about a centre and a qualification (REG-1), and how it came to be.
ASKED: Final = "asked"
GRANTED: Final = "granted"
DENIED: Final = "denied"
ENDED: Final = "ended"
ApprovalWord = Literal["asked", "granted", "denied", "ended"]
FAST_TRACK: Final = "fast_track"
FULL: Final = "full"
Route = Literal["fast_track", "full"]

# Bands of entry fees, by the receipt of the file in which an entry first appears (FEE-1).
ON_TIME: Final = "on_time"
LATE: Final = "late"
HIGH_LATE: Final = "high_late"
Band = Literal["on_time", "late", "high_late"]

# Stages of a mark (MRK-2): of the centre, after feedback, by moderation; EXTERNAL is the board's own.
SUBMITTED: Final = "submitted"
AMENDED: Final = "amended"
CENTRE_STAGES: Final = (SUBMITTED, AMENDED)
"""Of the centre's own marks."""
ADJUSTED: Final = "adjusted"
CORRECTED: Final = "corrected"
"""The stage of a mark by a correction; also the choice that a result is corrected (RES-7)."""

# States of a moderated cohort (MOD-2); the last is ADJUSTED, where an adjustment was approved.
SAMPLED: Final = "sampled"
AGREED: Final = "agreed"
FEEDBACK: Final = "feedback"
PROPOSED: Final = "proposed"

# Why a sample was drawn (MOD-1, MOD-3).
DEADLINE_PASSED: Final = "deadline"
ALL_MARKED: Final = "all_marked"
SAID_COMPLETE: Final = "complete"

# States of an awarding, one version of a series' results (RES-2); the first is PROPOSED.
BUILT: Final = "built"
APPROVED: Final = "approved"
WITHDRAWN: Final = "withdrawn"
RELEASED: Final = "released"
AWARDING_STATES: Final = (PROPOSED, BUILT, APPROVED, WITHDRAWN, RELEASED)
ISSUED_STATES: Final = (APPROVED, RELEASED)
"""States of awardings whose results hold."""

# What people approve (OPS-4), and what somebody says about it; the other verdict is APPROVED.
BOUNDARIES: Final = "boundaries"
RESULTS: Final = "results"
ADJUSTMENT: Final = "adjustment"
EXCEPTION: Final = "exception"
DIFFERENCE: Final = "difference"
CORRECTION: Final = "correction"
REJECTED: Final = "rejected"
Verdict = Literal["approved", "rejected"]

# How the desk knows who somebody is: by the console's log-in, by the system account a command runs under; THE_DESK: it
# was a scheduled run; BY_APPROVAL: an approval says who, which has a record of its own; STATED: somebody has written a
# name, and nobody has looked whether it is theirs; PLAYED: nobody has looked, in rehearsals.
BY_CONSOLE: Final = "console"
BY_ACCOUNT: Final = "account"
BY_THE_DESK: Final = "desk"
BY_APPROVAL: Final = "approval"
STATED: Final = "stated"
PLAYED: Final = "played"

# What a report holds, and so who may see it (OPS-4); a report without a class is closed.
PUBLIC: Final = "public"
STAFF_ONLY: Final = "staff"
PERSONAL: Final = "personal"
EMBARGO: Final = "embargo"
ReportClass = Literal["public", "staff", "personal", "embargo"]

# What an awarding is of: everybody's results, or those of learners who claimed later (CRT-1).
WHOLE_SERIES: Final = "series"
LATE_CLAIMS: Final = "claims"
FOLLOW_UP: Final = "follow_up"
"""Results of centres that a release kept back (AWD-5)."""
CORRECTED_RESULTS: Final = "correction"
"""The results that a correction changes, and nothing else (RES-7)."""
DECIDED_KINDS: Final = (WHOLE_SERIES, FOLLOW_UP)
"""What a person approves, and the calendar releases."""

# Outcomes of a component's result (AWD-4), and of a claim (CRT-2); PENDING is of both.
GRADED: Final = "graded"
ABSENT: Final = "absent"
PENDING: Final = "pending"
VOIDED: Final = "voided"
AWARDED: Final = "awarded"
NOT_ELIGIBLE: Final = "not_eligible"

# A correction (RES-7): its states, the others being PROPOSED, APPROVED and REJECTED; which way a result goes; what is
# chosen for it, besides CORRECTED; and what comes of the whole, besides
# CONFIRMED, VOIDED and WITHHELD.
OPEN: Final = "open"
DONE: Final = "done"
UP: Final = "up"
DOWN: Final = "down"
SAME: Final = "same"
LEFT_HIGHER: Final = "left_higher"
RAISED: Final = "raised"
LOWERED: Final = "lowered"

# States of a certificate (CRT-8).
DUE: Final = "due"
RECALLED: Final = "recalled"
# Why a certificate is replaced by another with the same grade (CRT-8).
RENAMED_BY_CENTRE: Final = "the centre has corrected the name"
RENAMED_BY_STAFF: Final = "staff have corrected the name"

# So many ingests may work at a time (OPS-6), each with a lock of its own.
MOST_SHARDS: Final = 64

# Whom a release is for (RES-2).
CENTRES: Final = "centres"
LEARNERS: Final = "learners"
Audience = Literal["centres", "learners"]
