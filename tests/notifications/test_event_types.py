"""The closed list of types of events, and that no entity is without its own."""

import pytest

from organizations.kernel import event_types, registry
from tests.notifications.made import make_scheduled

ENTITIES = {
    "billing": (
        "balance balanceamount bill billconfig billjob charge counteradjustment "
        "scheduledbalancecharge scheduledbalancetransaction statementjob"
    ),
    "configuration": (
        "account accountplan aggregation alert commitment compoundaggregation contract counter "
        "counterpricing creditreason customfield meter metergroup organization "
        "organizationconfig plan plangroup plangrouplink plantemplate pricing pricingband product "
        "transactiontype"
    ),
}
OTHERS = {
    "integration.validation.error", "integration.missingaccountmapping.error",
    "integration.authentication.error", "integration.perform.error",
    "integration.disabled.error", "ingest.validation.failure", "dataexport.job.failure",
}  # fmt: skip
CLOSED = OTHERS | {
    f"{area}.{entity}.{verb}"
    for area, entities in ENTITIES.items()
    for entity in entities.split()
    for verb in ("created", "updated", "deleted")
}


def test_there_are_106_types_and_none_beside_them():
    assert len(CLOSED) == 106
    assert set(event_types.fields()) <= CLOSED


def test_each_entity_of_the_list_that_is_known_has_its_events():
    known = {resource.event for resource in registry.resources() if resource.event}

    assert known <= {name.rpartition(".")[0] for name in CLOSED}
    for event in known:
        for verb, copies in event_types.COPIES.items():
            paths = event_types.fields()[f"{event}.{verb}"]
            assert {path.partition(".")[0] for path in paths} == set(copies)
            assert f"{copies[0]}.id" in paths and f"{copies[0]}.customFields" in paths
            assert not {f"{copies[0]}.{name}" for name in event_types.NOT_LISTED} & paths.keys()
            assert set(paths.values()) <= {"string", "double", "int", "boolean", "map", "array"}


@pytest.mark.django_db
def test_scheduled_types_do_not_hide_others(organization):
    make_scheduled(organization, name="scheduled.bill.mine")

    known = event_types.fields_for(organization.pk)

    assert set(known) - set(event_types.fields()) == {"scheduled.bill.mine"}
