"""Which accounts a person has looked at, latest first: remembered by their session (C0)."""

from django.http import HttpRequest

from billing.models import Account

KEY = "recent_accounts"
MOST = 8


def note(request: HttpRequest, account: Account) -> None:
    """Remember that the person looks at an account of the organization they work in."""
    kept = request.session.get(KEY, {})
    place, visited = str(request.organization.pk), str(account.pk)
    before = kept.get(place, [])
    if before[:1] == [visited]:
        return
    others = [one for one in before if one != visited]
    request.session[KEY] = {**kept, place: [visited, *others][:MOST]}


def latest(request: HttpRequest) -> list[Account]:
    """Return the accounts looked at last that exist and that the person may still see."""
    visited = request.session.get(KEY, {}).get(str(request.organization.pk), [])
    if not visited:
        return []
    rows = Account.objects.for_organization(request.organization).filter(pk__in=visited)
    seen = request.permissions.visible(rows, "config:retrieve", "config:account")
    found = {str(account.pk): account for account in seen}
    return [found[one] for one in visited if one in found]
