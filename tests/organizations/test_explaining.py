"""What a principal may do, and why: over the API and in the console, equal to what is enforced."""

import pytest
from django.urls import reverse

from organizations import access, attachments, resource_groups
from organizations.kernel import changes
from organizations.models import Membership, PrincipalType, ServiceUser, TargetType
from tests.console.clients import Console, make_person
from tests.factories import make_founded, make_product
from tests.organizations.people_made import make_member, system
from tests.organizations.test_grants import allow, deny, make_group, make_policy, make_robot

READ = "config:retrieve"


def ask(api, principal_id, action=READ, resource="config:product"):
    """Ask over the API."""
    answer = api.get(
        "permissionpolicies/decision", principalId=principal_id, action=action, resource=resource
    )
    assert answer.status == 200, answer
    return answer.json


def test_the_deciding_statement_is_named_with_its_policy_and_the_way_it_comes(api, organization):
    member = make_member(organization)
    team = make_group(organization, kind="orguser")
    outer = make_group(organization, team, kind="orguser")
    resource_groups.add(team, TargetType.ITEM, member.user_id, by=system(organization))
    policy = make_policy(organization, allow("config:meter"), allow("config:product"))
    attachments.attach(policy, PrincipalType.USERGROUP, outer.pk, by=system(organization))

    told = ask(api, member.user_id)

    source = {
        "effect": "allow", "statement": allow("config:product"), "statementNumber": 2,
        "source": "USERGROUP", "permissionPolicyId": str(policy.pk),
        "permissionPolicyName": policy.name,
        "userGroups": [
            {"id": str(team.pk), "name": team.name}, {"id": str(outer.pk), "name": outer.name}
        ],
    }  # fmt: skip
    assert told == {
        "allowed": True, "principalId": str(member.user_id), "principalType": "USER",
        "action": READ, "resource": "config:product", "decidedBy": source, "applying": [source],
        "reason": f"It is allowed by statement 2 of the policy “{policy.name}”, attached to the "
        f"user group “{outer.name}”, reached through “{team.name}”.",
    }  # fmt: skip


def test_a_deny_decides_over_every_allow_and_nothing_allows_nothing(api, organization):
    robot, _ = make_robot(organization, allow("*"), deny("config:product"))

    denied, unknown = ask(api, robot.pk), ask(api, robot.pk, "config:update")

    assert (denied["allowed"], denied["decidedBy"]["effect"]) == (False, "deny")
    assert [one["effect"] for one in denied["applying"]] == ["allow", "deny"]
    assert denied["reason"].endswith("attached directly; a deny beats every allow.")
    assert (unknown["allowed"], unknown["decidedBy"], unknown["applying"]) == (False, None, [])
    assert unknown["reason"].startswith("No statement allows it")


def test_inline_statements_and_rows_that_are_not_there_are_explained(api, organization):
    member = make_member(organization)
    missing = "00000000-0000-4000-8000-000000000000"
    with changes.editing(member, by=system(organization)) as changed:
        changed.statements = [allow(f"config:product/item/{missing}"), allow("config:meter")]

    meter = ask(api, member.user_id, resource="config:meter")
    nothing = ask(api, member.user_id, resource=f"config:product/item/{missing}")

    assert meter["reason"] == "It is allowed by statement 2 written at the user."
    assert (meter["decidedBy"]["source"], meter["decidedBy"]["permissionPolicyId"]) == (
        "INLINE", None,
    )  # fmt: skip
    assert (nothing["allowed"], nothing["reason"]) == (
        False,
        "It is named by statement 1 written at the user, but there is no such row.",
    )


TABLE = [
    [], [allow("*")], [allow("*", action="all"), deny("config:product/*", action="config:*")],
    [allow("config:*", action="*:retrieve")], [allow("billing:*", action="CONFIG_UPDATE")],
    [allow("audit:entry", action="audit:retrieve")],
]  # fmt: skip
QUESTIONS = [
    (action, resource)
    for action in (READ, "config:update", "audit:retrieve", "measurements:upload")
    for resource in (
        "config:product",
        "config:bill",
        "billing:bill",
        "audit:entry",
        "analytics:bill",
    )
]


@pytest.mark.parametrize("statements", TABLE)
def test_the_answer_is_what_is_enforced(api, organization, statements):
    robot, principal = make_robot(organization, *statements)
    row = make_product(organization)

    for action, resource in [*QUESTIONS, (READ, f"config:product/item/{row.pk}")]:
        kind, _, item = resource.partition("/item/")
        wanted = access.allowed(principal, action, kind, item or None)
        assert ask(api, robot.pk, action, resource)["allowed"] == wanted, (action, resource)


