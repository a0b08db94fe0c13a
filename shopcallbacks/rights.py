"""Least rights: what the database role of web and worker may do. The tables belong to another role, which migrates.

So whoever gets at `DATABASE_URL`, or slips SQL into a query, can't drop a table, change one, or switch off a trigger
that keeps callbacks. With one role for both (MIGRATION_DATABASE_URL not set) everything works, and that is not so.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, make_url, text

from .extensions import Base

# Of all else nothing is ever deleted.
DELETED_FROM = ("saved_views", "memberships", "payments", "idempotency_keys", "disputes_told")
# What came: it is inserted, and read.
NEVER_UPDATED = ("requests", "bodies")
NOT_OURS = "alembic_version"


def app_role(database_url: str, migration_url: str) -> str | None:
    """The role that web and worker connect as, where that is another one than migrates."""
    app, owner = make_url(database_url).username, make_url(migration_url).username
    return app if app != owner else None


def grant(connection: Connection, role: str) -> None:
    """All that the product does with its tables, and nothing else. After each migration, so that new ones are in it.

    Not on the parts by month: they are read and written by way of the tables that they are parts of.
    """
    if not connection.scalar(text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)"), {"role": role}):
        raise RuntimeError(f"There is no role {role}, as in DATABASE_URL. Make it first: CREATE ROLE {role} LOGIN ...")
    quote = connection.dialect.identifier_preparer.quote
    schema, to = quote(connection.scalar(text("SELECT current_schema()"))), quote(role)
    tables = {table.name for table in Base.metadata.sorted_tables}
    for statement in (
        f"GRANT USAGE ON SCHEMA {schema} TO {to}",
        f"GRANT SELECT, INSERT ON {', '.join(tables)} TO {to}",
        f"GRANT UPDATE ON {', '.join(sorted(tables - {*NEVER_UPDATED}))} TO {to}",
        f"GRANT SELECT ON {schema}.{NOT_OURS} TO {to}",
        f"REVOKE INSERT, UPDATE ON {schema}.{NOT_OURS} FROM {to}",
        f"GRANT EXECUTE ON FUNCTION {schema}.make_month TO {to}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {to}",
        f"GRANT DELETE ON {', '.join(DELETED_FROM)} TO {to}",
    ):
        connection.execute(text(statement))


def too_few(connection: Connection) -> Iterator[str]:
    """What the role that is connected can't do and must: "INSERT on orders"."""
    for table in Base.metadata.sorted_tables:
        needed = {"SELECT", "INSERT"} | _changes(table.name)
        yield from (f"{right} on {table.name}" for right in sorted(needed) if not _may(connection, table.name, right))


def too_many(connection: Connection) -> Iterator[str]:
    """What it can do and need not, half a sentence each."""
    if connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")):
        yield "is a superuser"
    owned = text(
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
        " AND pg_has_role(current_user, relowner, 'USAGE')"
    )
    if connection.scalar(owned):
        yield "owns the tables, so it could drop them and switch off what keeps callbacks from being changed"
        return
    for table in Base.metadata.sorted_tables:
        spare = {"TRUNCATE", "TRIGGER", "UPDATE", "DELETE"} - _changes(table.name)
        yield from (f"may {right} {table.name}" for right in sorted(spare) if _may(connection, table.name, right))


def _changes(table: str) -> set[str]:
    """How rows that are there may be changed."""
    update = {"UPDATE"} if table not in NEVER_UPDATED else set()
    return update | ({"DELETE"} if table in DELETED_FROM else set())


def _may(connection: Connection, table: str, right: str) -> bool:
    asked = text("SELECT has_table_privilege(current_user, :table, :right)")
    return connection.scalar(asked, {"table": table, "right": right}) is True
