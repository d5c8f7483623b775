"""A strict stand-in for Google Cloud Storage, and for those who trade an identity for an account.

Written from the public API reference: token exchange (RFC 8693), impersonation of a service
account, resumable uploads in parts with ranges.
"""

import base64
import itertools
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import google_crc32c

from tests.integrations.fakes.serving import Answered, Asked

AUDIENCE = ("//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/"
            "providers/ours")  # fmt: skip
EMAIL = "exports@acme.iam.gserviceaccount.com"


class FakeGcs:
    """Buckets, and the one subject token that is known."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.asked: list[Asked] = []
        self.buckets: dict[str, dict[str, bytes]] = {"our-lake": {}}
        self.uploads: dict[str, tuple[str, str, bytearray]] = {}
        self.break_off = 0  # so many parts fail with 503 first
        self._ids = itertools.count(1)

    def answer(self, asked: Asked) -> Answered | None:
        """Answer one request."""
        self.asked.append(asked)
        if asked.path == "/v1/token":
            return self._traded(asked)
        if asked.path == f"/v1/accounts/{EMAIL}:generateAccessToken":
            return self._impersonated(asked)
        if asked.headers.get("authorization") != "Bearer account-token":
            return _error(401, "Invalid Credentials")
        if asked.method == "GET":  # who may create objects need not be allowed to see the bucket
            return _error(403, "does not have storage.buckets.get access")
        if asked.method == "POST":
            return self._begun(asked)
        return self._part(asked)

    def _traded(self, asked: Asked) -> Answered:
        form = asked.form
        is_right = (
            form.get("subject_token") == self.subject
            and form.get("audience") == AUDIENCE
            and form.get("grant_type") == "urn:ietf:params:oauth:grant-type:token-exchange"
            and form.get("subject_token_type") == "urn:ietf:params:oauth:token-type:jwt"
        )
        if not is_right:
            return Answered(400, b'{"error": "invalid_grant", "error_description": "unknown"}')
        return _json({
            "access_token": "federated", "token_type": "Bearer", "expires_in": 3600,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        })  # fmt: skip

    def _impersonated(self, asked: Asked) -> Answered:
        if asked.headers.get("authorization") != "Bearer federated":
            return _error(403, "Permission denied")
        ends = datetime.now(UTC) + timedelta(hours=1)
        return _json({"accessToken": "account-token", "expireTime": f"{ends:%Y-%m-%dT%H:%M:%SZ}"})

    def _begun(self, asked: Asked) -> Answered:
        match = re.fullmatch(r"/upload/storage/v1/b/([\w.-]+)/o", asked.path)
        if match is None or asked.query.get("uploadType") != "resumable":
            return _error(404, "Not Found")
        if match[1] not in self.buckets:
            return _error(404, "The specified bucket does not exist.")
        body = json.loads(asked.body)
        identity = str(next(self._ids))
        self.uploads[identity] = (match[1], body["name"], bytearray())
        where = f"http://{asked.headers['host']}/upload/{identity}"
        return Answered(200, b"", {"Location": where})

    def _part(self, asked: Asked) -> Answered:
        if self.break_off:
            self.break_off -= 1
            return _error(503, "Try again")
        bucket, name, so_far = self.uploads[asked.path.removeprefix("/upload/")]
        match = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", asked.headers["content-range"])
        assert match is not None
        if match[1] is not None:
            if int(match[1]) != len(so_far):
                return _error(503, "Wrong place")
            so_far += asked.body
        if match[3] == "*" or int(match[3]) != len(so_far):
            span = {"Range": f"bytes=0-{len(so_far) - 1}"} if so_far else {}
            return Answered(308, b"", span)
        self.buckets[bucket][name] = bytes(so_far)
        # What arrived is told, and the client compares it.
        checksum = base64.b64encode(google_crc32c.Checksum(bytes(so_far)).digest()).decode()
        return _json({"name": name, "bucket": bucket, "size": str(len(so_far)),
                      "crc32c": checksum})  # fmt: skip


def _json(body: Any) -> Answered:
    return Answered(200, json.dumps(body).encode())


def _error(status: int, message: str) -> Answered:
    return Answered(status, json.dumps({"error": {"code": status, "message": message}}).encode())
