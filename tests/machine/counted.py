"""Run a command on a machine whose processors count 50 W: `python -m tests.machine.counted COMMAND …`, as root.

The counter is a file of this process's own mount namespace, where the kernel would show it; nothing else is replaced.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

POWER_W = 50.0
PACKAGE = Path("/sys/class/powercap/intel-rapl:0")
INSIDE = ("unshare", "--mount", "--", sys.executable, "-m", "tests.machine.counted")
"""What stands before a command that is to see the counter."""


def write(name: str, value: object) -> None:
    """Write a file at once: whoever reads it sees the old value or the new one."""
    (PACKAGE / "new").write_text(f"{value}\n")
    (PACKAGE / "new").replace(PACKAGE / name)


def count(done: threading.Event) -> None:
    """Let the counter grow as time goes on."""
    while not done.wait(0.01):
        write("energy_uj", int(time.monotonic() * POWER_W * 1e6))


def main(command: list[str]) -> int:
    """Run the command beside the counter; its exit code."""
    subprocess.run(("mount", "-t", "tmpfs", "none", "/sys/class"), check=True)
    PACKAGE.mkdir(parents=True)
    write("name", "package-0")
    write("max_energy_range_uj", 2**60)
    write("energy_uj", int(time.monotonic() * POWER_W * 1e6))
    done = threading.Event()
    counting = threading.Thread(target=count, args=(done,))
    counting.start()
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        done.set()
        counting.join()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
