"""Keys of a role of AWS, for a run: asked for by boto3, which signs and retries."""

from collections.abc import Mapping

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from integrations.systems.base import NotAuthorized, TryAgain

SECONDS, SESSION = 3600, "billwright"
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 2})


def assumed(secrets: Mapping[str, str], region: str) -> Mapping[str, str]:
    """Return the secrets with the keys of the role; raises ``NotAuthorized`` or ``TryAgain``."""
    client = boto3.client(
        "sts",
        region_name=region,
        endpoint_url=settings.INTEGRATION_ADDRESSES.get("AWS"),
        aws_access_key_id=secrets.get("accessKeyId", ""),
        aws_secret_access_key=secrets.get("secretAccessKey", ""),
        config=_CONFIG,
    )
    try:
        answer = client.assume_role(
            RoleArn=secrets["roleArn"], RoleSessionName=SESSION, DurationSeconds=SECONDS
        )
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        code = str(error.response.get("Error", {}).get("Code") or "")
        if status >= 500 or code == "Throttling":
            raise TryAgain(f"AWS gave no keys of the role: {code}.") from None
        raise NotAuthorized(f"AWS gave no keys of the role: {code}.") from None
    except BotoCoreError as error:
        raise TryAgain(f"AWS could not be asked for the role ({type(error).__name__}).") from None
    found = answer["Credentials"]
    return {
        **secrets,
        "accessKeyId": found["AccessKeyId"],
        "secretAccessKey": found["SecretAccessKey"],
        "sessionToken": found["SessionToken"],
    }
