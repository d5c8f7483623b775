"""A strict stand-in for AWS Marketplace's metering: signatures, batches, hours that are known.

Written from the public API reference: version 4 signatures, at most 25 records, timestamps of the
last six hours, the same record again succeeds and another quantity is a DuplicateRecord, error
types in the body. Roles are assumed at the same address (STS).
"""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.integrations.fakes.serving import Answered, Asked

ROLE_KEYS = ("ASIAROLE", "secret-of-the-role", "session-of-the-role")


class Fault(Exception):
    """An answer that is an error."""

    def __init__(self, kind: str, message: str = "", *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"__type": f"com.amazonaws#{kind}", "message": message}


class FakeAws:
    """What is metered of the products of one seller: by customer, dimension and hour."""

    def __init__(self, key: str) -> None:
        self.key = key  # the secret access key that it knows
        self.asked: list[Asked] = []
        self.fail: list[Answered | None] = []
        self.metered: dict[tuple[str, str, str, int], int] = {}
        self.products = {"78qogxeqwt7zyevfefsw6q48i": {"units", "seats"}}
        self.customers = {"cust-1", "cust-2"}
        self.unprocessed = 0

    def answer(self, asked: Asked) -> Answered | None:
        """Answer one request."""
        if asked.headers.get("content-type", "").startswith("application/x-www-form"):
            return self._role(asked)
        self.asked.append(asked)
        if self.fail:
            return self.fail.pop(0)
        try:
            self._authorize(asked)
            return Answered(200, json.dumps(self._metered(json.loads(asked.body))).encode())
        except Fault as fault:
            return Answered(fault.status, json.dumps(fault.body).encode())

    def total(self) -> int:
        """Everything that was metered."""
        return sum(self.metered.values())

    def know(self, customer: str, dimension: str, hour: datetime, quantity: int) -> None:
        """Have an hour from somebody else."""
        product = "78qogxeqwt7zyevfefsw6q48i"
        self.metered[product, customer, dimension, int(hour.timestamp())] = quantity

    def _authorize(self, asked: Asked) -> None:
        if asked.headers.get("x-amz-target") != "AWSMPMeteringService.BatchMeterUsage":
            raise Fault("UnknownOperationException")
        pattern = (
            r"AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/([\w-]+)/aws-marketplace/aws4_request, "
            r"SignedHeaders=([\w;-]+), Signature=(\w+)"
        )
        match = re.fullmatch(pattern, asked.headers.get("authorization", ""))
        if match is None:
            raise Fault("MissingAuthenticationTokenException")
        access, region, names, signature = match.groups()
        keys = Credentials(access, self.key)
        if access == ROLE_KEYS[0]:
            keys = Credentials(*ROLE_KEYS)
        if "content-type" not in names or "host" not in names:
            raise Fault("IncompleteSignatureException")
        request = AWSRequest(
            method="POST",
            url=f"http://{asked.headers['host']}/",
            data=asked.body,
            headers={name: asked.headers[name] for name in names.split(";") if name != "host"},
        )
        request.context["timestamp"] = asked.headers["x-amz-date"]
        signer = SigV4Auth(keys, "aws-marketplace", region)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        if signer.signature(text, request) != signature:
            raise Fault("InvalidSignatureException", "The signature does not match")

    def _metered(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["ProductCode"] not in self.products:
            raise Fault("InvalidProductCodeException")
        records = body["UsageRecords"]
        if len(records) > 25:
            raise Fault("ValidationException", "at most 25 records")
        results, left = [], []
        for place, record in enumerate(records):
            if self.unprocessed and place:
                self.unprocessed -= 1
                left.append(record)
                continue
            results.append(self._one(body["ProductCode"], record))
        return {"Results": results, "UnprocessedRecords": left}

    def _one(self, product: str, record: dict[str, Any]) -> dict[str, Any]:
        if set(record) != {"Timestamp", "CustomerIdentifier", "Dimension", "Quantity"}:
            raise Fault("ValidationException", "unknown field")
        at = datetime.fromtimestamp(record["Timestamp"], UTC)
        if not timedelta(0) <= datetime.now(UTC) - at <= timedelta(hours=6):
            raise Fault("TimestampOutOfBoundsException")
        if record["Dimension"] not in self.products[product]:
            raise Fault("InvalidUsageDimensionException")
        if not isinstance(record["Quantity"], int) or not 0 <= record["Quantity"] < 2**31:
            raise Fault("ValidationException", "Quantity")
        if record["CustomerIdentifier"] not in self.customers:
            return {"UsageRecord": record, "Status": "CustomerNotSubscribed"}
        where = (product, record["CustomerIdentifier"], record["Dimension"],
                 record["Timestamp"] // 3600 * 3600)  # fmt: skip
        if self.metered.setdefault(where, record["Quantity"]) != record["Quantity"]:
            return {"UsageRecord": record, "Status": "DuplicateRecord"}
        identity = hashlib.sha256(repr(where).encode()).hexdigest()[:12]
        return {"UsageRecord": record, "MeteringRecordId": identity, "Status": "Success"}

    def _role(self, asked: Asked) -> Answered:
        if asked.form.get("Action") != "AssumeRole" or "own" not in asked.form["RoleArn"]:
            error = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
            return Answered(403, error.encode(), {"Content-Type": "text/xml"})
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        keys = "".join(f"<{n}>{v}</{n}>" for n, v in zip(names, ROLE_KEYS, strict=True))
        ends = f"<Expiration>{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
        body = (
            "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
            f"{keys}{ends}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
        return Answered(200, body.encode(), {"Content-Type": "text/xml"})
