"""PostgreSQL closes the connection while the fast path stores: an outage (503), not a 500."""

from types import SimpleNamespace

import psycopg
import pytest
from django.db import OperationalError, connection
from psycopg.pq import ConnStatus, ExecStatus

from billing.usage.store import at_once
from organizations.kernel import outages
from tests.clients import ApiClient
from tests.factories import make_founded, make_meter


def broken(state: bytes | None):
    """Return what libpq answers when the server says ``state``, or nothing at all."""
    return SimpleNamespace(
        status=ExecStatus.FATAL_ERROR,
        error_field=lambda _field: state,
        error_message=b"server closed the connection unexpectedly",
        get_error_message=lambda *_: "server closed the connection unexpectedly",
    )


@pytest.mark.parametrize("status", [ConnStatus.OK, ConnStatus.BAD])
def test_a_result_without_a_word_of_the_server_is_an_outage(status):
    with pytest.raises(OperationalError) as caught, connection.wrap_database_errors:
        at_once._checked(SimpleNamespace(status=status), broken(None))

    assert outages.is_passing(caught.value)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ends_is_answered_503():
    founded = make_founded()
    make_meter(founded.organization, code="m")
    api = ApiClient(founded)
    api.client.raise_request_exception = False
    item = {"uid": "u", "meter": "m", "account": "a", "ts": "2026-06-01T00:00:00Z",
            "measure": {"tokens": 1}}  # fmt: skip
    assert api.post("measurements", {"measurements": [item]}).status == 200
    pid = connection.connection.info.backend_pid
    with psycopg.connect(connection.connection.info.dsn, password=connection.settings_dict[
        "PASSWORD"] or None, autocommit=True) as other:  # fmt: skip
        ended = other.execute("SELECT pg_terminate_backend(%s, 2000)", [pid]).fetchone()
    assert ended == (True,)

    answer = api.post("measurements", {"measurements": [{**item, "uid": "v"}]})
    connection.close()

    assert answer.status == 503, answer
    assert api.post("measurements", {"measurements": [{**item, "uid": "v"}]}).status == 200
