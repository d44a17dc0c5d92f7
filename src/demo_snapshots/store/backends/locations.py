"""Where a bucket is, by its URL, and what opens it: environment and the provider's own files."""

from __future__ import annotations

import configparser
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from obstore.exceptions import BaseError
from obstore.store import from_url

from demo_snapshots.errors import StoreDeniedError, StoreError, UsageError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

_BUCKET = re.compile(r"(s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9 ._=-]*)*/?")

# A server that is away is told in half a minute; a part passes at 700 kbit/s.
_RETRY: RetryConfig = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=5),
        "base": 3,
    },
}
_TIMEOUTS: ClientConfig = {
    "connect_timeout": timedelta(seconds=5),
    "timeout": timedelta(seconds=60),
}


def open_bucket(url: str) -> tuple[ObjectStore, str]:
    """The bucket and prefix at ``url``, and what they are called; nothing is sent.

    ``s3://bucket/prefix``, ``gs://bucket/prefix``, ``az://container/prefix``. Raises UsageError
    for another URL, of which it shows the scheme alone: what is too much in it may be secret.
    """
    if not _BUCKET.fullmatch(url):
        scheme = url.partition(":")[0]
        raise UsageError(
            f"snapshots cannot be kept at {scheme}://…: not a bucket and a prefix",
            hint="It looks like s3://bucket/prefix, gs://bucket/prefix or az://container/prefix."
            " Credentials do not belong there.",
        )
    place = url.rstrip("/")
    options: ClientConfig = dict(_TIMEOUTS)  # type: ignore[assignment]
    config: Any = _amazon() if url.startswith("s3:") else None
    if any(value.startswith("http://") for value in _endpoints(config)):
        options["allow_http"] = True
    try:
        return from_url(place, config=config, client_options=options, retry_config=_RETRY), place
    except BaseError as error:
        # Its text may repeat what the environment says.
        if "ccount" in str(error):
            raise StoreDeniedError(
                f"{place}: the storage account is not known",
                hint="Name it in AZURE_STORAGE_ACCOUNT_NAME.",
            ) from None
        if "certificates" in str(error):
            raise StoreError(
                f"{place}: no certificates of authorities were found on this machine",
                hint="Install those of the system (ca-certificates), or put SSL_CERT_FILE right.",
            ) from None
        raise StoreError(
            f"{place}: cannot be opened by what the environment says of it",
            hint="Look at the variables and files that docs/buckets.md lists.",
        ) from None


def _endpoints(config: dict[str, str] | None) -> list[str]:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT")
    return [(config or {}).get("endpoint", ""), *(os.environ.get(name, "") for name in names)]


def _amazon() -> dict[str, str]:
    """What obstore does not look up by itself: the profile in Amazon's two files, and the endpoint
    that is only for S3. The environment wins over the files."""
    found: dict[str, str] = {}
    profile = os.environ.get("AWS_PROFILE", "default")
    keys = {
        "aws_access_key_id": "access_key_id",
        "aws_secret_access_key": "secret_access_key",
        "aws_session_token": "session_token",
    }
    if not any(
        os.environ.get(name)
        for name in (
            "AWS_ACCESS_KEY_ID",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        )
    ):
        found |= _profile("AWS_SHARED_CREDENTIALS_FILE", "credentials", profile, keys)
    named = profile if profile == "default" else f"profile {profile}"
    others = {}
    if not (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")):
        others["region"] = "region"
    if not any(_endpoints(None)):
        others["endpoint_url"] = "endpoint"
    found |= _profile("AWS_CONFIG_FILE", "config", named, others)
    if endpoint := os.environ.get("AWS_ENDPOINT_URL_S3"):
        found["endpoint"] = endpoint
    return found


def _profile(variable: str, name: str, section: str, keys: dict[str, str]) -> dict[str, str]:
    given = os.environ.get(variable)
    parser = configparser.RawConfigParser()
    path = Path(given) if given else Path("~/.aws") / name
    try:
        path = path.expanduser()
        parser.read(path, encoding="utf-8")
        values = parser[section] if parser.has_section(section) else {}
        return {ours: values[theirs] for theirs, ours in keys.items() if values.get(theirs)}
    except RuntimeError:
        return {}  # a user without a home
    except (configparser.Error, UnicodeDecodeError, OSError):
        # Its text would repeat the line, and the line may be a secret.
        raise StoreError(f"{path}: not a file of profiles that can be read") from None
