"""Whatever is made, changed or deleted over the API leaves its event, with the copies it had."""

import pytest
from django.test import override_settings

from organizations.kernel import event_types, registry
from organizations.models import Event
from tests.clients import ApiClient
from tests.contract import bodies, documents
from tests.factories import make_founded

pytestmark = pytest.mark.django_db


def entities() -> dict[str, str]:
    """Return the event of the entity behind each address, for those that have one."""
    found = {}
    for _verb, route, _operation in documents.our_operations():
        known = registry.find(route.model) if route.model is not None else None
        if known is not None and known.event:
            found[route.path] = known.event
    return found


def test_every_entity_leaves_an_event_of_every_change(django_db_blocker):
    founded = make_founded()
    api = ApiClient(founded)
    made: dict[str, dict] = {}
    events = entities()
    checked: set[str] = set()
    with override_settings(WEBHOOK_ALLOW_PRIVATE_TARGETS=True):
        for path, build in bodies.CREATED:
            made[path] = api.post(path, build(made)).json
        for path in made:
            if path in events:
                answer = api.put(f"{path}/{made[path]['id']}", made[path])
                assert answer.status == 200, (path, answer)
        for path, _build in reversed(bodies.CREATED):
            answer = api.delete(f"{path}/{made[path]['id']}")
            if path in events:
                assert answer.status == 200, (path, answer)

    for path, event in events.items():
        if path not in made:
            continue
        identity = made[path]["id"]
        rows = Event.objects.filter(resource_id=identity).order_by("created_at", "id")
        told = {row.name: row.payload["eventData"] for row in rows}
        for verb, copies in event_types.COPIES.items():
            payload = told[f"{event}.{verb}"]
            assert payload.keys() == {f"{copy}Dto" for copy in copies}
            for copy in payload.values():
                assert copy["id"] == identity
                assert copy["orgId"] == str(founded.organization.pk)
                listed = event_types.fields()[f"{event}.{verb}"]
                shown = {
                    f"{copies[0]}.{name}"
                    for name in copy.keys() - event_types.NOT_LISTED - {"customFields"}
                }
                assert shown <= listed.keys(), event
        checked.add(event)
    assert len(checked) >= 13
