"""Alembic's entry point: the connection comes from `infra.ledger.submissions.migrate`."""

from alembic import context

from infra.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
