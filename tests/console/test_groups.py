"""User groups and groups of rows in the console: their policies and what is in them (A6, C13)."""

from django.urls import reverse

from organizations.models import (
    PermissionPolicy,
    PolicyAttachment,
    ResourceGroup,
    ResourceGroupItem,
)
from tests import factories
from tests.console.clients import Console, address, make_person


def policy(founded, name):
    """Return one of the organization's policies."""
    return PermissionPolicy.objects.get(organization=founded.organization, name=name)


def make_group(founded, kind="orguser", **fields):
    """Make a group of a type."""
    return ResourceGroup.objects.create(
        organization=founded.organization, type=kind, **{"name": "Finance", **fields}
    )


def held(principal_id):
    """Return the names of the policies attached to a principal."""
    rows = PolicyAttachment.objects.filter(principal_id=principal_id)
    return sorted(rows.values_list("policy__name", flat=True))


def test_an_area_without_groups_is_empty_and_a_search_in_it_matches_nothing(console):
    areas = [console.text(console.get(ResourceGroup, type=kind)) for kind in ("orguser", "rows")]
    searched = console.text(console.get(ResourceGroup, type="rows", q="nothing"))

    assert "No user groups yet" in areas[0]
    assert "No resource groups yet" in areas[1]
    assert "Nothing matches" in searched


def test_a_user_group_is_made_with_policies_and_filled(console, founded):
    console.post(
        ResourceGroup, "add", name="Finance", kind="orguser",
        policies=[policy(founded, "Billing operations").pk],
    )  # fmt: skip
    group, person = ResourceGroup.objects.get(name="Finance"), make_person(founded, None)
    nested = make_group(founded, name="Interns")

    found = console.text(console.client.get(
        reverse("admin:resource_group_find", args=[group.pk]), {"find": person.email}
    ))  # fmt: skip
    console.post(
        ResourceGroup, "change", group, put="1",
        target=[f"ITEM:{person.pk}", f"GROUP:{nested.pk}"],
    )  # fmt: skip

    page = console.text(console.get(ResourceGroup, "change", group))
    assert f"ITEM:{person.pk}" in found
    assert (person.email in page, "Interns" in page) == (True, True)
    assert held(group.pk) == ["Billing operations"]
    assert Console(person).client.get("/admin/billing/bill/").status_code == 200


def test_a_group_of_meters_has_no_policies_and_holds_only_meters(console, founded):
    console.post(ResourceGroup, "add", name="EU", kind="meter")
    group = ResourceGroup.objects.get(name="EU")
    meter = factories.make_meter(founded.organization, name="Tokens")
    product = factories.make_product(founded.organization)

    console.post(ResourceGroup, "change", group, put="1", target=[f"ITEM:{meter.pk}"])
    answer = console.client.post(
        address(ResourceGroup, "change", group),
        {"put": "1", "target": [f"ITEM:{product.pk}", "nonsense", "ITEM:nonsense"]},
        follow=True,
    )

    inside = ResourceGroupItem.objects.filter(group=group).values_list("target_id", flat=True)
    assert list(inside) == [meter.pk]
    assert "No such row of type meter." in [str(one) for one in answer.context["messages"]]
    assert 'name="policies"' not in console.text(console.get(ResourceGroup, "change", group))


def test_a_circle_of_groups_is_refused(console, founded):
    outer, inner = make_group(founded, name="Outer"), make_group(founded, name="Inner")
    console.post(ResourceGroup, "change", outer, put="1", target=[f"GROUP:{inner.pk}"])

    console.post(ResourceGroup, "change", inner, put="1", target=[f"GROUP:{outer.pk}"])

    assert not ResourceGroupItem.objects.filter(group=inner).exists()
    page = console.text(console.get(ResourceGroup, "change", inner))
    assert "Outer" in page


def test_what_is_in_a_group_is_paged_searched_and_taken_out(
    console, founded, django_assert_max_num_queries
):
    group = make_group(founded, "meter", name="EU")
    meters = [factories.make_meter(founded.organization, name=f"Meter {n:03}") for n in range(60)]
    for meter in meters:
        ResourceGroupItem.objects.create(
            organization=founded.organization,
            group=group,
            target_type="ITEM",
            target_id=meter.pk,
            target_created_at=meter.created_at,
        )

    def names(**query):
        rows = console.get(ResourceGroup, "change", group, **query).context["contents"]
        return [row["name"] for row in rows["rows"]], rows["after"]

    with django_assert_max_num_queries(30):
        first, after = names()
    second, _none = names(after=str(after))
    searched, _none = names(**{"in": "meter 007"})
    console.post(ResourceGroup, "change", group, take="1", target=[f"ITEM:{meters[0].pk}"])

    assert len(first) == 50
    assert sorted(first + second) == [meter.name for meter in meters]
    assert searched == ["Meter 007"]
    assert not ResourceGroupItem.objects.filter(target_id=meters[0].pk).exists()


def test_a_reader_neither_fills_nor_empties_a_group(founded):
    group = make_group(founded, "meter", name="EU")
    meter = factories.make_meter(founded.organization)
    reader = Console(make_person(founded, "ReadOnly"))

    reader.post(ResourceGroup, "change", group, put="1", target=[f"ITEM:{meter.pk}"])
    found = reader.client.get(reverse("admin:resource_group_find", args=[group.pk]))

    assert found.status_code == 404
    assert not ResourceGroupItem.objects.filter(group=group).exists()


def test_user_groups_and_other_groups_are_two_entries_of_the_navigation(console, founded):
    group = make_group(founded)

    def active(answer):
        return [
            item["title"]
            for area in answer.context["sidebar_navigation"]
            for item in area["items"]
            if item["active"]
        ]

    assert active(console.get(ResourceGroup, type="orguser")) == ["User groups"]
    assert active(console.get(ResourceGroup, type="rows")) == ["Resource groups"]
    assert active(console.get(ResourceGroup, "change", group)) == ["User groups"]
