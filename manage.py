#!/usr/bin/env python
"""Run a Billwright management command."""

import os
import sys

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError


def main() -> None:
    """Run the command; wrong settings and a missing database are a line, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except (OperationalError, psycopg.OperationalError) as error:
        cause = error if isinstance(error, psycopg.OperationalError) else error.__cause__
        from organizations.kernel.postgresql.base import RoleUnusable

        if isinstance(cause, RoleUnusable):
            sys.exit(str(cause))
        if not isinstance(cause, psycopg.OperationalError) or cause.sqlstate is not None:
            raise
        sys.exit(
            "No database answers. Start the servers with `make up` or"
            " `python -m config.embedded start`, or set DATABASE_URL to a running one."
            f" ({str(cause).splitlines()[0]})"
        )
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
