"""The ledger's tables (SQLAlchemy Core). History is added to, never overwritten: what a file ends is marked, not
deleted.

Times are `timestamptz`; money is integer pence; centres, candidates, UCIs, codes and sequence numbers are
identifiers: text, but for the sequence number, which is compared.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from rules import terms

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


_HOW = "how the desk knows them: console, account, approval, stated or played"


def _how(name: str = "how", *, nullable: bool = False) -> Column[str]:
    """OPS-4: how the desk knows who somebody is; without a word, they have only said so."""
    default = None if nullable else text(f"'{terms.STATED}'")
    return Column(name, Text, nullable=nullable, server_default=default, comment=_HOW)


def _submission(name: str = "submission_id", *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, ForeignKey("submissions.id"), nullable=nullable)


submissions = Table(
    "submissions",
    metadata,
    _id(),
    Column("centre", Text, nullable=False, comment="the folder the file landed in"),
    Column("channel", Text, nullable=False, server_default=text("'edi'"), comment="edi, online or staff"),
    Column("file_name", Text, nullable=False),
    Column("landing_key", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="file, folder or other"),
    Column("received", DateTime(timezone=True), nullable=False, comment="receipt: decides deadlines"),
    Column(
        "modified",
        DateTime(timezone=True),
        nullable=False,
        comment="when the store says it was written: later than the receipt where its clock ran ahead",
    ),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("letter", Text),
    Column("awarding_body", Text, comment="identifier in the file header"),
    Column("series", Text, comment="series key, for example 6B24"),
    Column("sequence", Integer),
    Column("reply_stream", Text, nullable=False, comment="awarding-body identifier in the reply's name"),
    Column("reply_number", Integer, nullable=False),
    Column("outcome", Text, comment="null until the file is decided"),
    Column("booked", Boolean, nullable=False, server_default=text("false"), comment="something of it was applied"),
    Column("pence", BigInteger, nullable=False, server_default=text("0"), comment="charges less refunds"),
    Column("counts", JSONB),
    UniqueConstraint("landing_key", "modified", "sha256"),
    UniqueConstraint("centre", "reply_stream", "reply_number"),
    Index("ix_submissions_series", "series", "awarding_body", "received", "id", postgresql_include=["outcome"]),
    Index("ix_submissions_received", "received", "id"),
    Index("ix_submissions_sha256", "sha256", postgresql_where=text("booked")),
    Index("ix_submissions_waiting", "centre", postgresql_where=text("outcome IS NULL")),
    Index("ix_submissions_held", "centre", postgresql_where=text(f"outcome = '{terms.QUARANTINED}'")),
    # Of feeds the same bytes can mean something again: entered, withdrawn, entered.
    Index(
        "uq_submissions_content",
        "centre",
        "sha256",
        unique=True,
        postgresql_where=text("booked AND channel = 'edi'"),
    ),
    Index(
        "uq_submissions_sequence",
        "centre",
        "awarding_body",
        "series",
        "letter",
        "sequence",
        unique=True,
        postgresql_where=text("booked"),
    ),
)

findings = Table(
    "findings",
    metadata,
    Column("submission_id", BigInteger, ForeignKey("submissions.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("reach", Text, nullable=False),
    Column("line", Integer),
    Column("first_column", Integer),
    Column("last_column", Integer),
    Column("field", Text),
    Column("value", Text),
    Column("message", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("candidate", Text),
    Column("option", Text),
    Index("ix_findings_code", "code", "submission_id"),
)

registrations = Table(
    "registrations",
    metadata,
    _id(),
    _submission(),
    Column("line", Integer, nullable=False),
    Column("centre", Text, nullable=False),
    Column("series", Text, nullable=False, comment="year and month, for example 2023-09"),
    Column("candidate", Text, nullable=False),
    Column("uci", Text, nullable=False),
    Column("uln", Text, nullable=False, comment="empty when there is none"),
    Column("upn", Text, nullable=False),
    Column("name", Text, nullable=False, comment="normalised (REG-3)"),
    Column("born", Date),
    Column("sex", Text, nullable=False),
    Column("option", Text, nullable=False, comment="registration code"),
    _submission("ended_by", nullable=True),
    Index(
        "uq_registrations_held",
        "centre",
        "series",
        "candidate",
        "option",
        unique=True,
        postgresql_where=text("ended_by IS NULL"),
    ),
    Index("ix_registrations_uci", "uci"),
    Index("ix_registrations_ended", "centre", postgresql_where=text("ended_by IS NOT NULL")),
)

learner_versions = Table(
    "learner_versions",
    metadata,
    _id(),
    Column("uci", Text, nullable=False, comment="under which it came; learner_ucis says where it leads"),
    Column("centre", Text, nullable=False, comment="that registered the learner: it holds for that centre (REG-6)"),
    Column("name", Text, nullable=False, comment="normalised (REG-3)"),
    Column("born", Date),
    Column("sex", Text, nullable=False),
    Column("uln", Text, nullable=False, comment="empty when there is none"),
    Column("upn", Text, nullable=False),
    _submission(nullable=True),
    Column("line", Integer, comment="of the file; null: a staff order"),
    Column("since", DateTime(timezone=True), nullable=False, comment="receipt of the file, or instant of the order"),
    Column("who", Text, nullable=False, server_default=text("''"), comment="who ordered it; empty: the centre's file"),
    _how(),
    Column("why", Text, nullable=False, server_default=text("''")),
    Column("until", DateTime(timezone=True), comment="replaced or no longer registered; null: in force"),
    Index("uq_learner_versions_held", "uci", "centre", unique=True, postgresql_where=text("until IS NULL")),
    Index("ix_learner_versions_centre", "centre", postgresql_where=text("until IS NULL")),
    Index("ix_learner_versions_uci", "uci"),
    Index("ix_learner_versions_uln", "uln", postgresql_where=text("uln <> '' AND until IS NULL")),
)

learner_ucis = Table(
    "learner_ucis",
    metadata,
    _id(),
    Column("uci", Text, nullable=False, comment="that was corrected or merged (REG-8)"),
    Column("in_force", Text, nullable=False, comment="the UCI in force of the learner it leads to"),
    Column("centre", Text, nullable=False, comment="whose file or for whom the order was"),
    _submission(nullable=True),
    Column("line", Integer, comment="of the file; null: a staff order"),
    Column("since", DateTime(timezone=True), nullable=False, comment="receipt of the file, or instant of the order"),
    Column("who", Text, nullable=False, server_default=text("''"), comment="who ordered it; empty: the centre's file"),
    _how(),
    Column("why", Text, nullable=False, server_default=text("''")),
    Column("until", DateTime(timezone=True), comment="undone, or led on; null: in force"),
    Index("uq_learner_ucis_held", "uci", unique=True, postgresql_where=text("until IS NULL")),
    Index("ix_learner_ucis_in_force", "in_force", postgresql_where=text("until IS NULL")),
    Index("ix_learner_ucis_submission_id", "submission_id", postgresql_where=text("until IS NULL")),
)

entries = Table(
    "entries",
    metadata,
    _id(),
    _submission(),
    Column("line", Integer, nullable=False),
    Column("centre", Text, nullable=False),
    Column("series", Text, nullable=False, comment="year and month, for example 2024-06"),
    Column("candidate", Text, nullable=False),
    Column("uci", Text, nullable=False),
    Column("option", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="internal, external or cash_in"),
    Column("band", Text, nullable=False, comment="of the file in which the entry first appeared (FEE-1)"),
    Column("pence", BigInteger, nullable=False, comment="charged"),
    Column("entry_pence", BigInteger, nullable=False, comment="of that, without the surcharge"),
    _submission("ended_by", nullable=True),
    Index(
        "uq_entries_held",
        "centre",
        "series",
        "candidate",
        "option",
        unique=True,
        postgresql_where=text("ended_by IS NULL"),
    ),
    # A learner's sittings are asked for by the file: of ten countries nobody reads every entry for that.
    Index("ix_entries_uci", "uci", postgresql_where=text("ended_by IS NULL")),
    Index("ix_entries_ended_uci", "uci", postgresql_where=text("ended_by IS NOT NULL")),
    Index("ix_entries_ended", "centre", postgresql_where=text("ended_by IS NOT NULL")),
)

fee_lines = Table(
    "fee_lines",
    metadata,
    _id(),
    _submission(),
    Column("centre", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("option", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="registration, internal, external, cash_in or refund"),
    Column("band", Text, nullable=False, comment="on_time, late or high_late; empty for a refund"),
    Column("pence", BigInteger, nullable=False, comment="negative for a refund"),
    Column("placeholder", Boolean, nullable=False, comment="the price is ours, nobody published it"),
    UniqueConstraint("submission_id", "candidate", "option"),
)

replies = Table(
    "replies",
    metadata,
    Column("submission_id", BigInteger, ForeignKey("submissions.id"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("twin", Text, nullable=False, comment="the same content as JSON"),
    Column("published", Boolean, nullable=False, server_default=text("false")),
    Index("ix_replies_unpublished", "submission_id", postgresql_where=text("NOT published")),
)

actions = Table(
    "actions",
    metadata,
    _id(),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("who", Text, nullable=False),
    _how(),
    Column("why", Text, nullable=False),
    Column("action", Text, nullable=False, comment="what was done, in a word (OPS-3)"),
    Column("centre", Text, nullable=False),
    Column("series", Text, nullable=False, server_default=text("''"), comment="year and month; empty: all"),
    Column("uci", Text, nullable=False, server_default=text("''")),
    Column(
        "option", Text, nullable=False, server_default=text("''"), comment="component, cash-in or registration code"
    ),
    Column("event", Text, nullable=False, server_default=text("''"), comment="milestone that an extension moves"),
    Column("until", DateTime(timezone=True), comment="an extension's new end: the first instant after it"),
    Column("number", Integer, comment="of extra sittings granted"),
    Column("file_name", Text, nullable=False, server_default=text("''"), comment="of the feed file it went in by"),
    Column("feed", Text, comment="that file, which is written again if it was not"),
    Index("ix_actions_centre", "centre", "action"),
    Index("ix_actions_action", "action", "at"),
    Index("ix_actions_who", "who", "how"),
    Index("ix_actions_at", "at"),
    Index("ix_actions_uci", "uci", postgresql_where=text("uci <> ''")),
)

hold_decisions = Table(
    "hold_decisions",
    metadata,
    Column("submission_id", BigInteger, ForeignKey("submissions.id"), primary_key=True, comment="the held file"),
    Column(
        "successor_id",
        BigInteger,
        ForeignKey("submissions.id"),
        nullable=False,
        unique=True,
        comment="the same file once more, by which it is decided and answered",
    ),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("who", Text, nullable=False),
    _how(),
    Column("why", Text, nullable=False),
    Column("action", Text, nullable=False, comment="again, ignore or release"),
)

marks = Table(
    "marks",
    metadata,
    _id(),
    Column("centre", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("uci", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column(
        "version", Integer, nullable=False, comment="1, 2, ... of this learner's mark; nothing is overwritten (MRK-2)"
    ),
    Column("stage", Text, nullable=False, comment="submitted, amended, adjusted or external"),
    Column("mark", Integer, comment="raw mark; null when there is none"),
    Column("status", Text, nullable=False, comment="empty marked, A absent, N not yet available"),
    Column("tasks", Text, nullable=False, server_default=text("''"), comment="raw marks of the tasks, by comma"),
    Column("source", Text, nullable=False, comment="SHA-256 of the file or feed it came in, or moderation"),
    Column("line", Integer, nullable=False),
    Column("received", DateTime(timezone=True), nullable=False),
    UniqueConstraint("centre", "series", "uci", "component", "version"),
    Index("ix_marks_series_component", "series", "component"),
    Index("ix_marks_uci", "uci"),
)

cohorts = Table(
    "cohorts",
    metadata,
    _id(),
    Column("centre", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("state", Text, nullable=False, comment="sampled, agreed, feedback, proposed, adjusted"),
    Column("size", Integer, nullable=False, comment="learners with a mark when the sample was drawn"),
    Column("tolerance", Integer, comment="raw marks; null until the moderator's marks have been compared"),
    Column("difference", Integer, comment="largest difference in the sample, moderator's mark less centre's"),
    Column("adjustment", JSONB, comment="the points of the proposed adjustment: centre mark to moderated mark"),
    Column("sampled_at", DateTime(timezone=True), nullable=False),
    Column("compared_at", DateTime(timezone=True)),
    Column("feedback_until", DateTime(timezone=True), comment="marks may be amended before this (MRK-2)"),
    Column("approved_by", Text),
    Column("approved_at", DateTime(timezone=True)),
    UniqueConstraint("centre", "series", "component"),
)

samples = Table(
    "samples",
    metadata,
    Column("cohort_id", BigInteger, ForeignKey("cohorts.id"), primary_key=True),
    Column("uci", Text, primary_key=True),
    Column("candidate", Text, nullable=False),
    Column("reason", Text, nullable=False, comment="highest, lowest or drawn"),
    Column("centre_mark", Integer, nullable=False, comment="raw mark when the sample was drawn"),
    Column("moderated_mark", Integer, comment="the moderator's"),
)

moderator_marks = Table(
    "moderator_marks",
    metadata,
    _id(),
    Column("cohort_id", BigInteger, ForeignKey("cohorts.id"), nullable=False),
    Column("candidate", Text, nullable=False),
    Column("mark", Integer, comment="raw mark (MOD-2), the last row counts; null: no longer in the sample"),
    Index("ix_moderator_marks_cohort", "cohort_id"),
)

draws = Table(
    "draws",
    metadata,
    Column("cohort_id", BigInteger, ForeignKey("cohorts.id"), primary_key=True),
    Column("number", Integer, primary_key=True, comment="1, 2, ... of this cohort; the last is in force (MOD-3)"),
    Column("uci", Text, primary_key=True),
    Column("candidate", Text, nullable=False),
    Column("reason", Text, nullable=False, comment="highest, lowest or drawn"),
    Column("centre_mark", Integer, nullable=False, comment="raw mark at the draw"),
    Column("drawn_at", DateTime(timezone=True), nullable=False),
    Column("why", Text, nullable=False, comment="deadline, all_marked or complete; of a later draw, in words"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    _id(),
    Column("series", Text, nullable=False),
    Column("event", Text, nullable=False, comment="on_time_deadline, window_closes, marks_deadline or award"),
    Column("at", DateTime(timezone=True), nullable=False, comment="the instant it speaks of"),
    Column("counts", JSONB, nullable=False, comment="learners by reason, and centres that are silent"),
    UniqueConstraint("series", "event", "at"),
)

conversions = Table(
    "conversions",
    metadata,
    _id(),
    Column("series", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("version", Integer, nullable=False, comment="1, 2, ... of this component's table; nothing is overwritten"),
    Column("raw_max", Integer, nullable=False),
    Column("ums_max", Integer, nullable=False),
    Column("boundaries", JSONB, nullable=False, comment="the least raw mark of each grade, the highest grade first"),
    Column("ums", JSONB, nullable=False, comment="UMS by raw mark, from 0"),
    Column("grades", JSONB, nullable=False, comment="grades by raw mark, from 0"),
    Column("sha256", Text, nullable=False, comment="of the table in its canonical form"),
    Column("placeholder", Boolean, nullable=False, comment="the boundaries are ours, nobody published them"),
    Column("source", Text, nullable=False, comment="where the boundaries come from"),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("approved_by", Text),
    Column("approved_at", DateTime(timezone=True)),
    UniqueConstraint("series", "component", "version"),
)

awardings = Table(
    "awardings",
    metadata,
    _id(),
    Column("series", Text, nullable=False),
    Column("version", Integer, nullable=False, comment="1, 2, ... of the results of this series"),
    Column("kind", Text, nullable=False, comment="series: everybody's; claims: of learners who claimed later"),
    Column("at", DateTime(timezone=True), nullable=False, comment="the instant whose ledger it awards"),
    Column("conversions_sha256", Text, nullable=False, comment="of the conversion tables it used"),
    Column("sha256", Text, nullable=False, comment="of the results in their canonical order"),
    Column("counts", JSONB, nullable=False),
    Column("state", Text, nullable=False, comment="proposed, built, approved, withdrawn or released"),
    Column("manifest_sha256", Text, comment="of the manifest of the files built from it, which is what is approved"),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("why", Text, nullable=False, server_default=text("''")),
    UniqueConstraint("series", "version"),
)


def _awarding() -> Column[int]:
    return Column("awarding_id", BigInteger, nullable=False, comment="of the table of awardings")


def _by_awarding(table: str, *more: str) -> Index:
    # An awarding of the country goes in by COPY, whole and in order, and is never changed: keys that are checked row
    # by row would cost more than the rows.
    return Index(f"ix_{table}_awarding", "awarding_id", *more, postgresql_using="brin")


results = Table(
    "results",
    metadata,
    _awarding(),
    Column("centre", Text, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("uci", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("registration", Text, nullable=False),
    Column("raw", Integer, comment="null when absent or pending"),
    Column("status", Text, nullable=False, comment="of the mark: empty, A or N"),
    Column("mark_id", BigInteger, comment="the version of the mark; null: there is none"),
    Column("ums", Integer, comment="null when pending; 0 when absent (AWD-4)"),
    Column("grade", Text, nullable=False, comment="empty when pending"),
    Column("outcome", Text, nullable=False, comment="graded, absent or pending"),
    _by_awarding("results"),
)

awards = Table(
    "awards",
    metadata,
    _awarding(),
    Column("centre", Text, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("uci", Text, nullable=False),
    Column("registration", Text, nullable=False),
    Column("cash_in", Text, nullable=False),
    Column("claim_id", BigInteger, nullable=False, comment="the entry of the cash-in code"),
    Column("claimed_at", DateTime(timezone=True), nullable=False, comment="receipt of the claim"),
    Column("channel", Text, nullable=False),
    Column("ums", Integer, comment="null when not awarded"),
    Column("grade", Text, nullable=False),
    Column("outcome", Text, nullable=False, comment="awarded, not_eligible or pending"),
    Column("reason", Text, nullable=False, comment="empty when awarded"),
    Column("about", Text, nullable=False, comment="components the reason is about, by comma"),
    Column("partial_absence", Boolean, nullable=False, comment="absent from a component, which counts as 0 UMS"),
    Column("performance", Boolean, nullable=False, comment="the one for performance tables (CRT-4)"),
    _by_awarding("awards"),
    Index("ix_awards_uci", "uci"),
    Index("ix_awards_centre", "centre"),
)

choices = Table(
    "choices",
    metadata,
    _awarding(),
    Column("centre", Text, nullable=False),
    Column("uci", Text, nullable=False),
    Column("registration", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("series", Text, nullable=False, comment="of the sitting"),
    Column("raw", Integer),
    Column("ums", Integer),
    Column("counts", Boolean, nullable=False, comment="the sitting is used for the award"),
    Column("why", Text, nullable=False, comment="the rule's word for it"),
    _by_awarding("choices", "centre"),
)

release_files = Table(
    "release_files",
    metadata,
    Column("awarding_id", BigInteger, ForeignKey("awardings.id"), primary_key=True),
    Column("place", Text, primary_key=True, comment="the key it is published under"),
    Column("embargoed", Text, nullable=False, comment="the key it waits under, which no centre can read"),
    Column("audience", Text, nullable=False, comment="centres or learners: whose instant publishes it"),
    Column("centre", Text, nullable=False, comment="empty: of all centres"),
    Column("awarding_body", Text, nullable=False, server_default=text("''"), comment="of a results file"),
    Column("series", Text, nullable=False),
    Column("sequence", Integer, comment="of a results file, counted by centre and awarding body"),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("records", Integer, nullable=False),
    Column("published_at", DateTime(timezone=True)),
    Index(
        "uq_release_files_sequence",
        "centre",
        "awarding_body",
        "sequence",
        unique=True,
        postgresql_where=text("sequence IS NOT NULL"),
    ),
    Index("ix_release_files_unpublished", "awarding_id", postgresql_where=text("published_at IS NULL")),
)

kept_back = Table(
    "kept_back",
    metadata,
    Column("awarding_id", BigInteger, ForeignKey("awardings.id"), primary_key=True),
    Column("centre", Text, primary_key=True, comment="whose results of this version are never issued (AWD-5)"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when the release passed it over"),
    Column("learners", Integer, nullable=False, comment="of whom the ledger said something else then"),
)

looks = Table(
    "looks",
    metadata,
    _id(),
    Column("awarding_id", BigInteger, ForeignKey("awardings.id"), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, comment="when ledger and version were compared (AWD-5)"),
    Column("centres", JSONB, nullable=False, comment="learners of whom they differ, by centre; empty: none"),
    Index("ix_looks_awarding", "awarding_id"),
)

corrections = Table(
    "corrections",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, ... in the order they were opened"),
    Column("series", Text, nullable=False, comment="year and month of the results it is about (RES-7)"),
    Column("source", Text, nullable=False, comment="SHA-256 of the feed file that opened it; empty: a person did"),
    Column("requested_by", Text, nullable=False),
    Column("requested_on", Date, nullable=False),
    Column("why", Text, nullable=False),
    Column("who", Text, nullable=False, comment="who opened it"),
    Column("how", Text, nullable=False, comment="how the desk knows them: console, account, desk or played"),
    Column("at", DateTime(timezone=True), nullable=False),
)

correction_subjects = Table(
    "correction_subjects",
    metadata,
    _id(),
    Column("number", Integer, ForeignKey("corrections.number"), nullable=False),
    Column("centre", Text, nullable=False, comment="empty: of every centre"),
    Column("candidate", Text, nullable=False, comment="empty: everybody"),
    Column("component", Text, nullable=False),
    Column("given", Text, nullable=False, comment="the mark or the boundaries that arrived; empty: a person opened it"),
    Index("ix_correction_subjects_number", "number"),
)

correction_states = Table(
    "correction_states",
    metadata,
    _id(),
    Column("number", Integer, ForeignKey("corrections.number"), nullable=False),
    Column("state", Text, nullable=False, comment="open, proposed, approved, rejected or done; the last row counts"),
    Column("kind", Text, nullable=False, comment="one of rules.corrections.KINDS; empty: nobody has said yet"),
    Column("consent", Date, comment="day of the learner's consent"),
    Column("outcome", Text, nullable=False, comment="in words of rules.terms: confirmed, raised, lowered, voided"),
    Column("plan", JSONB, nullable=False, comment="what is proposed: marks, boundaries, and who is left higher"),
    Column("sha256", Text, nullable=False, comment="of its whole effect"),
    Column("files", JSONB, nullable=False, comment="SHA-256 of the pages that show the effect, by their keys"),
    Column("who", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("why", Text, nullable=False),
    Index("ix_correction_states_number", "number"),
)

correction_effects = Table(
    "correction_effects",
    metadata,
    Column("number", Integer, nullable=False, comment="of the correction"),
    Column("series", Text, nullable=False),
    Column("centre", Text, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("code", Text, nullable=False, comment="component or cash-in code"),
    Column("raw_before", Integer),
    Column("raw", Integer),
    Column("ums_before", Integer),
    Column("ums", Integer),
    Column("grade_before", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("outcome_before", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("way", Text, nullable=False, comment="up, down or same"),
    Column("choice", Text, nullable=False, comment="corrected, or left_higher: the result stays as it was issued"),
    Column("performance", Boolean, nullable=False, comment="an award that counts in performance tables (CRT-4)"),
    Index("ix_correction_effects_centre", "centre", "candidate"),
    Index("ix_correction_effects_number", "number"),
)

certificates = Table(
    "certificates",
    metadata,
    _id(),
    Column("number", Text, nullable=False, comment="of the certificate: series and six digits (CRT-8)"),
    Column("state", Text, nullable=False, comment="due or recalled; the last row of a number counts"),
    Column("series", Text, nullable=False),
    Column("centre", Text, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("uci", Text, nullable=False),
    Column("cash_in", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("replaces", Text, nullable=False, comment="number of the certificate in whose place it comes; or empty"),
    Column("why", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("ix_certificates_series", "series"),
)

proposals = Table(
    "proposals",
    metadata,
    _id(),
    Column("kind", Text, nullable=False, comment="boundaries, results, adjustment ... (OPS-4)"),
    Column("subject", Text, nullable=False, comment="which, in the words of its kind"),
    Column("sha256", Text, nullable=False, comment="of exactly what is shown to whoever decides"),
    Column("people", Integer, nullable=False, comment="how many must approve it"),
    Column("counts", Boolean, nullable=False, comment="whether who has put it forward is one of them"),
    Column("who", Text, nullable=False, comment="who has put it forward"),
    Column("how", Text, nullable=False, comment="how the desk knows them: console, account, desk or played"),
    Column("at", DateTime(timezone=True), nullable=False, comment="by the desk's clock"),
    Index("ix_proposals_kind_subject", "kind", "subject"),
)

approvals = Table(
    "approvals",
    metadata,
    _id(),
    Column("proposal_id", BigInteger, ForeignKey("proposals.id"), nullable=False),
    Column("verdict", Text, nullable=False, comment="approved or rejected"),
    Column("people", Integer, nullable=False, comment="how many were asked for when this was said"),
    Column("who", Text, nullable=False),
    Column("how", Text, nullable=False, comment="how the desk knows them: console, account or played"),
    Column("at", DateTime(timezone=True), nullable=False, comment="by the desk's clock"),
    Column("why", Text, nullable=False),
    UniqueConstraint("proposal_id", "who", "verdict"),
)

# --- The seal (OPS-7). Which tables are sealed is declared in infra/ledger/sealed.py.

seals = Table(
    "seals",
    metadata,
    _id(),
    Column(
        "number", BigInteger, unique=True, comment="place in the chain, from 1; null: the desk did not add the rows"
    ),
    Column("table_name", Text, nullable=False),
    Column("columns", ARRAY(Text), nullable=False, comment="that were hashed, in order"),
    Column("keys", ARRAY(Text), nullable=False, comment="of the rows"),
    Column("digests", LargeBinary, comment="16 bytes for each row; null: another seal replaces this one (OPS-9)"),
    Column("content_sha256", Text, nullable=False, comment="of columns, keys and digests"),
    Column("replaces", BigInteger, comment="the place of the seal whose rows it seals anew, without who it was"),
    Column("head", Text, comment="SHA-256 of the head before it and of this seal"),
    Column("transaction", BigInteger, comment="in which the rows were added, until it has a place"),
    Index("ix_seals_unchained", "transaction", postgresql_where=text("number IS NULL")),
    Index("ix_seals_table_name", "table_name", "number"),
)

states = Table(
    "states",
    metadata,
    _id(),
    Column("table_name", Text, nullable=False),
    Column("key", Text, nullable=False, comment="of the row that is in this state"),
    Column("said", JSONB, nullable=False, comment="the columns that may change, from now on"),
    Column("was", JSONB, comment="what they said before"),
    Index("ix_states_key", "table_name", "key"),
)

frozen_rows = Table(
    "frozen_rows",
    metadata,
    _id(),
    _awarding(),
    Column("table_name", Text, nullable=False, comment="results, awards or choices"),
    Column("edition", Integer, nullable=False, comment="1; the next ones after learners were forgotten (OPS-9)"),
    Column("rows", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False, comment="of the rows in their canonical form and order"),
    UniqueConstraint("awarding_id", "table_name", "edition"),
)

frozen_sums = Table(
    "frozen_sums",
    metadata,
    Column("frozen_id", BigInteger, ForeignKey("frozen_rows.id"), primary_key=True),
    Column("sums", LargeBinary, nullable=False, comment="CRC-32 of each row, 4 bytes: by these a changed row is found"),
)

published_files = Table(
    "published_files",
    metadata,
    _id(),
    _awarding(),
    Column("place", Text, nullable=False, comment="the key it was published under"),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("awarding_id", "place"),
)

audits = Table(
    "audits",
    metadata,
    _id(),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("whole", Boolean, nullable=False, comment="everything was looked at, not only what was new"),
    Column("number", BigInteger, nullable=False, comment="of the last seal it looked at"),
    Column("head", Text, nullable=False, comment="of the chain then"),
    Column("found", JSONB, nullable=False, comment="what differs; empty: nothing"),
)

journal = Table(
    "journal",
    metadata,
    _id(),
    Column("at", DateTime(timezone=True), nullable=False, comment="the instant the job was run for"),
    Column("job", Text, nullable=False, comment="one of those that pipeline.jobs declares"),
    Column("arguments", JSONB, nullable=False, comment="what it was run with, besides the instant"),
    Column("taken", JSONB, nullable=False, comment="feed files it took in: key, receipt, SHA-256"),
    Column("landed", BigInteger, comment="id of the last submission when a job that receives had ended"),
    Column("ended", Boolean, nullable=False, server_default=text("false"), comment="the job came to its end"),
)

centre_keys = Table(
    "centre_keys",
    metadata,
    _id(),
    Column("centre", Text, nullable=False, comment="who logs in to the landing service with it"),
    Column("kind", Text, nullable=False, comment="for example ssh-ed25519"),
    Column("public_key", Text, nullable=False, comment="kind and data, as in an OpenSSH public key file"),
    Column("fingerprint", Text, nullable=False, comment="SHA256:..., as ssh-keygen -l prints it"),
    Column("comment", Text, nullable=False, comment="whose key it is, in the centre's words"),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("added_by", Text, nullable=False),
    _how("added_how"),
    Column("added_why", Text, nullable=False),
    Column("ends_at", DateTime(timezone=True), comment="not valid from here on: rotated out; null: open"),
    Column("ends_by", Text),
    _how("ends_how", nullable=True),
    Column("ends_why", Text),
    Column("removed_at", DateTime(timezone=True), comment="not valid from here on; null: not removed"),
    Column("removed_by", Text),
    _how("removed_how", nullable=True),
    Column("removed_why", Text),
    Index(
        "uq_centre_keys_held",
        "centre",
        "fingerprint",
        unique=True,
        postgresql_where=text("removed_at IS NULL"),
    ),
)

alerts = Table(
    "alerts",
    metadata,
    Column("key", Text, primary_key=True, comment="what it is about; what has the same key is said once"),
    Column("code", Text, nullable=False, comment="one of pipeline.watching.alerts.ALERTS"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when it was first seen"),
    Column("said", Text, nullable=False, comment="what happened, in a sentence: counts, codes and identifiers only"),
    Column("sent_at", DateTime(timezone=True), comment="null: nobody has been told yet"),
)

notices = Table(
    "notices",
    metadata,
    Column("centre", Text, primary_key=True),
    Column("name", Text, primary_key=True, comment="of a file in its outbox"),
    Column("sha256", Text, primary_key=True, comment="of that file: what says the same is told once"),
    Column("written", DateTime(timezone=True), nullable=False, comment="when the store last saw it written"),
    Column("kind", Text, nullable=False, comment="one of pipeline.watching.news.KINDS"),
    Column("words", Text, nullable=False, comment="the line that the centre is told: identifiers and outcomes only"),
    Column("seen", DateTime(timezone=True), nullable=False, comment="when the desk first saw it"),
    Column("tried_at", DateTime(timezone=True), comment="when the centre was last to be told and was not"),
    Column("answer", Text, comment="what came of that"),
    Column("refused", Boolean, nullable=False, server_default=text("false"), comment="nobody takes it there"),
    Column("sent_at", DateTime(timezone=True), comment="null: the centre has not been told yet"),
    Index("ix_notices_waiting", "centre", postgresql_where=text("sent_at IS NULL")),
)

events_posted = Table(
    "events_posted",
    metadata,
    Column(
        "submission_id",
        BigInteger,
        ForeignKey("submissions.id"),
        primary_key=True,
        comment="whose outcome was posted to the desk's own webhook",
    ),
    Column("at", DateTime(timezone=True), nullable=False),
)

beats = Table(
    "beats",
    metadata,
    Column("job", Text, primary_key=True, comment="what runs every few minutes: ingest, watch"),
    Column("first", DateTime(timezone=True), nullable=False, comment="when it first succeeded"),
    Column("last", DateTime(timezone=True), nullable=False, comment="when it last succeeded"),
)

shares = Table(
    "shares",
    metadata,
    Column("submission_id", BigInteger, ForeignKey("submissions.id"), primary_key=True, autoincrement=False),
    Column(
        "shard",
        Integer,
        comment="of centres, the ingest of which decides it by itself; null: it is left to the last",
    ),
    Column("turn", Integer, nullable=False, comment="files of one turn would be decided together by one"),
    Column("place", Integer, nullable=False, comment="among the files of its turn"),
    Column("orders", BigInteger, nullable=False, comment="so many orders about who learners are were known"),
    Column("at", DateTime(timezone=True), nullable=False, comment="the instant for which the files were taken in"),
)

letters_fetched = Table(
    "letters_fetched",
    metadata,
    Column("centre", Text, primary_key=True),
    Column("name", Text, primary_key=True, comment="of a letter or list in the centre's outbox"),
    Column("written", DateTime(timezone=True), primary_key=True, comment="when it was: a letter may be written anew"),
    Column("fingerprint", Text, primary_key=True, comment="of the key it was fetched with; centre_keys has whose"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when the last byte was fetched, the first time"),
)

door_visits = Table(
    "door_visits",
    metadata,
    Column("centre", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True, comment="of the key: one row for each, whatever comes"),
    Column("logged_in", DateTime(timezone=True), nullable=False, comment="when it last logged in with it"),
    Column("fetched", DateTime(timezone=True), comment="when it last fetched a file; null: never"),
)

door_limits = Table(
    "door_limits",
    metadata,
    Column("name", Text, primary_key=True, comment="one of infra.landing.limits.LIMITS that was reached"),
    Column("centre", Text, primary_key=True, comment="by whom; empty: by somebody who had not logged in"),
    Column("hour", DateTime(timezone=True), primary_key=True, comment="in the hour that begins then"),
    Column("times", BigInteger, nullable=False, comment="how often"),
)

door_bytes = Table(
    "door_bytes",
    metadata,
    Column("way", Text, primary_key=True, comment="the limit of infra.landing.limits that counts them"),
    Column("centre", Text, primary_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True, comment="in the hour that begins then"),
    Column("bytes", BigInteger, nullable=False, comment="moved by the centre"),
)

removals = Table(
    "removals",
    metadata,
    Column("key", Text, primary_key=True, comment="of a file of the store that is no longer kept (OPS-9)"),
    Column("kind", Text, nullable=False, comment="one of rules.keeping.KEEPING"),
    Column("at", DateTime(timezone=True), nullable=False, comment="the instant for which it was removed"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, ...: it is in the stand-in's UCI"),
    Column("at", DateTime(timezone=True), nullable=False, comment="the instant for which the learner was forgotten"),
    Column("last", DateTime(timezone=True), nullable=False, comment="the last thing on record about the learner"),
    Column("who", Text, nullable=False),
    _how(),
    Column("why", Text, nullable=False),
)

here = MetaData(schema="place")
"""Where this desk is and who knocks, not what it did: not in a backup, not compared by a replay."""

own_store = Table(
    "own_store",
    here,
    Column("single", Boolean, primary_key=True, server_default=text("true"), comment="there is one row"),
    Column("identity", Text, nullable=False, comment="what the store says of itself under probes/identity"),
    Column("since", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

wrong_passwords = Table(
    "wrong_passwords",
    here,
    Column("whose", Text, primary_key=True, comment="SHA-256 of address and name"),
    Column("times", BigInteger, nullable=False, comment="in a row, with the tries that are under way"),
    Column("last", DateTime(timezone=True), nullable=False, index=True),
)

centres = Table(
    "centres",
    metadata,
    _id(),
    Column("number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("postcode", Text, nullable=False),
    Column("contact", Text, nullable=False, comment="address for letters and e-mail"),
    Column(
        "told",
        Text,
        nullable=False,
        server_default=text("''"),
        comment="who is told what is new in the outbox: an e-mail address or https://...; empty: nobody",
    ),
    Column("gcse_years", Text, nullable=False, comment="years in which academic years with our GCSEs began, by space"),
    Column("active_from", Date, nullable=False),
    Column("active_to", Date, comment="last day; null: open"),
    Column("at", DateTime(timezone=True), nullable=False, comment="on record from this instant on; versions add up"),
    Column("source", Text, nullable=False, comment="SHA-256 of the register's file, order, or catalogue"),
    Column("who", Text, nullable=False),
    _how(),
    Column("why", Text, nullable=False),
    UniqueConstraint("number", "at", "source"),
)

centre_approvals = Table(
    "centre_approvals",
    metadata,
    _id(),
    Column("centre", Text, nullable=False),
    Column("qualification", Text, nullable=False, comment="registration code; *: every qualification"),
    Column("decision", Text, nullable=False, comment="asked, granted, denied or ended"),
    Column("route", Text, nullable=False, comment="fast_track or full"),
    Column("since", Date, nullable=False, comment="holds from this day on; of what is asked, the day of asking"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("source", Text, nullable=False, comment="order, or catalogue"),
    Column("who", Text, nullable=False),
    _how(),
    Column("why", Text, nullable=False),
    Index("ix_centre_approvals_centre", "centre"),
)

calendar_changes = Table(
    "calendar_changes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="for people; without gaps"),
    Column("series", Text, nullable=False, comment="year and month, for example 2024-06"),
    Column("event", Text, nullable=False, comment="one of rules.calendar.EVENTS"),
    Column("component", Text, nullable=False, comment="a component's code; *: every one without a date of its own"),
    Column("day", Date, comment="Europe/London; null: the component is to have no date of its own"),
    Column("since", DateTime(timezone=True), comment="in force from; null: from when it is confirmed"),
    Column("at", DateTime(timezone=True), nullable=False, comment="when it was asked for"),
    Column("who", Text, nullable=False),
    _how(),
    Column("why", Text, nullable=False),
    Column("decision", Text, comment="confirmed or dropped; null: it waits, and nothing of it is in force"),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_who", Text),
    _how("decided_how", nullable=True),
    Column("decided_why", Text),
)
