"""Salesforce: accounts, bills, contracts, prepayments and balances as records for reports (A9).

Each entity is upserted into a custom object by an external id field that holds our id, so writing
it twice changes one record. An entity that is mapped to a record changes that one. Lines of a bill
go to an object of their own where the settings name one.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from integrations.systems import field_mapping, known
from integrations.systems.base import (
    Answer,
    Client,
    Job,
    Mapped,
    OAuth,
    Option,
    Record,
    Refused,
    Sent,
    System,
    TryAgain,
    failure,
)
from integrations.systems.invoices import Invoice, Line
from integrations.systems.known import Known

API = "/services/data/v60.0"
LINES_A_CALL = 200
NAME = re.compile(r"[A-Za-z]\w{0,79}")
IDENTITY = re.compile(r"[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?")
INSTANCE = re.compile(r"https://[a-z0-9.-]+\.(?:salesforce\.com|force\.com|salesforce\.mil)")
# What passes, though the status does not say so.
PASSING = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG"})
THROTTLED = frozenset({"REQUEST_LIMIT_EXCEEDED", "CONCURRENT_REQUESTS_LIMIT_EXCEEDED"})
GONE = frozenset({"NOT_FOUND", "ENTITY_IS_DELETED"})
# What is written where the settings map no fields: names of the custom fields to make.
STANDARD: Mapping[str, tuple[tuple[str, str], ...]] = {
    "account": (("Name", "account.name"), ("Code__c", "account.code"),
                ("Currency__c", "account.currency")),
    "bill": (("Account_Code__c", "bill.accountCode"), ("Currency__c", "bill.currency"),
             ("Total__c", "bill.billTotal"), ("Status__c", "bill.status"),
             ("Locked__c", "bill.locked"), ("Start_Date__c", "bill.startDate"),
             ("End_Date__c", "bill.endDate"), ("Bill_Date__c", "bill.billDate"),
             ("Due_Date__c", "bill.dueDate")),
    "contract": (("Name", "contract.name"), ("Start_Date__c", "contract.startDate"),
                 ("End_Date__c", "contract.endDate"),
                 ("Purchase_Order__c", "contract.purchaseOrderNumber")),
    "commitment": (("Amount__c", "commitment.amount"), ("Spent__c", "commitment.amountSpent"),
                   ("Currency__c", "commitment.currency"),
                   ("Start_Date__c", "commitment.startDate"),
                   ("End_Date__c", "commitment.endDate")),
    "balance": (("Name", "balance.name"), ("Amount__c", "balance.amount"),
                ("Currency__c", "balance.currency"), ("Start_Date__c", "balance.startDate"),
                ("End_Date__c", "balance.endDate")),
}  # fmt: skip
OF_LINE = (("Description__c", "lineItem.description"), ("Amount__c", "lineItem.amount"),
           ("Quantity__c", "lineItem.quantity"), ("Unit__c", "lineItem.unit"),
           ("Product_Code__c", "lineItem.productCode"))  # fmt: skip
OPTIONS = (
    Option("objectName", "Object", help="Empty is Billwright_Bill__c, Billwright_Account__c, ..."),
    Option("externalIdField", "External id field", default="Billwright_Id__c",
           help="A field of the object that is marked as external id and unique."),
    Option("accountField", "Field of the account",
           help="A lookup to the record that our account is mapped to; then each needs a mapping."),
    Option("lineObjectName", "Object of the lines", help="Of bills; empty sends no lines."),
    Option("lineBillField", "Field of the bill in a line", default="Bill__c",
           help="A lookup or master-detail relationship to the object of bills."),
)  # fmt: skip


class Salesforce(System):
    """Salesforce's REST API."""

    about: ClassVar[Known] = known.named("SALESFORCE")
    options = OPTIONS
    takes_fields = True
    oauth = OAuth(
        authorize_url="https://login.salesforce.com/services/oauth2/authorize",
        token_url="https://login.salesforce.com/services/oauth2/token",
        scopes=("api", "refresh_token"),
        kept=("instance_url",),
        # Answers tell no end; sessions last at least fifteen minutes.
        lasts=timedelta(minutes=15),
    )

    def places(self, currency: str) -> int:
        """Return the decimals: as many as a bill can have, the field decides what it shows."""
        return 8

    def base(self, secrets: Mapping[str, str]) -> str:
        """Return the address of the company, which came with the tokens."""
        url = secrets.get("instance_url", "")
        parts = urlsplit(url)
        if not INSTANCE.fullmatch(f"{parts.scheme}://{parts.hostname or ''}"):
            raise Refused("The connection tells no address of Salesforce; connect it again.")
        return f"https://{parts.hostname}"

    def classify(self, answer: Answer) -> Exception:
        """Return what to raise; Salesforce says by code what passes."""
        codes, said = _said(answer)
        sentence = f"Salesforce answered {answer.status}: {said}"
        if codes & THROTTLED:
            return TryAgain(sentence, is_throttled=True)
        if codes & PASSING:
            return TryAgain(sentence)
        return failure(self.about.name, answer, said)

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Refuse names that no object or field of Salesforce can have."""
        for option in OPTIONS:
            given = settings.get(option.key)
            if given and not NAME.fullmatch(str(given)):
                raise ValueError(f"{option.key} must be the API name of an object or a field")
        for key in (field_mapping.KEY, field_mapping.LINE_KEY):
            if not all(map(NAME.fullmatch, field_mapping.names(settings, key))):
                raise ValueError(f"{key} must name fields of Salesforce by their API names")

    def send(self, job: Job) -> Sent:
        """Bring one entity there."""
        entity = job.entity_type.lower()
        if entity not in STANDARD:
            raise Refused(f"Nothing sends {job.entity_type} to Salesforce.")
        target = str(job.settings.get("objectName") or f"Billwright_{job.entity_type}__c")
        body = self._fields(job, field_mapping.KEY, STANDARD[entity])
        table, known_id = self._mapped(job, target)
        identity = self._changed(job, table, known_id, body) if known_id else None
        if identity is None:
            table, identity = target, self._upserted(job, target, body)
        if job.invoice is not None and job.settings.get("lineObjectName"):
            self._bring_lines(job, job.invoice, identity)
        return Sent(
            external_id=identity,
            url=f"{job.client.address}/{identity}",
            mappings=(Mapped(job.entity_type, job.entity_id, table, identity),),
        )

    def records(self, client: Client, table: str) -> list[Record]:
        """Return the newest records of an object by their names."""
        if not NAME.fullmatch(table):
            return []
        query = f"SELECT Id, Name FROM {table} ORDER BY CreatedDate DESC LIMIT 200"  # noqa: S608
        answer = client.call("GET", f"{API}/query", query={"q": query}, retried=False)
        if not answer.is_success:
            return []
        return [Record(row["Id"], str(row.get("Name") or "")) for row in answer.body["records"]]

    def try_out(self, client: Client) -> str:
        """Return the name of the company."""
        query = {"q": "SELECT Name FROM Organization"}
        answer = client.call("GET", f"{API}/query", query=query)
        if not answer.is_success or not isinstance(answer.body, Mapping):
            raise self.classify(answer)
        return str(answer.body["records"][0]["Name"])

    # Records -----------------------------------------------------------------------------------

    def _fields(self, job: Job, key: str, standard: Sequence[tuple[str, str]]) -> dict[str, Any]:
        rows = job.settings.get(key) or [
            {field_mapping.FIELD: name, field_mapping.EXPRESSION: text} for name, text in standard
        ]
        try:
            found = field_mapping.values(rows, job.sources)
        except field_mapping.MappingFailed as error:
            raise Refused(str(error)) from None
        field = str(job.settings.get("accountField") or "")
        if field:
            account = str(job.sources.get("account", {}).get("id") or "")
            found[field] = job.mappings.one("Account", account, "Account")
        return found

    def _mapped(self, job: Job, target: str) -> tuple[str, str | None]:
        """Return the record that somebody or an earlier run has said our entity is."""
        for table in dict.fromkeys((target, job.entity_type)):
            found = job.mappings.find(job.entity_type, job.entity_id, table)
            if found is not None:
                return table, found
        return target, None

    def _changed(self, job: Job, table: str, identity: str, body: Mapping[str, Any]) -> str | None:
        if not IDENTITY.fullmatch(identity):
            raise Refused(f"{identity} is no id of Salesforce.")
        answer = job.client.call("PATCH", f"{API}/sobjects/{table}/{identity}", json=body)
        if answer.status == 404 and _said(answer)[0] & GONE:
            job.client.note(f"Record {identity} is gone in Salesforce; another one is made.")
            return None
        if not answer.is_success:
            raise self.classify(answer)
        return identity

    def _upserted(self, job: Job, target: str, body: Mapping[str, Any]) -> str:
        field = str(job.settings.get("externalIdField") or "Billwright_Id__c")
        path = f"{API}/sobjects/{target}/{field}/{quote(job.entity_id)}"
        answer = job.client.call("PATCH", path, json=body)
        if answer.status == 300:
            raise Refused(f"Several records of {target} have {field} {job.entity_id}.")
        if not answer.is_success or not isinstance(answer.body, Mapping):
            raise self.classify(answer)
        return str(answer.body["id"])

    # Lines -------------------------------------------------------------------------------------

    def _bring_lines(self, job: Job, invoice: Invoice, bill: str) -> None:
        """Make the lines of the record those of the bill: upserted first, then the rest deleted."""
        target = str(job.settings["lineObjectName"])
        field = str(job.settings.get("externalIdField") or "Billwright_Id__c")
        parent = str(job.settings.get("lineBillField") or "Bill__c")
        wanted = {_line_id(invoice, line): line for line in invoice.lines}
        rows = [
            {"attributes": {"type": target}, field: key, parent: bill, **self._line(job, line)}
            for key, line in wanted.items()
        ]
        for start in range(0, len(rows), LINES_A_CALL):
            body = {"allOrNone": True, "records": rows[start : start + LINES_A_CALL]}
            path = f"{API}/composite/sobjects/{target}/{field}"
            self._each(job.client.call("PATCH", path, json=body))
        there = self._queried(
            job.client,
            f"SELECT Id, {field} FROM {target} WHERE {parent} = '{bill}'",  # noqa: S608
        )
        gone = [row["Id"] for row in there if row[field] not in wanted]
        for start in range(0, len(gone), LINES_A_CALL):
            ids = ",".join(gone[start : start + LINES_A_CALL])
            query = {"ids": ids, "allOrNone": "true"}
            self._each(job.client.call("DELETE", f"{API}/composite/sobjects", query=query))

    def _line(self, job: Job, line: Line) -> dict[str, Any]:
        rows = job.settings.get(field_mapping.LINE_KEY) or [
            {field_mapping.FIELD: name, field_mapping.EXPRESSION: text} for name, text in OF_LINE
        ]
        sources = {**job.sources, "lineItem": line_source(line)}
        try:
            return field_mapping.values(rows, sources, of_line=True)
        except field_mapping.MappingFailed as error:
            raise Refused(f"{line.description}: {error}") from None

    def _queried(self, client: Client, query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        answer = client.call("GET", f"{API}/query", query={"q": query})
        while True:
            if not answer.is_success or not isinstance(answer.body, Mapping):
                raise self.classify(answer)
            found += answer.body["records"]
            if answer.body.get("done", True):
                return found
            answer = client.call("GET", str(answer.body["nextRecordsUrl"]))

    def _each(self, answer: Answer) -> None:
        """Raise for the first line that was refused; none was written then."""
        if not answer.is_success or not isinstance(answer.body, list):
            raise self.classify(answer)
        refused = [one for row in answer.body for one in row.get("errors") or []]
        # Of the others it only says that they were rolled back.
        refused.sort(key=lambda one: one.get("statusCode") == "ALL_OR_NONE_OPERATION_ROLLED_BACK")
        if refused:
            first = [{"errorCode": refused[0].get("statusCode"), **refused[0]}]
            raise self.classify(Answer(400, first))


def line_source(line: Line) -> dict[str, Any]:
    """Return a line as expressions see it."""
    return {
        "description": line.description,
        "amount": line.amount,
        "quantity": line.quantity,
        "unit": line.unit,
        "productId": line.product_id,
        "productCode": line.product_code,
        "productName": line.product_name,
        "aggregationId": line.aggregation_id,
        "servicePeriodStartDate": line.starts_at.isoformat(),
        "servicePeriodEndDate": line.ends_at.isoformat(),
    }


def _line_id(invoice: Invoice, line: Line) -> str:
    """Return the external id of a line, the same each time and short enough for any field."""
    return hashlib.sha256(f"{invoice.bill_id}/{line.key}".encode()).hexdigest()[:36]


def _said(answer: Answer) -> tuple[set[str], str]:
    """Return the codes and sentences of an error."""
    rows = answer.body if isinstance(answer.body, list) else [answer.body]
    rows = [row for row in rows if isinstance(row, Mapping)]
    codes = {str(row.get("errorCode") or row.get("error") or "") for row in rows}
    parts = [
        " ".join([str(row.get("message") or ""), *map(str, row.get("fields") or [])]).strip()
        for row in rows
    ]
    return codes, " ".join(part for part in parts if part)[:500]
