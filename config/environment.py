"""Read the environment: flags, lists, database and Redis addresses, the secret key.

Helpers of ``config.settings`` only.
"""

import hashlib
import os
import secrets
from importlib import metadata
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.retry import Retry


def flag(name: str, *, default: bool) -> bool:
    """Return whether the variable is one of 1, true, yes, on; ``default`` when it is not set."""
    value = os.environ.get(name)
    return default if value is None else value.strip().lower() in {"1", "true", "yes", "on"}


def words(name: str, *, default: list[str]) -> list[str]:
    """Return the comma-separated words of the variable."""
    value = os.environ.get(name)
    return default if value is None else [word.strip() for word in value.split(",") if word.strip()]


def seconds(name: str, *, default: int) -> int:
    """Return a whole number of seconds, at least one."""
    return max(1, int(os.environ.get(name, default)))


def pairs(name: str) -> dict[str, str]:
    """Return the comma-separated ``NAME=value`` pairs of the variable."""
    parts = [word.partition("=") for word in words(name, default=[])]
    return {key.strip(): value.strip() for key, _, value in parts if value}


def port(name: str, *, default: int) -> int:
    """Return the TCP port of the variable; raises ``ImproperlyConfigured`` for anything else."""
    value = os.environ.get(name) or str(default)
    if value.isascii() and value.isdecimal() and 1 <= int(value) <= 65535:
        return int(value)
    raise ImproperlyConfigured(f"{name} must be a port from 1 to 65535, not {value!r}.")


def secret_key(home: Path) -> str:
    """Return SECRET_KEY, or one made once and kept below the data folder.

    Access keys and sessions are signed with it, so it must survive restarts and be the same
    on every machine of one installation. Raises ``ImproperlyConfigured`` when the folder cannot
    be written.
    """
    if key := os.environ.get("SECRET_KEY"):
        return key
    try:
        return _kept_secret_key(home)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {home} cannot be used ({error.strerror}): set BILLWRIGHT_HOME to a"
            " folder that may be written."
        ) from error


def _kept_secret_key(home: Path) -> str:
    path = home / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
    made = secrets.token_urlsafe(48)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(made)
    except FileExistsError:  # another process was quicker
        return path.read_text().strip()
    return made


def database_url(home: Path) -> str:
    """Return DATABASE_URL, or the address of the embedded server that runs below ``home``."""
    return os.environ.get("DATABASE_URL") or _address(home / "postgres.url")


def redis_url(home: Path) -> str:
    """Return REDIS_URL without a database number, or the embedded server's address."""
    url = os.environ.get("REDIS_URL") or _address(home / "redis.url")
    return url.rstrip("/")


