"""What names a cohort names it by series, centre and component, as its number is another one in a replay (RES-6)"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Renames the cohorts of the journal, and the source of adjusted marks, whose rows say the cohort themselves."""
    op.execute(
        """
        UPDATE journal AS j
        SET arguments = (j.arguments - 'cohort_id') || jsonb_build_object('cohort', jsonb_build_object('CohortName',
            jsonb_build_object('series', c.series, 'centre', c.centre, 'component', c.component)))
        FROM cohorts AS c WHERE j.job IN ('approve_adjustment', 'reject_adjustment')
        AND c.id = (j.arguments ->> 'cohort_id')::bigint
        """
    )
    op.execute("UPDATE marks SET source = 'moderation' WHERE stage = 'adjusted'")
    op.alter_column("marks", "source", comment="SHA-256 of the file or feed it came in, or moderation")


def downgrade() -> None:
    """Numbers again."""
    op.alter_column("marks", "source", comment="SHA-256 of the file or feed it came in, or the moderation's id")
    op.execute(
        """
        UPDATE marks AS m SET source = 'moderation ' || c.id FROM cohorts AS c
        WHERE m.stage = 'adjusted'
        AND (m.series, m.centre, m.component) = (c.series, c.centre, c.component)
        """
    )
    op.execute(
        """
        UPDATE journal AS j SET arguments = (j.arguments - 'cohort') || jsonb_build_object('cohort_id', c.id)
        FROM cohorts AS c WHERE j.job IN ('approve_adjustment', 'reject_adjustment')
        AND c.series = j.arguments #>> '{cohort,CohortName,series}'
        AND c.centre = j.arguments #>> '{cohort,CohortName,centre}'
        AND c.component = j.arguments #>> '{cohort,CohortName,component}'
        """
    )
