"""Lists merged with big groups show what the pure engine allows, page by page."""

from datetime import UTC, datetime, timedelta
from unittest import mock
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from catalog.models import Product
from organizations import access, merging, narrowing, policies, resource_groups
from organizations.kernel import isolation
from organizations.models import ResourceGroup, ResourceGroupItem
from tests.factories import make_founded, make_product
from tests.organizations.test_grants import READ, allow, deny, make_group, make_robot

PAGE = 2
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def big(monkeypatch):
    """Treat every group as one of very many rows."""
    monkeypatch.setattr(narrowing, "FEW", -1)
    monkeypatch.setattr(merging, "FIRST_STEP", 2)


def made(organization, *seconds):
    """Make a product for each moment of making."""
    return [make_product(organization, created_at=NOON + timedelta(seconds=n)) for n in seconds]


def shown(principal, organization, **filters):
    """Return the ids that a list shows, read in pages as the API does."""
    found: list[UUID] = []
    beyond = Q()
    while True:
        rows = Product.objects.for_organization(organization).filter(beyond, **filters)
        rights = access.Rights(principal)
        page = list(rights.visible(rows, READ, "config:product").newest_first()[:PAGE])
        found += [row.pk for row in page]
        if not page:
            return found
        at, key = page[-1].created_at, page[-1].pk
        beyond = Q(created_at__lt=at) | Q(created_at=at, id__lt=key)


def test_rows_denied_by_big_groups_are_gone_wherever_they_stand_in_the_list(organization, big):
    rows = made(organization, *range(24))
    newest_first = [row.pk for row in reversed(rows)]
    everything = allow("*")
    runs = {"none": [], "newest": rows[7:], "oldest": rows[:9], "every third": rows[::3],
            "all but one": rows[:11] + rows[12:], "all": rows}  # fmt: skip

    for name, held in runs.items():
        group = make_group(organization, *held)
        _, robot = make_robot(organization, deny(f"config:product/group/{group.pk}"), everything)
        gone = {row.pk for row in held}
        wanted = [pk for pk in newest_first if pk not in gone]
        assert shown(robot, organization) == wanted, name


def test_rows_held_twice_and_rows_made_at_one_moment_are_not_miscounted(organization, big):
    rows = made(organization, *[0] * 6, *[1] * 6)
    listed = sorted(rows, key=lambda row: (row.created_at, row.pk), reverse=True)
    twice = make_group(organization, *listed[:4])
    outer = make_group(organization, twice, *listed[:3], listed[5])
    _, robot = make_robot(organization, deny(f"config:product/group/{outer.pk}"), allow("*"))

    assert shown(robot, organization) == [listed[4].pk, *(row.pk for row in listed[6:])]


def test_a_list_in_another_order_and_a_count_leave_the_same_rows_out(organization, big):
    rows = made(organization, *range(12))
    group = make_group(organization, *rows[4:])
    _, robot = make_robot(organization, deny(f"config:product/group/{group.pk}"), allow("*"))
    query = Product.objects.for_organization(organization)

    left = access.visible(robot, query, READ, "config:product")

    assert list(left.order_by("created_at", "id")) == rows[:4]
    assert (left.count(), left.exists()) == (4, True)
    assert list(query.filter(pk__in=left.values("pk")).newest_first()) == rows[3::-1]


def test_a_row_in_two_groups_does_not_stand_for_one_in_none(organization, big):
    rows = made(organization, *range(12))
    groups = [make_group(organization, *rows[:11]) for _ in range(2)]
    denied = deny(*[f"config:product/group/{group.pk}" for group in groups])
    _, robot = make_robot(organization, denied, allow("*"))

    assert shown(robot, organization) == [rows[11].pk]


def test_the_run_that_a_list_begins_with_ends_before_the_first_row_that_is_not_held(
    organization, big
):
    rows = made(organization, *range(20))
    group = make_group(organization, *rows[9:], *rows[:3])

    at, key = merging.Groups(Product, organization.pk, [group.pk]).run_end

    assert (at, key) in [(row.created_at, row.pk) for row in rows[9:12]]