def _address(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def database(url: str) -> dict[str, object]:
    """Return Django's database settings for a ``postgresql://`` address (query = options)."""
    parts = urlsplit(url or "postgresql://127.0.0.1:1/not-started")
    return {
        "ENGINE": "organizations.kernel.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 10, **dict(parse_qsl(parts.query))},
    }


def mail(url: str) -> dict[str, object]:
    """Return Django's mail settings for ``smtp://user:password@host:port`` or ``smtps://...``.

    ``smtp`` starts TLS unless the query says ``?tls=false``; ``smtps`` begins with it. Without
    an address mails are printed to the log of the process that sends them.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("EMAIL_URL must look like smtp://user:password@host:587")
    is_tls_first = parts.scheme == "smtps"
    wants_tls = dict(parse_qsl(parts.query)).get("tls", "true").lower() != "false"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if is_tls_first else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": is_tls_first,
        "EMAIL_USE_TLS": wants_tls and not is_tls_first,
        "EMAIL_TIMEOUT": 20,
    }


def beat_schedule(*, sweep_chunks_seconds: float) -> dict[str, dict[str, object]]:
    """Return what beat runs; the tasks are sweeps, so a missed or doubled run does no harm."""
    every = {
        "billing.sweep_chunks": sweep_chunks_seconds,
        "billing.auto_approve": 60,
        "billing.scheduled_billing": 60,
        "billing.run_balance_schedules": 60,
        "billing.measurement_partitions": 3600,
        "billing.sweep_uploads": 15,
        "billing.check_late_usage": 3600,
        "billing.compare_late_usage": 86400,
        "billing.sweep_statements": 30,
        "billing.sweep_rehearsals": 60,
        "billing.sweep_bill_emails": 60,
        "catalog.sweep_lookup_jobs": 15,
        "organizations.seal_audit": 60,
        "organizations.forget_sessions": 3600,
        "organizations.delete_kept_answers": 600,
        "organizations.delete_old_events": 3600,
        "organizations.mail_digests": 3600,
        "notifications.sweep_scheduled_events": 60,
        "organizations.delete_old_files": 3600,
        "integrations.sweep_deliveries": 5,
        "integrations.dispatch_events": 5,
        "integrations.sweep_runs": 5,
        "integrations.delete_old_deliveries": 3600,
        "integrations.sweep_exports": 30,
    }
    return {name: {"task": name, "schedule": float(seconds)} for name, seconds in every.items()}


def rate_limits() -> dict[str, int]:
    """Return how many requests are allowed (B10), by rule; 0 is no limit.

    Per address they are counted over five minutes, all others over a second.
    """
    defaults = {
        "config_per_address": 20_000,
        "config_per_organization": 50,
        "ingest_per_address": 5_000,
        "ingest_per_organization": 50,
        "explorer_per_organization": 1,
        "usage_queries_per_organization": 2,
        "tokens_per_key": 100,
    }
    return {
        name: int(os.environ.get(f"RATE_LIMIT_{name.upper()}", default))
        for name, default in defaults.items()
    }


def cache(url: str) -> dict[str, object]:
    """Return Django's settings of a cache nobody waits for when Redis is away or hangs."""
    return {
        "BACKEND": "organizations.kernel.cache.SparedRedisCache",
        "LOCATION": url,
        "OPTIONS": {
            "socket_timeout": 0.25,
            "socket_connect_timeout": 0.25,
            "retry": Retry(NoBackoff(), 0),
        },
    }


def folder(path: Path) -> Path:
    """Return the path of a folder that is there."""
    path.mkdir(parents=True, exist_ok=True)
    return path


def file_storage(url: str, local: Path) -> dict[str, object]:
    """Return Django's settings of the storage of uploaded and generated files.

    Without an address it is the folder ``local``; ``s3://bucket/prefix`` is a bucket, whose query
    may name ``region`` and, for other stores than Amazon's, ``endpoint``. Keys are looked for
    where the AWS tools look: in ``AWS_ACCESS_KEY_ID`` and the like, or in the machine's role.
    """
    if not url:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {
                "location": local,
                "file_permissions_mode": 0o600,
                "directory_permissions_mode": 0o700,
            },
        }
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.hostname:
        raise ImproperlyConfigured("FILES_URL must look like s3://bucket/prefix?region=eu-west-1")
    asked = dict(parse_qsl(parts.query))
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": parts.hostname,
            "location": unquote(parts.path).strip("/"),
            "region_name": asked.get("region"),
            "endpoint_url": asked.get("endpoint"),
            "max_memory_size": 4 * 1024 * 1024,  # beyond it, what is read goes through the disk
            "default_acl": None,
            "querystring_auth": True,
        },
    }


A_YEAR = 365 * 24 * 60 * 60
BRING_FILES = ("django", "django-unfold", "djangorestframework", "drf-spectacular-sidecar",
               "django-guardian")  # fmt: skip


def version_of_files(folder: Path) -> str:
    """Return a name for the contents of all static files: ours, and those packages bring."""
    seen = hashlib.sha256()
    for name in BRING_FILES:
        seen.update(f"{name} {metadata.version(name)}\n".encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        seen.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return seen.hexdigest()[:12]
