"""A stand-in for the command line of Azure, of which a page needs three commands: the real one takes long to install.

It takes the options that the real one takes for them, and no others.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def main() -> None:
    from azure.storage.blob import BlobServiceClient

    given = _given(sys.argv[1:])
    service = BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"])
    match given.command:
        case ["storage", "blob", "upload"]:
            blob = service.get_blob_client(given.container_name, given.name)
            blob.upload_blob(Path(given.file).read_bytes())
        case ["storage", "blob", "download"]:
            blob = service.get_blob_client(given.container_name, given.name)
            Path(given.file).write_bytes(blob.download_blob().readall())
        case ["storage", "container", "delete"]:
            service.delete_container(given.name)
        case _:
            sys.exit(f"az: {given.command} is not known here")


def _given(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("az", allow_abbrev=False)
    parser.add_argument("command", nargs=3)
    parser.add_argument("--name", "-n", required=True)
    parser.add_argument("--container-name", "-c")
    parser.add_argument("--file", "-f")
    parser.add_argument("--output", "-o", choices=["none"])
    parser.add_argument("--no-progress", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
