"""Every job, declared once: the journal and the replay, the crash matrix, the tests of the DAGs, the command line and
the documentation pages read it here.

This is data and imports no job, so that listing the jobs or loading a DAG costs nothing. `pipeline/journal.py:
journaled` makes a function a job, and finds it here by its module and name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pkgutil import resolve_name
from typing import Any

from attrs import field, frozen

from pipeline import steps as s
from pipeline.steps import Step

JOURNAL = (s.BEGUN, s.ENDED, s.DROPPED)
"""Steps of every job that is not run by another job."""


def never(result: Any) -> bool:
    """Every run is recorded."""
    return False


def no_files(result: Any) -> bool:
    """It took in or wrote no file."""
    return not result.files


def nothing_counted(result: Any) -> bool:
    """Everything it counts is 0."""
    return bool(result == type(result)())


def nothing_new(result: Any) -> bool:
    """What it would publish is already out."""
    return not result.fresh


@frozen(kw_only=True)
class Job:
    """A function of the desk, some arguments and an instant. The instant is its parameter `now`, or `at` of one of its
    arguments.

    `does`: in a sentence. `reads`: the places of the store it takes files from or looks at. `writes`: the places of the
    store and the tables of the ledger it changes, besides the journal. `steps`: those it passes when no run died
    before, besides the journal's; `may_pass`: those that depend on what it finds. `dags`: the DAGs that run it, none if
    only people do. `commands`: the commands by which people run it. `receives`: it receives files into the ledger, and
    is recorded when it has. `idle`: whether its result says that there was nothing to do, which is not recorded.
    """

    name: str
    function: str
    does: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...]
    steps: tuple[Step, ...]
    may_pass: tuple[Step, ...] = ()
    dags: tuple[str, ...] = ()
    commands: tuple[str, ...]
    page: str
    receives: bool = False
    idle: Callable[[Any], bool] = field(default=never, repr=False)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Runs it; its module is imported only now."""
        return self.resolved()(*args, **kwargs)

    def resolved(self) -> Callable[..., Any]:
        """The function itself."""
        found: Callable[..., Any] = resolve_name(self.function)
        return found


_FEED = (s.ARCHIVED, s.FEED_NOTED, s.FEED_REPORTED, s.FEED_TAKEN_OUT)
_DECISION = (s.BOOKED, s.TWIN_OUT, s.REPLY_OUT, s.INDEX_OUT, s.ANSWERED)
_APPROVAL = ("proposals", "approvals")
_CASE = ("corrections", "correction_subjects", "correction_states")
_BOOKS = (
    "submissions", "registrations", "learner_versions", "learner_ucis", "entries", "marks", "fee_lines", "findings",
    "replies",
)  # fmt: skip

