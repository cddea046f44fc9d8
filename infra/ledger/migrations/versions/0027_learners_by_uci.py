"""Who a learner is, is found by UCI in the index of what is in force, also before PostgreSQL has counted the table"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_HELD, _CENTRE, _TABLE = "uq_learner_versions_held", "ix_learner_versions_centre", "learner_versions"
_IN_FORCE = sa.text("until IS NULL")


def upgrade() -> None:
    """Puts the UCI first in the index of what is in force, and gives the centre one of its own: with the centre first,
    a look-up of one learner could read the index from end to end."""
    op.create_index(_CENTRE, _TABLE, ["centre"], postgresql_where=_IN_FORCE)
    op.drop_index(_HELD, table_name=_TABLE)
    op.create_index(_HELD, _TABLE, ["uci", "centre"], unique=True, postgresql_where=_IN_FORCE)


def downgrade() -> None:
    """Puts the centre first again."""
    op.drop_index(_HELD, table_name=_TABLE)
    op.create_index(_HELD, _TABLE, ["centre", "uci"], unique=True, postgresql_where=_IN_FORCE)
    op.drop_index(_CENTRE, table_name=_TABLE)
