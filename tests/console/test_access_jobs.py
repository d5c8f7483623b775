"""The acceptance jobs of access in a real browser (C15.1 - C15.4, C15.9, C15.10)."""

import base64
import json
import urllib.error
import urllib.request
from datetime import timedelta

import pytest
from django.core import mail

from catalog.models import Meter, Product
from organizations import access, resource_groups, tokens
from organizations.kernel import clock, principals
from organizations.models import (
    AccessKey,
    AuditEntry,
    Invitation,
    Membership,
    PermissionPolicy,
    ResourceGroup,
    ServiceUser,
    SupportAccess,
    User,
)
from tests import factories
from tests.console.browsing import Visit, chromium  # noqa: F401  (a fixture)
from tests.console.clients import address, make_person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "a-long-secret"
# A refused page is an answer with status 403, which the browser mentions; it then asks for an icon.
REFUSED = ("status of 403", "status of 404")


@pytest.fixture
def visit(live_server, chromium):  # noqa: F811
    """Return a function that opens a window; scripts must not complain in any of them."""
    opened = []

    def open_window():
        window = Visit(chromium, live_server.url, viewport={"width": 1400, "height": 1000})
        opened.append(window)
        return window

    yield open_window
    complaints = [
        each
        for window in opened
        for each in window.complaints
        if not any(one in each for one in REFUSED)
    ]
    outside = [each for window in opened for each in window.outside()]
    for window in opened:
        window.context.close()
    assert (complaints, outside) == ([], [])


@pytest.fixture
def founded(transactional_db):
    """An organization with an administrator who has a name."""
    made = factories.make_founded(admin_password=PASSWORD)
    User.objects.filter(pk=made.admin.pk).update(first_name="Ada", last_name="Lindqvist")
    return made


@pytest.fixture
def later(monkeypatch):
    """Return a function that moves the clock of every thread of this process."""
    real, shift = clock.now, [timedelta()]
    monkeypatch.setattr(clock, "now", lambda *some: real(*some) + shift[0])

    def move(by):
        shift[0] += by

    return move


def areas(page):
    """Return which of some pages the sidebar leads to."""
    wanted = ("product/", "meter/", "bill/", "permissionpolicy/", "auditentry/")
    links = page.eval_on_selector_all("a[href]", "all => all.map(one => one.pathname)")
    return [each for each in wanted if any(link.endswith(f"/{each}") for link in links)]


def status(page, url):
    """Open an address and return the status."""
    return page.goto(url).status


def trail(**wanted):
    """Return what the audit trail holds."""
    return AuditEntry.objects.filter(**wanted).order_by("pk")


def call(base, path, token):
    """Call the API with a token and return the status."""
    request = urllib.request.Request(base + path, headers={"Authorization": f"Bearer {token}"})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


def token_of(base, key_id, secret):
    """Ask for a token as a program does."""
    basic = base64.b64encode(f"{key_id}:{secret}".encode()).decode()
    body = json.dumps({"grant_type": "client_credentials"}).encode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
    try:
        answer = urllib.request.urlopen(
            urllib.request.Request(f"{base}/oauth/token", body, headers)
        )
    except urllib.error.HTTPError as error:
        return error.code, None
    return answer.status, json.load(answer)["access_token"]


def test_somebody_is_invited_joins_sees_what_the_policies_allow_and_is_locked_out_at_the_end(
    visit, founded, later, eager_tasks
):
    """C15.1."""
    admin = visit()
    page = admin.log_in(founded.admin.email, PASSWORD)
    ends = clock.now() + timedelta(minutes=20)

    page.goto(admin.base + address(Invitation, "add"))
    page.fill("[name=email]", "grace@example.com")
    page.fill("[name=first_name]", "Grace")
    page.fill("[name=last_name]", "Moreau")
    page.check(
        "label:has-text('Billing operations') input, li:has-text('Billing operations') input"
    )
    page.check("label:has-text('Ingest only') input, li:has-text('Ingest only') input")
    page.fill("[name=access_ends_at_0]", f"{ends:%Y-%m-%d}")
    page.fill("[name=access_ends_at_1]", f"{ends:%H:%M:%S}")
    page.click("[name=_save]")
    page.wait_for_selector("#result_list >> text=open")
    link = next(word for word in mail.outbox[0].body.split() if "/invitations/" in word)
    path = "/invitations/" + link.split("/invitations/")[1]

    guest = visit()
    theirs = guest.open(path)
    theirs.fill("[name=password]", "grace's-own-secret")
    theirs.fill("[name=repeated]", "grace's-own-secret")
    theirs.click("button:has-text('Accept the invitation')")
    theirs.wait_for_selector("text=Dashboard")
    seen = areas(theirs)
    products = status(theirs, guest.base + address(Product, "changelist"))
    bills = status(theirs, guest.base + "/admin/billing/bill/")
    later(timedelta(minutes=21))
    theirs.goto(guest.base + "/admin/")

    grace = User.objects.get(email="grace@example.com")
    assert (seen, products, bills) == (["bill/"], 403, 200)
    assert "/login/" in theirs.url
    assert "Your access has ended" in theirs.inner_text("body")
    page.goto(admin.base + address(Membership, "changelist"))
    assert "inactive" in page.inner_text("#result_list tr:has-text('grace@example.com')")
    done = trail(principal_id=grace.pk, is_allowed=True).values_list("action", "resource")
    assert ("updated", "config:orgUserInvitation") in done
    assert ("created", "config:orgUser") in done