@pytest.mark.parametrize(("query", "field"), [
    ({"action": "config:*"}, "action"), ({"action": "fly"}, "action"), ({"action": ""}, "action"),
    ({"resource": "*"}, "resource"), ({"resource": "config:*"}, "resource"),
    ({"resource": "config:product/group/1"}, "resource"), ({"resource": "config:met*"}, "resource"),
    ({"principalId": ""}, "principalId"),
])  # fmt: skip
def test_a_question_that_is_none_is_refused(api, founded, query, field):
    asked = {
        "principalId": str(founded.service_user.pk), "action": READ, "resource": "config:product",
        **query,
    }  # fmt: skip

    answer = api.get("permissionpolicies/decision", **asked)

    assert (answer.status, [one["field"] for one in answer.json["errors"]]) == (400, [field])


def test_only_who_may_read_policies_and_the_principal_is_told(api, founded, organization):
    from organizations import tokens
    from tests.clients import ApiClient

    def client(*statements):
        robot, _ = make_robot(organization, *statements)
        key, _ = tokens.make_key(robot, created_by=robot.pk)
        return ApiClient(founded, tokens.token_for(key))

    asked = {"action": READ, "resource": "config:product"}
    path, mine = "permissionpolicies/decision", str(founded.service_user.pk)
    reader = client(allow("config:permissionPolicy", "config:serviceUser"))

    assert reader.get(path, principalId=mine, **asked).status == 200
    assert reader.get(path, principalId=str(founded.admin.pk), **asked).status == 403
    assert (
        client(allow("config:permissionPolicy")).get(path, principalId=mine, **asked).status == 403
    )
    assert client(allow("config:serviceUser")).get(path, principalId=mine, **asked).status == 403
    theirs = str(make_founded().service_user.pk)
    assert api.get(path, principalId=theirs, **asked).status == 404


# The page ----------------------------------------------------------------------------------------


def page(console, **query):
    """Open the page."""
    return console.client.get(reverse("admin:permission_decision"), query)


def test_the_page_answers_in_a_sentence_with_the_deciding_statement(founded, organization):
    console = Console(make_person(founded, "Administrator"))
    robot, _ = make_robot(organization, allow("*"), deny("config:product"))

    answer = page(console, principal=robot.pk, action=READ, resource="config:product", item="")

    text = console.text(answer)
    assert answer.context["answer"].is_allowed is False
    assert "Robot may not <code>config:retrieve</code> on <code>config:product</code>" in text
    assert "a deny beats every allow" in text


def test_without_an_action_the_page_shows_everything_at_a_glance(founded, organization):
    console = Console(make_person(founded, "Administrator"))
    row = make_product(organization)
    robot, _ = make_robot(
        organization, allow("config:meter", f"config:product/item/{row.pk}"), allow("billing:*")
    )

    answer = page(console, principal=robot.pk)

    cells = {
        f"{area['service']}:{kind}": [cell.extent for cell in cells]
        for area in answer.context["areas"]
        for kind, cells in area["rows"]
    }
    assert cells["config:meter"] == ["all", "none", "none", "none"]
    assert cells["config:product"] == ["some", "none", "none", "none"]
    assert cells["billing:bill"] == ["all", "none", "none", "none"]
    assert cells["config:plan"] == ["none", "none", "none", "none"]


def test_the_page_is_for_who_may_read_policies_and_offers_who_may_be_read(founded, organization):
    from tests.console.clients import attach

    nobody = Console(make_person(founded, None))
    person = make_person(founded, None)
    attach(founded, person, make_policy(organization, allow("config:permissionPolicy")))
    reader = Console(person)

    assert page(nobody).status_code == 403
    assert page(reader).status_code == 200
    assert page(reader, principal=founded.admin.pk).context["form"].errors.keys() == {"principal"}


def test_users_and_service_users_lead_to_the_question(founded, organization):
    console = Console(make_person(founded, "Administrator"))
    robot = ServiceUser.objects.get(pk=founded.service_user.pk)
    member = Membership.objects.get(user=console.user)

    of_robot = console.client.get(
        reverse("admin:organizations_serviceuser_what_it_may", args=[robot.pk])
    )
    of_member = console.client.get(
        reverse("admin:organizations_membership_what_it_may", args=[member.pk])
    )

    base = reverse("admin:permission_decision")
    assert of_robot["Location"] == f"{base}?principal={robot.pk}"
    assert of_member["Location"] == f"{base}?principal={console.user.pk}"
    assert base in console.text(console.get(ServiceUser))
