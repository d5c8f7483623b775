"""What every resource inherits: paging, versions, errors, numbers, odd addresses (part B)."""

import threading
from decimal import Decimal

import pytest
from django.db import connection

from catalog.models import Product
from organizations import grants, tokens
from organizations.kernel.ids import new_id
from organizations.models import AuditEntry, Event
from tests.clients import ApiClient
from tests.factories import make_aggregation, make_meter, make_plan_template, make_product


def test_a_created_row_has_version_1_audit_fields_an_event_and_an_audit_entry(api):
    answer = api.post("products", {"name": "Storage", "code": "storage", "version": 7})

    assert answer.status == 200
    assert answer.json["version"] == 1
    assert answer.json["customFields"] == {}
    assert answer.json["createdBy"] == str(api.founded.service_user.pk)
    event = Event.objects.get(name="configuration.product.created")
    assert event.payload["eventData"]["newDto"]["code"] == "storage"
    assert event.payload["eventData"]["newDto"]["orgId"] == str(api.organization.pk)
    entry = AuditEntry.objects.get(entity_id=answer.json["id"])
    assert entry.difference["name"] == [None, "Storage"]


def test_a_put_replaces_and_raises_the_version_by_one(api):
    made = api.post("products", {"name": "A", "code": "a", "customFields": {"x": 1}}).json

    answer = api.put(f"products/{made['id']}", {"name": "B", "code": "a", "version": 1})

    assert answer.status == 200
    assert (answer.json["version"], answer.json["name"]) == (2, "B")
    assert answer.json["customFields"] == {}


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [(None, 400, "VALIDATION"), (7, 409, "VERSION_MISMATCH"), ("1", 400, "VALIDATION")],
)
def test_a_put_without_the_stored_version_changes_nothing(api, version, status, code):
    made = api.post("products", {"name": "A", "code": "a"}).json

    answer = api.put(f"products/{made['id']}", {"name": "B", "code": "a", "version": version})

    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json["status"] == status and answer.json["requestId"]
    assert api.get(f"products/{made['id']}").json == made
    if status == 409:
        assert answer.headers["x-should-retry"] == "false"


def test_a_code_in_use_is_a_400_that_names_the_field(api):
    api.post("products", {"name": "A", "code": "a"})

    answer = api.post("products", {"name": "B", "code": "a"})

    assert answer.status == 400
    assert [error["field"] for error in answer.json["errors"]] == ["code"]
    assert Product.objects.count() == 1


def test_a_second_delete_is_a_404(api):
    made = api.post("products", {"name": "A", "code": "a"}).json

    assert api.delete(f"products/{made['id']}").json == made
    assert api.delete(f"products/{made['id']}").status == 404


def test_a_row_in_use_is_not_deleted_and_the_answer_counts_what_stands_in_the_way(api):
    product = make_product(api.organization)
    make_plan_template(product)
    make_plan_template(product)

    answer = api.delete(f"products/{product.pk}")

    assert answer.status == 400
    assert "2 plan templates" in answer.json["message"]
    assert Product.objects.filter(pk=product.pk).exists()


def test_pages_walk_every_row_once_newest_first_while_rows_are_added(api):
    ids = [api.post("products", {"name": "P", "code": f"p{n}"}).json["id"] for n in range(7)]
    seen, token = [], None

    while True:
        query = {"pageSize": 3, **({"nextToken": token} if token else {})}
        page = api.get("products", **query).json
        seen += [row["id"] for row in page["data"]]
        api.post("products", {"name": "new", "code": f"new{len(seen)}"})
        token = page["nextToken"]
        if token is None:
            break

    assert seen == list(reversed(ids))


@pytest.mark.parametrize("size", ["0", "201", "x", "-1", "1.5"])
def test_a_page_size_out_of_bounds_is_refused(api, size):
    answer = api.get("products", pageSize=size)

    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == "pageSize"


def test_a_token_is_refused_for_other_filters_and_when_forged(api):
    for n in range(3):
        api.post("products", {"name": "P", "code": f"p{n}"})
    token = api.get("products", pageSize=1).json["nextToken"]

    assert api.get("meters", pageSize=1, nextToken=token).status == 400
    assert api.get("products", ids=str(new_id()), nextToken=token).status == 400
    assert api.get("products", pageSize=1, nextToken=token[:-2] + "xx").status == 400


