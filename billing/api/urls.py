"""Addresses of this app's entities below the organization."""

from billing.api import accounts
from organizations.kernel.api.views import routes

urlpatterns = [
    *routes("accounts", accounts.AccountViewSet, more={"<str:id>/children": {"get": "children"}}),
    *routes(
        "accountplans",
        accounts.AccountPlanViewSet,
        more={"<str:id>/replace": {"post": "replace"}},
    ),
]
