"""Copy what is in one place to another by obstore, so many objects at a time; prints the seconds, and the processor's.

``python objects_obstore.py SOURCE TARGET THREADS``: run by `objects.py`, with an interpreter that has obstore.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store


def main(source: str, target: str, threads: int) -> None:
    bucket = next(urlsplit(each).netloc for each in (source, target) if each.startswith("s3:"))
    store = S3Store(
        bucket,
        endpoint=os.environ["AWS_ENDPOINT_URL"],
        client_options={"allow_http": True, "pool_max_idle_per_host": "64"},
    )
    origin, goal = (urlsplit(each).path for each in (source, target))

    def copy(name: str) -> None:
        if source.startswith("file:"):
            obstore.put(store, f"{goal}{name}", Path(origin, name))
        elif target.startswith("s3:"):
            obstore.copy(store, f"{origin}{name}", f"{goal}{name}")
        else:
            with Path(goal, name).open("wb") as file:
                file.writelines(obstore.get(store, f"{origin}{name}").stream())

    if source.startswith("file:"):
        names = sorted(os.listdir(origin))
    else:
        pages = obstore.list(store, origin.strip("/"))
        names = [found["path"].rpartition("/")[2] for page in pages for found in page]
    begun = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(copy, names))
    print(time.monotonic() - begun[0], time.process_time() - begun[1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
