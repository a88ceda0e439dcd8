"""Alembic calls this for every migration run; `upgrade.py` gives it the connection."""

from alembic import context

from bots.kernel.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite can, where the driver is kept from committing by itself: see store.py
    render_as_batch=True,
)
# The transaction is the caller's.
context.run_migrations()
