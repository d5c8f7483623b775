"""Guardian enforces what policies say: grants follow every change, and rebuilding changes none."""

from itertools import count

import pytest
from django.contrib.auth.models import Group
from guardian.models import GroupObjectPermission
from guardian.shortcuts import get_objects_for_group
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from catalog.models import Product
from organizations import (
    access,
    attachments,
    grants,
    people,
    permission_names,
    policies,
    resource_groups,
    service_users,
)
from organizations.kernel import changes, principals
from organizations.kernel.errors import DomainError, NotFound
from organizations.kernel.principals import Principal
from organizations.models import (
    Membership,
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
    ResourceGroup,
    ServiceUser,
    TargetType,
)
from tests.factories import make_founded, make_product, number
from tests.organizations.people_made import make_member, system

READ = "config:retrieve"


def allow(*resources, action=READ):
    """Return an allow of one action."""
    return {"effect": "allow", "action": [action], "resource": list(resources)}


def deny(*resources, action=READ):
    """Return a deny of one action."""
    return {"effect": "deny", "action": [action], "resource": list(resources)}


def granted(organization):
    """Return every grant of the organization: hidden group, permission, kind of row, row."""
    rows = GroupObjectPermission.objects.filter(group__name__startswith=f"{organization.pk}/")
    return set(
        rows.values_list("group__name", "permission__codename", "content_type__model", "object_pk")
    )


def of_row(organization, row):
    """Return the names granted on one row."""
    return {name for _, name, _, key in granted(organization) if key == str(row.pk)}


def make_policy(organization, *statements):
    """Make a policy as the API does."""
    row = PermissionPolicy(
        organization=organization, name=f"Policy {number()}", statements=list(statements)
    )
    return changes.create(row, by=system(organization))


def make_robot(organization, *statements):
    """Return a service user with one policy of these statements, and its principal."""
    by = system(organization)
    row = changes.create(ServiceUser(organization=organization, name="Robot"), by=by)
    if statements:
        policy = make_policy(organization, *statements)
        attachments.attach(policy, PrincipalType.SERVICEUSER, row.pk, by=by)
    return row, Principal(row.pk, "SERVICE_USER", organization.pk)


def make_group(organization, *rows, kind="product"):
    """Make a resource group that holds these rows."""
    by = system(organization)
    row = changes.create(
        ResourceGroup(organization=organization, type=kind, name=f"Group {number()}"), by=by
    )
    for held in rows:
        what = TargetType.GROUP if isinstance(held, ResourceGroup) else TargetType.ITEM
        resource_groups.add(row, what, held.pk, by=by)
    return row


def test_an_allow_of_a_type_is_a_permission_on_the_organization_and_nothing_else(organization):
    before = granted(organization)

    row, _ = make_robot(organization, allow("config:product", "config:meter/*"))

    name = f"{organization.pk}/SERVICEUSER/{row.pk}"
    assert granted(organization) - before == {
        (name, "config:retrieve@config:product", "organization", str(organization.pk)),
        (name, "config:retrieve@config:meter", "organization", str(organization.pk)),
    }
    group = Group.objects.get(name=name)
    assert (group.permissions.count(), group.user_set.count()) == (0, 0)


def test_an_allow_of_a_row_is_a_permission_on_that_row(organization):
    mine, other = make_product(organization), make_product(organization)

    row, _ = make_robot(organization, allow(f"config:product/item/{mine.pk}", action="config:*"))

    group = Group.objects.get(name=f"{organization.pk}/SERVICEUSER/{row.pk}")
    found = get_objects_for_group(
        group, permission_names.of_row(READ), Product, any_perm=True, accept_global_perms=False
    )
    assert list(found) == [mine]
    assert of_row(organization, mine) == {"config:*"}
    assert of_row(organization, other) == set()


def test_a_name_of_a_row_of_another_organization_or_type_or_of_nothing_grants_nothing(organization):
    theirs = make_product(make_founded().organization)
    own = make_product(organization)
    before = granted(organization)

    make_robot(
        organization,
        allow(
            f"config:product/item/{theirs.pk}",
            f"config:meter/item/{own.pk}",
            "config:product/item/nothing",
            f"config:product/item/{organization.pk}",
        ),
    )

    assert granted(organization) == before


