"""A strict stand-in for Salesforce's REST API: upsert by external id, collections, SOQL.

Written from the public guides: objects and fields that do not exist are refused, types of fields,
201 and 200 of an upsert, at most 200 records a collection, all or none, error shapes as lists.
"""

import itertools
import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from tests.integrations.fakes.serving import Answered, Asked

EXTERNAL = "Billwright_Id__c"
NUMBER, TEXT, DAY, FLAG, LOOKUP = "number", "text", "date", "flag", "lookup"
OBJECTS: dict[str, dict[str, str]] = {
    "Account": {"Name": TEXT, "Region__c": TEXT, EXTERNAL: TEXT},
    "Billwright_Account__c": {"Name": TEXT, "Code__c": TEXT, "Currency__c": TEXT, EXTERNAL: TEXT},
    "Billwright_Bill__c": {
        "Account_Code__c": TEXT, "Currency__c": TEXT, "Total__c": NUMBER, "Status__c": TEXT,
        "Locked__c": FLAG, "Start_Date__c": DAY, "End_Date__c": DAY, "Bill_Date__c": DAY,
        "Due_Date__c": DAY, "Account__c": LOOKUP, "Region__c": TEXT, EXTERNAL: TEXT,
    },
    "Billwright_Contract__c": {"Name": TEXT, "Start_Date__c": DAY, "End_Date__c": DAY,
                               "Purchase_Order__c": TEXT, "Account__c": LOOKUP, EXTERNAL: TEXT},
    "Billwright_Commitment__c": {"Amount__c": NUMBER, "Spent__c": NUMBER, "Currency__c": TEXT,
                                 "Start_Date__c": DAY, "End_Date__c": DAY, EXTERNAL: TEXT},
    "Billwright_Balance__c": {"Name": TEXT, "Amount__c": NUMBER, "Currency__c": TEXT,
                              "Start_Date__c": TEXT, "End_Date__c": TEXT, EXTERNAL: TEXT},
    "Line__c": {"Description__c": TEXT, "Amount__c": NUMBER, "Quantity__c": NUMBER,
                "Unit__c": TEXT, "Product_Code__c": TEXT, "Bill__c": LOOKUP, EXTERNAL: TEXT},
}  # fmt: skip


class Fault(Exception):
    """An answer that is an error."""

    def __init__(self, code: str, message: str, *, status: int = 400, fields: Any = ()) -> None:
        super().__init__(message)
        self.status = status
        self.body = [{"errorCode": code, "message": message, "fields": list(fields)}]


