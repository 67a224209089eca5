"""Counts the lines of a lot's files."""

from clusterless.sdk import LotWork

with LotWork.from_environment() as work:
    lines = sum(len(each.read().splitlines()) for each in work.source())
    work.sink().write(f"lot={work.lot}/lines-{work.attempt}.txt", f"{lines}\n".encode())
    print("counted", lines)
