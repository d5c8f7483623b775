"""The console page of sign-in settings: a secret goes in and never comes out, nobody locks
themselves out."""

import pytest
from django.urls import reverse

from organizations import personal_tokens
from organizations.kernel import sealing
from organizations.kernel.principals import Principal
from organizations.models import AuditEntry, ProviderIdentity, SignInSettings, User
from organizations.signin import provider as protocol
from tests import factories
from tests.clients import ApiClient
from tests.console.clients import Console, make_person
from tests.organizations.signin import fake_provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def founded(db):
    """An organization with its first administrator."""
    return factories.make_founded(admin_password="a-long-password")


@pytest.fixture
def console(founded):
    """The administrator, logged in."""
    return Console(founded.admin)


@pytest.fixture
def provider(settings):
    """A provider that runs on loopback."""
    settings.OIDC_ALLOW_PRIVATE_PROVIDERS = True
    with fake_provider.running() as running:
        yield running


def row_of(founded):
    return SignInSettings.objects.get(organization=founded.organization)


def save(console, founded, **fields):
    """Send the form; returns the answer."""
    return console.post(SignInSettings, "change", row_of(founded), **fields)


def errors(answer):
    """Return the sentences of a refused form, by field."""
    assert answer.status_code == 200, answer.headers
    return answer.context["adminform"].form.errors


def test_a_provider_is_discovered_and_kept_with_its_secret_sealed(console, founded, provider):
    answer = save(
        console, founded, provider_issuer=provider.issuer, provider_client_id="billwright",
        new_secret="hush-hush", provider_domains="Example.com, @example.org example.com",
    )  # fmt: skip

    row = row_of(founded)
    assert answer.status_code == 302
    assert (row.provider_issuer, row.version) == (provider.issuer, 2)
    assert row.provider_domains == ["example.com", "example.org"]
    assert "hush" not in row.provider_secret
    assert sealing.unseal(row.provider_secret, purpose=protocol.PURPOSE) == "hush-hush"
    page = console.text(console.get(SignInSettings, "change", row))
    assert "hush" not in page
    assert row.provider_secret not in page
    assert "hush" not in str(list(AuditEntry.objects.values()))


def test_an_empty_secret_keeps_the_old_one_and_no_provider_needs_none(console, founded, provider):
    fields = {"provider_issuer": provider.issuer, "provider_client_id": "billwright"}
    save(console, founded, **fields, new_secret="hush-hush")
    kept = row_of(founded).provider_secret

    save(console, founded, **fields, provider_domains="example.com")
    still = row_of(founded).provider_secret
    save(console, founded)

    assert kept == still
    assert row_of(founded).provider_secret == ""


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"provider_client_id": "x"}, "provider_issuer"),
        ({"requires_provider": "on"}, "provider_issuer"),
        ({"provider_issuer": "https://127.0.0.1:1", "provider_client_id": "x"}, "provider_issuer"),
        ({"provider_issuer": "http://x.example", "provider_client_id": "x"}, "provider_issuer"),
        ({"provider_issuer": "https://x.example/?a=b", "provider_client_id": "x"},
         "provider_issuer"),
        ({"provider_domains": "no domain at all!"}, "provider_domains"),
    ],
)  # fmt: skip
def test_half_a_provider_or_one_that_is_not_there_is_refused(console, founded, fields, field):
    answer = save(console, founded, **fields)

    assert field in errors(answer)
    assert row_of(founded).version == 1


def test_a_provider_without_client_id_is_refused(console, founded, provider):
    assert "provider_client_id" in errors(save(console, founded, provider_issuer=provider.issuer))


def test_only_who_has_come_through_the_provider_asks_it_of_everybody(console, founded, provider):
    fields = {
        "provider_issuer": provider.issuer,
        "provider_client_id": fake_provider.CLIENT_ID,
        "new_secret": fake_provider.CLIENT_SECRET,
    }
    save(console, founded, **fields)
    refused = save(console, founded, **fields, requires_provider="on")
    provider.says["email"] = founded.admin.email
    browser = console.client
    start = browser.get(reverse("signin:provider_of", args=[founded.organization.pk]))
    browser.get("/admin/sign-in/provider/callback/", provider.authorize(start.headers["Location"]))

    saved = save(console, founded, **fields, requires_provider="on")

    assert "requires_provider" in errors(refused)
    assert saved.status_code == 302
    assert row_of(founded).requires_provider is True


def test_an_operator_may_ask_for_it_at_once(founded, provider):
    operator = Console(User.objects.create_superuser("operator@example.com", "a-long-password"))
    operator.client.post(reverse("admin:switch_organization", args=[founded.organization.pk]))

    save(operator, founded, provider_issuer=provider.issuer, provider_client_id="x",
         requires_provider="on")  # fmt: skip

    assert row_of(founded).requires_provider is True


def test_who_may_only_read_changes_nothing(founded):
    reader = Console(make_person(founded, "ReadOnly"))

    assert save(reader, founded, requires_second_factor="on").status_code == 403
    assert row_of(founded).requires_second_factor is False


def known_as(user, organization, subject):
    """Let a provider know the person."""
    return ProviderIdentity.objects.create(
        organization=organization, user=user, issuer="https://x.example", subject=subject
    )


def test_somebody_the_provider_knows_is_unlinked_and_nobody_of_another_organization(
    console, founded
):
    other = factories.make_founded()
    mine = known_as(founded.admin, founded.organization, "subject-of-mine")
    theirs = known_as(other.admin, other.organization, "subject-of-theirs")

    page = console.text(console.get(SignInSettings, "change", row_of(founded)))
    strange = save(console, founded, unlink=str(theirs.pk))
    own = save(console, founded, unlink=str(mine.pk))

    assert ("subject-of-mine" in page, "subject-of-theirs" in page) == (True, False)
    assert (strange.status_code, own.status_code) == (403, 302)
    assert ProviderIdentity.objects.get() == theirs
    entry = AuditEntry.objects.get(entity_id=mine.pk, action="deleted")
    assert entry.principal_id == founded.admin.pk


def test_who_may_only_read_unlinks_nobody(founded):
    mine = known_as(founded.admin, founded.organization, "subject")
    reader = Console(make_person(founded, "ReadOnly"))

    answer = save(reader, founded, unlink=str(mine.pk))

    assert answer.status_code == 403
    assert ProviderIdentity.objects.filter(pk=mine.pk).exists()


@pytest.mark.parametrize(("change", "status"), [({"requires_second_factor": "on"}, 403), ({}, 200)])
def test_tokens_of_people_end_when_more_is_asked_of_whoever_signs_in(
    console, founded, change, status
):
    by = Principal(founded.admin.pk, "USER", founded.organization.pk)
    api = ApiClient(founded, personal_tokens.mint(founded.admin, by=by))
    other = factories.make_founded(admin_password="a-long-secret")
    theirs = ApiClient(
        other,
        personal_tokens.mint(
            other.admin, by=Principal(other.admin.pk, "USER", other.organization.pk)
        ),
    )
    assert api.get("users/me").status == 200

    save(console, founded, provider_domains="", **change)

    assert api.get("users/me").status == status
    assert theirs.get("users/me").status == 200
