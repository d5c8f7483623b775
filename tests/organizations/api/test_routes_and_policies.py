"""Every route against a table of principals: what policies say is what the API does.

Routes come from the URL resolver: one whose action is not declared fails here, and so does one
that lets a principal do what ``access.Rights`` refuses.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from organizations import access, policies, tokens
from organizations.kernel import ids, registry
from organizations.kernel.api.views import CRUD_ACTIONS, TenantViewSet
from organizations.kernel.principals import Principal
from organizations.models import PermissionPolicy, ServiceUser
from tests.clients import ApiClient
from tests.contract.routes import routes
from tests.factories import make_attachment

UNKNOWN = str(ids.new_id())
# Plain views, which ask for themselves; tests of usage hold them.
WITHOUT_VIEWSET = ("measurements",)
# There is one row, and no id in the address: an allow of another row allows nothing.
SINGLE = {"organizationconfig", "customfields", "billconfig"}
PRINCIPALS: dict[str, list[dict[str, Any]]] = {
    "nobody": [],
    "administrator": [*policies.ADMINISTRATOR],
    "read only": [*policies.READ_ONLY],
    "biller": [{"effect": "allow", "action": ["config:*"], "resource": ["billing:*"]}],
    "uploader": [{"effect": "allow", "action": ["measurements:upload"], "resource": ["*"]}],
    "writer who cannot read": [
        {"effect": "allow", "action": ["CONFIG_CREATE", "CONFIG_UPDATE"], "resource": ["*"]}
    ],
    "all but the catalogue": [
        {"effect": "allow", "action": ["all"], "resource": ["*"]},
        {"effect": "DENY", "action": ["ALL"],
         "resource": ["config:product", "config:meter/*", "config:plan/item/*"]},
    ],
    "keeper of one row": [
        {"effect": "allow", "action": ["config:*"], "resource": [f"config:*/item/{UNKNOWN}"]}
    ],
}  # fmt: skip


def declared() -> Iterator[tuple[str, str, Any, Any]]:
    """Yield verb, route, action and resource of everything the API can be asked."""
    for route in routes():
        if route.view is None or not issubclass(route.view, TenantViewSet):
            assert route.path.startswith(WITHOUT_VIEWSET), f"{route.path} is no viewset"
            continue
        for verb, name in [item for item in route.actions.items() if item[0] != "head"]:
            wanted = route.view.permits.get(name) or (CRUD_ACTIONS.get(name, ""), None)
            resource = wanted[1] or registry.of(route.view.queryset.model).name
            yield verb.upper(), route, wanted[0], resource


def test_every_route_declares_an_action_and_a_resource_the_engine_knows():
    wrong = []
    for verb, route, action, resource in declared():
        if action is None:
            continue
        statement = {"effect": "allow", "action": [action], "resource": [resource]}
        try:
            policies.checked([statement])
        except Exception as refusal:
            wrong.append(f"{verb} {route.path}: {refusal}")

    assert wrong == []


@pytest.mark.parametrize("name", PRINCIPALS)
def test_a_route_answers_403_exactly_where_the_engine_says_no(founded, name):
    robot = ServiceUser.objects.create(organization=founded.organization, name=name)
    policy = PermissionPolicy.objects.create(
        organization=founded.organization, name=f"Of {name}", statements=PRINCIPALS[name]
    )
    make_attachment(policy, "SERVICEUSER", robot.pk)
    key, _ = tokens.make_key(robot, created_by=robot.pk)
    client = ApiClient(founded, tokens.token_for(key))
    principal = Principal(robot.pk, "SERVICE_USER", founded.organization.pk)

    wrong, asked = [], 0
    for verb, route, action, resource in declared():
        if action is None:
            continue
        path = route.at(**dict.fromkeys(route.id_parameters, UNKNOWN))
        rights = access.Rights(principal)
        item = UNKNOWN if route.view.lookup_url_kwarg in route.parameters else None
        if item is None and verb == "GET":
            is_allowed = rights.allows_some(action, resource)
            if route.path in SINGLE:  # an item of its type that is not the one allowed
                is_allowed = rights.allows(action, resource)
        else:
            is_allowed = rights.allows(action, resource, item)
        for name_above, above in route.view.within.items():
            if name_above in route.parameters:
                is_allowed &= rights.allows("config:retrieve", above, UNKNOWN)
        for either in route.view.also_needs.get(route.actions[verb.lower()], ()):
            is_allowed &= any(rights.allows(*one) for one in either)
        answer = client.call(verb, path)
        asked += 1
        if (answer.status != 403) != is_allowed:
            wrong.append(f"{verb} {route.path} ({action} {resource}): {answer.status}")

    assert asked > 60
    assert wrong == []
