"""Addresses below a row: who may not read the row above gets nowhere, and lists are narrowed."""

from billing.models import IngestFailure
from organizations import attachments, resource_groups
from organizations.kernel import ids
from organizations.models import PrincipalType, TargetType
from tests.billing.bills.printed_bills import make_bill, make_line
from tests.organizations.people_made import make_member, system
from tests.organizations.test_grants import allow, deny, make_group, make_policy

EVERYTHING = allow("*", action="all")


def test_lines_of_a_denied_bill_are_refused_with_it(acting, organization):
    bill = make_bill(organization)
    line = make_line(bill)
    barred = acting(EVERYTHING, deny(f"billing:bill/item/{bill.pk}"))
    path = f"bills/{bill.pk}/lineitems"

    statuses = [
        barred.get(one).status
        for one in (path, f"{path}/{line.pk}", f"{path}/{line.pk}/explanation")
    ]

    assert statuses == [403, 403, 403]
    assert acting(EVERYTHING).get(path).status == 200


def test_a_denied_line_shows_neither_alone_nor_in_its_bill(acting, organization):
    bill = make_bill(organization)
    hidden, shown = make_line(bill), make_line(bill)
    barred = acting(EVERYTHING, deny(f"billing:billLineItem/item/{hidden.pk}"))

    def ids_of(lines):
        return [line["id"] for line in lines]

    assert ids_of(barred.get(f"bills/{bill.pk}/lineitems").json["data"]) == [str(shown.pk)]
    assert ids_of(barred.get(f"bills/{bill.pk}").json["lineItems"]) == [str(shown.pk)]
    assert ids_of(barred.get("lineitems").json["data"]) == [str(shown.pk)]
    path = f"bills/{bill.pk}/lineitems/{hidden.pk}"
    assert [barred.get(path).status, barred.get(f"{path}/explanation").status] == [403, 403]


def test_bills_of_a_period_are_those_one_may_see_and_approving_spares_the_others(
    acting, organization
):
    first, second = make_bill(organization), make_bill(organization, invoice_reference="I-2")
    path = "bills/billingperiod/2024-06-30/MONTHLY"
    barred = acting(
        EVERYTHING,
        deny(f"billing:bill/item/{second.pk}", action="config:*"),
    )

    listed = [row["id"] for row in barred.get(path).json["data"]]
    refused = barred.post("bills/approve", {"billIds": [str(second.pk)]})
    answer = barred.post(f"{path}/approve")

    assert listed == [str(first.pk)]
    assert refused.status == 400
    assert answer.json == {"message": "1 bill approved."}
    second.refresh_from_db()
    assert (second.status, second.version) == ("PENDING", 1)


def test_keys_below_a_service_user_one_may_not_read_are_refused(acting, founded):
    path = f"serviceusers/{founded.service_user.pk}/accesskeys"
    keeper = acting(allow("config:accessKey", action="config:*"))

    assert keeper.get(path).status == 403
    assert keeper.post(path).status == 403
    assert keeper.get(f"accesskeys/{founded.access_key_id}").status == 200
    assert acting(EVERYTHING).get(path).status == 200


def test_policies_and_groups_of_a_person_are_those_one_may_read(acting, organization):
    member = make_member(organization)
    by = system(organization)
    hidden, shown = (make_policy(organization, allow("config:meter")) for _ in range(2))
    secret, known = (make_group(organization, kind="orguser") for _ in range(2))
    for policy in (hidden, shown):
        attachments.attach(policy, PrincipalType.USER, member.user_id, by=by)
        attachments.attach(policy, PrincipalType.USERGROUP, known.pk, by=by)
    for group in (secret, known):
        resource_groups.add(group, TargetType.ITEM, member.user_id, by=by)
    barred = acting(
        EVERYTHING,
        deny(f"config:permissionPolicy/item/{hidden.pk}", f"config:resourceGroup/item/{secret.pk}"),
    )
    people_only = acting(allow("config:orgUser", "config:resourceGroup"))

    def listed(path, **query):
        return [row["id"] for row in barred.get(path, **query).json["data"]]

    assert listed(f"users/{member.user_id}/permissions") == [str(shown.pk)]
    assert listed(f"users/{member.user_id}/usergroups") == [str(known.pk)]
    assert listed(f"users/{member.user_id}/usergroups", inherited="true") == [str(known.pk)]
    assert listed(f"resourcegroups/user/{known.pk}/permissions") == [str(shown.pk)]
    assert people_only.get(f"users/{member.user_id}/permissions").status == 403
    assert people_only.get(f"users/{member.user_id}/usergroups").status == 200


def test_one_failed_upload_can_be_denied(acting, organization):
    rows = [
        IngestFailure.objects.create(
            id=ids.new_id(), event_id=ids.new_id(), organization=organization,
            type="validation", message="No", measurements=[], uids=[],
        )
        for _ in range(2)
    ]  # fmt: skip
    barred = acting(
        allow("data:measurement", action="measurements:retrieve"),
        deny(f"data:measurement/item/{rows[0].pk}", action="measurements:retrieve"),
    )
    path = "measurements/failedIngest/getDownloadUrl"

    assert [barred.get(path, file=str(row.pk)).status for row in rows] == [403, 200]


def test_the_list_of_lines_leaves_out_those_of_a_denied_bill(acting, organization):
    hidden, shown = make_bill(organization), make_bill(organization, invoice_reference="I-2")
    make_line(hidden)
    line = make_line(shown)

    barred = acting(EVERYTHING, deny(f"billing:bill/item/{hidden.pk}"))
    wholly = acting(EVERYTHING, deny("billing:bill"))

    assert [row["id"] for row in barred.get("lineitems").json["data"]] == [str(line.pk)]
    assert barred.get("lineitems", billId=str(hidden.pk)).json["data"] == []
    assert wholly.get("lineitems").json["data"] == []
    assert len(acting(EVERYTHING).get("lineitems").json["data"]) == 2