_ALL = (
    # --- Centres -----------------------------------------------------------------------------------------------------
    Job(
        name="take_register",
        function="pipeline.centres.take:take_register",
        does="Take in the register of centres (REG-10). Its files wait in feeds/centres/.",
        reads=("archive/", "feeds/"),
        writes=("archive/", "feeds/", "reports/", "centres"),
        steps=(s.REGISTERED, *_FEED),
        dags=("ingest",),
        commands=("run register",),
        page="centres.md",
        idle=no_files,
    ),
    Job(
        name="edit_centre",
        function="pipeline.centres.orders:edit_centre",
        does="Change what the register says of a centre, or add a centre (REG-10).",
        writes=("centres",),
        steps=(s.REGISTERED,),
        commands=("centre edit",),
        page="centres.md",
        idle=lambda fresh: not fresh,
    ),
    Job(
        name="decide_approval",
        function="pipeline.centres.orders:decide_approval",
        does="Record that approval for a qualification was asked for, granted, denied or ended (REG-1).",
        writes=("centre_approvals",),
        steps=(s.APPROVAL_DECIDED,),
        commands=("centre apply", "centre grant", "centre deny", "centre end"),
        page="centres.md",
        idle=lambda fresh: not fresh,
    ),
    # --- Intake ------------------------------------------------------------------------------------------------------
    Job(
        name="ingest",
        function="pipeline.intake.ingest:ingest",
        does="Take in every waiting file: of centres, of the portal and of staff.",
        reads=("archive/", "feeds/", "inbox/", "try/"),
        writes=("archive/", "inbox/", "try/", "outbox/", "quarantine/", "feeds/", *_BOOKS, "actions"),
        steps=(
            s.ARCHIVED, s.RECEIVED, s.ACKNOWLEDGED, s.TAKEN_OUT, s.SET_ASIDE, s.BOOKED, s.HELD, s.TWIN_OUT,
            s.REPLY_OUT, s.INDEX_OUT, s.HOLDINGS_OUT, s.ANSWERED, s.TRIAL_OUT, s.TRIAL_CLEARED,
            s.SHARED, s.SHARES_ENDED,
        ),
        dags=("ingest", "moderation"),
        commands=("ingest",),
        page="flow.md",
        receives=True,
        idle=lambda result: True,
    ),
    Job(
        name="quarantine_again",
        function="pipeline.intake.quarantine:again",
        does="Decide a held file again, from the archive (FIL-1).",
        reads=("archive/",),
        writes=("outbox/", "quarantine/", "hold_decisions", *_BOOKS),
        steps=(s.ONCE_MORE, s.HELD, *_DECISION),
        may_pass=(s.HOLDINGS_OUT,),
        commands=("quarantine again",),
        page="console.md",
    ),
    Job(
        name="quarantine_ignore",
        function="pipeline.intake.quarantine:ignore",
        does="Close a held file: nothing in it is applied, and the centre is told why (FIL-1).",
        reads=("archive/",),
        writes=("outbox/", "hold_decisions", *_BOOKS),
        steps=(s.ONCE_MORE, *_DECISION),
        commands=("quarantine ignore",),
        page="console.md",
    ),
    Job(
        name="quarantine_release",
        function="pipeline.intake.quarantine:release",
        does="Decide a held file although it is a second entry file or an old one (FIL-3).",
        reads=("archive/",),
        writes=("outbox/", "hold_decisions", *_BOOKS),
        steps=(s.ONCE_MORE, *_DECISION, s.HOLDINGS_OUT),
        commands=("quarantine release",),
        page="console.md",
    ),
    Job(
        name="extension",
        function="pipeline.season.extensions:extend",
        does="Extend a deadline of a series for one centre (CAL-3).",
        reads=("outbox/",),
        writes=("outbox/", "actions"),
        steps=(s.RECORDED, s.DEADLINES_OUT),
        commands=("extension grant",),
        page="commands.md",
    ),
    Job(
        name="extension_withdrawn",
        function="pipeline.season.extensions:withdraw",
        does="Take an extension back (CAL-3).",
        reads=("outbox/",),
        writes=("outbox/", "actions"),
        steps=(s.RECORDED, s.DEADLINES_OUT),
        commands=("extension withdraw",),
        page="commands.md",
    ),
    Job(
        name="extra_sitting",
        function="pipeline.intake.staff:allow_sitting",
        does="Grant a learner further sittings of a component (ENT-3, ENT-4).",
        writes=("actions",),
        steps=(s.RECORDED,),
        commands=("staff sitting",),
        page="commands.md",
    ),
    Job(
        name="complete_marks",
        function="pipeline.intake.staff:complete_marks",
        does="Put on record that a centre says its marks of a component are complete (MOD-3).",
        writes=("actions",),
        steps=(s.RECORDED,),
        commands=("staff complete",),
        page="moderation.md",
    ),
    Job(
        name="change_entry",
        function="pipeline.intake.staff:change_entry",
        does="Enter a learner, claim an award or withdraw, when the centre no longer can (ENT-2, CRT-1).",
        writes=("feeds/", "actions"),
        steps=(s.RECORDED, s.WRITTEN),
        commands=("staff entry", "staff claim", "staff withdrawal"),
        page="commands.md",
    ),
    # --- The calendar ------------------------------------------------------------------------------------------------
    Job(
        name="ask_date",
        function="pipeline.season.moving:ask",
        does="Put on record that a date of the calendar is to change; nothing of it is in force (CAL-7).",
        writes=("calendar_changes",),
        steps=(s.ASKED_FOR,),
        commands=("calendar set", "calendar undo"),
        page="operations.md",
    ),
    *(
        Job(
            name=f"{name}_date",
            function=f"pipeline.season.moving:{name}",
            does=does,
            reads=reads,
            writes=(*reads, "calendar_changes"),
            steps=(s.DATE_DECIDED, *more),
            commands=(f"calendar {name}",),
            page="operations.md",
        )
        for name, does, reads, more in (
            ("confirm", "Put a date in force that waits to be confirmed (CAL-7).", ("outbox/",), (s.DEADLINES_OUT,)),
            ("drop", "Drop a date that waits to be confirmed (CAL-7).", (), ()),
        )
    ),
    # --- Learners ----------------------------------------------------------------------------------------------------
    *(
        Job(
            name=f"learner_{name}",
            function=f"pipeline.learners.orders:{name}",
            does=does,
            writes=("outbox/", "actions", *tables),
            steps=(s.RECORDED, s.HOLDINGS_OUT),
            commands=(f"learner {name}",),
            page="identity.md",
        )
        for name, does, tables in (
            ("correct", "Replace a learner's UCI by the right one (REG-8).", ("learner_ucis",)),
            ("merge", "Merge two UCIs of one person (REG-8).", ("learner_ucis",)),
            ("split", "Undo a correction or a merge of UCIs (REG-8).", ("learner_ucis",)),
            (
                "transfer", "Move a learner to another centre, with entries and marks (REG-8, ENT-7).",
                ("entries", "learner_versions", "marks", "registrations"),
            ),
        )
    ),
    Job(
        name="learner_details",
        function="pipeline.learners.orders:correct_details",
        does="Give a learner another name or date of birth, wherever they are registered (REG-6, REG-8).",
        writes=("outbox/", "actions", "learner_versions"),
        steps=(s.RECORDED, s.HOLDINGS_OUT),
        commands=("learner correct",),
        page="identity.md",
    ),
    # --- Marking -----------------------------------------------------------------------------------------------------
    Job(
        name="external_marks",
        function="pipeline.marking.external:take_external",
        does="Take in the board's own marks (MRK-1). They wait in feeds/external-marks/.",
        reads=("archive/", "feeds/"),
        writes=("archive/", "feeds/", "reports/", "marks", *_CASE),
        steps=(s.EXTERNAL_BOOKED, s.CASE_OPENED, *_FEED),
        dags=("moderation",),
        commands=("run external-marks",),
        page="marks.md",
        idle=no_files,
    ),
    Job(
        name="missing_marks",
        function="pipeline.marking.external:missing_marks",
        does="Chase missing marks in a SERIES (MRK-3). Each centre gets a list of names.",
        writes=("outbox/", "reports/"),
        steps=(s.MISSING_LISTED,),
        dags=("checkpoints",),
        commands=("run missing-marks",),
        page="marks.md",
    ),
    Job(
        name="sample",
        function="pipeline.marking.samples:sample",
        does="Draw the samples of a SERIES that are due and send the lists to the centres (MOD-1, MOD-3).",
        writes=("outbox/", "cohorts", "draws", "moderator_marks", "samples"),
        steps=(s.LIST_OUT, s.DRAWN),
        dags=("moderation",),
        commands=("run moderation",),
        page="moderation.md",
        idle=nothing_counted,
    ),
    Job(
        name="take_moderation",
        function="pipeline.marking.moderation:take",
        does="Take in the moderators' marks, compare the samples that are complete and give feedback (MOD-2).",
        reads=("archive/", "feeds/"),
        writes=("archive/", "feeds/", "outbox/", "reports/", "cohorts", "moderator_marks", "samples", *_CASE),
        steps=(s.MODERATED, s.CASE_OPENED, s.FEEDBACK_OUT, s.COMPARED, *_FEED),
        dags=("moderation",),
        commands=("run moderation",),
        page="moderation.md",
        idle=nothing_counted,
    ),
    Job(
        name="review",
        function="pipeline.marking.moderation:review",
        does="Compare again the samples that got feedback, and propose adjustments (MOD-2).",
        writes=("reports/", "cohorts"),
        steps=(s.PROPOSAL_OUT, s.COMPARED),
        dags=("moderation",),
        commands=("run moderation",),
        page="moderation.md",
        idle=nothing_counted,
    ),
    Job(
        name="approve_adjustment",
        function="pipeline.marking.moderation:approve",
        does="Apply the adjustment proposed for the marks of a cohort (MOD-2).",
        reads=("reports/",),
        writes=("actions", "cohorts", "marks", *_APPROVAL),
        steps=(s.SIGNED, s.DECIDED),
        commands=("approvals approve",),
        page="approvals.md",
    ),
    Job(
        name="reject_adjustment",
        function="pipeline.marking.moderation:reject",
        does="Reject the adjustment: the centre's marks of a cohort stay as they are (MOD-2).",
        reads=("reports/",),
        writes=("actions", "cohorts", *_APPROVAL),
        steps=(s.SIGNED, s.DECIDED),
        commands=("approvals reject",),
        page="approvals.md",
    ),
    # --- Approvals ---------------------------------------------------------------------------------------------------
    Job(
        name="put_forward",
        function="pipeline.approvals:put_forward",
        does="Put on record what waits for a decision, with the hash of what is shown (OPS-4).",
        reads=("reports/",),
        writes=("proposals",),
        steps=(s.PUT_FORWARD,),
        dags=("award", "moderation"),
        commands=("approvals list",),
        page="approvals.md",
        idle=lambda new: not new,
    ),
    # --- Awarding ----------------------------------------------------------------------------------------------------
    Job(
        name="take_boundaries",
        function="pipeline.awarding.award:take_boundaries",
        does="Take in the boundaries that wait in feeds/boundaries/ and propose conversion tables (AWD-1).",
        reads=("archive/", "feeds/"),
        writes=("archive/", "feeds/", "reports/", "conversions", *_CASE),
        steps=(s.PROPOSED, s.CASE_OPENED, *_FEED),
        dags=("award",),
        commands=("boundaries take",),
        page="results-day.md",
        idle=no_files,
    ),
    Job(
        name="approve_boundaries",
        function="pipeline.awarding.award:approve_boundaries",
        does="Approve the newest conversion table of every component of a SERIES (AWD-1).",
        writes=("actions", "conversions", *_APPROVAL),
        steps=(s.SIGNED, s.APPROVED),
        commands=("approvals approve",),
        page="approvals.md",
        idle=lambda approved: approved == 0,
    ),
    Job(
        name="reject_boundaries",
        function="pipeline.awarding.award:reject_boundaries",
        does="Reject the conversion tables of a SERIES that wait; those approved before stay in force (AWD-1).",
        writes=("actions", *_APPROVAL),
        steps=(s.SIGNED, s.RECORDED),
        commands=("approvals reject",),
        page="approvals.md",
        idle=lambda rejected: not rejected,
    ),
    Job(
        name="award",
        function="pipeline.awarding.award:award",
        does="Award a SERIES and freeze the results. They become its next version.",
        writes=("awardings", "awards", "choices", "frozen_rows", "frozen_sums", "results"),
        steps=(s.AWARDED,),
        dags=("award",),
        commands=("award",),
        page="results-day.md",
    ),
    Job(
        name="award_claims",
        function="pipeline.awarding.award:award_claims",
        does="Award the claims of a SERIES that came after its results (CRT-6).",
        writes=("awardings", "awards", "choices", "frozen_rows", "frozen_sums", "results"),
        steps=(s.AWARDED,),
        dags=("late_claims",),
        commands=("late-claims",),
        page="results-day.md",
        idle=lambda awarded: awarded is None,
    ),
    Job(
        name="preview",
        function="pipeline.awarding.preview:preview",
        does="Write the pages for approving the results of a SERIES.",
        writes=("reports/",),
        steps=(s.PREVIEWED,),
        dags=("award",),
        commands=("preview",),
        page="results-day.md",
    ),
    Job(
        name="balance",
        function="pipeline.awarding.balance:balance",
        does="Write the balance sheet of the newest results of a SERIES: what adds up, and what blocks (AWD-7).",
        writes=("reports/",),
        steps=(s.WEIGHED,),
        dags=("award",),
        commands=("gate show",),
        page="results-day.md",
    ),
    Job(
        name="accept_exception",
        function="pipeline.awarding.exception_approval:accept",
        does="Accept what stands in the way of results, by component or by centre (AWD-7).",
        reads=("reports/",),
        writes=("actions", *_APPROVAL),
        steps=(s.SIGNED, s.EXCEPTION_DECIDED),
        commands=("gate accept", "approvals approve"),
        page="results-day.md",
        idle=lambda accepted: accepted is False,
    ),
    Job(
        name="take_back_exception",
        function="pipeline.awarding.exception_approval:take_back",
        does="Take the acceptance of an exception back, or refuse to accept it (AWD-7).",
        reads=("reports/",),
        writes=("actions", *_APPROVAL),
        steps=(s.SIGNED, s.EXCEPTION_DECIDED),
        commands=("gate take-back", "approvals reject"),
        page="results-day.md",
    ),
    Job(
        name="look",
        function="pipeline.awarding.drift:look",
        does="Compare the results that wait with the ledger (AWD-5). Lists the learners of whom they differ.",
        writes=("reports/", "looks"),
        steps=(s.DRIFT_REPORTED, s.LOOKED),
        dags=("late_claims",),
        commands=("results look",),
        page="results-day.md",
        idle=lambda looked: not looked.new,
    ),
    # --- Results -----------------------------------------------------------------------------------------------------
    Job(
        name="build",
        function="pipeline.results.release:build",
        does="Write and hash every file of the newest results of a SERIES, where no centre can read them (RES-2).",
        reads=("embargo/",),
        writes=("embargo/", "reports/", "awardings", "release_files"),
        steps=(s.WEIGHED, s.NUMBERS_FREE, s.PUT_AWAY, s.MANIFEST_PUT, s.FILES_BOOKED, s.STATE_CHANGED),
        dags=("award",),
        commands=("results build",),
        page="results-day.md",
    ),
    Job(
        name="approve_results",
        function="pipeline.results.release:approve",
        does="Approve the newest results of a SERIES; the calendar releases them (RES-2).",
        reads=("embargo/", "reports/"),
        writes=("actions", "awardings", *_APPROVAL),
        steps=(s.SIGNED, s.STATE_CHANGED),
        commands=("approvals approve",),
        page="approvals.md",
    ),
    Job(
        name="withdraw_results",
        function="pipeline.results.release:withdraw",
        does="Stop the newest results of a SERIES, as long as nothing of them is published (RES-2).",
        reads=("outbox/", "portal/", "reports/"),
        writes=("actions", "awardings", "release_files", *_APPROVAL),
        steps=(s.SIGNED, s.NUMBERS_FREE, s.STATE_CHANGED),
        commands=("results withdraw", "approvals reject"),
        page="approvals.md",
    ),
    Job(
        name="release",
        function="pipeline.results.release:release",
        does="Publish the approved results of a SERIES (RES-2). Refused until their instant has come.",
        reads=("embargo/", "seals/"),
        writes=(
            "outbox/", "portal/", "reports/", "seals/", "audits", "awardings", "kept_back", "published_files",
            "release_files",
        ),
        steps=(s.HEAD_OUT, s.AUDITED, s.KEPT_BACK, s.OUT, s.NOTED, s.REPORTED, s.STATE_CHANGED),
        dags=("results_day",),
        commands=("release",),
        page="results-day.md",
        idle=nothing_new,
    ),
    Job(
        name="late_claims",
        function="pipeline.results.after_results:late_claims",
        does="Award claims that arrived after results day (CRT-6). Publishes the awards in the portal.",
        reads=("embargo/", "seals/"),
        writes=(
            "embargo/", "portal/", "reports/", "seals/", "audits", "awardings", "awards", "choices", "frozen_rows",
            "frozen_sums", "marks", "published_files", "release_files", "results",
        ),
        steps=(
            s.LATE_ADJUSTED, s.AWARDED, s.NUMBERS_FREE, s.PUT_AWAY, s.MANIFEST_PUT, s.FILES_BOOKED, s.STATE_CHANGED,
            s.HEAD_OUT, s.AUDITED, s.OUT, s.NOTED,
        ),
        dags=("late_claims",),
        commands=("late-claims",),
        page="results-day.md",
        idle=lambda late: not late.published,
    ),
    Job(
        name="updated_results",
        function="pipeline.results.after_results:updated",
        does="Write updated results files for CENTREs (RES-3). Only for those with changes since the last file.",
        reads=("embargo/", "seals/"),
        writes=("embargo/", "outbox/", "seals/", "actions", "audits", "published_files", "release_files"),
        steps=(s.HEAD_OUT, s.AUDITED, s.PUT_AWAY, s.REQUEST_BOOKED, s.OUT, s.NOTED),
        dags=("updated_results",),
        commands=("updated-results",),
        page="results-day.md",
        idle=no_files,
    ),
    Job(
        name="withhold",
        function="pipeline.results.withholding:withhold",
        does="Withhold results that are not out yet, of a learner, a component, a cohort or a centre (RES-8).",
        writes=("actions",),
        steps=(s.RECORDED,),
        commands=("withhold put",),
        page="withholding.md",
    ),
    Job(
        name="end_withholding",
        function="pipeline.results.withholding:end_withholding",
        does="Release or void what is withheld, or give back what was voided (RES-8).",
        writes=("actions",),
        steps=(s.RECORDED,),
        commands=("withhold release", "withhold void", "withhold give-back"),
        page="withholding.md",
    ),
    Job(
        name="claim_lists",
        function="pipeline.results.claim_lists:claim_lists",
        does="Tell centres who has everything for an award in a SERIES and has not claimed it (OPS-5).",
        reads=("outbox/",),
        writes=("outbox/", "reports/"),
        steps=(s.CLAIMS_LISTED,),
        dags=("claim_lists",),
        commands=("claim-lists",),
        page="checkpoints.md",
    ),
    Job(
        name="certificates",
        function="pipeline.results.certificates:certificates",
        does="List the certificates of a SERIES that are due (CRT-7), and number them (CRT-8).",
        writes=("reports/", "certificates"),
        steps=(s.CERTIFICATES_NUMBERED, s.CERTIFIED),
        dags=("certificates",),
        commands=("certificates",),
        page="results-day.md",
    ),
    # --- Corrections -------------------------------------------------------------------------------------------------
    Job(
        name="open_correction",
        function="pipeline.corrections.cases:open_case",
        does="Open a case about results that are out (RES-7).",
        writes=_CASE,
        steps=(s.CASE_OPENED,),
        commands=("correction open",),
        page="corrections.md",
    ),
    Job(
        name="propose_correction",
        function="pipeline.corrections.cases:propose",
        does="Propose what becomes of a case, with its whole effect (RES-7).",
        writes=("reports/", "correction_states", "proposals"),
        steps=(s.EFFECT_SHOWN, s.CASE_STATED, s.PUT_FORWARD),
        commands=("correction propose",),
        page="corrections.md",
    ),
    Job(
        name="approve_correction",
        function="pipeline.corrections.cases:approve",
        does="Approve what is proposed for a case, and carry it out (RES-7).",
        reads=("embargo/", "reports/", "seals/"),
        writes=(
            "embargo/", "outbox/", "portal/", "reports/", "seals/", "actions", "audits", "awardings", "awards",
            "certificates", "choices", "conversions", "correction_effects", "correction_states", "frozen_rows",
            "frozen_sums", "marks", "published_files", "release_files", "results", *_APPROVAL,
        ),
        steps=(
            s.SIGNED, s.CORRECTED, s.NUMBERS_FREE, s.PUT_AWAY, s.MANIFEST_PUT, s.FILES_BOOKED, s.STATE_CHANGED,
            s.HEAD_OUT, s.AUDITED, s.OUT, s.NOTED, s.CENTRE_TOLD, s.CASE_STATED,
        ),
        commands=("correction approve", "approvals approve"),
        page="corrections.md",
    ),
    Job(
        name="reject_correction",
        function="pipeline.corrections.cases:reject",
        does="Reject what is proposed for a case: nothing changes (RES-7).",
        writes=("correction_states", *_APPROVAL),
        steps=(s.SIGNED, s.CASE_STATED),
        commands=("correction reject", "approvals reject"),
        page="corrections.md",
    ),
    # --- The season --------------------------------------------------------------------------------------------------
    Job(
        name="checkpoint",
        function="pipeline.season.checkpoints:checkpoint",
        does="Report who would get no result in a SERIES (OPS-1). Also reports who has sent nothing (OPS-2).",
        reads=("outbox/",),
        writes=("outbox/", "reports/", "checkpoints"),
        steps=(s.CHECK_REPORTED, s.LETTER_OUT, s.CHECK_RECORDED),
        dags=("checkpoints", "award"),
        commands=("run checkpoint",),
        page="checkpoints.md",
    ),
    Job(
        name="statements",
        function="pipeline.season.statements:statements",
        does="Write statements and invoices of a SERIES (FEE-5). They go to the outboxes of its centres.",
        writes=("outbox/",),
        steps=(s.STATED,),
        dags=("fees",),
        commands=("run statements",),
        page="checkpoints.md",
    ),
    Job(
        name="deadlines",
        function="pipeline.season.deadlines:write_deadlines",
        does="Write the deadlines of each centre into its outbox (CAL-6). What says the same stays as it is.",
        reads=("outbox/",),
        writes=("outbox/",),
        steps=(s.DEADLINES_OUT,),
        dags=("basedata",),
        commands=("run deadlines",),
        page="operations.md",
        idle=lambda written: not written,
    ),
    Job(
        name="basedata",
        function="pipeline.season.basedata:publish_basedata",
        does="Publish the basedata of a SERIES (CAL-2, CAL-4). Does nothing if the published version says the same.",
        reads=("basedata/",),
        writes=("basedata/",),
        steps=(s.PUBLISHED,),
        dags=("basedata",),
        commands=("run basedata",),
        page="basedata.md",
        idle=nothing_new,
    ),
    # --- Keeping and forgetting --------------------------------------------------------------------------------------
    Job(
        name="dispute",
        function="pipeline.keeping.dispute:dispute",
        does="Keep everything about a centre, a series or a learner until a dispute is settled (OPS-9).",
        writes=("actions",),
        steps=(s.RECORDED,),
        commands=("keep dispute",),
        page="keeping.md",
        idle=lambda fresh: not fresh,
    ),
    Job(
        name="keep",
        function="pipeline.keeping.keep:keep",
        does="Remove what is no longer kept, and forget learners whose time has come (OPS-9).",
        reads=("archive/", "embargo/", "outbox/", "portal/", "probes/", "quarantine/", "reports/"),
        writes=(
            "archive/", "embargo/", "outbox/", "portal/", "probes/", "quarantine/", "reports/", "actions", "alerts",
            "awards", "certificates", "choices", "door_bytes", "door_limits", "door_visits", "draws", "entries",
            "erasures", "events_posted", "notices", "findings", "frozen_rows", "frozen_sums", "learner_ucis",
            "letters_fetched", "learner_versions", "marks", "registrations", "removals", "replies", "results",
            "samples",
        ),
        steps=(s.GONE_NOTED, s.LET_GO, s.EMPTIED, s.ALERTS_GONE, s.FORGOTTEN),
        dags=("keep",),
        commands=("keep carry-out",),
        page="keeping.md",
        idle=lambda done: not done.count,
    ),
)  # fmt: skip

JOBS: Mapping[str, Job] = {job.name: job for job in _ALL}
"""Every job by its name in the journal, in the order of a season."""

_BY_FUNCTION = {job.function: job for job in _ALL}


def job_of(function: Callable[..., Any]) -> Job:
    """The job declared for a function; raises `KeyError` if there is none."""
    return _BY_FUNCTION[f"{function.__module__}:{function.__qualname__}"]


def all_steps() -> Iterator[Step]:
    """Every step that a job can pass, once, in the order of the jobs."""
    yield from dict.fromkeys([*JOURNAL, *(step for job in _ALL for step in job.steps)])
