"""Addresses of this app's entities below the organization."""

from billing.api import (
    accounts,
    agreement_urls,
    bill_jobs,
    bill_life_urls,
    bills,
    counters,
    documents,
    measurement_schema,
    memos,
    uploads,
    usage_queries,
)
from organizations.kernel.api import openapi
from organizations.kernel.api.views import routes

openapi.describe(measurement_schema.PATHS)

urlpatterns = [
    *agreement_urls.urlpatterns,
    *bill_life_urls.urlpatterns,
    *routes(
        "accounts",
        accounts.AccountViewSet,
        more={
            "search": {"get": "search"},
            "<str:id>/children": {"get": "children"},
            "<str:id>/enddatebillingentities": {"put": "end_date"},
        },
    ),
    *routes(
        "accountplans",
        accounts.AccountPlanViewSet,
        more={"<str:id>/replace": {"post": "replace"}},
    ),
    *routes(
        "billjobs",
        bill_jobs.BillJobViewSet,
        item={"get": "retrieve"},
        more={
            "recalculate": {"post": "recalculate"},
            "<str:id>/cancel": {"post": "cancel"},
            "<str:id>/retry": {"post": "retry"},
            "<str:id>/parked": {"get": "parked"},
        },
    ),
    *routes(
        "bills",
        bills.BillViewSet,
        collection={"get": "list"},
        item={"get": "retrieve", "delete": "destroy"},
        more={
            "search": {"get": "search"},
            "approve": {"post": "approve_many"},
            "preview": {"post": "preview"},
            "accountid/<str:account>": {"get": "of_account"},
            "latest/<str:account>": {"get": "latest"},
            "billingperiod/<str:day>/<str:frequency>": {"get": "of_period"},
            "billingperiod/<str:day>/<str:frequency>/approve": {"post": "approve_period"},
            "<str:id>/status": {"put": "status"},
            "<str:id>/lock": {"put": "lock"},
        },
    ),
    *routes(
        "bills",
        documents.BillDocumentViewSet,
        collection={},
        item={},
        more={"<str:id>/pdf": {"get": "pdf"}},
    ),
    *routes(
        "bills/<str:bill>/lineitems",
        documents.LineItemExplanationViewSet,
        collection={},
        item={},
        more={"<str:id>/explanation": {"get": "explanation"}},
    ),
    *routes(
        "bills/<str:bill>/lineitems",
        bills.LineItemViewSet,
        collection={"get": "of_bill"},
        item={"get": "retrieve"},
    ),
    *counters.urlpatterns,
    *memos.urlpatterns,
    *uploads.urlpatterns,
    *usage_queries.urlpatterns,
    *routes("lineitems", bills.LineItemViewSet, collection={"get": "list"}, item={}),
]
