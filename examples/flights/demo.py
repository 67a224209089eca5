"""A week of flights and weather, worked as it arrives. Run it again at any time, whatever became of the last run."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nyc
from clusterless.errors import ClsError
from report import report
from tally import Pipeline

STARTED = Path.cwd()
HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
STATE = HERE / ".clusterless"
PROJECTS = ("flights.json", "operations.json")

CLS = (sys.executable, "-c", "from clusterless.cli.app import main; main()")  # `cls`, of this very Python


def main() -> int:
    """Do what the command line says; returns the exit code."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end, end as by Ctrl-C
    # What the demo keeps lies beside its data, whatever else this shell works on.
    os.environ.pop("CLS_LOCAL_ROOT", None)
    os.environ["CLS_SCRATCH"] = str(STATE / "output")
    os.chdir(HERE)
    try:
        return clean() if options.clean else demonstrate(options.days, options.pace)
    except ClsError as error:
        print(f"error[{error.code}]: {error.problem}", file=sys.stderr)
        print(f"  hint: {error.hint}" if error.hint else "", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130


def demonstrate(days: int, pace: float) -> int:
    """Have everything dropped and worked, and say what came of it; 0 if it adds up."""
    STATE.mkdir(exist_ok=True)
    days = at_least_as_before(days)
    pipeline = Pipeline.declared_in([Path(name) for name in PROJECTS])
    before = pipeline.committed()
    work(days, pace)
    idle = before == pipeline.committed()
    print("Counting what was committed …\n", flush=True)
    outcome = report(pipeline, days)
    print("There was nothing to do.\n" if idle else "", end="")
    print(outcome.text(shutil.get_terminal_size().columns))
    print(WHERE_TO_LOOK)
    return 0 if outcome.equal else 1


def work(days: int, pace: float) -> None:
    """Run the projects until everything is worked that the feeder drops meanwhile."""
    with started(sys.executable, "feeder.py", f"--days={days}", f"--pace={pace}", stdout=subprocess.PIPE) as feeder:
        wait_for_start(feeder)
        all_dropped = False
        while not all_dropped:
            all_dropped = feeder.poll() is not None
            with started(*CLS, "run", *PROJECTS, "--until-idle") as run:
                check(run, "cls run")
        check(feeder, "feeder.py")


def wait_for_start(feeder: subprocess.Popen[bytes]) -> None:
    """Until its first word the feeder reads its data; if there is nothing left to drop, that is its last, too."""
    assert feeder.stdout
    feeder.stdout.readline()
    with suppress(subprocess.TimeoutExpired):
        feeder.wait(0.5)


@contextmanager
def started(*command: str, stdout: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not outlive the block."""
    with subprocess.Popen(command, stdout=stdout) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def check(process: subprocess.Popen[bytes], name: str) -> None:
    """Wait for the process to end.

    Raises:
        ClsError: it failed.
    """
    if code := process.wait():
        msg = f"{name} failed with exit code {code}; what it said is above"
        raise ClsError(msg, hint="the same command goes on from here")


def at_least_as_before(days: int) -> int:
    """The most days ever asked for: what has arrived is not taken back."""
    asked = DATA / "days.txt"
    known = int(asked.read_text("utf-8")) if asked.exists() else 0
    if days < known:
        print(f"{known} days were begun before, so it is {known} now; `make clean` or --clean starts over.")
    asked.parent.mkdir(exist_ok=True)
    asked.write_text(str(max(days, known)), "utf-8")
    return max(days, known)


def clean() -> int:
    """Remove all that the demo has made."""
    for folder in (DATA, STATE):
        shutil.rmtree(folder, ignore_errors=True)
    print("Clean: the next run starts over.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=_days, default=7, help=f"how many days of 2013, 1 to {nyc.DAYS} (default 7)")
    parser.add_argument("--pace", type=float, default=50, help="hours of data dropped a second (default 50)")
    parser.add_argument("--clean", action="store_true", help="remove all that the demo has made, and stop")
    return parser.parse_args()


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= nyc.DAYS:
        msg = f"{days} is not between 1 and {nyc.DAYS}"
        raise argparse.ArgumentTypeError(msg)
    return days


# At most 40 columns wide, as the report can be.
WHERE_TO_LOOK = f"""
Where to look, in {os.path.relpath(HERE, STARTED)}/
 data/by-carrier/
 data/with-weather/
 data/delayed/
 cls arcs status \\
   --earliest 20130101 \\
   --latest 20140102
 (cls datasets status: the same;
 cls comes by pip install ./core)"""

if __name__ == "__main__":
    sys.exit(main())
