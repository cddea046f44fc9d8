"""Beside everybody on record: how the desk knows who they are (OPS-4)"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_COMMENT = "how the desk knows them: console, account, approval, stated or played"
_SAID = (
    ("actions", "how"),
    ("hold_decisions", "how"),
    ("erasures", "how"),
    ("centres", "how"),
    ("centre_approvals", "how"),
    ("calendar_changes", "how"),
    ("learner_versions", "how"),
    ("learner_ucis", "how"),
    ("centre_keys", "added_how"),
)
_LATER = (("calendar_changes", "decided_how"), ("centre_keys", "ends_how"), ("centre_keys", "removed_how"))

# Of these actions the name that is there was not typed: it is that of an approval, or of who had logged in.
_APPROVED = (
    "boundaries_%", "results_approved", "results_withdrawn", "results_released", "adjustment_%", "exception_%",
    "difference_accepted", "withheld%",
)  # fmt: skip
_LOGGED_IN = ("personal_data", "work_%")


def upgrade() -> None:
    """Adds the columns. Of what is there nobody knows any more how a name came: it counts as stated."""
    for table, name in _SAID:
        column = sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("'stated'"), comment=_COMMENT)
        op.add_column(table, column)
    for table, name in _LATER:
        op.add_column(table, sa.Column(name, sa.Text(), nullable=True, comment=_COMMENT))
    for how, names in (("approval", _APPROVED), ("console", _LOGGED_IN)):
        for action in names:
            op.execute(
                sa.text("UPDATE actions SET how = :how WHERE action LIKE :action").bindparams(how=how, action=action)
            )


def downgrade() -> None:
    """Takes it back; what watches over the columns of sealed tables goes first."""
    for table in sorted({table for table, _ in _SAID}):
        op.execute(f"DROP TRIGGER IF EXISTS seal_same ON {table}")
    for table, name in (*_SAID, *_LATER):
        op.drop_column(table, name)
