"""Addresses of lookup tables, their revisions, data and jobs."""

from catalog.api.lookup_data import DataViewSet
from catalog.api.lookup_jobs import LookupJobViewSet
from catalog.api.lookups import LookupTableViewSet, RevisionViewSet
from organizations.kernel.api.views import routes

REVISIONS = "lookuptables/<str:lookuptable>/revisions"
DATA = f"{REVISIONS}/<str:lookuptablerevision>/data"

urlpatterns = [
    *routes("lookuptables", LookupTableViewSet),
    *routes(REVISIONS, RevisionViewSet, more={"<str:id>/status": {"put": "set_status"}}),
    # Before the addresses of keys, which take any words.
    *routes(
        DATA,
        LookupJobViewSet,
        collection={},
        item={},
        more={
            "copy": {"post": "copy"},
            "generateuploadurl": {"post": "generate"},
            "archived": {"post": "archived"},
            "jobs": {"get": "list"},
            "jobs/download": {"post": "download"},
            "jobs/<str:id>": {"get": "retrieve", "delete": "destroy"},
        },
    ),
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