def test_what_guardian_does_not_grant_is_refused_whatever_the_policy_says(organization):
    row = make_product(organization)
    _, wide = make_robot(organization, allow("config:product"))
    _, narrow = make_robot(organization, allow(f"config:product/item/{row.pk}"))
    rows = Product.objects.for_organization(organization)
    before = [access.allowed(one, READ, "config:product", row.pk) for one in (wide, narrow)]

    GroupObjectPermission.objects.all().delete()

    assert before == [True, True]
    for one in (wide, narrow):
        assert not access.allowed(one, READ, "config:product", row.pk)
        assert not access.Rights(one).allows_some(READ, "config:product")
        assert list(access.visible(one, rows, READ, "config:product")) == []


def test_what_guardian_grants_is_allowed_until_a_statement_denies_it(organization):
    row = make_product(organization)
    robot, principal = make_robot(organization, deny("config:meter"))
    group = Group.objects.get(name=f"{organization.pk}/SERVICEUSER/{robot.pk}")
    _, reader = make_robot(organization, allow("config:product", "config:meter"))
    wide = GroupObjectPermission.objects.filter(
        group__name=f"{organization.pk}/SERVICEUSER/{reader.id}"
    )

    for one in wide:
        one.pk, one.group = None, group
        one.save(force_insert=True)

    assert access.allowed(principal, READ, "config:product", row.pk)
    assert not access.allowed(principal, READ, "config:meter")


def test_a_policy_on_a_group_of_many_rows_and_people_writes_one_grant(organization):
    rows = [make_product(organization) for _ in range(20)]
    members = [make_member(organization) for _ in range(5)]
    team = make_group(organization, kind="orguser")
    for member in members:
        resource_groups.add(team, TargetType.ITEM, member.user_id, by=system(organization))
    held = make_group(organization, *rows)
    before = granted(organization)

    policy = make_policy(organization, allow(f"config:product/group/{held.pk}", "config:meter"))
    attachments.attach(policy, PrincipalType.USERGROUP, team.pk, by=system(organization))

    assert {one[:2] for one in granted(organization) - before} == {
        (f"{organization.pk}/USERGROUP/{team.pk}", "config:retrieve@config:meter")
    }
    person = Principal(members[0].user_id, "USER", organization.pk)
    assert access.allowed(person, READ, "config:meter")
    assert access.allowed(person, READ, "config:product", rows[0].pk)


def test_a_changed_policy_changes_every_grant_of_it(organization):
    row = make_product(organization)
    policy = make_policy(organization, allow("config:product"))
    robots = [make_robot(organization) for _ in range(3)]
    for robot, _ in robots:
        attachments.attach(policy, PrincipalType.SERVICEUSER, robot.pk, by=system(organization))

    with changes.editing(policy, by=system(organization)) as changed:
        changed.statements = [allow("config:meter", f"config:product/item/{row.pk}")]

    for _, principal in robots:
        assert access.allowed(principal, READ, "config:meter")
        assert access.allowed(principal, READ, "config:product", row.pk)
        assert not access.allowed(principal, READ, "config:product")


def test_a_deleted_row_takes_what_was_granted_on_it_along(organization):
    row = make_product(organization)
    make_robot(organization, allow(f"config:product/item/{row.pk}"))
    before = of_row(organization, row)

    changes.delete(row, by=system(organization))

    assert (before, of_row(organization, row)) == ({"config:retrieve"}, set())


def test_a_person_named_before_they_came_is_granted_when_they_come(organization):
    from organizations.models import User

    person = User.objects.create_user("late@example.com")
    _, principal = make_robot(organization, allow(f"config:orgUser/item/{person.pk}"))
    before = access.allowed(principal, READ, "config:orgUser", person.pk)

    changes.create(Membership(organization=organization, user=person), by=system(organization))

    assert (before, access.allowed(principal, READ, "config:orgUser", person.pk)) == (False, True)


def test_the_group_of_a_deleted_service_user_is_gone(organization):
    robot, _ = make_robot(organization, allow("*"))

    service_users.delete(robot, by=system(organization))

    assert not Group.objects.filter(name__endswith=str(robot.pk)).exists()


def test_migrating_and_the_command_rebuild_what_is_missing(organization):
    from django.core.management import call_command

    make_robot(organization, allow("config:product"))
    before = granted(organization)
    Group.objects.all().delete()
    gone = granted(organization)

    call_command("rederive_grants", verbosity=0)

    assert (gone, granted(organization)) == (set(), before)


