"""Which policies and groups principals have: summaries for lists, choices for forms (C13).

Attaching a policy needs the permission to update the policy as well as the principal (A5.12): a
form offers only policies and groups its reader may update, and keeps all others as they are.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from organizations import attachments, resource_groups
from organizations.kernel.console import show
from organizations.models import (
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
    ResourceGroup,
    ResourceGroupItem,
    TargetType,
)


def policy_names(
    organization: Any, kind: PrincipalType, principal_ids: Iterable[UUID]
) -> dict[UUID, list[str]]:
    """Return the names of the policies attached to each principal; one query."""
    attached = PolicyAttachment.objects.for_organization(organization).filter(
        principal_type=kind, principal_id__in=list(principal_ids)
    )
    return _collected(attached.values_list("principal_id", "policy__name"))


def group_names(organization: Any, target_ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """Return the names of the groups that hold each row directly; one query."""
    items = ResourceGroupItem.objects.for_organization(organization).filter(
        target_type=TargetType.ITEM, target_id__in=list(target_ids)
    )
    return _collected(items.values_list("target_id", "group__name"))


def _collected(pairs: Iterable[tuple[UUID, str]]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {}
    for key, name in pairs:
        found.setdefault(key, []).append(name)
    return {key: sorted(names) for key, names in found.items()}


def summary(names: list[str]) -> str:
    """Return names for a narrow cell; all of them when one points at it."""
    if not names:
        return show.NOTHING
    text = ", ".join(names)
    return format_html('<span class="bw-summary" title="{}">{}</span>', text, text)


# Choices in forms ------------------------------------------------------------------------------


class PoliciesForm(forms.Form):
    """The field of a principal's policies."""

    policies = forms.ModelMultipleChoiceField(
        queryset=PermissionPolicy.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(attrs={"class": "bw-scroll"}),
    )


class GroupsForm(forms.Form):
    """The field of a person's user groups."""

    groups = forms.ModelMultipleChoiceField(
        queryset=ResourceGroup.objects.none(),
        required=False,
        label="User groups",
        widget=UnfoldAdminCheckboxSelectMultipleWidget(attrs={"class": "bw-scroll"}),
    )


def offer_policies(
    request: HttpRequest,
    field: Any,
    attached: Iterable[UUID],
    needed: str = "config:update",
) -> None:
    """Let a form offer the policies this person may attach, and tick those attached."""
    rows = PermissionPolicy.objects.for_organization(request.organization)
    seen = request.permissions.visible(rows, needed, "config:permissionPolicy")
    field.queryset = seen.order_by("name", "pk")
    field.initial = list(attached)


def offer_groups(request: HttpRequest, field: Any, member_of: Iterable[UUID]) -> None:
    """Let a form offer the user groups this person may change, and tick those it is in."""
    rows = ResourceGroup.objects.for_organization(request.organization).filter(
        type=resource_groups.USER_TYPE
    )
    seen = request.permissions.visible(rows, "config:update", "config:resourceGroup")
    field.queryset = seen.order_by("name", "pk")
    field.initial = list(member_of)


def shown_policies(organization: Any, kind: PrincipalType, principal_id: UUID) -> str:
    """Return the names of a principal's policies for somebody who may only read."""
    return ", ".join(policy_names(organization, kind, [principal_id]).get(principal_id, [])) or (
        show.NOTHING
    )


def attached_to(organization: Any, kind: PrincipalType, principal_id: UUID) -> dict[UUID, Any]:
    """Return the policies attached to one principal by their ids."""
    rows = PermissionPolicy.objects.for_organization(organization).filter(
        attachments__principal_type=kind, attachments__principal_id=principal_id
    )
    return {row.pk: row for row in rows}


def choose_policies(
    request: HttpRequest, kind: PrincipalType, principal_id: UUID, form: forms.BaseForm
) -> None:
    """Attach and detach so that what the form offered is as it was ticked."""
    if "policies" not in form.fields:
        return
    offered = {row.pk: row for row in form.fields["policies"].queryset}
    wanted = {row.pk for row in form.cleaned_data["policies"]}
    held = attached_to(request.organization, kind, principal_id).keys() & offered.keys()
    for key in wanted - held:
        attachments.attach(offered[key], kind, principal_id, by=request.principal)
    for key in held - wanted:
        attachments.detach(offered[key], kind, principal_id, by=request.principal)


def choose_groups(request: HttpRequest, user_id: UUID, form: forms.BaseForm) -> None:
    """Put a person into the groups that are ticked, out of the others that were offered."""
    if "groups" not in form.fields:
        return
    offered = {row.pk: row for row in form.fields["groups"].queryset}
    wanted = {row.pk for row in form.cleaned_data["groups"]}
    inside = groups_of(request.organization, user_id).keys() & offered.keys()
    for key in wanted - inside:
        resource_groups.add(offered[key], TargetType.ITEM, user_id, by=request.principal)
    for key in inside - wanted:
        resource_groups.remove(offered[key], TargetType.ITEM, user_id, by=request.principal)


def groups_of(organization: Any, user_id: UUID) -> dict[UUID, ResourceGroup]:
    """Return the user groups that hold a person directly, by their ids."""
    rows = resource_groups.holding(getattr(organization, "pk", organization), user_id)
    return {row.pk: row for row in rows}