def test_a_service_users_token_dies_with_its_key_within_a_minute(
    visit, founded, later, monkeypatch
):
    """C15.2. The key is switched in this process; its cache is kept, as another process's is."""
    window = visit()
    page = window.log_in(founded.admin.email, PASSWORD)

    page.goto(window.base + address(ServiceUser, "add"))
    page.fill("[name=name]", "Robot")
    page.check("li:has-text('ReadOnly') input, label:has-text('ReadOnly') input")
    page.click("[name=_save]")
    page.wait_for_selector("text=Copy the secret now")
    organization_id, key_id, secret = page.eval_on_selector_all(
        "[data-copy]", "all => all.map(one => one.dataset.copy)"
    )[:3]
    snippets = page.inner_text(".bw-panel")
    page.click("text=I have copied it")
    page.wait_for_selector(".bw-table .bw-label:has-text('active')")
    gone = secret not in page.content()

    _ok, token = token_of(window.base, key_id, secret)
    path = f"/organizations/{organization_id}/products"
    before = call(window.base, path, token)
    monkeypatch.setattr(tokens, "forget_keys", lambda: None)
    page.click("button:has-text('Make inactive')")
    page.wait_for_selector(".bw-label:has-text('inactive')")
    refused, _none = token_of(window.base, key_id, secret)
    at_once = call(window.base, path, token)
    moment = tokens.time.monotonic
    monkeypatch.setattr(tokens.time, "monotonic", lambda: moment() + 59)
    within_a_minute = call(window.base, path, token)

    assert (before, gone, key_id in snippets) == (200, True, True)
    assert refused == 401
    assert at_once == 200, "the cache of another process was meant to hold"
    assert within_a_minute == 403
    done = trail(entity_id=key_id).values_list("action", "principal_id")
    assert list(done) == [("created", founded.admin.pk), ("updated", founded.admin.pk)]
    assert AccessKey.objects.get(pk=key_id).status == "INACTIVE"


def test_a_groups_deny_beats_a_personal_administrator(visit, founded):
    """C15.3. The policy is made in the editor, by keyboard where it matters."""
    person = make_person(founded, "Administrator", first_name="Boris", last_name="Okafor")
    factories.make_meter(founded.organization, name="Tokens")
    window = visit()
    page = window.log_in(founded.admin.email, PASSWORD)

    page.goto(window.base + address(PermissionPolicy, "add"))
    page.fill("[name=name]", "No meters")
    page.focus(".bw-statement input[value=allow]")
    page.keyboard.press("ArrowRight")
    page.focus(".bw-statement input[value='config:*']")
    page.keyboard.press("Space")
    page.select_option("[aria-label='Type of resource']", "config:meter")
    page.focus(".bw-picker button:has-text('Add')")
    page.keyboard.press("Enter")
    page.wait_for_selector(".bw-reading >> text=May never create, read, change, delete")
    warned = page.inner_text(".bw-reading")
    page.click("[name=_save]")
    page.wait_for_selector("#result_list >> text=No meters")
    policy = PermissionPolicy.objects.get(name="No meters")

    page.goto(window.base + address(ResourceGroup, "add") + "?type=orguser")
    page.fill("[name=name]", "Kept out")
    page.check("li:has-text('No meters') input, label:has-text('No meters') input")
    page.click("[name=_continue]")
    page.wait_for_selector("#contents")
    page.fill("[name=find]", "boris")
    page.check("#found label:has-text('Boris Okafor') input")
    page.click("button:has-text('Put in')")
    page.wait_for_selector("#contents td >> text=Boris Okafor")

    theirs = visit()
    other = theirs.log_in(person.email, PASSWORD)
    seen = areas(other)
    meters = status(other, theirs.base + address(Meter, "changelist"))
    products = status(other, theirs.base + address(Product, "changelist"))
    rights = principals.Principal(person.pk, "USER", founded.organization.pk)

    assert policy.statements == [
        {"effect": "deny", "action": ["config:*"], "resource": ["config:meter"]}
    ]
    assert "Empties a whole area: hides every meter" in warned
    assert "meter/" not in seen
    assert {"product/", "bill/", "permissionpolicy/"} <= set(seen)
    assert (meters, products) == (403, 200)
    assert not access.Rights(rights).allows_some("config:retrieve", "config:meter")
    assert access.Rights(rights).allows_some("config:retrieve", "config:product")
    refused = trail(is_allowed=False, principal_id=person.pk).values_list("action", "resource")
    assert list(refused) == [("config:retrieve", "config:meter")]


