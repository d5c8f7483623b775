"""How bills look and are sent: settings with a preview, and what a bill's page says of it."""

import io

import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from billing.bills import documents
from billing.bills.document import logos
from billing.models import Bill
from organizations.kernel.errors import FieldRefused
from organizations.models import Organization
from tests.console.clients import Console, address, make_person
from tests.console.test_bills import bill  # noqa: F401  (a fixture)

TYPED = {
    "document_language": "de", "bank_details": "Testbank\nIBAN DE00", "document_footer": "Danke",
    "bill_email_subject": "", "bill_email_text": "",
}  # fmt: skip


def picture(kind="PNG", size=(2000, 500)) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, (10, 80, 160)).save(written, kind)
    return written.getvalue()


def send(console, **fields):
    return console.client.post(
        reverse("admin:bill_documents"), {**TYPED, "do": "save", **fields}, follow=True
    )


def again(console, row: Bill):
    return console.client.post(
        address(Bill, "change", row), {"do": "send_email", "unfinished": "yes"}, follow=True
    )


def text(row: Bill) -> str:
    reader = pypdf.PdfReader(io.BytesIO(documents.pdf(row)))
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


@pytest.mark.django_db(transaction=True)
def test_settings_are_on_every_bill_from_then_on(console, bill):  # noqa: F811
    shown = send(console, logo=SimpleUploadedFile("x.jpg", picture("JPEG"), "image/jpeg"))

    stored = Organization.objects.get(pk=bill.organization_id)
    assert "Saved." in console.text(shown)
    assert (stored.document_language, stored.bank_details) == ("de", "Testbank\nIBAN DE00")
    with Image.open(io.BytesIO(logos.of_organization(stored))) as logo:
        assert (logo.format, logo.size) == ("PNG", (720, 180))
    said = text(bill)
    assert "BANKVERBINDUNG Testbank IBAN DE00 Danke" in said

    send(console, remove_logo="on")
    stored.refresh_from_db()
    assert stored.logo_file is None


def test_a_preview_saves_nothing(console, bill):  # noqa: F811
    shown = send(console, do="preview", bill_email_subject="{reference} for you")

    stored = Organization.objects.get(pk=bill.organization_id)
    assert (stored.bank_details, stored.version) == ("", 1)
    assert "INV-0042 for you" in console.text(shown)
    assert b"data:image/png;base64," in shown.content


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + b"\0" * 50,
        picture()[:100],
        b"",
        b"\x89PNG" + b"x" * (1024 * 1024),
    ],
)
def test_what_is_no_picture_of_the_kinds_is_refused(data):
    with pytest.raises(FieldRefused, match="PNG, JPEG or WebP"):
        logos.renewed(data)


def test_faults_are_told_together_and_nothing_is_saved(console, bill):  # noqa: F811
    shown = send(
        console,
        logo=SimpleUploadedFile("x.png", b"<svg/>", "image/png"),
        bill_email_text="Hello {you}",
    )

    said = console.text(shown)
    assert "PNG, JPEG or WebP" in said and "there is no {you}" in said
    assert Organization.objects.get(pk=bill.organization_id).version == 1


def test_who_may_not_change_the_settings_sees_them_only(founded, bill):  # noqa: F811
    person = make_person(founded, "ReadOnly")
    reader = Console(person)

    assert reader.client.get(reverse("admin:bill_documents")).status_code == 200
    assert send(reader).status_code == 403
    assert Organization.objects.get(pk=bill.organization_id).version == 1


def test_a_bills_page_sends_it_and_says_what_was_sent(console, bill):  # noqa: F811
    console.post(Bill, "change", bill, do="approve")
    page = console.text(console.client.get(address(Bill, "change", bill)))
    assert "Sent by e-mail" in page

    sent = console.text(again(console, bill))

    assert "The bill is being sent to 1 recipient" in sent
    assert "Waiting" in sent


def test_without_mail_the_page_says_so(console, bill, settings):  # noqa: F811
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    console.post(Bill, "change", bill, do="approve")

    page = console.text(again(console, bill))

    assert "No e-mail is set up on this installation" in page
    assert "Not sent" in page
