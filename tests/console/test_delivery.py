"""How pages reach a browser: compressed, with files it keeps, and landmarks for who cannot see."""

import gzip
import re

import pytest
from django.conf import settings
from django.templatetags.static import static
from django.test import Client

from billing.models import IngestFailure
from catalog.models import Pricing, Product
from tests import factories
from tests.console.browsing import Visit, chromium  # noqa: F401  (a fixture)
from tests.console.clients import address
from tests.console.test_lists import csv_of

ASKS = {"accept-encoding": "gzip"}


def test_a_page_is_compressed_for_whom_asks(console):
    plain = console.client.get("/admin/")
    packed = console.client.get("/admin/", headers=ASKS)

    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert len(packed.content) * 3 < len(gzip.decompress(packed.content))


def test_a_streamed_list_is_compressed_whole(console, founded):
    factories.make_product(founded.organization, name="Vectors")

    answer = console.client.get(address(Product, "changelist"), {"export": "csv"}, headers=ASKS)

    text = gzip.decompress(b"".join(answer.streaming_content)).decode("utf-8-sig")
    assert text.splitlines()[1].split(",")[1] == "Vectors"


def test_files_are_kept_for_good_under_an_address_that_names_their_version(db):
    url = static("console/console.js")

    answer = Client().get(url, headers=ASKS)

    assert re.fullmatch(r"/static/[0-9a-f]{12}/console/console\.js", url)
    assert "immutable" in answer["Cache-Control"]
    assert int(re.search(r"max-age=(\d+)", answer["Cache-Control"])[1]) >= 31_536_000
    packed = b"".join(answer.streaming_content)
    source = settings.BASE_DIR / "config" / "static" / "console" / "console.js"
    assert gzip.decompress(packed) == source.read_bytes()


def test_what_is_not_modified_has_no_body(db):
    url = static("console/console.js")
    etag = Client().get(url)["ETag"]

    answer = Client().get(url, headers={**ASKS, "if-none-match": etag})

    assert (answer.status_code, b"".join(answer.streaming_content)) == (304, b"")


def test_a_change_of_a_file_changes_the_address(tmp_path):
    from config import environment

    (tmp_path / "a.css").write_text("a {}")
    before = environment.version_of_files(tmp_path)
    (tmp_path / "a.css").write_text("b {}")

    assert environment.version_of_files(tmp_path) not in ("", before)


def test_every_kind_of_page_has_one_main_landmark(console, founded):
    product = factories.make_product(founded.organization)
    pages = [
        console.client.get("/admin/"),
        console.get(Product),
        console.get(Product, "add"),
        console.get(Product, "change", product),
        Client().get("/admin/login/"),
    ]

    assert [page.content.decode().count('role="main"') for page in pages] == [1] * 5


def test_the_heading_of_an_add_page_says_what_is_added(console):
    for model, words in ((Product, "Add product"), (Pricing, "Add pricing")):
        (heading,) = re.findall(r"<h1.*?</h1>", console.get(model, "add").content.decode(), re.S)
        assert re.sub(r"<[^>]+>", " ", heading).split()[-2:] == words.split()


def test_failed_usage_is_called_so_on_its_own_page(console):
    page = console.get(IngestFailure)

    assert page.context["title"] == "Failed usage"
    assert "ngest failure" not in page.content.decode()
    answer = console.get(IngestFailure, export="csv")
    assert (answer["Content-Disposition"], len(csv_of(answer))) == (
        'attachment; filename="failed-usage.csv"', 1,
    )  # fmt: skip


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_drop_downs_that_search_have_the_name_of_their_field(live_server, chromium):  # noqa: F811
    factories.make_founded(admin_email="admin@example.com", admin_password="a-long-secret")
    visit = Visit(chromium, live_server.url)
    visit.log_in("admin@example.com", "a-long-secret")

    page = visit.open(address(Pricing, "add"))
    page.wait_for_selector(".select2-selection[aria-label]")
    names = page.eval_on_selector_all(
        ".select2-selection[role=combobox]", "all => all.map(one => one.ariaLabel)"
    )
    visit.context.close()

    assert "Aggregation" in names
    assert all(names)
