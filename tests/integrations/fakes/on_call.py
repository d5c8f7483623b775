"""Strict stand-ins for Slack's incoming webhooks, PagerDuty's Events API and Opsgenie's alerts.

Written from the public references: required and unknown fields, types, lengths, answers.
"""

import json
from typing import Any

from tests.integrations.fakes.serving import Answered, Asked

SLACK_PATH = "/services/T000/B000/planted-slack-token"
ROUTING_KEY = "plantedroutingkey00000000000000f"
GENIE_KEY = "planted0-genie-key0-0000-000000000000"
BLOCKS = {"header", "section", "context", "divider"}


class FakeOnCall:
    """What arrived, by channel."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.fail: list[Answered | None] = []
        self.messages: list[dict[str, Any]] = []
        self.incidents: dict[str, dict[str, Any]] = {}
        self.alerts: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Answered | None:
        """Answer one request."""
        self.asked.append(asked)
        if self.fail:
            return self.fail.pop(0)
        body = json.loads(asked.body)
        if asked.path == SLACK_PATH:
            return self._slack(body)
        if asked.path == "/v2/enqueue":
            return self._pagerduty(body)
        if asked.path == "/v2/alerts":
            return self._opsgenie(asked, body)
        return Answered(404, b"no_service")

    def _slack(self, body: dict[str, Any]) -> Answered:
        kinds = {block["type"] for block in body.get("blocks", [])}
        texts = [block["text"]["text"] for block in body.get("blocks", []) if "text" in block]
        is_wrong = (
            not body.get("text") or set(body) != {"text", "blocks"} or kinds - BLOCKS
            or len(texts[0]) > 150 or any(len(text) > 3000 for text in texts)
        )  # fmt: skip
        if is_wrong:
            return Answered(400, b"invalid_payload")
        self.messages.append(body)
        return Answered(200, b"ok")

    def _pagerduty(self, body: dict[str, Any]) -> Answered:
        payload = body.get("payload", {})
        is_wrong = (
            body.get("routing_key") != ROUTING_KEY
            or body.get("event_action") != "trigger"
            or not {"summary", "source", "severity"} <= payload.keys()
            or payload["severity"] not in {"critical", "error", "warning", "info"}
            or not 1 <= len(payload["summary"]) <= 1024
            or len(body.get("dedup_key", "")) > 255
        )
        if is_wrong:
            told = {"status": "invalid event", "errors": [f"bad key {body.get('routing_key')}"]}
            return Answered(400, json.dumps(told).encode())
        self.incidents[body["dedup_key"]] = body
        return Answered(202, b'{"status": "success"}')

    def _opsgenie(self, asked: Asked, body: dict[str, Any]) -> Answered:
        if asked.headers.get("authorization") != f"GenieKey {GENIE_KEY}":
            return Answered(403, b'{"message": "Key format is not valid!"}')
        is_wrong = (
            not 1 <= len(body.get("message", "")) <= 130
            or len(body.get("alias", "")) > 512
            or body.get("priority") not in {"P1", "P2", "P3", "P4", "P5"}
            or not all(isinstance(value, str) for value in body.get("details", {}).values())
        )
        if is_wrong:
            return Answered(422, b'{"message": "Request body is not processable."}')
        self.alerts[body["alias"]] = body
        return Answered(202, b'{"result": "Request will be processed"}')
