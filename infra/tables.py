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
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

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


def _submission(name: str = "submission_id", *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, ForeignKey("submissions.id"), nullable=nullable)


submissions = Table(
    "submissions",
    metadata,
    _id(),
    Column("centre", Text, nullable=False, comment="the folder the file landed in"),
    Column("file_name", Text, nullable=False),
    Column("landing_key", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="file, folder or other"),
    Column("received", DateTime(timezone=True), nullable=False, comment="receipt: decides deadlines"),
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
    UniqueConstraint("landing_key", "received", "sha256"),
    UniqueConstraint("centre", "reply_stream", "reply_number"),
    Index("ix_submissions_waiting", "centre", postgresql_where=text("outcome IS NULL")),
    Index("uq_submissions_content", "centre", "sha256", unique=True, postgresql_where=text("booked")),
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
    Index("ix_findings_code", "code"),
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
    Index("ix_registrations_uln", "uln", postgresql_where=text("uln <> ''")),
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
