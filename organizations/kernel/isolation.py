"""Which organization's rows the code that runs now may see: the second wall behind every query.

PostgreSQL's row-level security hides every row of another organization, also from a query that
forgot to ask. Each way in enters one organization with ``within``; work across organizations
says so with ``everywhere``; migrations and partitions are made ``as_owner``. Outside of all
three no row of any organization is seen or written.

Entering and leaving sends nothing: ``kernel.postgresql`` tells a connection before its next
statement, and only when it was told something else before. The scope belongs to the thread or
task that entered it; a new thread starts with none.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

Item = TypeVar("Item")


class Scope(NamedTuple):
    """A database role, by its purpose, and the organization it is for (or an empty text)."""

    role: str
    organization: str = ""


APPLICATION = "application"
NOTHING = Scope(APPLICATION)
EVERYWHERE = Scope("everywhere")
OWNER = Scope("owner")
CUSTOM_SQL = "custom SQL"

_scope: ContextVar[Scope] = ContextVar("scope", default=NOTHING)


class WrongOrganization(RuntimeError):
    """Code that works for one organization was about to touch another; always a fault of ours."""

    def __init__(self, wanted: UUID | str, scope: Scope) -> None:
        where = scope.organization or scope.role
        super().__init__(f"Organization {wanted} is not to be touched from within {where}.")


def roles(application: str) -> tuple[str, str]:
    """Return the names of the application's role and, after it, of the role for all: one word
    decides both (``billwright_app`` has ``billwright_everywhere`` beside it)."""
    return application, f"{application.removesuffix('_app')}_everywhere"


def custom_sql_role(application: str) -> str:
    """Return the name of the role that runs queries people write (usage.md 9.8)."""
    return f"{application.removesuffix('_app')}_custom_sql"


def current() -> Scope:
    """Return what the running code may see."""
    return _scope.get()


@contextmanager
def within(organization_id: UUID | str) -> Iterator[None]:
    """See and write the rows of one organization inside the block; narrows ``everywhere``.

    Raises ``WrongOrganization`` inside of another one: who has to look there says so first.
    """
    wanted, before = str(organization_id), _scope.get()
    if before.organization not in ("", wanted):
        raise WrongOrganization(wanted, before)
    with _entered(Scope(APPLICATION, wanted)):
        yield


@contextmanager
def everywhere() -> Iterator[None]:
    """See and write the rows of all organizations inside the block.

    For what has no organization yet or looks after all of them. docs/isolation.md lists the
    places, and a test holds the list against the code.
    """
    with _entered(EVERYWHERE):
        yield


@contextmanager
def as_owner() -> Iterator[None]:
    """Act as the owner of the tables inside the block, whom no policy binds."""
    with _entered(OWNER):
        yield


@contextmanager
def as_custom_sql(organization_id: UUID | str) -> Iterator[None]:
    """Act inside the block as the role that may read one view, of one organization (9.8)."""
    before = _scope.get()
    if before.organization not in ("", str(organization_id)):
        raise WrongOrganization(organization_id, before)
    with _entered(Scope(CUSTOM_SQL, str(organization_id))):
        yield


@contextmanager
def nothing() -> Iterator[None]:
    """See no organization's rows inside the block."""
    with _entered(NOTHING):
        yield


def require(organization_id: UUID | str) -> None:
    """Raise ``WrongOrganization`` when its rows may not be written here.

    For the few writes that no policy checks.
    """
    scope = _scope.get()
    if scope.organization != str(organization_id) and scope.role == APPLICATION:
        raise WrongOrganization(organization_id, scope)


def carried(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, each made in the scope of this call: for answers that are streamed."""
    context = copy_context()

    def steps() -> Iterator[Item]:
        iterator = context.run(iter, items)
        done: Any = object()
        while (item := context.run(next, iterator, done)) is not done:
            yield item

    return steps()


@contextmanager
def _entered(scope: Scope) -> Iterator[None]:
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)