def test_lists_of_ids_come_joined_repeated_or_mixed(api):
    a, b, c = (api.post("products", {"name": "P", "code": code}).json["id"] for code in "abc")

    joined = api.get("products", ids=f"{a},{b}")
    repeated = api.get("products", ids=[a, f"{b},{c}"])

    assert {row["id"] for row in joined.json["data"]} == {a, b}
    assert {row["id"] for row in repeated.json["data"]} == {a, b, c}
    assert api.get("products", ids="nonsense").status == 400
    assert len(api.get("products", ids="").json["data"]) == 3


@pytest.mark.parametrize(
    "body",
    [b"{", b"[1]", b'"x"', b'{"name": NaN}', b"\xff\xfe", b'{"name": "a", "code": "\\u0000"}'],
)
def test_a_body_that_is_no_object_of_ours_is_a_400_in_our_shape(api, body):
    answer = api.post("products", body)

    assert answer.status == 400
    assert isinstance(answer.json["message"], str)
    assert not Product.objects.exists()


@pytest.mark.parametrize("name", [7, True, [], {}, "", "x" * 201])
def test_a_name_that_is_no_name_is_refused_at_its_field(api, name):
    answer = api.post("products", {"name": name, "code": "a"})

    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == "name"


@pytest.mark.parametrize("code", [" a", "a ", "a\tb", "a\x7f", "x" * 81, ""])
def test_a_code_against_the_grammar_is_refused(api, code):
    assert api.post("products", {"name": "A", "code": code}).status == 400


def test_numbers_stay_exact_from_wire_to_wire(api):
    product = make_product(api.organization)
    charge = Decimal("12345678901234567890.123456789012345678")

    made = api.post(
        "plantemplates",
        {
            "productId": str(product.pk),
            "name": "T",
            "currency": "USD",
            "standingCharge": charge,
            "billFrequency": "MONTHLY",
        },
    )

    assert made.status == 200
    assert b"12345678901234567890.123456789012345678" in made.raw
    read = api.get(f"plantemplates/{made.json['id']}")
    assert read.json["standingCharge"] == charge


def test_small_numbers_are_written_without_exponent(api):
    meter = make_meter(api.organization)
    aggregation = make_aggregation(meter, quantity_per_unit=Decimal("0.0000001"))

    raw = api.get(f"aggregations/{aggregation.pk}").raw

    assert b'"quantityPerUnit":0.0000001,' in raw


def test_slashes_too_many_are_tolerated_and_never_redirected(api):
    api.post("products", {"name": "A", "code": "a"})
    base = f"/organizations/{api.organization.pk}/products"

    for address in (f"/{base}", f"{base}/", base.replace("/products", "//products")):
        headers = {"Authorization": f"Bearer {api.token}"}
        answer = api.client.get("/", PATH_INFO=address, headers=headers)
        assert answer.status_code == 200, address


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "nosuchthing", 404),
    ("PATCH", "products", 405),
    ("DELETE", "products", 405),
    ("GET", "products/not-an-id", 404),
])  # fmt: skip
def test_unknown_addresses_and_verbs_answer_json(api, method, path, status):
    answer = api.call(method, path)

    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["status"] == status