def test_a_question_costs_one_query_and_one_about_a_single_row_one_more(
    organization, django_assert_num_queries
):
    row = make_product(organization)
    _, wide = make_robot(organization, allow("config:product"))
    _, narrow = make_robot(organization, allow(f"config:product/item/{row.pk}"))
    access.allowed(wide, READ, "config:product")  # the process remembers content types

    with django_assert_num_queries(1):
        assert access.allowed(wide, READ, "config:product", row.pk)
    with django_assert_num_queries(2):
        assert access.allowed(narrow, READ, "config:product", row.pk)


def test_attaching_costs_the_same_for_small_groups_and_for_big_ones(organization):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    by = system(organization)
    counts = []
    for size in (1, 30):
        held = make_group(organization, *[make_product(organization) for _ in range(size)])
        policy = make_policy(organization, allow(f"config:product/group/{held.pk}"))
        robot, _ = make_robot(organization)
        with CaptureQueriesContext(connection) as asked:
            attachments.attach(policy, PrincipalType.SERVICEUSER, robot.pk, by=by)
        counts.append(len(asked))

    assert counts[0] == counts[1] < 25


def test_an_organization_that_cannot_be_seen_is_not_rebuilt_from_nothing(organization):
    row, _ = make_robot(organization, allow("*"))
    nobody = "00000000-0000-4000-8000-000000000000"
    Group.objects.create(name=f"{nobody}/SERVICEUSER/{row.pk}")

    with pytest.raises(NotFound):
        grants.rederive(nobody)

    assert Group.objects.filter(name__startswith=nobody).exists()


# Laws --------------------------------------------------------------------------------------------

EFFECTS = st.sampled_from(["allow", "ALLOW", "deny"])
ACTIONS = st.sampled_from(
    [READ, "CONFIG_RETRIEVE", "config:*", "*:retrieve", "all", "config:update", "audit:retrieve"]
)
LEEWAY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def resources(place):
    """Return resources of statements that speak of the rows and groups of a place."""
    items = [f"config:product/item/{row.pk}" for row in place.rows]
    items += [f"config:*/item/{place.rows[0].pk}", f"config:orgUser/item/{place.person.user_id}"]
    groups = [f"config:product/group/{group.pk}" for group in place.groups]
    types = ["*", "config:*", "config:product", "config:meter/*", "billing:*", "audit:*"]
    return st.sampled_from([*items, *groups, *types, "config:product/group/*"])


def statements(place):
    """Return lists of statements about a place."""
    one = st.builds(
        lambda effect, action, texts: {"effect": effect, "action": action, "resource": texts},
        EFFECTS,
        st.lists(ACTIONS, min_size=1, max_size=2),
        st.lists(resources(place), min_size=1, max_size=3),
    )
    return st.lists(one, min_size=1, max_size=4)


class Place:
    """An organization with rows, nested groups, a person in a nested user group, and a robot."""

    def __init__(self):
        self.organization = make_founded().organization
        self.by = principals.system(self.organization.pk)
        self.rows = [make_product(self.organization) for _ in range(4)]
        inner = make_group(self.organization, self.rows[0])
        self.groups = [inner, make_group(self.organization, self.rows[1], inner)]
        self.person = make_member(self.organization)
        self.team = make_group(self.organization, kind="orguser")
        resource_groups.add(self.team, TargetType.ITEM, self.person.user_id, by=self.by)
        self.outer = make_group(self.organization, self.team, kind="orguser")
        self.robot, _ = make_robot(self.organization)

    def holders(self):
        """Return what policies can be attached to."""
        return [
            (PrincipalType.USER, self.person.user_id),
            (PrincipalType.USERGROUP, self.team.pk),
            (PrincipalType.USERGROUP, self.outer.pk),
            (PrincipalType.SERVICEUSER, self.robot.pk),
        ]

    def principals(self):
        """Return who may ask."""
        return [
            Principal(self.person.user_id, "USER", self.organization.pk),
            Principal(self.robot.pk, "SERVICE_USER", self.organization.pk),
        ]


