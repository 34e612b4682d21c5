"""Documented lines that ask somebody else: an index, the Hub's login, a Sigstore. Each is one of the tests' own."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
import termios
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from sigstore.models import Bundle
from sigstore.verify import Verifier

from sagellm_benchmark import cli
from sagellm_benchmark.engines.known.sagellm import SAGELLM
from sagellm_benchmark.evidence import keyless
from sagellm_benchmark.evidence.statement import EVIDENCE_FILE
from sagellm_benchmark.hub.bundles import signature_lines
from tests import command
from tests.documented import world
from tests.documented.lines import run_by
from tests.documented.test_run import MEASURED, short
from tests.documented.world import Published, World
from tests.fakes.engine_install import install
from tests.fakes.hub_server import WRITER
from tests.fakes.machines import path_with
from tests.fakes.sigstore import ISSUER, LocalSigstore
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

ENGINE_MADE, KEYLESS, ATTACHED, LOGIN = run_by(__file__)
SIGSTORE, MIA = LocalSigstore(), "mia@example.org"


def test_an_engine_s_environment_is_made_and_the_engine_measured(here: World) -> None:
    index = here.root / "index"
    engine_wheel(index, here.root / "made")
    words = ENGINE_MADE.words[1:]
    settings = {"PIP_NO_INDEX": "1", "UV_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "UV_OFFLINE": "1"}
    done = command.run(*words, *short(words), cwd=here.checkout, env={**settings, "HOME": str(here.root)})
    assert done.returncode in MEASURED, done.stdout + done.stderr
    assert list(here.checkout.glob("outputs/sagellm/*/*/report.html"))


def engine_wheel(index: Path, behind: Path) -> None:
    """The package that `run` asks for, as an index would serve it, whose command starts a fake server."""
    assert SAGELLM.launch
    name, _, version = SAGELLM.launch.packages["cpu"].install[0].partition("==")
    program = (install(behind, "sagellm", version=version) / "bin" / "sagellm").read_text()
    index.mkdir()
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(index / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}-{version}.data/scripts/sagellm", "#!python\n" + program.partition("\n")[2])
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


class Signer:
    """Stands for Sigstore's client where it would ask a browser who somebody is, and Sigstore for a certificate."""

    @classmethod
    def from_trust_config(cls, config: object) -> Signer:
        return cls()

    @contextlib.contextmanager
    def signer(self, token: str) -> Iterator[Signer]:
        assert token == f"{MIA} said so in a browser"
        yield self

    def sign_artifact(self, what: bytes) -> Bundle:
        return Bundle.from_json(SIGSTORE.sign(what, MIA))


def test_a_run_is_signed_by_whom_the_browser_says(
    here: World, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = SimpleNamespace(signing_config=SimpleNamespace(get_oidc_url=lambda: ISSUER))
    browser = SimpleNamespace(identity_token=lambda: f"{MIA} said so in a browser")
    monkeypatch.setattr(keyless, "ClientTrustConfig", SimpleNamespace(production=lambda: config))
    monkeypatch.setattr(keyless, "detect_credential", lambda: None)
    monkeypatch.setattr(keyless, "Issuer", lambda url: {ISSUER: browser}[url])
    monkeypatch.setattr(keyless, "SigningContext", Signer)
    world.add_published(here, published)
    assert signer_of(here, KEYLESS.words, monkeypatch) == f"{MIA} ({ISSUER})"


def test_a_signature_that_was_made_elsewhere_is_attached(
    here: World, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Verifier, "production", lambda offline: SIGSTORE.verifier)
    world.add_published(here, published)
    evidence = (published.run / EVIDENCE_FILE).read_bytes()
    (here.checkout / "BUNDLE").write_bytes(SIGSTORE.sign(evidence, MIA))
    assert signer_of(here, ATTACHED.words, monkeypatch) == f"{MIA} ({ISSUER})"


def signer_of(where: World, words: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a command, and tell who signed the run that it handed in."""
    monkeypatch.chdir(where.checkout)
    done = CliRunner().invoke(cli.main, words[1:])
    assert done.exit_code == 0, done.output
    (signatures,) = where.checkout.glob("hf_data/evidence/*.jsonl")
    (line,) = signature_lines(signatures.read_bytes())
    return keyless.identify(signatures.stem, line, SIGSTORE.verifier)


def test_a_token_is_typed_into_the_hub_s_own_login(here: World) -> None:
    path = path_with(Path(sys.executable).parent)
    environment = command.environment(here.root, HF_ENDPOINT=here.hub.url, TERM="dumb", PATH=path)
    keyboard, screen = pty.openpty()
    terminal: dict[str, Any] = {
        "stdin": screen,
        "stdout": screen,
        "stderr": screen,
        "start_new_session": True,
    }
    down, enter = b"\x1b[B", b"\r"
    with subprocess.Popen(("bash", "-c", LOGIN.text), env=environment, **terminal) as process:
        os.close(screen)
        types(
            keyboard, {b"Paste an access token": down + enter, b"Enter your token": WRITER.encode() + enter}
        )
    assert process.returncode == 0
    assert (here.root / ".cache/huggingface/token").read_text() == WRITER


def types(keyboard: int, answers: dict[bytes, bytes]) -> None:
    """Answer what a program asks on its terminal, each once it waits for a key, until it ends."""
    told, left = b"", dict(answers)
    with contextlib.suppress(OSError):  # what Linux says when the last one has closed the terminal
        while more := os.read(keyboard, 4096):
            told += more
            for question in [question for question in left if question in told]:
                wait_for(lambda: not termios.tcgetattr(keyboard)[3] & termios.ECHO)
                os.write(keyboard, left.pop(question))
    os.close(keyboard)
    assert not left, told
