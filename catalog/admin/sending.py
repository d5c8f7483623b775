"""How to send measurements of a meter: programs with its own address, codes and fields (C3)."""

import json
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string

from catalog.models import NUMERIC_CATEGORIES, Meter
from organizations.kernel import clock
from organizations.kernel.instants import iso_instant

UID, TS = "@uid@", "@ts@"
LANGUAGES = (("cURL", "curl"), ("JavaScript", "javascript"), ("Python", "python"), ("Java", "java"))
NO_ACCOUNT = "ACCOUNT-CODE"

# An app above knows accounts and what arrived: an example's account, addresses to go on to.
About = Callable[[HttpRequest, Meter], dict[str, Any]]
_above: list[About] = []


def register(about: About) -> None:
    """Let an app above say what it knows of a meter."""
    if about not in _above:
        _above.append(about)


def of(request: HttpRequest, meter: Meter) -> dict[str, Any]:
    """Return what the page of a meter shows about sending."""
    known: dict[str, Any] = {}
    for about in _above:
        known |= about(request, meter)
    base = settings.PUBLIC_URL.rstrip("/")
    address = f"{base}/organizations/{meter.organization_id}/measurements"
    return {
        **known,
        "address": address,
        "samples": samples(meter, known.get("account") or NO_ACCOUNT, base, address),
    }


def samples(meter: Meter, account: str, base: str, address: str) -> list[tuple[str, str]]:
    """Return JSON and programs by language; each sends one measurement of the meter."""
    body = json.dumps({"measurements": [example(meter, account)]}, indent=2)
    uid, ts = secrets.token_hex(8), iso_instant(clock.now().replace(microsecond=0)) or ""
    found = [("JSON", body.replace(UID, uid).replace(TS, ts))]
    for name, file in LANGUAGES:
        context = {"base": base, "address": address, "body": WRITERS[file](body)}
        found.append(
            (name, render_to_string(f"console/snippets/meter_{file}.txt", context).strip())
        )
    return found


def example(meter: Meter, account: str) -> dict[str, Any]:
    """Return one measurement with every data field of the meter: 1 for numbers, else its code."""
    item: dict[str, Any] = {"uid": UID, "meter": meter.code, "account": account, "ts": TS}
    for field in meter.data_fields:
        value: Any = 1 if field["category"] in NUMERIC_CATEGORIES else field["code"]
        item.setdefault(field["category"].lower(), {})[field["code"]] = value
    return item


def _curl(body: str) -> str:
    """Write it between single quotes of a shell."""
    quoted = body.replace("'", "'\\''")
    return quoted.replace(UID, "'$(date +%s)-$RANDOM'").replace(
        TS, "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'"
    )


def _javascript(body: str) -> str:
    return body.replace(f'"{UID}"', "crypto.randomUUID()").replace(
        f'"{TS}"', "new Date().toISOString()"
    )


def _python(body: str) -> str:
    return body.replace(f'"{UID}"', "str(uuid.uuid4())").replace(
        f'"{TS}"', "datetime.now(UTC).isoformat()"
    )


def _java(body: str) -> str:
    """Write it as a text block that is formatted with uid and time."""
    text = body.replace("\\", "\\\\").replace("%", "%%").replace(UID, "%s").replace(TS, "%s")
    return text.replace("\n", "\n            ")


WRITERS = {"curl": _curl, "javascript": _javascript, "python": _python, "java": _java}