class FakeSalesforce:
    """The records of one company, by object and id."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.asked: list[Asked] = []
        self.fail: list[Answered | None] = []
        self.rows: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in OBJECTS}
        self.rows["Account"]["001000000000001"] = {"Id": "001000000000001", "Name": "Acme"}
        self._ids = itertools.count(1)

    def answer(self, asked: Asked) -> Answered | None:
        """Answer one request."""
        self.asked.append(asked)
        if self.fail:
            return self.fail.pop(0)
        try:
            if asked.headers.get("authorization") != f"Bearer {self.key}":
                raise Fault("INVALID_SESSION_ID", "Session expired or invalid", status=401)
            return self._routed(asked)
        except Fault as fault:
            return Answered(fault.status, json.dumps(fault.body).encode())

    @property
    def writes(self) -> list[Asked]:
        """The requests that change something."""
        return [asked for asked in self.asked if asked.method != "GET"]

    def forget(self, row: dict[str, Any]) -> None:
        """Delete a record, as a person does."""
        for rows in self.rows.values():
            rows.pop(row["Id"], None)

    def _routed(self, asked: Asked) -> Answered:
        path = unquote(asked.path).removeprefix("/services/data/v60.0/")
        if path == "query" and asked.method == "GET":
            rows = self._query(asked.query["q"])
            return _json(200, {"totalSize": len(rows), "done": True, "records": rows})
        if path == "composite/sobjects" and asked.method == "DELETE":
            return self._deleted(asked.query)
        match path.split("/"):
            case ["composite", "sobjects", name, field] if asked.method == "PATCH":
                return self._collection(name, field, json.loads(asked.body, parse_float=Decimal))
            case ["sobjects", name, identity] if asked.method == "PATCH":
                row = self._object(name).get(identity)
                if row is None:
                    raise Fault("NOT_FOUND", "The requested resource does not exist", status=404)
                row |= self._checked(name, json.loads(asked.body, parse_float=Decimal))
                return Answered(204, b"")
            case ["sobjects", name, field, value] if asked.method == "PATCH":
                body = self._checked(name, json.loads(asked.body, parse_float=Decimal))
                if field in body:
                    raise Fault("INVALID_FIELD", f"The {field} field should not be specified")
                identity, is_new = self._upserted(name, field, value, body)
                status = 201 if is_new else 200
                answer = {"id": identity, "success": True, "created": is_new, "errors": []}
                return _json(status, answer)
        raise Fault("NOT_FOUND", "The requested resource does not exist", status=404)

    def _object(self, name: str) -> dict[str, dict[str, Any]]:
        if name not in self.rows:
            raise Fault("NOT_FOUND", f"The requested resource {name} does not exist", status=404)
        return self.rows[name]

    def _upserted(
        self, name: str, field: str, value: str, body: dict[str, Any]
    ) -> tuple[str, bool]:
        if field != EXTERNAL:
            raise Fault("NOT_FOUND", f"Provided external ID field does not exist: {field}",
                        status=404)  # fmt: skip
        rows = self._object(name)
        found = next((row for row in rows.values() if row.get(field) == value), None)
        is_new = found is None
        if found is None:
            identity = f"a0B{next(self._ids):012}"
            found = rows.setdefault(identity, {"Id": identity, field: value})
        found |= body
        return str(found["Id"]), is_new

    def _collection(self, name: str, field: str, body: dict[str, Any]) -> Answered:
        rows = body["records"]
        if not 1 <= len(rows) <= 200:
            raise Fault("INVALID_INPUT", "The number of records must be from 1 to 200")
        results: list[dict[str, Any]] = []
        checked = []
        for row in rows:
            if row.pop("attributes", {}).get("type") != name:
                raise Fault("INVALID_INPUT", "Include an entity type with each object")
            try:
                checked.append(self._checked(name, row))
                results.append({"success": True, "errors": []})
            except Fault as fault:
                error = fault.body[0]
                told = {"statusCode": error["errorCode"], "message": error["message"]}
                results.append({"success": False, "errors": [told]})
        if body.get("allOrNone") and any(not one["success"] for one in results):
            rolled = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": "rolled back"}
            results = [one if one["errors"] else {"success": False, "errors": [rolled]}
                       for one in results]  # fmt: skip
            return _json(200, results)
        for row in checked:
            self._upserted(name, field, row.pop(field), row)
        return _json(200, results)

    def _checked(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        fields = OBJECTS.get(name, {})
        for key, value in body.items():
            if key not in fields:
                raise Fault("INVALID_FIELD", f"No such column '{key}' on sobject of type {name}")
            is_wrong = (
                value is not None
                and {
                    NUMBER: not isinstance(value, int | Decimal) or isinstance(value, bool),
                    TEXT: not isinstance(value, str) or len(value) > 255,
                    FLAG: not isinstance(value, bool),
                    DAY: not re.match(r"\d{4}-\d\d-\d\d$", str(value)),
                    LOOKUP: not any(value in rows for rows in self.rows.values()),
                }[fields[key]]
            )
            if is_wrong:
                raise Fault("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{key}: value not of required type",
                            fields=[key])  # fmt: skip
        return body

    def _deleted(self, query: dict[str, str]) -> Answered:
        ids = query["ids"].split(",")
        if len(ids) > 200:
            raise Fault("INVALID_INPUT", "at most 200 ids")
        for identity in ids:
            self.forget({"Id": identity})
        return _json(200, [{"id": identity, "success": True, "errors": []} for identity in ids])

    def _query(self, query: str) -> list[dict[str, Any]]:
        if query == "SELECT Name FROM Organization":
            return [{"Name": "Acme CRM"}]
        match = re.fullmatch(r"SELECT Id, (\w+) FROM (\w+) WHERE (\w+) = '(\w+)'", query)
        if match is None:
            raise Fault("MALFORMED_QUERY", f"unexpected: {query}")
        column, name, where, value = match.groups()
        return [{"Id": row["Id"], column: row.get(column)}
                for row in self._object(name).values() if row.get(where) == value]  # fmt: skip


def _json(status: int, body: Any) -> Answered:
    return Answered(status, json.dumps(body).encode())
