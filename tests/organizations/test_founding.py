"""``create_org``: everything a new organization has, at once (A1.4), and its facts (A1.2)."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from organizations import founding
from organizations.kernel import ids, principals
from organizations.models import Currency, Membership, Organization, User
from tests.clients import ApiClient
from tests.contract import inhabited

pytestmark = pytest.mark.django_db


def create_org(*options: str) -> dict[str, str | None]:
    """Run the command and return what its last line says."""
    out = StringIO()
    call_command("create_org", "--json", *options, stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def test_the_command_prints_what_cannot_be_read_again_and_the_key_works():
    facts = create_org("--name", "Acme", "--admin-email", "ann@example.com")

    assert list(facts) == ["orgId", "accessKeyId", "apiSecret", "adminEmail", "adminPassword"]
    organization = Organization.objects.get(pk=facts["orgId"])
    assert organization.name == "Acme"
    admin = User.objects.get(email="ann@example.com")
    assert admin.check_password(facts["adminPassword"])
    assert admin.must_change_password
    assert Membership.objects.get(user=admin).organization == organization
    codes = Currency.objects.filter(organization=organization).values_list("code", flat=True)
    assert list(codes) == ["USD"]
    key = founding.Founded(organization, None, facts["accessKeyId"], facts["apiSecret"], admin, "")
    assert ApiClient(key).get("products").json == {"data": [], "nextToken": None}


def test_a_given_password_is_not_temporary():
    facts = create_org(
        "--name", "Acme", "--admin-email", "ann@example.com", "--admin-password", "own-secret"
    )

    assert facts["adminPassword"] == "own-secret"
    admin = User.objects.get(email="ann@example.com")
    assert (admin.must_change_password, admin.check_password("own-secret")) == (False, True)


def test_somebody_who_exists_is_joined_and_keeps_the_password():
    person = User.objects.create_user("Ann@example.com", "first-secret")

    facts = create_org(
        "--name", "Acme", "--admin-email", "ann@EXAMPLE.com", "--admin-password", "other-secret"
    )

    assert (facts["adminEmail"], facts["adminPassword"]) == (person.email, None)
    person.refresh_from_db()
    assert person.check_password("first-secret")
    assert str(Membership.objects.get(user=person).organization_id) == facts["orgId"]


@pytest.mark.parametrize(
    "options",
    [
        ("--name", "Acme", "--admin-email", "nobody"),
        ("--name", " ", "--admin-email", "ann@example.com"),
        ("--name", "x" * 201, "--admin-email", "ann@example.com"),
        ("--name", "Acme", "--admin-email", "ann@example.com", "--admin-password", "short"),
        ("--name", "Acme", "--admin-email", "ann@example.com", "--admin-password", "12345678901"),
    ],
)
def test_a_refused_organization_is_not_there_at_all(options):
    with pytest.raises(CommandError):
        create_org(*options)

    assert (Organization.objects.count(), User.objects.count()) == (0, 0)


def test_the_longest_name_and_a_sandbox():
    facts = create_org("--name", "x" * 200, "--admin-email", "ann@example.com", "--type", "SANDBOX")

    organization = Organization.objects.get(pk=facts["orgId"])
    assert (organization.name, organization.type) == ("x" * 200, "SANDBOX")


def test_an_organization_whose_last_piece_fails_is_not_there_at_all(monkeypatch):
    def fails(*_args, **_named):
        raise RuntimeError("no key today")

    monkeypatch.setattr(founding.tokens, "make_key", fails)
    before = inhabited.contents()

    with pytest.raises(RuntimeError):
        create_org("--name", "Acme", "--admin-email", "ann@example.com")

    assert inhabited.contents() == before


def test_one_address_is_one_person_whatever_its_case():
    User.objects.create_user("ann@example.com", "x")

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("Ann@Example.com", "x")

    assert User.objects.get_by_natural_key("ANN@example.com").email == "ann@example.com"


def test_me_tells_every_fact_of_the_organization(api, organization):
    organization.short_name = "AC"
    organization.address = {"addressLine1": "1 Main Street", "locality": "Springfield"}
    organization.tax_id = "DE-1"
    organization.billing_contact_user_ids = [contact := ids.new_id()]
    organization.save()

    answer = api.get("users/me").json

    assert answer["user"] is None
    facts = answer["organization"]
    assert {name for name in facts if not name.startswith(("addressLine", "billingContact"))} == {
        "id", "version", "orgId", "customerId", "organizationName", "shortName", "locality",
        "region", "postCode", "country", "taxId", "purchaseOrderNumber", "invoiceGeneralReference",
        "documentLanguage",
        "bankDetails",
        "documentFooter",
        "logoFileId",
        "billsByEmail",
        "billEmailSubject",
        "billEmailText",
        "type", "status", "dtCreated", "dtLastModified", "createdBy", "lastModifiedBy",
    }  # fmt: skip
    assert [facts[f"addressLine{n}"] for n in range(1, 5)] == ["1 Main Street", None, None, None]
    assert [facts[f"billingContactUserId{n}"] for n in range(1, 4)] == [str(contact), None, None]
    assert (facts["type"], facts["status"], facts["locality"]) == (
        "PRODUCTION", "ACTIVE", "Springfield",
    )  # fmt: skip
    assert facts["createdBy"] == facts["lastModifiedBy"] == str(principals.SYSTEM_ID)
    assert (facts["organizationName"], facts["shortName"], facts["taxId"]) == (
        organization.name, "AC", "DE-1",
    )  # fmt: skip
