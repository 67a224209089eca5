"""The three clouds as emulators on this machine, the projects in a folder of their own, and `cls` as people start it.

In real accounts nothing of this is needed: the same project files, credentials as each cloud's own tools keep them,
and ``cls run`` wherever a team likes to run it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import define, field

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests/support"))

from beds import aws  # noqa: E402  found by the line above
from beds.azurite import ACCOUNT, Azurite, azurite  # noqa: E402
from beds.fake_gcs import fake_gcs  # noqa: E402
from beds.ministack import ministack  # noqa: E402
from beds.pubsub import pubsub  # noqa: E402

CLS = (sys.executable, "-m", "clusterless.cli")
PROJECTS = ("edge.json", "warehouse.json", "reports.json")
PROVIDERS = ("aws", "gcp", "azure")

_FOREIGN = ("AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "STORAGE_", "PUBSUB_", "CLS_")
_PATIENCE = 180  # seconds that a `cls` which is to end by itself may take


@define
class Clouds:
    """A *folder* with the projects and the settings that lead to the emulators; *variables* are what `cls` sees."""

    folder: Path
    endpoint: str  # of AWS
    azure: Azurite
    variables: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(factory=list)

    def cls(self, *arguments: str) -> str:
        """What a `cls` that must end well has said."""
        ran = subprocess.run(
            [*CLS, *arguments],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        if ran.returncode:
            msg = f"cls {' '.join(arguments)} exited with {ran.returncode}\n{ran.stdout}{ran.stderr}"
            raise RuntimeError(msg)
        return ran.stdout

    def start(self, *arguments: str, variables: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """A `cls` beside us; what it says is added to ``said.txt``."""
        with (self.folder / "said.txt").open("ab") as said:
            process = subprocess.Popen(
                [*CLS, *arguments],
                cwd=self.folder,
                env={**self.variables, **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def bootstrap(self) -> None:
        for provider in PROVIDERS:
            self.cls("bootstrap", "--provider", provider, "--stage", "demo", "--approve")

    def put(self, name: str, body: bytes) -> None:
        """A log that arrives."""
        self.s3.put_object(Bucket="demo-edge-logs", Key=f"in/{name}", Body=body)

    def published(self) -> dict[str, bytes]:
        """The objects of the container that everybody may read, by key."""
        from azure.core.exceptions import ResourceNotFoundError
        from azure.storage.blob import BlobServiceClient

        told = self.azure.variables()["AZURE_STORAGE_CONNECTION_STRING"]
        with BlobServiceClient.from_connection_string(told) as service, suppress(ResourceNotFoundError):
            public = service.get_container_client("demo-public")
            return {name: public.download_blob(name).readall() for name in list(public.list_blob_names())}
        return {}

    @property
    def s3(self) -> Any:
        import boto3

        told = aws.variables(self.endpoint)
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=aws.REGION,
            aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        )

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
        for process in self.started:
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def clouds(folder: Path) -> Iterator[Clouds]:
    """Start all three below *folder*, make the placements, and end them with the block."""
    work = folder / "work"
    work.mkdir(parents=True)
    for name in (*PROJECTS, "steps.py"):
        shutil.copy(HERE / name, work)
    with ExitStack() as stack:
        endpoint = stack.enter_context(ministack(folder / "aws"))
        emulator = stack.enter_context(pubsub(folder / "pubsub"))
        storage = stack.enter_context(fake_gcs(folder / "gcs"))
        account = stack.enter_context(azurite(folder / "azure"))
        made = Clouds(work, endpoint, account, _variables(folder / "home"))
        _write_settings(folder / "home", endpoint, storage, emulator, account)
        stack.callback(made.end)
        made.bootstrap()
        yield made


def _variables(home: Path) -> dict[str, str]:
    """Nothing that this machine knows of any cloud."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {**kept, "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}


def _write_settings(home: Path, s3: str, gcs: str, emulator: str, azure: Azurite) -> None:
    """As `cls` and the SDKs look for them: what each cloud's own tools would have written, and where they are."""
    told = aws.variables(s3)
    secret = (
        f"aws_access_key_id = {told['AWS_ACCESS_KEY_ID']}\naws_secret_access_key = {told['AWS_SECRET_ACCESS_KEY']}\n"
    )
    project = 'project = "demo-project"\nregion = "europe-west1"\n'
    strings = azure.variables()["AZURE_STORAGE_CONNECTION_STRING"]
    for name, text in {
        ".aws/credentials": f"[default]\n{secret}",
        ".cls/config-aws": f'endpoint = "{s3}"\nregion = "{aws.REGION}"\n',
        ".cls/config-gcp": f'endpoint = "{gcs}"\npubsubEndpoint = "{emulator}"\n{project}',
        ".azure/storage": strings,
        ".cls/config-azure": f'account = "{ACCOUNT}"\nregion = "westeurope"\ncredentials = "~/.azure/storage"\n',
    }.items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o600)
