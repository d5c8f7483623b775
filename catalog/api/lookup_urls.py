"""Addresses of lookup tables, their revisions, data and jobs."""

from catalog.api.lookup_data import DataViewSet
from catalog.api.lookups import LookupTableViewSet, RevisionViewSet
from organizations.kernel.api.views import routes

REVISIONS = "lookuptables/<str:lookuptable>/revisions"
DATA = f"{REVISIONS}/<str:lookuptablerevision>/data"

urlpatterns = [
    *routes("lookuptables", LookupTableViewSet),
    *routes(REVISIONS, RevisionViewSet, more={"<str:id>/status": {"put": "set_status"}}),
    *routes(
        DATA,
        DataViewSet,
        collection={"get": "whole", "put": "put", "delete": "delete_all"},
        item={},
        more={
            "<path:lookupKey>": {"get": "item", "put": "put_item", "delete": "delete_item"},
        },
    ),
]
