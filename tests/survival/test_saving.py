"""Two people saving one plan at the same time, through different web processes."""

from functools import partial

import pytest

from tests.catalog.bodies import made
from tests.survival import api
from tests.survival.customers import Customers
from tests.survival.stack import Stack

pytestmark = pytest.mark.kill


def test_of_two_people_saving_one_plan_the_second_is_told(
    stack: Stack, customers: Customers
) -> None:
    client = customers.api
    template_id = client.get(f"plans/{customers.plan_id}").json["planTemplateId"]
    plan = made(client, "plans", {"planTemplateId": template_id, "name": "A", "code": "shared"})

    for version in range(1, 6):
        bodies = [{**plan, "name": f"{who} {version}", "version": version} for who in ("A", "B")]
        answers = api.at_once([partial(client.put, f"plans/{plan['id']}", body) for body in bodies])

        assert sorted(answer.status for answer in answers) == [200, 409]
        [saved] = [body for body, answer in zip(bodies, answers, strict=True)
                   if answer.status == 200]  # fmt: skip
        stored = client.get(f"plans/{plan['id']}").json
        assert (stored["name"], stored["version"]) == (saved["name"], version + 1)
    with stack.connect() as database:
        [row] = database.execute(
            "SELECT (SELECT count(*) FROM organizations_event"
            "         WHERE resource_id = %(plan)s AND name = 'configuration.plan.updated'),"
            "       (SELECT count(*) FROM organizations_auditentry"
            "         WHERE entity_id = %(plan)s AND action = 'updated')",
            {"plan": plan["id"]},
        )
    assert row == (5, 5)
