"""PURE: the settings of a configuration: who is sent, when, and how lines are put together (A4)."""

from collections.abc import Mapping
from typing import Any

from integrations.runs import account_filter
from integrations.systems import field_mapping
from integrations.systems.base import System
from integrations.systems.invoices import BY_AGGREGATION, SPLITS
from organizations.kernel import ids
from organizations.kernel.errors import FieldRefused, check_each

ACCOUNTS, NOT_ACCOUNTS = "accountIds", "restrictedAccountIds"
TOLD = "disabledNotificationUserIds"
ON_APPROVAL, FILTER = "onlySendOnApproval", "accountFilter"
SPLIT, ZERO_LINES = "splitUsageLineItems", "sendZeroLines"
LISTS, FLAGS = (ACCOUNTS, NOT_ACCOUNTS, TOLD), (ON_APPROVAL, ZERO_LINES)
MOST = 1000


def check(data: Any, system: System | None) -> None:
    """Refuse settings that cannot be followed; what nobody knows is kept as it is."""
    if not isinstance(data, dict):
        raise FieldRefused("configData", "must be an object")
    check_each(
        *(lambda key=key: _list(data, key) for key in LISTS),
        *(lambda key=key: _flag(data, key) for key in FLAGS),
        lambda: _one_of(data, SPLIT, SPLITS),
        lambda: _filter(data),
        *(
            lambda key=key: _fields(data, key, system)
            for key in (field_mapping.KEY, field_mapping.LINE_KEY)
        ),
        *(
            lambda option=option: _option(data, option)
            for option in (system.options if system else ())
        ),
        lambda: _own(data, system),
    )


def is_on_approval(data: Mapping[str, Any]) -> bool:
    """Say whether only approved bills are sent."""
    return bool(data.get(ON_APPROVAL))


def split(data: Mapping[str, Any]) -> str:
    """Return how usage is put together."""
    return str(data.get(SPLIT) or BY_AGGREGATION)


def admits(data: Mapping[str, Any], account: Mapping[str, Any]) -> tuple[bool, str]:
    """Say whether an account is meant, and what is wrong with the filter if it cannot be asked.

    ``account`` is its representation. In both lists means out; the filter comes on top.
    """
    identity = str(account["id"])
    wanted, refused = data.get(ACCOUNTS) or [], data.get(NOT_ACCOUNTS) or []
    if identity in refused or (wanted and identity not in wanted):
        return False, ""
    text = data.get(FILTER)
    return account_filter.ask(text, account) if text else (True, "")


def _refuse(key: str, message: str) -> None:
    raise FieldRefused(f"configData.{key}", message)


def _list(data: Mapping[str, Any], key: str) -> None:
    given = data.get(key)
    if given is None:
        return
    if not isinstance(given, list) or len(given) > MOST:
        _refuse(key, f"must be a list of at most {MOST:,} ids")
    if not all(isinstance(one, str) and ids.parse(one) for one in given):
        _refuse(key, "must hold ids of 36 characters")


def _flag(data: Mapping[str, Any], key: str) -> None:
    if data.get(key) is not None and not isinstance(data[key], bool):
        _refuse(key, "must be true or false")


def _one_of(data: Mapping[str, Any], key: str, words: tuple[str, ...]) -> None:
    if data.get(key) is not None and data[key] not in words:
        _refuse(key, f"must be one of {', '.join(words)}")


def _filter(data: Mapping[str, Any]) -> None:
    text = data.get(FILTER)
    if text is None or text == "":
        return
    if not isinstance(text, str):
        _refuse(FILTER, "must be a string")
    if fault := account_filter.fault(text):
        _refuse(FILTER, fault)


def _fields(data: Mapping[str, Any], key: str, system: System | None) -> None:
    if data.get(key) and system is not None and not system.takes_fields:
        _refuse(key, f"is not for {system.about.name}, which takes no fields of one's own")
    if found := field_mapping.faults(data, key):
        _refuse(key, "; ".join(found))


def _option(data: Mapping[str, Any], option: Any) -> None:
    given = data.get(option.key)
    if given is None:
        return
    if option.kind == "flag":
        _flag(data, option.key)
    elif option.kind == "choice":
        _one_of(data, option.key, tuple(word for word, _ in option.choices))
    elif option.kind == "number":
        is_whole = not isinstance(given, bool) and isinstance(given, int)
        low, high = option.smallest, option.largest
        if not is_whole or (low is not None and given < low) or (high is not None and given > high):
            _refuse(option.key, f"must be an integer from {low} to {high}")
    elif not isinstance(given, str) or len(given) > 500:
        _refuse(option.key, "must be a string of at most 500 characters")


def _own(data: Mapping[str, Any], system: System | None) -> None:
    if system is None:
        return
    try:
        system.check_settings(data)
    except ValueError as error:
        raise FieldRefused("configData", str(error)) from None
