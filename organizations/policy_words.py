"""PURE: the words policies are written in: actions, services, resource types and their aliases.

Both spellings of an action are one (A5.9): ``config:create`` and ``CONFIG_CREATE``. Types are
compared without letter case; ``config`` and ``billing`` are one service for the five billing
types, and ``user`` is ``orgUser`` (A5.11).
"""

from __future__ import annotations

import re
from functools import lru_cache

EVERY_ACTION = frozenset({"all", "*", "*:*"})
# Area and verbs of every action (A5.8).
ACTIONS: dict[str, tuple[str, ...]] = {
    "config": ("create", "retrieve", "update", "delete", "export"),
    "analytics": ("query",),
    "measurements": ("upload", "fileupload", "retrieve", "export"),
    "forecast": ("retrieve",),
    "healthscores": ("retrieve",),
    "anomalies": ("retrieve",),
    "exports": ("download",),
    "marketplaceusage": ("create", "retrieve"),
    "audit": ("retrieve",),
}
BILLING_TYPES = ("bill", "billLineItem", "billJob", "billConfig", "statementJob")
RESOURCES: dict[str, tuple[str, ...]] = {
    "config": (
        "organizationConfig", "currency", "creditReason", "debitReason", "transactionType",
        "billGroupingKey", "customField", "orgUser", "orgUserInvitation", "serviceUser",
        "accessKey", "permissionPolicy", "resourceGroup", "support", "product", "meter",
        "meterGroup", "aggregation", "compoundAggregation", "counter", "counterPricing",
        "counterAdjustment", "planTemplate", "plan", "planGroup", "planGroupLink", "pricing",
        "account", "accountPlan", "contract", "commitment", "balance", "balanceTransaction",
        "balanceTransactionSchedule", "balanceChargeSchedule", "charge", "lookupTable",
        "lookupTableRevision", "lookupTableData", "statementDefinition",
        "notificationConfiguration", "scheduledEventConfiguration", "event",
        "integrationConfiguration", "integrationRun", "integrationCredentials",
        "externalMapping", "webhookDestination", "exportDestination", "exportSchedule",
        "exportJob", "savedQuery", "analyticsJob", "lateUsage", "lateUsageRule", "rehearsal",
    ),
    "billing": BILLING_TYPES,
    "analytics": ("usage", "bill", "commitment"),
    "data": ("measurement", "fileUpload"),
    "audit": ("entry",),
}  # fmt: skip
TYPE_ALIASES = {"user": "orguser"}

_PAIRS = {area + verb: (area, verb) for area, verbs in ACTIONS.items() for verb in verbs}
_VERBS = frozenset(verb for verbs in ACTIONS.values() for verb in verbs)
_BILLING = frozenset(kind.lower() for kind in BILLING_TYPES)
_TYPES = {
    (service, kind.lower()): kind for service, kinds in RESOURCES.items() for kind in kinds
} | {("config", kind.lower()): kind for kind in BILLING_TYPES}
_SEGMENT = re.compile(r"[^\s\x00-\x1f\x7f\ud800-\udfff/:*]{1,100}")


def normal_action(action: str) -> str:
    """Return lower case without ``:``, ``_`` and ``-``; CONFIG_CREATE = config:create."""
    return action.lower().replace(":", "").replace("_", "").replace("-", "")


@lru_cache(maxsize=1024)
def action_parts(action: str) -> tuple[str, str] | None:
    """Return area and verb of an action, ``*`` for "every"; None when there is no such action.

    A wildcard stands for a whole segment: ``config:*``, ``CONFIG_*``, ``*:retrieve``.
    """
    if action.lower() in EVERY_ACTION:
        return "*", "*"
    normal = normal_action(action)
    if normal in _PAIRS:
        return _PAIRS[normal]
    if action.endswith((":*", "_*")):
        area = "marketplaceusage" if normal == "marketplace*" else normal[:-1]
        return (area, "*") if area in ACTIONS else None
    if action.startswith(("*:", "*_")):
        return ("*", normal[1:]) if normal[1:] in _VERBS else None
    return None


@lru_cache(maxsize=4096)
def normal_type(service: str, kind: str) -> tuple[str, str] | None:
    """Return service and type as they are compared, ``*`` kept; None when there is no such type.

    The five billing types stand under ``billing``, whichever service was written.
    """
    service, kind = service.lower(), kind.lower()
    kind = TYPE_ALIASES.get(kind, kind)
    if service != "*" and service not in RESOURCES:
        return None
    if kind == "*":
        return service, kind
    if service == "*":
        return (service, kind) if any(kind == known for _, known in _TYPES) else None
    if (service, kind) not in _TYPES:
        return None
    return ("billing" if service == "config" and kind in _BILLING else service), kind


def group_type(word: str) -> str | None:
    """Return the type of a resource group as it is compared, or None for an unknown word."""
    kind = TYPE_ALIASES.get(word.lower(), word.lower())
    return kind if any(kind == known for _, known in _TYPES) else None


def is_segment(text: str) -> bool:
    """Return whether the text can be an id in a resource: printable, no ``/``, ``:`` or ``*``."""
    return _SEGMENT.fullmatch(text) is not None


def type_name(service: str, kind: str) -> str:
    """Return a type that ``normal_type`` returned in the letter case of A5.11."""
    if service == "*":
        return next((name for (_, known), name in _TYPES.items() if known == kind), kind)
    return _TYPES.get((service, kind), kind)