def test_who_names_rows_is_answered_without_a_merge(organization, big):
    rows = made(organization, *range(6))
    group = make_group(organization, *rows[:3])
    _, kept = make_robot(organization, allow(f"config:product/group/{group.pk}"))
    _, barred = make_robot(organization, deny(f"config:product/group/{group.pk}"), allow("*"))

    with mock.patch.object(merging, "MERGED", "not to be asked"):
        for row in rows:
            is_held = row in rows[:3]
            for name in ({"pk": row.pk}, {"code__in": [row.code]}):
                found = [
                    access.visible(
                        one,
                        Product.objects.for_organization(organization).filter(**name),
                        READ,
                        "config:product",
                    ).exists()
                    for one in (kept, barred)
                ]
                assert found == [is_held, not is_held]


def test_a_page_under_a_big_group_costs_a_fixed_number_of_queries(
    organization, big, django_assert_num_queries
):
    rows = made(organization, *range(12))
    group = make_group(organization, *rows[:6], make_group(organization, *rows[4:8]))
    _, kept = make_robot(organization, allow(f"config:product/group/{group.pk}"))
    _, barred = make_robot(organization, deny(f"config:product/group/{group.pk}"), allow("*"))
    query = Product.objects.for_organization(organization)

    # Statements, groups, and the page; for a deny also the run that the list may begin with.
    for principal, count, wanted in ((kept, 3, rows[:8]), (barred, 4, rows[8:])):
        with isolation.within(organization.pk), django_assert_num_queries(count):
            page = access.visible(principal, query, READ, "config:product").newest_first()[:100]
            assert list(page) == wanted[::-1]


def test_what_is_put_in_a_group_keeps_its_place_in_the_list(organization):
    (row,) = made(organization, 5)
    inner = make_group(organization, row)
    outer = make_group(organization, inner)

    places = dict(ResourceGroupItem.objects.values_list("group", "target_created_at"))

    assert places == {inner.pk: row.created_at, outer.pk: None}


def test_a_row_without_a_place_is_refused(organization):
    (row,) = made(organization, 5)
    group = ResourceGroup.objects.create(organization=organization, type="product", name="Group")

    with pytest.raises(IntegrityError, match="has_order"), transaction.atomic():
        ResourceGroupItem.objects.create(
            organization=organization, group=group, target_type="ITEM", target_id=row.pk
        )


# Laws --------------------------------------------------------------------------------------------

LEEWAY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
INDEXES = st.integers(0, 11)
MOMENTS = st.lists(st.integers(0, 5), min_size=12, max_size=12)


class Laws(TestCase):
    """What holds for any rows, groups and statements."""

    @given(data=st.data())
    @LEEWAY
    def test_merged_lists_show_in_order_what_the_pure_engine_allows(self, data):
        organization = make_founded().organization
        rows = made(organization, *data.draw(MOMENTS, "moments"))
        groups: list[ResourceGroup] = []
        for _ in range(3):
            inside = [rows[n] for n in data.draw(st.sets(INDEXES), "rows")]
            inside += (
                data.draw(st.lists(st.sampled_from(groups), unique=True), "nested")
                if groups
                else []
            )
            groups.append(make_group(organization, *inside))
        names = [f"config:product/group/{group.pk}" for group in groups]
        names += [f"config:product/item/{row.pk}" for row in rows[:3]]
        some = st.lists(st.sampled_from([*names, "config:product/group/*"]), min_size=1, max_size=3)
        statements = [allow(*data.draw(some, "allowed")), deny(*data.draw(some, "denied"))]
        statements = data.draw(
            st.sampled_from([statements, statements[:1], [statements[1], allow("*")]]), "statements"
        )
        _, robot = make_robot(organization, *statements)

        wanted = [row.pk for row in self._in_order(rows) if self._is_allowed(statements, row)]
        merged_at_most = data.draw(st.sampled_from([1, 24]), "merged at most")
        with (
            mock.patch.object(narrowing, "FEW", data.draw(st.sampled_from([-1, 4]), "few")),
            mock.patch.object(merging, "FIRST_STEP", 2),
            mock.patch.object(merging, "MERGED_AT_MOST", merged_at_most),
        ):
            assert shown(robot, organization) == wanted
            named = [row.pk for row in rows[:5]]
            assert set(shown(robot, organization, pk__in=named)) == set(wanted) & set(named)

    @staticmethod
    def _in_order(rows):
        return sorted(rows, key=lambda row: (row.created_at, row.pk), reverse=True)

    @staticmethod
    def _is_allowed(statements, row):
        above = resource_groups.above(row.organization_id, row.pk)
        asked = policies.Resource("config", "product", str(row.pk), frozenset(map(str, above)))
        return policies.decide(statements, READ, asked).is_allowed
