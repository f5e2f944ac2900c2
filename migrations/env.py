"""Alembic's entry: runs on the connection that `chemtrace.adapters.sql.migrate` hands in."""

from alembic import context

from chemtrace.adapters.sql.tables import metadata


def run() -> None:
    connection = context.config.attributes["connection"]
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        connection.exec_driver_sql("SET LOCAL statement_timeout = '60s'")
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    # The caller owns the transaction: all pending migrations land, or none.
    context.run_migrations()


run()
