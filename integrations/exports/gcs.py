"""Put a file into a bucket of Google Cloud Storage, as the service account of the bucket's owner.

Our server trades an identity of its own for the account's (workload identity federation): that of
the machine at AWS, or a token of an OIDC provider from a file. With credentials of the server's own
settings nothing is traded.
"""

from collections.abc import Callable
from typing import IO, Any

import google.auth
from django.conf import settings
from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError
from google.auth import aws, identity_pool
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY
from google.resumable_media import DataCorruption, InvalidResponse
from requests import RequestException

from integrations.exports.stores import Refused
from integrations.models import ExportDestination

SCOPES = ("https://www.googleapis.com/auth/devstorage.read_write",)
# Parts of 16 MiB, one after the other; a part that fails is sent again by the library.
CHUNK = 16 * 1024**2
SECONDS = 60
# A job tries again by itself, later; so the library does not try for long.
PATIENCE = DEFAULT_RETRY.with_timeout(20)
LONGEST_REASON = 300
REGIONS = "http://169.254.169.254/latest/meta-data/placement/availability-zone"
KEYS = "http://169.254.169.254/latest/meta-data/iam/security-credentials"
IDENTITY = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"


def send(
    destination: ExportDestination, key: str, body: IO[bytes], renew: Callable[[], None]
) -> None:
    """Put one file; what is there of that name is written over. Raises ``Refused``."""
    store = settings.EXPORTS_GCS
    try:
        client = storage.Client(
            project=destination.project_number or "-",
            credentials=_credentials(destination),
            client_options={"api_endpoint": store["endpoint"]} if store["endpoint"] else None,
        )
        blob = client.bucket(destination.bucket_name).blob(key, chunk_size=CHUNK)
        blob.upload_from_file(
            _Renewing(body, renew),
            content_type="application/gzip",
            timeout=SECONDS,
            retry=PATIENCE,
        )
    except GoogleAPICallError as error:
        raise Refused(f"refused with {error.code}: {_short(error.message)}") from error
    except InvalidResponse as error:
        raise Refused(f"refused with {error.response.status_code}") from error
    except (GoogleAPIError, GoogleAuthError, RequestException, DataCorruption, OSError,
            ValueError) as error:  # fmt: skip
        raise Refused(f"could not be reached or refused: {_short(error)}") from error


def _credentials(destination: ExportDestination) -> Credentials:
    """Return who we are for the bucket."""
    store = settings.EXPORTS_GCS
    if store["credentials_file"]:
        found, _ = google.auth.load_credentials_from_file(store["credentials_file"], scopes=SCOPES)
        return found
    email = destination.service_account_email
    about: dict[str, Any] = {
        "audience": (
            f"//iam.googleapis.com/projects/{destination.project_number}/locations/global/"
            f"workloadIdentityPools/{destination.pool_id}/providers/{destination.provider_id}"
        ),
        "token_url": store["token_url"],
        "service_account_impersonation_url": (
            f"{store['accounts_url']}/{email}:generateAccessToken" if email else None
        ),
    }
    if store["token_file"]:
        return identity_pool.Credentials.from_info(
            {
                **about,
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "credential_source": {"file": store["token_file"]},
            },
            scopes=SCOPES,
        )
    source = {"environment_id": "aws1", "region_url": REGIONS, "url": KEYS,
              "regional_cred_verification_url": IDENTITY}  # fmt: skip
    return aws.Credentials.from_info(
        {
            **about,
            "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
            "credential_source": source,
        },
        scopes=SCOPES,
    )


class _Renewing:
    """A file that renews the lease of its job with each part that is read."""

    def __init__(self, body: IO[bytes], renew: Callable[[], None]) -> None:
        self._body, self._renew = body, renew

    def read(self, size: int = -1) -> bytes:
        """Read the next part."""
        self._renew()
        return self._body.read(size)

    def tell(self) -> int:
        """Return where we are."""
        return self._body.tell()

    def seek(self, *place: int) -> int:
        """Go to a place, to send a part again."""
        return self._body.seek(*place)


def _short(reason: object) -> str:
    return str(reason)[:LONGEST_REASON]
