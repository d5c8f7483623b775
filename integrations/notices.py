"""PURE: what a fired rule says to people: for a mail, for Slack, for those who are on call.

Made of the frozen body of a delivery, so every attempt says the same; the delivery's id keeps what
arrives twice one incident.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from organizations.kernel import exact_json

LONGEST_TITLE, LONGEST_TEXT, LONGEST_MESSAGE = 200, 2000, 130
# Fields of what changed that say which one it is; the first that is there.
NAMES = ("name", "code", "accountCode", "invoiceReference", "message", "id")
SHOWN = ("accountCode", "accountName", "billTotal", "currency", "startDate", "endDate", "status",
         "amount", "amountSpent", "message")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said: a title, a sentence, and facts by name."""

    key: str
    title: str
    text: str
    event: str
    at: str
    facts: Mapping[str, str]
    is_trouble: bool


def read(body: bytes, key: str) -> Notice:
    """Return the notice of a delivery's body."""
    told = exact_json.loads(body)
    event = told.get("event") or {}
    rule = told.get("notification") or {}
    name = str(event.get("eventName") or told.get("type") or "")
    data = ((event.get("m3terEvent") or {}).get("eventData")) or {}
    row = data.get("newDto") or data.get("oldDto") or {}
    row = row if isinstance(row, dict) else {}
    facts = {word: _text(row[word]) for word in SHOWN if _is_plain(row.get(word))}
    title = str(rule.get("name") or "A test of this channel")
    about = next((_text(row[word]) for word in NAMES if _is_plain(row.get(word))), "")
    text = str(rule.get("description") or "") if rule else "It works: this is a test event."
    return Notice(
        key=key,
        title=_cut(f"{title}: {about}" if about else title, LONGEST_TITLE),
        text=_cut(text, LONGEST_TEXT),
        event=name,
        at=str(event.get("eventTime") or told.get("timestamp") or ""),
        facts={word: _cut(value, LONGEST_TITLE) for word, value in facts.items()},
        is_trouble=name.endswith(".error"),
    )


def mail(notice: Notice) -> tuple[str, str]:
    """Return subject and text of a mail."""
    lines = [notice.text, "", *(f"{name}: {value}" for name, value in notice.facts.items()), "",
             f"{notice.event}, {notice.at}"]  # fmt: skip
    return " ".join(notice.title.split()), "\n".join(lines).strip() + "\n"


def slack(notice: Notice) -> dict[str, Any]:
    """Return the message of an incoming webhook."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(notice.title, 150)}}
    ]
    if notice.text:
        text = {"type": "mrkdwn", "text": _escaped(notice.text)}
        blocks.append({"type": "section", "text": text})
    if notice.facts:
        fields = [
            {"type": "mrkdwn", "text": f"*{_escaped(name)}*\n{_escaped(value)}"}
            for name, value in list(notice.facts.items())[:10]
        ]
        blocks.append({"type": "section", "fields": fields})
    note = {"type": "mrkdwn", "text": _escaped(f"{notice.event}, {notice.at}")}
    blocks.append({"type": "context", "elements": [note]})
    return {"text": _escaped(notice.title), "blocks": blocks}


def pagerduty(notice: Notice, key: str, source: str) -> dict[str, Any]:
    """Return an event of the Events API, version 2."""
    return {
        "routing_key": key,
        "event_action": "trigger",
        "dedup_key": notice.key,
        "client": "Billwright",
        "payload": {
            "summary": _cut(notice.title, 1024),
            "source": source,
            "severity": "error" if notice.is_trouble else "info",
            "timestamp": notice.at,
            "class": notice.event,
            "custom_details": {"description": notice.text, **notice.facts},
        },
    }


def opsgenie(notice: Notice, source: str) -> dict[str, Any]:
    """Return an alert."""
    return {
        "message": _cut(notice.title, LONGEST_MESSAGE),
        "alias": notice.key,
        "description": notice.text or notice.title,
        "details": {**notice.facts, "event": notice.event, "at": notice.at},
        "source": source,
        "priority": "P2" if notice.is_trouble else "P4",
    }


def _is_plain(value: Any) -> bool:
    return value not in (None, "") and not isinstance(value, dict | list)


def _text(value: Any) -> str:
    return "yes" if value is True else "no" if value is False else str(value)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _escaped(text: str) -> str:
    """Return a text in which Slack sees neither links nor mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
