"""Every way to give rights asks one question: may the giver give them (A5.12)?"""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from organizations import giving, tokens
from organizations.kernel import clock
from organizations.kernel.instants import iso_instant
from organizations.models import (
    AccessKey,
    Invitation,
    Membership,
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
    ResourceGroup,
    ResourceGroupItem,
    ServiceUser,
    SupportAccess,
    TargetType,
)
from organizations.policy_coverage import covers, gained
from tests.clients import ApiClient
from tests.factories import make_attachment, make_founded
from tests.organizations.people_made import make_member

pytestmark = pytest.mark.django_db
ALL = {"effect": "allow", "action": ["*"], "resource": ["*"]}


def allow(action="config:*", *resources):
    return {"effect": "allow", "action": [action], "resource": list(resources)}


def deny(action="config:*", *resources):
    return {"effect": "deny", "action": [action], "resource": list(resources)}


# May change people, groups, keys, invitations and support, and read; but no policy.
STAFF = [
    allow("config:retrieve", "*"),
    allow("config:*", "config:orgUser", "config:resourceGroup", "config:serviceUser"),
    allow("config:*", "config:accessKey", "config:orgUserInvitation", "config:support"),
]
UPDATES_POLICIES = allow("config:update", "config:permissionPolicy")


@pytest.fixture
def place(db):
    """An organization with Administrator on a group, a service user and support users."""
    founded = make_founded()
    organization = founded.organization
    member = make_member(organization)
    powers = PermissionPolicy.objects.get(organization=organization, name="Administrator")
    groups = [
        ResourceGroup.objects.create(organization=organization, type="orguser", name=name)
        for name in ("outer", "inner", "lonely")
    ]
    make_attachment(powers, PrincipalType.USERGROUP, groups[0].pk)
    ResourceGroupItem.objects.create(
        organization=organization, group=groups[0], target_type=TargetType.GROUP,
        target_id=groups[1].pk,
    )  # fmt: skip
    robot = ServiceUser.objects.create(organization=organization, name="robot")
    make_attachment(powers, PrincipalType.SERVICEUSER, robot.pk)
    make_attachment(powers, PrincipalType.SUPPORTUSERS, organization.pk)
    key, _ = tokens.make_key(robot, created_by=robot.pk)
    AccessKey.objects.filter(pk=key.pk).update(status="INACTIVE")
    return SimpleNamespace(
        founded=founded, organization=organization, member=member, powers=powers,
        outer=groups[0], inner=groups[1], lonely=groups[2], robot=robot, key=key, given=[ALL],
    )  # fmt: skip


def client(place, statements):
    """Return a client of a service user with these statements."""
    actor = ServiceUser.objects.create(organization=place.organization, name="actor")
    policy = PermissionPolicy.objects.create(
        organization=place.organization, name="Of the actor", statements=statements
    )
    make_attachment(policy, PrincipalType.SERVICEUSER, actor.pk)
    key, _ = tokens.make_key(actor, created_by=actor.pk)
    return ApiClient(place.founded, tokens.token_for(key))


def in_group(place, group):
    return {"targetType": "ITEM", "targetId": str(place.member.user_id), "version": group.version}


TONIGHT = timedelta(days=2)
# Each way to give rights over the API: name -> call.
WAYS = {
    "inline statements": lambda api, place: api.put(
        f"users/{place.member.user_id}", {"version": 1, "permissionPolicy": place.given}
    ),
    "a user group": lambda api, place: api.post(
        f"resourcegroups/orguser/{place.outer.pk}/addresource", in_group(place, place.outer)
    ),
    "a user group inside another": lambda api, place: api.post(
        f"resourcegroups/orguser/{place.inner.pk}/addresource", in_group(place, place.inner)
    ),
    "a user group put into another": lambda api, place: api.post(
        f"resourcegroups/orguser/{place.outer.pk}/addresource",
        {"targetType": "GROUP", "targetId": str(place.lonely.pk)},
    ),
    "a key of a service user": lambda api, place: api.post(
        f"serviceusers/{place.robot.pk}/accesskeys"
    ),
    "a key switched on": lambda api, place: api.put(
        f"accesskeys/{place.key.pk}", {"version": 1, "status": "ACTIVE"}
    ),
    "an invitation": lambda api, place: api.post(
        "invitations",
        {"email": "new@example.com", "firstName": "A", "lastName": "B",
         "permissionPolicyIds": [str(place.powers.pk)]},
    ),
    "support access": lambda api, place: api.put(
        "support", {"dtEndSupportUsersAccess": iso_instant(clock.now() + TONIGHT)}
    ),
    "support statements": lambda api, place: api.put(
        "support",
        {"dtEndSupportUsersAccess": iso_instant(clock.now() + TONIGHT),
         "supportUsersPermissionPolicy": place.given},
    ),
    "attaching to a person": lambda api, place: api.post(
        f"permissionpolicies/{place.powers.pk}/addtouser",
        {"principalId": str(place.member.user_id)},
    ),
    "attaching to a group": lambda api, place: api.post(
        f"permissionpolicies/{place.powers.pk}/addtousergroup",
        {"principalId": str(place.lonely.pk)},
    ),
}  # fmt: skip


