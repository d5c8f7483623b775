"""Addresses of contracts, commitments, balances and charges."""

from billing.api import balances, charges, commitments, contracts
from organizations.kernel.api.views import routes

_OF_BALANCE = "balances/<str:balance>"

urlpatterns = [
    *routes(
        "contracts",
        contracts.ContractViewSet,
        more={"<str:id>/enddatebillingentities": {"put": "end_date"}},
    ),
    *routes("commitments", commitments.CommitmentViewSet, more={"search": {"get": "search"}}),
    *routes("charges", charges.ChargeViewSet),
    *routes(
        f"{_OF_BALANCE}/transactions",
        balances.BalanceTransactionViewSet,
        item={},
        more={"summary": {"get": "summary"}},
    ),
    *routes(
        f"{_OF_BALANCE}/balancetransactionschedules",
        balances.TransactionScheduleViewSet,
        more={"preview": {"post": "preview"}},
    ),
    *routes(
        f"{_OF_BALANCE}/balancechargeschedules",
        balances.ChargeScheduleViewSet,
        more={"preview": {"post": "preview"}},
    ),
    *routes("balances", balances.BalanceViewSet),
]
