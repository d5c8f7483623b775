"""Derive guardian's object permissions from policies, in the transaction of every change (A5.14).

Policies and attachments are the truth; this module is the only one that writes grants. A
type-wide allow is a permission of the holder's hidden group on the organization row, an allow of
one row a permission on that row; nothing is granted model-wide. Statements about resource groups
and denies stay queries: a policy on a group of 100,000 rows writes no 100,000 grants.

A permission row is made when it is first granted: the words of policies are many, those in use
are few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import models, transaction
from guardian.models import GroupObjectPermission

from organizations import holders, permission_names, policies, policy_words
from organizations.holders import Holder
from organizations.kernel import changes, registry
from organizations.kernel.errors import NotFound
from organizations.models import Organization, PrincipalType

AT_ONCE = 500
# A permission is known by content type and codename; a grant adds the row.
Wanted = tuple[int, str, str]


def derive(organization_id: UUID, asked: Iterable[Holder]) -> None:
    """Make the grants of these holders what their statements say now; of those gone, none."""
    asked = sorted(set(asked))
    with transaction.atomic():
        for start in range(0, len(asked), AT_ONCE):
            _derive(organization_id, asked[start : start + AT_ONCE])


def rederive(organization_id: UUID) -> None:
    """Rebuild every grant of an organization from its policies.

    Raises ``NotFound``, and takes nothing away, where its rows cannot be seen.
    """
    if not Organization.objects.filter(pk=organization_id).exists():
        raise NotFound("No such organization.")
    with transaction.atomic():
        known = holders.of_organization(organization_id)
        derive(organization_id, known)
        names = {holders.name(organization_id, holder) for holder in known}
        hidden = Group.objects.filter(name__startswith=holders.prefix(organization_id))
        hidden.exclude(name__in=names).delete()
        # Who may send measurements is remembered at a revision.
        changes.raise_catalog_revision([organization_id])


def rederive_all() -> int:
    """Rebuild the grants of every organization; return how many there are."""
    organization_ids = list(Organization.objects.order_by("pk").values_list("pk", flat=True))
    for organization_id in organization_ids:
        rederive(organization_id)
    return len(organization_ids)


# What changed ------------------------------------------------------------------------------------


def follow_policies(rows: list[Any], verb: str) -> None:
    """Policies were changed; those deleted were detached before."""
    if verb == "updated":
        derive(rows[0].organization_id, holders.of_policy([row.pk for row in rows]))


def follow_attachments(rows: list[Any], verb: str) -> None:
    """Policies were attached or detached."""
    derive(rows[0].organization_id, [holders.of_attachment(row) for row in rows])


def follow_members(rows: list[Any], verb: str) -> None:
    """People came, changed or went; a policy may have named them before they came."""
    for row in rows:
        told = {Holder(str(PrincipalType.USER), row.user_id)}
        if verb == "created":
            told |= holders.naming(row.organization_id, str(row.user_id))
        derive(row.organization_id, told)


def follow_service_users(rows: list[Any], verb: str) -> None:
    """Service users were made, or are gone."""
    if verb != "updated":
        told = [Holder(str(PrincipalType.SERVICEUSER), row.pk) for row in rows]
        derive(rows[0].organization_id, told)


def follow_support(rows: list[Any], verb: str) -> None:
    """The window for support users was set; whether it is open is asked when it matters."""
    for row in rows:
        told = {Holder(str(PrincipalType.SUPPORTUSERS), row.organization_id)}
        if verb == "created":
            told |= holders.naming(row.organization_id, str(row.pk))
        derive(row.organization_id, told)


def follow_groups(rows: list[Any], verb: str) -> None:
    """User groups that are gone hold nothing any more."""
    if verb == "deleted":
        told = [Holder(str(PrincipalType.USERGROUP), row.pk) for row in rows]
        derive(rows[0].organization_id, told)


def forget(rows: list[Any], *, by: Any) -> None:
    """Take away what was granted on rows that are gone."""
    kind = ContentType.objects.get_for_model(type(rows[0]))
    GroupObjectPermission.objects.filter(
        content_type=kind, object_pk__in=[str(row.pk) for row in rows]
    )._raw_delete("default")


# Deriving ----------------------------------------------------------------------------------------


def _derive(organization_id: UUID, asked: list[Holder]) -> None:
    groups = _locked_groups([holders.name(organization_id, holder) for holder in asked])
    # Read after the lock: two changes at once of one principal must not each miss the other.
    spoken = holders.statements_of(organization_id, asked)
    wanted: dict[int, set[Wanted]] = {}
    gone = []
    rows = _rows_named(organization_id, spoken.values())
    for holder in asked:
        group_id = groups[holders.name(organization_id, holder)]
        if holder in spoken:
            wanted[group_id] = _wanted(organization_id, spoken[holder], rows)
        else:
            gone.append(group_id)
    _store(wanted)
    if gone:
        Group.objects.filter(pk__in=gone).delete()


def _locked_groups(names: list[str]) -> dict[str, int]:
    """Return the ids of the groups by name, made where missing, locked in order of name."""
    locked = Group.objects.select_for_update().filter(name__in=names).order_by("name")
    found = dict(locked.values_list("name", "pk"))
    if missing := [one for one in names if one not in found]:
        Group.objects.bulk_create([Group(name=one) for one in missing], ignore_conflicts=True)
        found = dict(locked.values_list("name", "pk"))
    return found


def _rows_named(
    organization_id: UUID, lists: Iterable[Sequence[policies.Statement]]
) -> dict[tuple[str, str, str], list[tuple[int, str]]]:
    """Return content type and key of each row that any of the statements allows something on.

    A statement may name what does not exist: it means nothing then (A5.10).
    """
    keys = {key for statements in lists for key in permission_names.allowed(statements).rows}
    found: dict[tuple[str, str, str], list[tuple[int, str]]] = defaultdict(list)
    if not keys:
        return found
    for model, resource, item_field in registry.named():
        about = {key for key in keys if _is_about(key, resource)}
        kind = ContentType.objects.get_for_model(model).pk if about else 0
        for identity, pk in _existing(model, item_field, organization_id, about):
            for key in about:
                if key[2] == identity:
                    found[key].append((kind, pk))
    return found


def _is_about(key: tuple[str, str, str], resource: str) -> bool:
    known = policy_words.normal_type(*resource.split(":"))
    return known is not None and policies.Pattern(key[0], key[1], "item", key[2]).is_about(*known)


def _existing(
    model: type[models.Model],
    item_field: str,
    organization_id: UUID,
    keys: Iterable[tuple[str, str, str]],
) -> Iterator[tuple[str, str]]:
    """Yield item id and primary key, as text, of the rows of the organization among these."""
    column = model._meta.pk if item_field == "pk" else model._meta.get_field(item_field)
    identities = [one for key in keys if (one := _converted(column, key[2])) is not None]
    if not identities:
        return
    owner = "pk" if model is Organization else "organization_id"
    rows = model._base_manager.filter(**{owner: organization_id, f"{item_field}__in": identities})
    for identity, pk in rows.values_list(item_field, "pk"):
        yield str(identity), str(pk)


def _converted(column: Any, text: str) -> Any:
    try:
        return (column.target_field if column.is_relation else column).to_python(text)
    except ValidationError:
        return None


def _wanted(
    organization_id: UUID,
    statements: Sequence[policies.Statement],
    rows: dict[tuple[str, str, str], list[tuple[int, str]]],
) -> set[Wanted]:
    allowed = permission_names.allowed(statements)
    organization_kind = ContentType.objects.get_for_model(Organization).pk
    wide = {(organization_kind, one, str(organization_id)) for one in allowed.types}
    return wide | {
        (kind, action, pk)
        for key, actions in allowed.rows.items()
        for kind, pk in rows.get(key, ())
        for action in actions
    }


def _store(wanted: dict[int, set[Wanted]]) -> None:
    """Make the grants of each group exactly these, writing only what differs."""
    stored = GroupObjectPermission.objects.filter(group_id__in=wanted).values_list(
        "pk", "group_id", "content_type_id", "permission__codename", "object_pk"
    )
    superfluous = []
    missing = {group_id: set(grants) for group_id, grants in wanted.items()}
    for pk, group_id, kind, codename, object_pk in stored:
        if (kind, codename, object_pk) in missing[group_id]:
            missing[group_id].discard((kind, codename, object_pk))
        else:
            superfluous.append(pk)
    if superfluous:
        GroupObjectPermission.objects.filter(pk__in=superfluous).delete()
    permissions = _permissions({grant[:2] for grants in missing.values() for grant in grants})
    GroupObjectPermission.objects.bulk_create(
        [
            GroupObjectPermission(
                group_id=group_id,
                permission_id=permissions[kind, codename],
                content_type_id=kind,
                object_pk=object_pk,
            )
            for group_id, grants in missing.items()
            for kind, codename, object_pk in sorted(grants)
        ],
        batch_size=5000,
    )


def _permissions(keys: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Return the ids of permissions by content type and codename, made where missing."""
    if not keys:
        return {}
    either = models.Q()
    for kind in sorted({kind for kind, _ in keys}):
        names = sorted(codename for one, codename in keys if one == kind)
        either |= models.Q(content_type_id=kind, codename__in=names)
    rows = Permission.objects.filter(either).order_by()
    found = {(kind, codename): pk for pk, kind, codename in _triples(rows)}
    if missing := sorted(keys - found.keys()):
        Permission.objects.bulk_create(
            [
                Permission(content_type_id=kind, codename=codename, name=f"Policy: {codename}")
                for kind, codename in missing
            ],
            ignore_conflicts=True,
        )
        found = {(kind, codename): pk for pk, kind, codename in _triples(rows.all())}
    return found


def _triples(rows: Any) -> Iterator[tuple[int, int, str]]:
    yield from rows.values_list("pk", "content_type_id", "codename")