def counts(place):
    """Return what a refused call must leave as it is."""
    statements = list(Membership.objects.order_by("pk").values_list("statements", "version"))
    status = AccessKey.objects.get(pk=place.key.pk).status
    models = (AccessKey, Invitation, PolicyAttachment, ResourceGroupItem, SupportAccess)
    return statements, status, [model.objects.count() for model in models]


@pytest.mark.parametrize("way", WAYS)
def test_nobody_gives_full_power_without_the_right_to_update_policies(place, way):
    api = client(place, STAFF)
    before = counts(place)

    answer = WAYS[way](api, place)

    assert answer.status == 403, answer
    assert counts(place) == before


@pytest.mark.parametrize("way", WAYS)
def test_whoever_may_update_policies_gives_what_they_like(place, way):
    answer = WAYS[way](client(place, [*STAFF, UPDATES_POLICIES]), place)

    assert answer.status == 200, answer


@pytest.mark.parametrize("way", [way for way in WAYS if "attaching" not in way])
def test_whoever_has_all_of_it_gives_it_without_that_right(place, way):
    # Attaching needs the right to update the policy in any case.
    PermissionPolicy.objects.filter(pk=place.powers.pk).update(statements=STAFF)
    place.given = STAFF

    answer = WAYS[way](client(place, STAFF), place)

    assert answer.status == 200, answer


def test_the_refusal_names_the_policy(place):
    answer = WAYS["a user group"](client(place, STAFF), place)

    assert "the policy Administrator" in answer.json["message"]


def test_other_fields_of_a_person_with_statements_can_be_changed(place):
    Membership.objects.filter(pk=place.member.pk).update(statements=[ALL])
    ends = iso_instant(clock.now() + TONIGHT)

    answer = client(place, STAFF).put(
        f"users/{place.member.user_id}",
        {"version": 1, "permissionPolicy": [ALL], "dtEndAccess": ends},
    )

    assert answer.status == 200, answer


def test_taking_an_inline_deny_away_is_giving(place):
    Membership.objects.filter(pk=place.member.pk).update(
        statements=[deny("config:*", "config:plan")]
    )

    answer = client(place, STAFF).put(
        f"users/{place.member.user_id}", {"version": 1, "permissionPolicy": []}
    )

    assert answer.status == 403
    assert Membership.objects.get(pk=place.member.pk).statements != []


def test_leaving_a_group_that_denies_is_giving(place):
    denying = PermissionPolicy.objects.create(
        organization=place.organization, name="No plans",
        statements=[deny("config:*", "config:plan")],
    )  # fmt: skip
    make_attachment(denying, PrincipalType.USERGROUP, place.lonely.pk)
    api = client(place, STAFF)
    path = f"resourcegroups/orguser/{place.lonely.pk}"
    body = {"targetType": "ITEM", "targetId": str(place.member.user_id)}

    assert api.post(f"{path}/addresource", body).status == 200
    assert api.post(f"{path}/removeresource", body).status == 403


@pytest.mark.parametrize(
    ("held", "given", "is_covered"),
    [
        ([ALL], [ALL], True),
        ([ALL], [allow("config:update", "config:plan/item/x")], True),
        ([ALL, deny("config:*", "config:plan")], [ALL], False),
        ([ALL, deny("config:*", "config:plan")], [allow("config:*", "config:meter")], True),
        ([ALL, deny("config:*", "config:plan")], [ALL, deny("*", "config:plan")], True),
        ([ALL, deny("*", "config:plan/item/x")], [allow("*", "config:plan/item/y")], True),
        ([ALL, deny("*", "config:plan/group/g")], [allow("*", "config:plan/item/y")], False),
        ([ALL, deny("*", "*:plan")], [allow("*", "config:*")], False),
        ([allow("config:*", "config:*")], [allow("config:update", "billing:bill")], True),
        ([allow("config:*", "billing:*")], [allow("config:update", "config:plan")], False),
        ([allow("config:retrieve", "*")], [allow("config:*", "*")], False),
        ([allow("config:*", "config:plan/item/x")], [allow("config:*", "config:plan")], False),
        ([allow("config:*", "config:plan/group/*")], [allow("*", "config:plan/group/g")], False),
        ([allow("*", "config:plan/group/*")], [allow("*", "config:plan/group/g")], True),
        ([], [deny("*", "*")], True),
        ([], [], True),
    ],
)  # fmt: skip
def test_what_covers_what(held, given, is_covered):
    assert covers(held, given) is is_covered


def test_a_change_gives_new_allows_and_what_denies_kept_away():
    plan, meter = deny("config:*", "config:plan"), allow("config:*", "config:meter")

    assert gained([plan], [meter]) == [meter, allow("config:*", "config:plan")]
    assert gained([meter, plan], [plan, meter]) == []


def test_may_give_says_yes_or_no(place):
    from organizations.kernel.principals import Principal, system

    nobody = Principal(place.member.user_id, "USER", place.organization.pk)

    assert not giving.may_give(nobody, [place.powers])
    assert giving.may_give(nobody)
    assert giving.may_give(system(place.organization.pk), [place.powers])
