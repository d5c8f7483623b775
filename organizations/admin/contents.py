"""What a group holds, a page at a time, with names and links; and where the group itself is."""

from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import escape, format_html_join

from organizations import policy_targets
from organizations.kernel import ids, registry
from organizations.kernel.console import linking, show
from organizations.models import ResourceGroup, ResourceGroupItem, TargetType

PAGE = 50
MOST_OUTER = 20
MOST_COUNTED = 1000
COUNTS = """
    SELECT wanted.id, item.target_type, count(*)
    FROM unnest(%s::uuid[]) AS wanted(id), LATERAL (
        SELECT target_type FROM organizations_resourcegroupitem
        WHERE group_id = wanted.id LIMIT %s
    ) AS item
    GROUP BY wanted.id, item.target_type
"""


def page(request: HttpRequest, group: ResourceGroup) -> dict[str, Any]:
    """Return up to 50 rows and groups, newest first; a fixed number of queries.

    ``?in=`` searches by name, code or id; ``?after=`` is the id of the last item of a page.
    """
    text = request.GET.get("in", "").strip()[:200]
    items = ResourceGroupItem.objects.filter(group=group)
    if text:
        items = items.filter(_named(group, text))
    last = ResourceGroupItem.objects.filter(
        group=group, pk=ids.parse(request.GET.get("after", ""))
    ).first()
    if last is not None:
        older = Q(created_at=last.created_at, pk__lt=last.pk)
        items = items.filter(Q(created_at__lt=last.created_at) | older)
    rows = list(items.order_by("-created_at", "-pk")[: PAGE + 1])
    shown = rows[:PAGE]
    known = _known(request, group, shown)
    return {
        "rows": [_entry(item, known) for item in shown],
        "text": text,
        "after": shown[-1].pk if len(rows) > PAGE else None,
        "is_later": last is not None,
    }


def outer_groups(request: HttpRequest, group: ResourceGroup) -> str:
    """Return links to the groups that hold the group directly, the first 20."""
    holding = ResourceGroup.objects.filter(
        organization_id=group.organization_id,
        items__target_type=TargetType.GROUP,
        items__target_id=group.pk,
    ).order_by("name", "pk")[:MOST_OUTER]
    links = ((link,) for link in _links(request, holding))
    return format_html_join(", ", "{}", links) or show.NOTHING


def _links(request: HttpRequest, rows: Any) -> list[str]:
    found = list(rows)
    urls = linking.to_rows(request, ResourceGroup, [row.pk for row in found])
    return [
        show.linked(urls[row.pk], escape(row.name)) if row.pk in urls else escape(row.name)
        for row in found
    ]


def _named(group: ResourceGroup, text: str) -> Q:
    """Return the condition that the item's row or group fits the text."""
    resource = registry.of_type(group.type)
    groups = ResourceGroup.objects.filter(
        organization_id=group.organization_id, type=group.type, name__icontains=text
    )
    either = Q(target_type=TargetType.GROUP, target_id__in=groups.values("pk"))
    if resource is not None:
        rows = resource.model._base_manager.filter(
            policy_targets.matching(resource, text), organization_id=group.organization_id
        )
        either |= Q(target_type=TargetType.ITEM, target_id__in=rows.values(resource.item_field))
    return either


def _known(
    request: HttpRequest, group: ResourceGroup, items: list[ResourceGroupItem]
) -> dict[UUID, tuple[str, str]]:
    """Return name of each target, and the address of its page where the person may see it."""
    wanted = {item.target_id for item in items}
    groups = ResourceGroup.objects.filter(
        organization_id=group.organization_id, type=group.type, pk__in=wanted
    )
    urls = linking.to_rows(request, ResourceGroup, wanted)
    known = {row.pk: (row.name, urls.get(row.pk, "")) for row in groups}
    resource = registry.of_type(group.type)
    if resource is None:
        return known
    rows = policy_targets.rows_of(resource, group.organization_id).filter(
        **{f"{resource.item_field}__in": wanted}
    )
    found = list(rows)
    urls = linking.to_rows(request, resource.model, [row.pk for row in found])
    for row in found:
        known[registry.item_id(row)] = (policy_targets.name_of(row), urls.get(row.pk, ""))
    return known


def _entry(item: ResourceGroupItem, known: dict[UUID, tuple[str, str]]) -> dict[str, Any]:
    name, url = known.get(item.target_id, (str(item.target_id), ""))
    return {
        "name": name,
        "url": url,
        "is_group": item.target_type == TargetType.GROUP,
        "target": f"{item.target_type}:{item.target_id}",
        "since": item.created_at,
    }


def counts(group_ids: list[UUID]) -> dict[UUID, dict[str, int]]:
    """Return how many rows and groups are in each group, counted to 1,001 together; one query."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [group_ids, MOST_COUNTED + 1])
        found: dict[UUID, dict[str, int]] = {}
        for group_id, kind, count in cursor.fetchall():
            found.setdefault(group_id, {})[kind] = count
    return found
