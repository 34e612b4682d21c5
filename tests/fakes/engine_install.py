"""A folder that looks like the environment of an installed engine, whose command starts the fake server.

The command does with its own arguments what real ones do: it binds --port, prints to its log, and starts a child.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from tests.house import ROOT

PACKAGES = {"sagellm": "isagellm", "vllm": "vllm"}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the command does before it serves."""

    waits_for: Path | None = None  # a file that somebody must make first
    says: tuple[str, ...] = ("loading weights",)
    crashes: bool = False
    escapes: bool = False  # its child leaves the process group
    clings: bool = False  # it does not go when it is asked to


def install(folder: Path, engine: str, behaviour: Behaviour = Behaviour(), version: str = "0.5.4.70") -> Path:
    """Write the environment into `folder`.

    The process ids of command and child come into the file `pids` in it, the command's arguments into `words`, and a
    line for every start into `starts`.
    """
    site = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    metadata = site / f"{PACKAGES[engine]}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: {PACKAGES[engine]}\nVersion: {version}\n")
    commands = folder / "bin"
    commands.mkdir()
    (commands / "python").symlink_to(sys.executable)
    settings = {
        "engine": engine,
        "pids": str(folder / "pids"),
        "waits_for": None if behaviour.waits_for is None else str(behaviour.waits_for),
        "says": behaviour.says,
        "crashes": behaviour.crashes,
        "escapes": behaviour.escapes,
        "clings": behaviour.clings,
    }
    script = commands / engine
    script.write_text(
        f"#!{commands / 'python'}\n"
        + _PROGRAM.format(root=str(ROOT), path=sys.path, settings=json.dumps(settings))
    )
    script.chmod(0o755)
    return folder


_PROGRAM = dedent(
    """\
    import json, os, signal, subprocess, sys, time
    sys.path[:0] = [{root!r}, *{path!r}]
    settings = json.loads({settings!r})
    child = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.pause()"], start_new_session=settings["escapes"]
    )
    with open(settings["pids"] + ".part", "w") as file:
        file.write(json.dumps([os.getpid(), child.pid]))
    os.rename(settings["pids"] + ".part", settings["pids"])
    with open(os.path.dirname(settings["pids"]) + "/words", "w") as file:
        file.write(json.dumps(sys.argv[1:]))
    with open(os.path.dirname(settings["pids"]) + "/starts", "a") as file:
        file.write("started\\n")
    if settings["clings"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in settings["says"]:
        print(line, flush=True)
    if settings["crashes"]:
        raise ValueError("no room for the weights")
    while settings["waits_for"] and not os.path.exists(settings["waits_for"]):
        time.sleep(0.02)
    from tests.fakes import openai_server
    words = sys.argv[1:]
    port = words[words.index("--port") + 1]
    model = words[words.index("--model") + 1] if "--model" in words else words[1]
    sys.argv[1:] = ["--port", port, "--model", model, "--owned-by", settings["engine"], "--itl-s", "0.002"]
    openai_server.main()
    """
)
