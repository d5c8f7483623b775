"""All settings, grouped by concern. The environment is read here and nowhere else.

Without ``DATABASE_URL`` or ``REDIS_URL`` the embedded servers of ``config.embedded`` are used:
their addresses are files below ``BILLWRIGHT_HOME``, written when they start.
"""

import os
from pathlib import Path

from kombu import Exchange, Queue

from config import api_headers, console, environment

BASE_DIR = Path(__file__).resolve().parent.parent

# Environment -----------------------------------------------------------------------------------
HOME = Path(os.environ.get("BILLWRIGHT_HOME", BASE_DIR / ".billwright")).resolve()
PORT = environment.port("PORT", default=8000)
DEBUG = environment.flag("DEBUG", default=False)
SECRET_KEY = environment.secret_key(HOME)
# Keys of before: what was signed or sealed with one of them still counts.
SECRET_KEY_FALLBACKS = environment.words("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_URL = os.environ.get("PUBLIC_URL", f"http://127.0.0.1:{PORT}")
REQUIRE_TLS = environment.flag("REQUIRE_TLS", default=False)
# Addresses and networks of the proxies in front of us, or how many every request has passed.
TRUSTED_PROXIES = environment.words("TRUSTED_PROXIES", default=[])
DATABASE_URL = environment.database_url(HOME)
REDIS_URL = environment.redis_url(HOME)
BROKER_URL = os.environ.get("BROKER_URL", f"{REDIS_URL}/0")

# Application -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.guardian",
    "organizations.kernel.console.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "django_celery_beat",
    "organizations",
    "catalog",
    "billing",
    "notifications",
    "integrations",
    "config",
]
CORS_ALLOWED_ORIGINS = environment.words("CORS_ALLOWED_ORIGINS", default=[])
MIDDLEWARE = [
    "organizations.kernel.api.request_id.RequestIdMiddleware",
    "organizations.kernel.api.transport.TransportMiddleware",
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "organizations.kernel.api.paths.CollapseSlashesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "organizations.kernel.console.for_people.Compressed",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "organizations.kernel.api.doorkeeper.DoorkeeperMiddleware",
    "organizations.kernel.api.idempotency.IdempotencyMiddleware",
    "organizations.kernel.console.for_people.Sessions",
    "django.middleware.common.CommonMiddleware",
    "organizations.kernel.console.for_people.CrossSite",
    "organizations.kernel.console.for_people.SignedIn",
    "organizations.kernel.console.for_people.Messages",
    "organizations.kernel.console.entry.ConsoleMiddleware",
    "organizations.kernel.console.for_people.Frames",
    "organizations.kernel.console.content_policy.ContentPolicyMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["config.formats"]

# Database --------------------------------------------------------------------------------------
DATABASES = {"default": environment.database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The login of DATABASE_URL owns the tables and migrates; everything else runs as this role,
# which owns nothing (see organizations.kernel.isolation).
DATABASE_APPLICATION_ROLE = os.environ.get("DATABASE_APPLICATION_ROLE", "billwright_app")
# Whether aggregations may be queries that people write; each runs as a role that reads one view.
ALLOWS_CUSTOM_SQL = environment.flag("CUSTOM_SQL", default=False)

# People and sessions ---------------------------------------------------------------------------
AUTH_USER_MODEL = "organizations.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # unique whatever its case, by a constraint
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
PASSWORD_HASHERS = [
    "organizations.signin.hashing.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # passwords from before
]
PASSWORD_RESET_TIMEOUT = 3600
# A session ends after this long without a request, and after this long in any case.
SESSION_IDLE_SECONDS = int(os.environ.get("SESSION_IDLE_SECONDS", "7200"))
SESSION_COOKIE_AGE = int(os.environ.get("SESSION_LIFETIME_SECONDS", "43200"))
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # not Strict: mails and sign-in providers lead here
SESSION_COOKIE_SECURE = REQUIRE_TLS
CSRF_COOKIE_SECURE = REQUIRE_TLS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
# Plain HTTP is refused, not redirected (kernel.api.transport): a client's secret has been sent by
# then. Browsers are told to stay with HTTPS, for a year if nothing else is said.
CSRF_FAILURE_VIEW = "organizations.kernel.api.errors.forged"
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = int(os.environ.get("HSTS_SECONDS", "31536000")) if REQUIRE_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "DENY"
# http and private addresses of sign-in providers: when the provider runs in one's own network.
OIDC_ALLOW_PRIVATE_PROVIDERS = environment.flag("OIDC_ALLOW_PRIVATE_PROVIDERS", default=False)

# Console ---------------------------------------------------------------------------------------
UNFOLD = console.UNFOLD

# API -------------------------------------------------------------------------------------------
ACCESS_TOKEN_LIFETIME_SECONDS = 18_000
ACCESS_TOKEN_LEEWAY_SECONDS = 30
CONFIG_API_BODY_LIMIT_BYTES = 1024 * 1024
INGEST_BODY_LIMIT_BYTES = 512_000
# Who may read /metrics; without it there is no such page.
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")
# A backup older than this (hours) is shown as overdue to operators.
BACKUP_WITHIN_HOURS = environment.seconds("BACKUP_WITHIN_HOURS", default=26)
# A folder with fonts for letters that neither the shipped fonts nor those of the system have.
DOCUMENT_FONTS = [folder] if (folder := os.environ.get("DOCUMENT_FONTS")) else []
USAGE_QUERY_SECONDS = environment.seconds("USAGE_QUERY_SECONDS", default=30)
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # the two limits above are enforced where bodies are read
# Other origins' pages may call the API with a token, never with cookies (B1.7).
CORS_URLS_REGEX = r"^/+(organizations|oauth)/"
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_METHODS = ["DELETE", "GET", "POST", "PUT"]
CORS_ALLOW_HEADERS = api_headers.SENT
CORS_EXPOSE_HEADERS = api_headers.ANSWERED
CORS_PREFLIGHT_MAX_AGE = 3600
# Guessing at secrets and passwords is limited whatever this says (organizations.attempts).
ARE_RATES_LIMITED = environment.flag("RATE_LIMITS", default=False)
RATE_LIMITS = environment.rate_limits()
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["organizations.kernel.api.json.ExactJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "organizations.kernel.api.negotiation.AlwaysJSON",
    "DEFAULT_PARSER_CLASSES": ["organizations.kernel.api.json.ExactJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "organizations.kernel.api.authentication.BearerAuthentication"
    ],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "organizations.kernel.api.openapi.ContractSchema",
    "EXCEPTION_HANDLER": "organizations.kernel.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": False,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Billwright",
    "DESCRIPTION": "Usage-based pricing and billing.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    # Shipped with the package: the page works without internet.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "organizations.kernel.api.openapi.add_plain_paths",
        "organizations.kernel.api.openapi.add_errors",
    ],
    "PREPROCESSING_HOOKS": ["organizations.kernel.api.openapi.only_organization_routes"],
}

# Work in the background ------------------------------------------------------------------------
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_DEFAULT_QUEUE = "billwright"
# Bill runs and deliveries never wait for each other: a queue each, and usually a worker each. A
# worker that is told nothing takes from both.
CELERY_TASK_QUEUES = [
    Queue(name, Exchange(name), routing_key=name) for name in ("billwright", "deliveries")
]
CELERY_TASK_ROUTES = {"integrations.*": {"queue": "deliveries"}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A killed worker's tasks come back after the visibility timeout; beat's sweeps come sooner.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    # A Redis that hangs is like one that is away: nobody waits for it for ever.
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# How long a chunk of a bill run stays with a worker that has fallen silent. The sweep that hands
# it to another looks four times as often.
# Accounts whose bills are written in one transaction; their locks are held for about a second.
BILL_SLICE_ACCOUNTS = int(os.environ.get("BILL_SLICE_ACCOUNTS", "500"))
BILL_CHUNK_LEASE_SECONDS = float(os.environ.get("BILL_CHUNK_LEASE_SECONDS", "60"))
CELERY_BEAT_SCHEDULE = environment.beat_schedule(
    sweep_chunks_seconds=max(1, round(BILL_CHUNK_LEASE_SECONDS / 4))
)
CELERY_TIMEZONE = "UTC"

# Cache and locks -------------------------------------------------------------------------------
CACHES = {"default": environment.cache(f"{REDIS_URL}/1")}

# Mail ------------------------------------------------------------------------------------------
globals().update(environment.mail(os.environ.get("EMAIL_URL", "")))
DEFAULT_FROM_EMAIL = os.environ.get("MAIL_FROM", "billwright@localhost")

# Files -----------------------------------------------------------------------------------------
# The address names the version of all files, so browsers may keep each for good.
STATIC_URL = f"/static/{environment.version_of_files(BASE_DIR / 'config' / 'static')}/"
STATIC_ROOT = environment.folder(HOME / "static")
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
WHITENOISE_USE_FINDERS = True
if not DEBUG:
    WHITENOISE_MAX_AGE = environment.A_YEAR
    WHITENOISE_IMMUTABLE_FILE_TEST = f"^{STATIC_URL}"
MEDIA_ROOT = HOME / "files"
# Uploads and generated files: a local folder, or s3://bucket/prefix?region=...&endpoint=...
STORAGES = {
    "files": environment.file_storage(os.environ.get("FILES_URL", ""), MEDIA_ROOT),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Webhooks --------------------------------------------------------------------------------------
# http, IP literals and private addresses: for development and tests only (C5.14).
# Exports to S3: our keys (without them we assume each destination's role), and where the store is.
EXPORTS_S3 = {
    "endpoint": os.environ.get("EXPORTS_S3_ENDPOINT", ""),
    "region": os.environ.get("EXPORTS_S3_REGION", "us-east-1"),
    "access_key": os.environ.get("EXPORTS_S3_ACCESS_KEY", ""),
    "secret_key": os.environ.get("EXPORTS_S3_SECRET_KEY", ""),
}
# Exports to Google Cloud Storage: a file of credentials (without one our identity is traded for
# the destination's account), a file with a token of an OIDC provider (without one the machine's
# identity at AWS is traded), and where the store and those who trade are.
EXPORTS_GCS = {
    "endpoint": os.environ.get("EXPORTS_GCS_ENDPOINT", ""),
    "credentials_file": os.environ.get("EXPORTS_GCS_CREDENTIALS_FILE", ""),
    "token_file": os.environ.get("EXPORTS_GCS_TOKEN_FILE", ""),
    "token_url": os.environ.get("EXPORTS_GCS_TOKEN_URL", "https://sts.googleapis.com/v1/token"),
    "accounts_url": os.environ.get(
        "EXPORTS_GCS_ACCOUNTS_URL",
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts",
    ),
}
WEBHOOK_ALLOW_PRIVATE_TARGETS = environment.flag("WEBHOOK_ALLOW_PRIVATE_TARGETS", default=False)

# Integrations ----------------------------------------------------------------------------------
# Where systems outside are, instead of their own addresses: for development and tests only.
INTEGRATION_ADDRESSES: dict[str, str] = environment.pairs("INTEGRATION_ADDRESSES")

# Logging ---------------------------------------------------------------------------------------
LOG_LEVEL = os.environ.get("LOG_LEVEL", "INFO")
# One line for each request that was answered.
ACCESS_LOG = environment.flag("ACCESS_LOG", default=True)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "organizations.kernel.api.request_id.RequestIdFilter"},
        "outage": {"()": "organizations.kernel.outages.OutageFilter"},
    },
    "formatters": {"json": {"()": "organizations.kernel.api.request_id.JsonFormatter"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "filters": ["request_id"],
        }
    },
    # What clients did wrong is in the access log.
    "loggers": {"django.request": {"filters": ["outage"], "level": "ERROR"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