class Laws(TestCase):
    """What holds after any sequence of changes."""

    @given(data=st.data())
    @LEEWAY
    def test_rights_answer_as_the_pure_engine_does(self, data):
        place = Place()
        for kind, identity in data.draw(
            st.lists(st.sampled_from(place.holders()), min_size=1, max_size=3), "holders"
        ):
            policy = make_policy(place.organization, *data.draw(statements(place), "policy"))
            attachments.attach(policy, kind, identity, by=place.by)
        people.replace(
            place.person, statements=data.draw(statements(place), "inline"),
            access_ends_at=None, by=place.by, version=place.person.version,
        )  # fmt: skip
        action = data.draw(st.sampled_from([READ, "config:update", "audit:retrieve"]), "action")

        for principal in place.principals():
            rights = access.Rights(principal)
            spoken = rights.statements
            seen = set()
            for row in place.rows:
                above = resource_groups.above(place.organization.pk, row.pk)
                asked = policies.Resource(
                    "config", "product", str(row.pk), frozenset(map(str, above))
                )
                wanted = policies.decide(spoken, action, asked).is_allowed
                assert rights.allows(action, "config:product", row.pk) == wanted
                seen |= {row.pk} if wanted else set()
            shown = rights.visible(
                Product.objects.for_organization(place.organization), action, "config:product"
            )
            assert set(shown.values_list("pk", flat=True)) == seen
            for resource in ("config:product", "billing:bill", "audit:entry", "config:orgUser"):
                asked = policies.Resource(*resource.split(":"))
                wanted = policies.decide(spoken, action, asked).is_allowed
                assert rights.allows(action, resource) == wanted

    @given(data=st.data())
    @LEEWAY
    def test_rebuilding_after_any_changes_changes_nothing(self, data):
        place = Place()
        made = [make_policy(place.organization, allow("config:product"))]
        for _ in count():
            if not data.draw(st.booleans(), "more"):
                break
            try:
                self._change(place, made, data)
            except DomainError:
                continue
        before = granted(place.organization)

        grants.rederive(place.organization.pk)
        rederived = granted(place.organization)
        Group.objects.filter(name__startswith=f"{place.organization.pk}/").delete()
        grants.rederive(place.organization.pk)

        assert before == rederived == granted(place.organization)

    @staticmethod
    def _change(place, made, data):
        deed = data.draw(st.sampled_from(
            ["policy", "edit", "delete", "attach", "detach", "inline", "row", "group", "robot"]
        ), "deed")  # fmt: skip
        by, policy = place.by, data.draw(st.sampled_from(made), "which") if made else None
        if deed == "policy" or policy is None:
            made.append(make_policy(place.organization, *data.draw(statements(place), "new")))
        elif deed == "edit":
            with changes.editing(policy, by=by) as changed:
                changed.statements = data.draw(statements(place), "edited")
        elif deed == "delete":
            made.remove(policy)
            attachments.delete_policy(policy, by=by)
        elif deed in {"attach", "detach"}:
            kind, identity = data.draw(st.sampled_from(place.holders()), "holder")
            getattr(attachments, deed)(policy, kind, identity, by=by)
        elif deed == "inline":
            row = Membership.objects.get(pk=place.person.pk)
            inline = data.draw(statements(place), "inline")
            people.replace(row, statements=inline, access_ends_at=None, by=by, version=row.version)
        elif deed == "row":
            changes.delete(data.draw(st.sampled_from(place.rows), "row"), by=by)
        elif deed == "group":
            changes.delete(data.draw(st.sampled_from([place.team, *place.groups]), "group"), by=by)
        else:
            service_users.delete(place.robot, by=by)


def test_everybody_attached_to_has_a_group_and_nobody_else(organization):
    make_robot(organization, allow("*"))
    make_member(organization)
    grants.rederive(organization.pk)

    known = {
        f"{organization.pk}/{row.principal_type}/{row.principal_id}"
        for row in PolicyAttachment.objects.filter(organization=organization)
    }
    people_here = Membership.objects.filter(organization=organization)
    known |= {f"{organization.pk}/USER/{row.user_id}" for row in people_here}
    found = set(Group.objects.filter(name__startswith=f"{organization.pk}/").values_list("name"))

    assert {name for (name,) in found} == known


@pytest.mark.parametrize("spelling", ["lower", "upper"])
def test_the_case_of_an_id_means_nothing(organization, spelling):
    row = make_product(organization)
    identity = getattr(str(row.pk), spelling)()
    _, principal = make_robot(organization, allow(f"config:product/item/{identity}"))

    assert access.allowed(principal, READ, "config:product", str(row.pk).upper())
