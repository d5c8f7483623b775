"""AWS Marketplace: metered usage of a customer, a record for each dimension and hour (A10).

Requests are signed with the key of the credential or of a role that it assumes, by botocore; they
go out like those of every other system. An hour is kept for the bill before the call: the same
record again is answered as taken, another quantity for its hour is refused.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, ClassVar

from integrations.systems import known, metering
from integrations.systems.base import (
    Answer,
    Client,
    Job,
    Metered,
    NotAuthorized,
    Refused,
    Sent,
    System,
    TryAgain,
    failure,
)
from integrations.systems.known import Known

SERVICE, TARGET = "aws-marketplace", "AWSMPMeteringService"
HOME = "us-east-1"
REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
KEY = re.compile(r"([A-Za-z0-9]{10,40})-([A-Za-z0-9_.-]{1,200})")
HOURS = 6  # a timestamp may be six hours old
THROTTLED = frozenset({"ThrottlingException", "TooManyRequestsException"})
PASSING = frozenset({"InternalServiceErrorException", "InternalFailure", "ServiceUnavailable"})
TOO_LATE = "TimestampOutOfBoundsException"
REFUSED_KEY = frozenset({
    "UnrecognizedClientException", "InvalidSignatureException", "AccessDeniedException",
    "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch",
    "MissingAuthenticationTokenException", "IncompleteSignatureException",
})  # fmt: skip


class Aws(System):
    """AWS Marketplace's metering service."""

    about: ClassVar[Known] = known.named("AWS")
    base_url = "https://metering.marketplace.{region}.amazonaws.com"
    options = (metering.DIMENSION,)

    def base(self, secrets: Mapping[str, str]) -> str:
        """Return the address of the region, us-east-1 where none is given."""
        return self.base_url.format(region=_region(secrets))

    def headers(self, secrets: Mapping[str, str], settings: Mapping[str, Any]) -> dict[str, str]:
        """Return nothing: each request is signed."""
        return {}

    def fresh(self, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """Return the keys of the role, where one is to be assumed."""
        if not secrets.get("roleArn"):
            return secrets
        from integrations.systems import aws_roles

        return aws_roles.assumed(secrets, _region(secrets))

    def sign(
        self,
        secrets: Mapping[str, str],
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Mapping[str, str]:
        """Return the signature of a request (version 4)."""
        # Imported where they are used: most processes never sign anything.
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        kept = {name: headers[name] for name in ("Content-Type", "X-Amz-Target") if name in headers}
        request = AWSRequest(method=method, url=url, data=body or b"", headers=kept)
        keys = Credentials(
            secrets.get("accessKeyId", ""),
            secrets.get("secretAccessKey", ""),
            secrets.get("sessionToken") or None,
        )
        SigV4Auth(keys, SERVICE, _region(secrets)).add_auth(request)
        return {name: value for name, value in request.headers.items() if name not in kept}

    def classify(self, answer: Answer) -> Exception:
        """Return what to raise; AWS says by the type of an error what it means."""
        body = answer.body if isinstance(answer.body, Mapping) else {}
        kind = str(body.get("__type") or "").rpartition("#")[2]
        said = f"{kind} {body.get('message') or body.get('Message') or ''}".strip()[:500]
        sentence = f"AWS answered {answer.status}: {said}"
        if kind in THROTTLED:
            return TryAgain(sentence, is_throttled=True)
        if kind in PASSING:
            return TryAgain(sentence)
        if kind == TOO_LATE:
            return metering.TooLate(sentence)
        if kind in REFUSED_KEY:
            return NotAuthorized(sentence)
        return failure(self.about.name, answer, said)

    def check_settings(self, settings: Mapping[str, Any]) -> None:
        """Refuse a dimension without the code of its product."""
        given = settings.get(metering.DIMENSION.key)
        if given and not KEY.fullmatch(str(given)):
            raise ValueError("dimension must be PRODUCTCODE-DIMENSION, as in 78qog...-measurements")

    def validate(self, job: Job) -> None:
        """Refuse bills that cannot be metered, before any call."""
        metering.check(job, self.about.name)
        wanted = metering.wanted(job)
        for dimension in wanted:
            _product(dimension)
        metering.more(wanted, job.reported, job.meter.pending())

    def send(self, job: Job) -> Sent:
        """Meter what AWS does not know of the bill."""
        customer = job.mappings.one("Account", job.bill.account.identity, "Customer")
        wanted = metering.wanted(job)
        taken = metering.tell(job, customer, wanted, HOURS, lambda some: self._told(job, some))
        if not taken:
            job.client.note("AWS knows all of it already.")
        return Sent(external_id=customer, reported=metering.reported(taken))

    def try_out(self, client: Client) -> str:
        """Send no record for a product that does not exist: who may meter is told apart."""
        answer = _call(client, {"ProductCode": "none", "UsageRecords": []})
        error = self.classify(answer)
        if not answer.is_success and isinstance(error, NotAuthorized | TryAgain):
            raise error
        return "The key is accepted"

    def _told(self, job: Job, some: Sequence[Metered]) -> list[metering.Fate]:
        """Tell of hours, a call for each product: what stays unprocessed is tried again."""
        products = dict.fromkeys(_product(one.dimension)[0] for one in some)
        fates: dict[Metered, metering.Fate] = {}
        for product in products:
            mine = [one for one in some if _product(one.dimension)[0] == product]
            answer = _call(
                job.client, {"ProductCode": product, "UsageRecords": [_record(one) for one in mine]}
            )
            if not answer.is_success or not isinstance(answer.body, Mapping):
                fates |= dict.fromkeys(mine, self.classify(answer))
                continue
            results = {
                (row["UsageRecord"]["Dimension"], row["UsageRecord"]["Timestamp"]): row["Status"]
                for row in answer.body["Results"]
            }
            for one in mine:
                status = results.get((_product(one.dimension)[1], _stamp(one)))
                fates[one] = _fate(one, status)
        return [fates[one] for one in some]


def _call(client: Client, body: Mapping[str, Any]) -> Answer:
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"{TARGET}.BatchMeterUsage",
    }
    return client.call("POST", "/", json=body, headers=headers)


def _region(secrets: Mapping[str, str]) -> str:
    region = secrets.get("region") or HOME
    if not REGION.fullmatch(region):
        raise Refused("The region of the credential is none of AWS.")
    return region


def _product(dimension: str) -> tuple[str, str]:
    """Return the code of the product and the key of the dimension."""
    match = KEY.fullmatch(dimension)
    if match is None:
        raise Refused(f"{dimension}: a dimension of AWS is mapped as PRODUCTCODE-DIMENSION.")
    return match[1], match[2]


def _stamp(one: Metered) -> int:
    return int(one.hour.astimezone(UTC).timestamp())


def _record(one: Metered) -> dict[str, Any]:
    return {
        "Timestamp": _stamp(one),
        "CustomerIdentifier": one.customer,
        "Dimension": _product(one.dimension)[1],
        "Quantity": int(one.quantity),
    }


def _fate(one: Metered, status: str | None) -> metering.Fate:
    if status == "Success":
        return metering.TAKEN
    if status == "DuplicateRecord":
        return metering.ELSEWHERE
    if status == "CustomerNotSubscribed":
        return Refused(f"Customer {one.customer} is not subscribed to the product in AWS.")
    return TryAgain(f"AWS has not processed {one.dimension} of {one.hour:%Y-%m-%d %H:00} UTC yet.")