def test_a_policy_on_a_group_shows_its_meters_and_those_of_groups_nested_later(visit, founded):
    """C15.4."""
    organization = founded.organization
    inside = factories.make_meter(organization, name="Tokens")
    nested_meter = factories.make_meter(organization, name="Requests")
    factories.make_meter(organization, name="Secret")
    by = principals.system(organization.pk)
    group = ResourceGroup.objects.create(organization=organization, type="meter", name="EU")
    nested = ResourceGroup.objects.create(organization=organization, type="meter", name="Berlin")
    resource_groups.add(group, "ITEM", inside.pk, by=by)
    resource_groups.add(nested, "ITEM", nested_meter.pk, by=by)
    person = make_person(founded, None)
    window = visit()
    page = window.log_in(founded.admin.email, PASSWORD)

    page.goto(window.base + address(PermissionPolicy, "add"))
    page.fill("[name=name]", "EU meters")
    page.check(".bw-statement input[value='config:retrieve']")
    page.select_option("[aria-label='Type of resource']", "config:meter")
    page.select_option("[aria-label='Which of them']", "group")
    page.fill("[role=combobox]", "EU")
    page.keyboard.press("Enter")
    page.wait_for_selector(".bw-reading >> text=May read every meter in the group “EU”.")
    page.click("[name=_save]")
    page.wait_for_selector("#result_list >> text=EU meters")
    row = Membership.objects.get(user=person)
    page.goto(window.base + address(Membership, "change", row))
    page.check("li:has-text('EU meters') input, label:has-text('EU meters') input")
    page.click("[name=_save]")
    page.wait_for_selector("text=was changed successfully")

    theirs = visit()
    other = theirs.log_in(person.email, PASSWORD)

    def meters():
        other.goto(theirs.base + address(Meter, "changelist"))
        names = ("Tokens", "Requests", "Secret")
        return [name for name in names if name in other.inner_text("#result_list")]

    before = meters()
    page.goto(window.base + address(ResourceGroup, "change", group))
    page.fill("[name=find]", "Berlin")
    page.check("#found label:has-text('Berlin') input")
    page.click("button:has-text('Put in')")
    page.wait_for_selector("#contents td >> text=Berlin")

    assert before == ["Tokens"]
    assert meters() == ["Tokens", "Requests"]


def test_support_works_until_midnight_and_not_after(visit, founded, later):
    """C15.9."""
    now = clock.now()
    later(now.replace(hour=23, minute=50) - now)
    User.objects.create_user("support@example.com", PASSWORD, is_support=True)
    factories.make_product(founded.organization, name="Inference")
    window = visit()
    page = window.log_in(founded.admin.email, PASSWORD)

    page.goto(window.base + address(SupportAccess, "changelist"))
    page.wait_for_selector(".bw-statement")
    proposed = page.input_value("[name=statements]")
    page.click("[name=_save]")
    page.wait_for_selector(".bw-label:has-text('open until')")
    ends = SupportAccess.objects.get().ends_at

    guest = visit()
    theirs = guest.log_in("support@example.com", PASSWORD)
    tonight = status(theirs, guest.base + address(Product, "changelist"))
    shown = "Inference" in theirs.inner_text("#result_list")
    left = ends - clock.now()
    later(left + timedelta(seconds=1))
    theirs.goto(guest.base + address(Product, "changelist"))

    assert json.loads(proposed) == [{"effect": "allow", "action": ["all"], "resource": ["*"]}]
    assert (tonight, shown) == (200, True)
    assert timedelta(minutes=5) < left <= timedelta(minutes=10)
    assert "/login/" in theirs.url
    assert "Your access has ended" in theirs.inner_text("body")


def test_every_action_stands_in_the_audit_page_with_person_time_and_difference(visit, founded):
    """C15.10."""
    window = visit()
    page = window.log_in(founded.admin.email, PASSWORD)
    page.goto(window.base + address(Product, "add"))
    page.fill("[name=name]", "Inference")
    page.click("[name=_continue]")
    page.wait_for_selector("text=was added successfully")
    page.fill("[name=name]", "Inference API")
    page.click("[name=_continue]")
    page.wait_for_selector("text=was changed successfully")

    page.click(".bw-tool:has-text('History')")
    page.wait_for_selector("#result_list")
    rows = page.eval_on_selector_all(
        "#result_list tbody tr", "all => all.map(one => one.innerText)"
    )
    page.click("#result_list a >> nth=0")
    page.wait_for_selector(".bw-diff")
    difference = page.inner_text(".bw-diff tr:has-text('name')")

    assert [("updated" in row, "created" in row) for row in rows] == [(True, False), (False, True)]
    today = f"{clock.now():%Y-%m-%d}"
    assert all("Ada Lindqvist" in row and today in row for row in rows)
    assert difference.split("\t") == ["name", "Inference", "Inference API"]
