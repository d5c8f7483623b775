"""One resource of an organization: list, create, read, replace, delete, in a few declarations.

A view checks the shape, makes one domain call and answers; rules live in the registry's checks,
in domain functions and in the database. Every answer is a 200 (B1.3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import QuerySet
from django.urls import URLPattern, path
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from organizations import access, audit
from organizations.kernel import changes, ids, outages, registry
from organizations.kernel.api import search
from organizations.kernel.api.filters import Filter, apply, id_list
from organizations.kernel.api.paging import KeysetPagination
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.errors import FieldRefused, Forbidden, NotFound
from organizations.kernel.principals import Principal
from organizations.kernel.zones import zone_of

CRUD_ACTIONS = {
    "list": "config:retrieve",
    "search": "config:retrieve",
    "retrieve": "config:retrieve",
    "create": "config:create",
    "update": "config:update",
    "destroy": "config:delete",
}


WRITING = {"POST", "PUT", "PATCH", "DELETE"}


class TenantViewSet(GenericViewSet):
    """Base of every resource below ``/organizations/{orgId}/``.

    ``filters`` are the query parameters of the list; ``permits`` names the action (and, where it
    is not the model's own, the resource) for each extra action of the view: a view action
    without a declared one fails. An action of None is open to every principal.
    """

    queryset: QuerySet
    serializer_class: type[TenantSerializer]
    pagination_class = KeysetPagination
    metadata_class = None
    lookup_url_kwarg = "id"
    page_size_limit = 100
    page_size_limits: ClassVar[dict[str, int]] = {}  # of single actions, where it differs
    page_order: tuple[str, ...] = ("-created_at", "-id")
    filters: ClassVar[dict[str, Filter]] = {"ids": id_list()}
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {}
    # What an action asks beside that: of each set of (action, resource) one has to be allowed.
    also_needs: ClassVar[dict[str, tuple[frozenset[tuple[str, str]], ...]]] = {}
    # Rows that an address names above its own, by the name in the address: the resource each is
    # of. Whoever may not read one of them gets nowhere below it.
    within: ClassVar[dict[str, str]] = {}
    # For the OpenAPI document: other actions that answer pages, and their query parameters.
    page_actions: ClassVar[tuple[str, ...]] = ()
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {}
    # What the search of this resource may look at (B5.3).
    search_fields: ClassVar[dict[str, search.Field]] = {}

    # Who and where ---------------------------------------------------------------------------

    @property
    def organization_id(self) -> UUID:
        """The organization the doorkeeper let the caller into."""
        return self.request._request.organization_id

    @property
    def principal(self) -> Principal:
        """Who calls."""
        return self.request.user

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the permission before anything is looked up (B9.5)."""
        super().initial(request, *args, **kwargs)
        verb = request.method.lower()
        if request.method in WRITING and hasattr(self, verb):
            setattr(self, verb, outages.again_after_collision(getattr(self, verb)))
        if self.action in {None, "metadata"}:  # "metadata": what REST framework calls OPTIONS
            raise MethodNotAllowed(request.method or "")
        action, resource = self.needed()
        item_id = kwargs.get(self.lookup_url_kwarg)
        for name, above in self.within.items():
            if name in kwargs:
                self.rights.require("config:retrieve", above, kwargs[name])
        if action is None:
            return
        if item_id is None and request.method == "GET":
            self.rights.require_some(action, resource)
        else:
            self.rights.require(action, resource, item_id)
        for either in self.also_needs.get(self.action, ()):
            if not any(self.rights.allows(*one) for one in either):
                raise Forbidden

    @cached_property
    def rights(self) -> access.Rights:
        """What the caller may do, read once a request."""
        return access.Rights(self.principal)

    def needed(self) -> tuple[str | None, str]:
        """Return the action this request needs, and on which resource."""
        action, resource = self.permits.get(self.action) or (CRUD_ACTIONS[self.action], None)
        return action, resource or registry.of(self.queryset.model).name

    def handle_exception(self, exc: Exception) -> Response:
        """Audit a denied call (A9.7); its own transaction, for what was tried is undone."""
        if isinstance(exc, Forbidden) and self.action:
            action, resource = self.permits.get(self.action) or (CRUD_ACTIONS[self.action], None)
            audit.record(
                self.principal,
                action or self.action,
                resource or registry.of(self.queryset.model).name,
                ids.parse(self.kwargs.get(self.lookup_url_kwarg)),
                is_allowed=False,
            )
        return super().handle_exception(exc)

    def get_queryset(self) -> QuerySet:
        """Return the rows of this organization the caller may act on: the one place of scope."""
        rows = self.queryset.all().for_organization(self.organization_id)
        action, resource = self.needed()
        known = registry.find(self.queryset.model)
        if action is None or (known is not None and known.name != resource):
            return rows  # the permission is about other rows, those of the address
        return self.rights.visible(rows, action, resource)

    def readable(self, rows: QuerySet) -> QuerySet:
        """Return those of other rows than the view's own that the caller may read."""
        resource = registry.of(rows.model).name
        self.rights.require_some("config:retrieve", resource)
        return self.rights.visible(rows, "config:retrieve", resource)

    def get_single(self) -> Any:
        """Return the one row of its kind the organization has."""
        row = self.get_queryset().first()
        if row is None:  # there always is one: a policy hides it
            raise Forbidden
        return row

    def get_object(self) -> Any:
        """Return the row of the address; an unknown or malformed id is a 404 (B6.1)."""
        row = self.find(self.get_queryset(), self.kwargs[self.lookup_url_kwarg])
        if self.request.method == "DELETE":  # what is granted on the row goes with it
            self._could_read = self._may_read(row)
        return row

    @staticmethod
    def find(rows: QuerySet, identity: str) -> Any:
        """Return one of ``rows`` by id or raise ``NotFound``."""
        pk = ids.parse(identity)
        found = rows.filter(pk=pk).first() if pk else None
        if found is None:
            raise NotFound(f"No such {rows.model._meta.verbose_name}.")
        return found

    def zone(self) -> tzinfo:
        """Return the organization's timezone, for plain dates where an instant is asked."""
        return zone_of(self.organization_id)

    def get_serializer_context(self) -> dict[str, Any]:
        """Tell fields which organization they are in."""
        context = super().get_serializer_context()
        if getattr(self, "swagger_fake_view", False):
            return context
        return {**context, "organization_id": self.organization_id, "zone": self.zone}

    # What it does ----------------------------------------------------------------------------

    def list(self, request: Request, **kwargs: Any) -> Response:
        """Return a page, newest first."""
        rows, self.asked = apply(self.get_queryset(), self.filters, request.query_params)
        return self.page(self.narrow(rows))

    def narrow(self, rows: QuerySet) -> QuerySet:
        """Narrow the list further by ``self.asked``; for filters without a plain lookup."""
        return rows

    def search(self, request: Request, **kwargs: Any) -> Response:
        """Return the rows a search query finds, a page of them (B5)."""
        found, token = search.run(self.get_queryset(), self.search_fields, request.query_params)
        return Response({"data": self.represent_many(found), "nextToken": token})

    def create(self, request: Request, **kwargs: Any) -> Response:
        """Make a row."""
        values = self.checked().validated_data
        row = self.queryset.model(organization_id=self.organization_id, **values)
        return self.answer(changes.create(row, by=self.principal))

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        """Return one row."""
        return self.answer(self.get_object())

    def update(self, request: Request, **kwargs: Any) -> Response:
        """Replace one row; the body carries the version that was read (B7.3)."""
        row = self.get_object()
        serializer = self.checked(row)
        version = serializer.sent_version()
        if version is None:
            raise FieldRefused("version", "is needed to update: the version you have read")
        with changes.editing(row, by=self.principal, version=version) as locked:
            serializer.replace(locked)
        return self.answer(locked)

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        """Delete one row and return it as it was (B8.1)."""
        return self.answer(changes.delete(self.get_object(), by=self.principal))

    # Pieces ----------------------------------------------------------------------------------

    def checked(self, row: models.Model | None = None) -> Any:
        """Return the serializer with a valid body."""
        serializer = self.get_serializer(row, data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return serializer

    def page(self, rows: QuerySet) -> Response:
        """Return one page of ``rows``, for actions other than ``list``."""
        found = self.paginator.paginate_queryset(rows, self.request, view=self)
        return self.paginator.get_paginated_response(self.represent_many(found))

    def represent(self, row: Any) -> dict[str, Any]:
        """Return how one row looks."""
        return registry.of(row).represent(row)

    def represent_many(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """Return how the rows of a page look."""
        return [self.represent(row) for row in rows]

    def answer(self, row: Any) -> Response:
        """Return a 200 with one row, as the caller may see it."""
        return Response(self.shown(row))

    def shown(self, row: Any) -> dict[str, Any]:
        """Return a row; to whoever writes it but may not read it, id and version (A5.13.11)."""
        may_read = self.request.method not in WRITING or (
            self._may_read(row) if self._could_read is None else self._could_read
        )
        if may_read:
            return self.represent(row)
        return {"id": str(registry.item_id(row)), "version": row.version}

    _could_read: bool | None = None

    def _may_read(self, row: Any) -> bool:
        known = registry.find(type(row))
        return known is None or self.rights.allows(
            "config:retrieve", known.name, registry.item_id(row)
        )


COLLECTION = {"get": "list", "post": "create"}
ITEM = {"get": "retrieve", "put": "update", "delete": "destroy"}


def routes(
    word: str,
    view: type[TenantViewSet],
    *,
    collection: dict[str, str] | None = None,
    item: dict[str, str] | None = None,
    more: dict[str, dict[str, str]] | None = None,
) -> list[URLPattern]:
    """Return the addresses of one resource.

    ``more`` maps a path below the resource's word (``{id}`` spelled ``<str:id>``) to verbs and
    actions; it comes first, so that fixed words win over ids.
    """
    base = f"organizations/<str:orgId>/{word}"

    def bound(actions: dict[str, str]) -> Callable[..., Any]:
        return view.as_view(actions)

    patterns = [path(f"{base}/{tail}", bound(verbs)) for tail, verbs in (more or {}).items()]
    collection = COLLECTION if collection is None else collection
    item = ITEM if item is None else item
    if collection:
        patterns.append(path(base, bound(collection)))
    if item:
        patterns.append(path(f"{base}/<str:id>", bound(item)))
    return patterns