@pytest.mark.parametrize("path", ["products", "nosuchthing", "products/x/y/z"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_without_a_token_of_the_organization_every_address_answers_alike(founded, method, path):
    from tests.factories import make_founded

    stranger = ApiClient(make_founded())
    nobody = ApiClient(founded, token="")
    forged = ApiClient(founded, token="x" * 80)
    own, foreign = stranger.organization, founded.organization
    stranger.organization = foreign
    to_foreign = stranger.call(method, path)
    foreign_body = {**to_foreign.json, "requestId": ""}
    stranger.organization = type(own)(pk=new_id())
    to_nothing = {**stranger.call(method, path).json, "requestId": ""}

    assert nobody.call(method, path).status == 401
    assert forged.call(method, path).status == 403
    assert to_foreign.status == 403
    assert foreign_body == to_nothing


def test_a_body_that_is_not_json_is_refused_by_its_type(api):
    answer = api.client.post(
        f"/organizations/{api.organization.pk}/products",
        b"name=A",
        content_type="text/plain",
        headers={"Authorization": f"Bearer {api.token}"},
    )

    assert answer.status_code == 415
    assert answer.json()["message"]


def test_a_body_above_the_limit_is_a_413(api):
    answer = api.post("products", {"name": "A", "code": "a", "customFields": {"x": "y" * 2**20}})

    assert answer.status == 413


def test_ids_of_another_organization_in_a_body_are_unknown(api):
    from tests.factories import make_founded

    theirs = make_product(make_founded().organization)

    answer = api.post("meters", {
        "productId": str(theirs.pk), "name": "M", "code": "m",
        "dataFields": [{"category": "WHO", "code": "user", "name": "User"}], "derivedFields": [],
    })  # fmt: skip

    assert answer.status == 400
    assert answer.json["errors"] == [{"field": "productId", "message": "no such product"}]


def test_a_service_user_without_policy_can_do_nothing_but_ask_who_it_is(founded):
    from organizations.models import PolicyAttachment

    PolicyAttachment.objects.filter(principal_id=founded.service_user.pk).delete()
    grants.rederive(founded.organization.pk)
    api = ApiClient(founded)

    assert api.get("products").status == 403
    assert api.post("products", {"name": "A", "code": "a"}).status == 403
    assert api.get("users/me").json["serviceUser"]["id"] == str(founded.service_user.pk)


@pytest.mark.django_db(transaction=True)
def test_of_20_parallel_puts_with_one_version_exactly_one_wins(founded):
    api = ApiClient(founded)
    made = api.post("products", {"name": "A", "code": "a"}).json
    statuses = []

    clients = [ApiClient(founded) for _ in range(20)]

    def put(n: int) -> None:
        try:
            body = {"name": f"B{n}", "code": "a", "version": 1}
            statuses.append(clients[n].put(f"products/{made['id']}", body).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=put, args=[n]) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] + [409] * 19
    assert api.get(f"products/{made['id']}").json["version"] == 2


def test_every_answer_carries_a_request_id_and_keeps_a_printable_one_of_the_client(api):
    address = f"/organizations/{api.organization.pk}/products"
    headers = {"Authorization": f"Bearer {api.token}", "X-Request-Id": "my-id"}

    assert api.client.get(address, headers=headers)["X-Request-Id"] == "my-id"
    assert api.get("products").headers["X-Request-Id"]


def test_a_list_takes_the_same_queries_whatever_its_length(api, django_assert_max_num_queries):
    for n in range(30):
        make_product(api.organization, code=f"c{n}")
    tokens.forget_keys()
    api.get("products")

    with django_assert_max_num_queries(2):  # policies, rows
        assert len(api.get("products").json["data"]) == 30


def test_a_token_fits_the_same_filters_however_they_are_spelled(api):
    made = [api.post("products", {"name": "P", "code": f"p{n}"}).json["id"] for n in range(3)]
    a, b, c = made
    token = api.get("products", ids=f"{a},{b},{c}", pageSize=1).json["nextToken"]

    for spelled in ({"ids": [a, f"{c},{b}"]}, {"ids": f"{b},{a},{c}", "unknown": "1", "codes": ""}):
        page = api.get("products", pageSize=1, nextToken=token, **spelled)
        assert [row["id"] for row in page.json["data"]] == [b], page
    assert api.get("products", ids=f"{a},{b}", nextToken=token).status == 400


@pytest.mark.parametrize("version", [b"1.0", b"1", b"1e0"])
def test_a_version_is_the_same_number_however_it_is_written(api, version):
    product = api.post("products", {"name": "P", "code": "p"}).json

    body = b'{"name": "Q", "code": "p", "version": ' + version + b"}"

    assert api.put(f"products/{product['id']}", body).json["version"] == 2


def test_an_empty_code_is_no_code(api):
    product = api.post("products", {"name": "P", "code": "p"}).json
    for name in ("one", "two"):
        answer = api.post("picklists/creditreasons", {"name": name, "code": ""})
        assert (answer.status, answer.json["code"]) == (200, None)
    assert api.post("products", {"name": "Q", "code": ""}).status == 400
    assert api.get(f"products/{product['id']}").json["code"] == "p"
