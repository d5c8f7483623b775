"""What the apps tell the kernel when Django starts.

For each entity: its resource type for policies, its name in events, how it looks outside, and
what may still refer to it before a delete. Upper apps register here, so that lower ones never
import them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import models

Represent = Callable[[Any], dict[str, Any]]
Follow = Callable[..., None]
ScheduledNames = Callable[[Any], dict[str, str]]
FollowChanges = Callable[[list[Any], str], None]


@dataclass(frozen=True, slots=True)
class Referrer:
    """One kind of row that may stand in the way of a delete."""

    kind: str
    rows: Callable[[Any], models.QuerySet]

    def count(self, row: Any) -> int:
        """Return how many of them refer to the row."""
        return self.rows(row).count()


@dataclass(slots=True)
class Resource:
    """What the kernel knows about one entity.

    ``service`` and ``type`` make its resource name for policies (``config:product``); ``event``
    is the area and entity of its events (``configuration.product``) or None when it has none;
    ``moves_catalog`` says that ingest caches must not outlive a change of it; ``check`` holds the
    rules about other rows and other fields and raises a DomainError before a row is saved.
    ``item_field`` holds the id that policies and the API know a row by. ``follow`` is called in
    the transaction of each change with the rows and what happened: created, updated or deleted.
    """

    model: type[models.Model]
    service: str
    type: str
    event: str | None
    represent: Represent
    moves_catalog: bool = False
    check: Callable[[Any], None] | None = None
    more_checks: list[Callable[[Any], None]] = field(default_factory=list)
    referrers: list[Referrer] = field(default_factory=list)
    item_field: str = "pk"
    follow: FollowChanges | None = None
    # A list of parts in the representation, each with an id, and the event of a part.
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The resource name as policies write it."""
        return f"{self.service}:{self.type}"

    def standing(self, row: Any) -> list[tuple[str, int]]:
        """Return which kinds of rows refer to the row, and how many of each (B8.2)."""
        counted = [(one.kind, one.count(row)) for one in self.referrers]
        return [(kind, count) for kind, count in counted if count]


_resources: dict[type[models.Model], Resource] = {}
_named: dict[type[models.Model], str] = {}
_constraints: dict[str, tuple[str, str]] = {}
_other_events: dict[str, Callable[[], dict[str, Any]]] = {}
_recorded: dict[str, Callable[[], dict[str, Any]]] = {}
_followers: list[Follow] = []
_scheduled: list[ScheduledNames] = []


def register(
    model: type[models.Model],
    resource: str,
    *,
    represent: Represent,
    event: str | None = None,
    moves_catalog: bool = False,
    check: Callable[[Any], None] | None = None,
    item_field: str = "pk",
    follow: FollowChanges | None = None,
) -> None:
    """Make an entity known; called from the apps' ``registration`` modules only."""
    service, _, kind = resource.partition(":")
    _resources[model] = Resource(
        model,
        service,
        kind,
        event,
        represent,
        moves_catalog,
        check,
        item_field=item_field,
        follow=follow,
    )
    _named[model] = resource


def name(model: type[models.Model], resource: str) -> None:
    """Say what policies call rows that ``changes`` never touches: records, deliveries, failures."""
    _named[model] = resource


def named() -> list[tuple[type[models.Model], str, str]]:
    """Return every model policies can speak of, with its resource and the field of its id."""
    return [(model, resource, _item_field(model)) for model, resource in _named.items()]


def _item_field(model: type[models.Model]) -> str:
    return _resources[model].item_field if model in _resources else "pk"


def other_event(name: str, payload: Callable[[], dict[str, Any]]) -> None:
    """Make an event known that no change of an entity records; ``payload`` gives a sample."""
    _other_events[name] = payload


def other_events() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return those events by name."""
    return _other_events


def scheduled_events(names: ScheduledNames) -> None:
    """Let an app above say which events an organization has scheduled, each with the event of the
    entity it is about: ``{"scheduled.bill.dueSoon": "billing.bill"}``."""
    if names not in _scheduled:
        _scheduled.append(names)


def scheduled_by(organization_id: Any) -> dict[str, str]:
    """Return the scheduled events of an organization by name."""
    return {name: event for names in _scheduled for name, event in names(organization_id).items()}


def has_parts(model: type[models.Model], key: str, event: str) -> None:
    """Say that parts of an entity have events of their own: the maps in the list ``key``."""
    _resources[model].parts[key] = event


def recorded(event: str, payload: Callable[[], dict[str, Any]]) -> None:
    """Make an entity known by its events alone: a module of its own changes it and records them."""
    _recorded[event] = payload


def recorded_entities() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return those entities by their events."""
    return _recorded


def also_check(model: type[models.Model], check: Callable[[Any], None]) -> None:
    """Let an app above add a rule about its own rows to an entity of an app below."""
    if check not in _resources[model].more_checks:
        _resources[model].more_checks.append(check)


def refers(model: type[models.Model], kind: str, rows: Callable[[Any], models.QuerySet]) -> None:
    """Say that rows of ``kind`` may refer to a ``model`` row; ``rows`` finds them (B8.2)."""
    _resources[model].referrers.append(Referrer(kind, rows))


def follow_deletes(follow: Follow) -> None:
    """Call ``follow(rows, by=...)`` in the transaction that has deleted rows of one model."""
    if follow not in _followers:
        _followers.append(follow)


def followers() -> list[Follow]:
    """Return what wants to know of deleted rows."""
    return _followers


def item_id(row: models.Model) -> Any:
    """Return the id policies and the API know a row by."""
    return getattr(row, of(row).item_field)


def of_type(kind: str) -> Resource | None:
    """Return the first entity of a resource type (in lower case) whose rows are a tenant's."""
    for resource in _resources.values():
        has_tenant = any(one.name == "organization" for one in resource.model._meta.fields)
        if has_tenant and resource.type.lower() == kind:
            return resource
    return None


def explain_constraint(name: str, field_name: str, message: str) -> None:
    """Give the sentence for a violated database constraint and the wire's field it is about."""
    _constraints[name] = (field_name, message)


def of(model: type[models.Model] | models.Model) -> Resource:
    """Return what is known about a model (or the model of a row)."""
    return _resources[model if isinstance(model, type) else type(model)]


def find(model: type[models.Model]) -> Resource | None:
    """Return what is known about a model, or None when it was not made known."""
    return _resources.get(model)


def constraint_explanation(name: str) -> tuple[str, str]:
    """Return wire field and sentence for a constraint; the name itself when none was given."""
    if name in _constraints:
        return _constraints[name]
    if name.endswith("_code_unique"):
        kind = name.removesuffix("_code_unique").replace("_", " ")
        return "code", f"another {kind} of this organization already has this code"
    return "", f"refused by rule {name.replace('_', ' ')}"


def resources() -> list[Resource]:
    """Return every entity made known."""
    return list(_resources.values())
