"""What the benches share."""
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("BADORIGIN_BUILD", ROOT / "build")).resolve()


def need(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}; cmake/install-packages bench brings them")


def enter_own_network():
    """Starts this script again, in a network namespace where every port is free; there, sees to it that loopback works."""
    if os.environ.get("BADORIGIN_BENCH_NAMESPACE") != "own":
        os.environ["BADORIGIN_BENCH_NAMESPACE"] = "own"
        os.execvp("unshare", ["unshare", *(["-c", "--keep-caps"] if os.geteuid() else []), "-n", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
