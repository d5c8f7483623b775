"""B11 rule by rule, with requests as the official clients send them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from organizations.models import Invitation, Membership, User
from tests.factories import make_account, make_founded, make_meter, make_product
from tests.organizations.people_made import make_member
from tests.wire.clients import CLIENTS, WireClient, ask_for_token
from tests.wire.sending import request, send

pytestmark = pytest.mark.django_db
PRODUCT = {"name": "Storage", "code": "storage"}
STATEMENTS = [{"effect": "ALLOW", "action": ["CONFIG_RETRIEVE"], "resource": ["config:meter/*"]}]
JSON_BODY = b'{"grant_type":"client_credentials"}'


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", JSON_BODY),
        ("application/json", b'{"grant_type":"client_credentials","scope":null}'),
        ("application/json; charset=utf-8", JSON_BODY),
        ("application/x-www-form-urlencoded", b"grant_type=client_credentials"),
    ],
)
def test_every_client_gets_its_token_before_its_first_call(founded, api, client, kind, body):
    answer = ask_for_token(
        founded.access_key_id, founded.api_secret, CLIENTS[client], body, kind, "/oauth/token"
    )

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert type(answer.json["expires_in"]) is int
    api.token = answer.json["access_token"]
    assert WireClient(api, client).call("GET", "products").status == 200


@pytest.mark.parametrize("target", ["//oauth/token", "/oauth/token/", "///oauth//token"])
def test_a_base_url_that_ends_in_a_slash_gets_a_token_as_well(founded, target):
    answer = ask_for_token(
        founded.access_key_id, founded.api_secret, CLIENTS["go"], JSON_BODY, "application/json",
        target,
    )  # fmt: skip

    assert answer.status == 200


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_makes_reads_replaces_lists_and_deletes(api, client):
    wire = WireClient(api, client)

    made = wire.call("POST", "products", {**PRODUCT, "version": None}).json
    read = wire.call("GET", f"products/{made['id']}")
    put = wire.call("PUT", f"products/{made['id']}", {**PRODUCT, "name": "New", "version": 1})
    listed = wire.call("GET", "products?pageSize=100")
    gone = wire.call("DELETE", f"products/{made['id']}")

    assert read.json == made
    assert (put.status, put.json["version"]) == (200, 2)
    assert listed.json == {"data": [put.json], "nextToken": None}
    assert gone.json == put.json
    for answer in (read, put, listed, gone):
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("version", [0, 1, 7, None])
def test_a_version_sent_on_create_is_ignored(api, version):
    answer = WireClient(api, "terraform").call("POST", "products", {**PRODUCT, "version": version})

    assert (answer.status, answer.json["version"]) == (200, 1)


def usage(api: Any) -> dict[str, Any]:
    """One measurement the organization can take in."""
    meter, account = make_meter(api.organization), make_account(api.organization)
    item = {"uid": "u", "meter": meter.code, "account": account.code, "measure": {"tokens": 1}}
    return {"measurements": [{**item, "ts": "2024-06-01T00:00:00Z"}]}


@pytest.mark.parametrize(
    ("client", "host", "slashes"),
    [
        ("python", "127.0.0.1:8000", ""),  # submit
        ("python", "ingest.example.org", "/"),  # submit_all: the base ends in a slash
        ("typescript", "ingest.example.org", ""),
        ("typescript", "myingest.local:8443", "/"),
        ("go", "myingest.local", "///"),
    ],
)
def test_measurements_go_to_the_ingest_name_with_slashes_in_front(api, client, host, slashes):
    answer = WireClient(api, client, host=host).call(
        "POST", "measurements", usage(api), slashes=slashes
    )

    assert (answer.status, answer.json) == (200, {"result": "accepted"})


@pytest.mark.parametrize("host", ["api.example.org", "ingest.example.org", "[::1]:8000", "x"])
def test_every_route_is_served_on_every_host_name(api, host):
    wire = WireClient(api, "go", host=host)

    assert wire.call("GET", "products").status == 200
    assert wire.call("POST", "products", PRODUCT).status == 200
    assert wire.call("POST", "measurements", {"measurements": []}).status == 400


def test_a_host_name_that_is_not_allowed_is_a_400_in_json(api, settings):
    settings.ALLOWED_HOSTS = ["api.example.org", "ingest.example.org"]

    hosts = ("api.example.org", "ingest.example.org", "other.example.org")

    answers = [WireClient(api, "go", host=host).call("GET", "products") for host in hosts]

    assert [answer.status for answer in answers] == [200, 200, 400]
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}


@pytest.mark.parametrize("form", [
    "ids={a},{b}", "ids={a}%2C{b}", "ids={a}%2c{b}", "ids={a}&ids={b}", "ids={a},{b}&ids=",
    "ids={a}&ids={b}%2C{b}",
])  # fmt: skip
def test_arrays_arrive_joined_repeated_and_with_encoded_commas(api, form):
    a, b = (str(make_product(api.organization, code=code).pk) for code in "ab")
    make_product(api.organization, code="c")

    answer = WireClient(api, "typescript").call("GET", f"products?{form.format(a=a, b=b)}")

    assert {row["id"] for row in answer.json["data"]} == {a, b}


def test_codes_may_be_joined_with_encoded_commas(api):
    for code in ("a", "b", "c"):
        WireClient(api).call("POST", "picklists/creditreasons", {"name": code, "code": code})

    answer = WireClient(api, "typescript").call(
        "GET", "picklists/creditreasons?archived=false&codes=a%2Cc"
    )

    assert [row["code"] for row in answer.json["data"]] == ["c", "a"]


def test_unknown_queries_headers_and_fields_are_ignored(api):
    wire = WireClient(api, "typescript")

    made = wire.call("POST", "products?later=1", {**PRODUCT, "later": {"a": [1]}},
                     X_Stainless_Later="x")  # fmt: skip

    assert made.status == 200
    assert wire.call("GET", "products?later=1&orgId=x").json["data"] == [made.json]


def test_a_conflict_tells_clients_not_to_try_again(api):
    wire = WireClient(api)
    made = wire.call("POST", "products", PRODUCT).json
    item = f"products/{made['id']}"

    first = wire.call("PUT", item, {**PRODUCT, "version": 1})
    again = wire.call("PUT", item, {**PRODUCT, "version": 1}, x_stainless_retry_count="1")

    assert (first.status, again.status) == (200, 409)
    assert again.headers["x-should-retry"] == "false"
    assert isinstance(again.json["message"], str)


def test_a_deleted_row_is_a_404_for_who_may_read_it(api):
    wire = WireClient(api, "terraform")
    for path, body in (
        ("products", PRODUCT),
        ("picklists/currency", {"name": "Euro", "code": "EUR", "maxDecimalPlaces": 2}),
        ("picklists/transactiontypes", {"name": "Gift", "code": "gift"}),
        ("permissionpolicies", {"name": "P", "permissionPolicy": STATEMENTS}),
        ("resourcegroups/product", {"name": "G"}),
    ):
        made = wire.call("POST", path, body)
        assert made.status == 200, made
        assert wire.call("DELETE", f"{path}/{made.json['id']}").status == 200

        gone = wire.call("GET", f"{path}/{made.json['id']}")

        assert (gone.status, gone.json["status"]) == (404, 404), path
        assert wire.call("DELETE", f"{path}/{made.json['id']}").status == 404


def test_terraform_reads_lists_of_a_thousand_rows_page_by_page(api):
    for number in range(1000):
        make_product(api.organization, code=f"p{number}")
    wire, seen, query = WireClient(api, "terraform"), [], ""

    while True:
        page = wire.call("GET", f"products?pageSize=200{query}").json
        assert page["data"]
        seen += [row["code"] for row in page["data"]]
        if page["nextToken"] is None:
            break
        query = f"&nextToken={page['nextToken']}"

    assert sorted(seen) == sorted(f"p{number}" for number in range(1000))


def test_the_last_page_has_no_token_even_when_it_is_full(api):
    for number in range(4):
        make_product(api.organization, code=f"p{number}")
    wire = WireClient(api)

    first = wire.call("GET", "products?pageSize=2").json
    second = wire.call("GET", f"products?pageSize=2&nextToken={first['nextToken']}").json

    assert [len(page["data"]) for page in (first, second)] == [2, 2]
    assert second["nextToken"] is None


ECHOED: list[tuple[str, dict[str, Any]]] = [
    ("products", {"name": " Zoë\u0301 <b>&amp; 'x' ", "code": "a b:c/d", "customFields": {}}),
    ("products", {"name": "n", "code": "c", "customFields": {"z": 1, "a": "x", "m": 2.50}}),
    ("picklists/currency", {"name": "Euro", "code": "EUR", "maxDecimalPlaces": 0,
                            "roundingMode": "HALF_UP", "archived": False}),
    ("picklists/creditreasons", {"name": "Ω", "code": "Ωmega$1", "archived": True}),
    ("picklists/debitreasons", {"name": "d", "code": "d", "archived": False}),
    ("picklists/transactiontypes", {"name": "t", "code": "t", "archived": False}),
    ("permissionpolicies", {"name": "P", "permissionPolicy": STATEMENTS}),
    ("permissionpolicies", {"name": "Q", "permissionPolicy": [
        {"effect": "ALLOW", "action": ["CONFIG_RETRIEVE", "CONFIG_CREATE"],
         "resource": ["config:product/*", "config:meter/*"]},
        {"effect": "DENY", "action": ["ALL"], "resource": ["config:plan/*"]},
    ]}),
    ("resourcegroups/meter", {"name": "Group of meters"}),
    ("meters", {"name": "M", "code": "m", "productId": None, "derivedFields": [], "dataFields": [
        {"category": "WHO", "code": "zz", "name": "Z"},
        {"category": "MEASURE", "code": "aa", "name": "A", "unit": "GiBy"},
    ], "groupId": None, "customFields": {}}),
]  # fmt: skip


def echo(value: Any, seen: Any) -> bool:
    """Whether what was sent is in what came back: same values, same order, nothing turned."""
    if isinstance(value, dict):
        return isinstance(seen, dict) and all(
            key in seen and echo(item, seen[key]) for key, item in value.items()
        )
    if isinstance(value, list):
        return isinstance(seen, list) and len(seen) == len(value) and all(map(echo, value, seen))
    return type(value) is type(seen) and value == seen if isinstance(value, (bool, str)) else (
        (value is None and seen is None) or value == seen
    )  # fmt: skip


@pytest.mark.parametrize(("path", "body"), ECHOED, ids=lambda it: it if type(it) is str else "")
def test_what_terraform_wrote_it_reads_back_as_written(api, path, body):
    wire = WireClient(api, "terraform")

    made = wire.call("POST", path, body)
    assert made.status == 200, made
    read = wire.call("GET", f"{path}/{made.json['id']}")
    put = wire.call("PUT", f"{path}/{made.json['id']}", {**body, "version": made.json["version"]})

    for answer in (made, read, put):
        seen = json.loads(answer.raw)
        assert echo(body, seen), (body, seen)
    assert put.json["version"] == made.json["version"] + 1


@pytest.mark.parametrize(("client", "body"), [("python", None), ("typescript", b""), ("go", b"{}")])
def test_posts_and_puts_without_a_body_are_carried_out(api, client, body):
    wire = WireClient(api, client)
    member = make_member(api.organization)
    policy = wire.call(
        "POST", "permissionpolicies", {"name": "P", "permissionPolicy": STATEMENTS}
    ).json
    target = f"permissionpolicies/{policy['id']}"
    wire.call("POST", f"{target}/addtouser", {"principalId": str(member.user.pk)})

    # Taken away from support users that have it not: a refusal of ours, not of the empty body.
    answers = [
        wire.call("POST", f"{target}/addtosupportusers", body),
        wire.call("POST", f"{target}/removefromsupportusers", body),
    ]

    assert [answer.status for answer in answers] == [200, 200], answers


def test_a_resent_password_is_answered_with_nothing_at_all(api):
    ends = datetime.now(UTC) + timedelta(days=30)
    member = make_member(api.organization)
    User.objects.filter(pk=member.user.pk).update(
        must_change_password=True, temporary_password_expires_at=ends
    )

    answer = WireClient(api, "go").call("PUT", f"users/{member.user.pk}/password/resend")

    assert (answer.status, answer.raw) == (200, b"")
    assert answer.headers.get("content-length", "0") == "0"
    assert Membership.objects.filter(user=member.user).exists()


def test_a_token_is_good_for_some_seconds_beyond_its_life(api):
    import time_machine

    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=18_025), tick=False):
        assert WireClient(api, "typescript").call("GET", "products").status == 200


@pytest.mark.parametrize("path", [
    "products/", "//products", "picklists/currency/", "users/me/", "products?pageSize=1",
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_no_client_is_ever_redirected(api, method, path):
    answer = WireClient(api).call(method, path, {} if method in {"POST", "PUT"} else None)

    assert answer.status in {200, 400, 404, 405}
    assert "location" not in answer.headers


def test_nobody_is_redirected_to_the_login_or_to_https_below_the_api(api, settings):
    for path in ("/organizations", "/oauth", "/organizations/x", "/oauth/token"):
        answer = send(request("POST", path, CLIENTS["python"], b"{}"))
        assert answer.status in {400, 401, 404}
        assert answer.headers["content-type"] == "application/json"


def test_other_organizations_keep_out_whatever_the_client_is_called(api):
    theirs = make_founded()
    wire = WireClient(api, "go")
    wire.prefix = f"/organizations/{theirs.organization.pk}/"

    answer = wire.call("GET", "products")

    assert (answer.status, answer.json["status"]) == (403, 403)


def test_invitations_are_made_with_nulls_for_what_is_not_given(api):
    body = {
        "email": "new@example.com", "firstName": "Ada", "lastName": "L", "contactNumber": None,
        "dtEndAccess": None, "dtExpiry": None, "m3terUser": None, "permissionPolicyIds": None,
        "version": None,
    }  # fmt: skip

    answer = WireClient(api, "terraform").call("POST", "invitations", body)

    assert (answer.status, answer.json["email"]) == (200, "new@example.com")
    assert Invitation.objects.count() == 1
