"""Tell each connection the scope of the running code before a statement, when it has changed.

The check is in psycopg's cursor, so nothing goes past it: neither COPY nor a statement on the
bare connection. It costs less than half a microsecond; a thread that serves one organization
sends nothing more than before.
"""

from functools import partial
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from organizations.kernel import isolation
from organizations.kernel.isolation import Scope

_TELL = "SELECT set_config('role', %s, false), set_config('billwright.organization', %s, false)"


class RoleUnusable(psycopg.OperationalError):
    """The application's role is missing or not the login's; the message says what to run."""


class Session:
    """What the server side of one connection was told (None when that is not known), and the names
    of the statements that code of ours has prepared on it."""

    told: Scope | None = None

    def __init__(self) -> None:
        self.prepared: set[bytes] = set()

    def enter(self, connection: "psycopg.Connection[Any]") -> None:
        """Make the connection see what the running code may see."""
        scope = isolation.current()
        if scope is self.told or scope == self.told:
            return
        if connection.info.transaction_status == TransactionStatus.INERROR:
            return  # nothing but a rollback is accepted, and a rollback needs no scope
        self.told = None
        try:
            psycopg.ClientCursor(connection).execute(_TELL, [_role(scope), scope.organization])
        except psycopg.errors.InvalidParameterValue as error:
            raise RoleUnusable(
                f"The database has no role {_role(scope)}: run `manage.py migrate` first."
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise RoleUnusable(
                f"The login of DATABASE_URL may not act as role {_role(scope)}: run"
                " `manage.py migrate`, which makes it a member or prints the statements that do."
            ) from error
        self.told = scope

    def forget(self) -> None:
        """Tell it again: what was told since the transaction began is undone with it."""
        self.told = None


class ScopedCursor(base.Cursor):
    """A cursor that enters the scope before whatever it does; a subclass is of one connection."""

    session: Session

    def __init__(self, connection: Any, **options: Any) -> None:
        super().__init__(connection, **options)
        self._enter = partial(self.session.enter, connection)

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run a statement."""
        self._enter()
        return super().execute(*args, **options)

    def executemany(self, *args: Any, **options: Any) -> Any:
        """Run a statement for each row of parameters."""
        self._enter()
        return super().executemany(*args, **options)

    def copy(self, *args: Any, **options: Any) -> Any:
        """Run a COPY."""
        self._enter()
        return super().copy(*args, **options)

    def stream(self, *args: Any, **options: Any) -> Any:
        """Run a statement whose rows come one by one."""
        self._enter()
        return super().stream(*args, **options)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with scoped cursors. The connection to no database in particular has no scope."""

    session: Session

    def get_connection_params(self) -> dict[str, Any]:
        """Add our cursor; each connection has a session of its own, which knows nothing yet."""
        parameters = super().get_connection_params()
        self.session = Session()
        if self.alias != NO_DB_ALIAS:
            # A class, for what watches queries derives its own from it.
            own = type("ScopedCursor", (ScopedCursor,), {"session": self.session})
            parameters["cursor_factory"] = own
        return parameters

    def create_cursor(self, name: str | None = None) -> Any:
        """Enter the scope before a server-side cursor, which is none of ours, is declared."""
        if name:
            self.session.enter(self.connection)
        return super().create_cursor(name)

    def _set_autocommit(self, autocommit: bool) -> None:
        # Told outside of the transaction that begins now, it survives the rollback.
        if not autocommit and self.alias != NO_DB_ALIAS:
            with self.wrap_database_errors:
                self.session.enter(self.connection)
        super()._set_autocommit(autocommit)

    def _rollback(self) -> None:
        super()._rollback()
        self.session.forget()

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)
        self.session.forget()


def _role(scope: Scope) -> str:
    """Return the database's name of a role; ``none`` is the login itself."""
    application, everywhere = isolation.roles(settings.DATABASE_APPLICATION_ROLE)
    names = {
        isolation.APPLICATION: application,
        isolation.EVERYWHERE.role: everywhere,
        isolation.CUSTOM_SQL: isolation.custom_sql_role(settings.DATABASE_APPLICATION_ROLE),
    }
    return names.get(scope.role, "none")
