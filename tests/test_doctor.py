"""The doctor looks at this machine, and says what is blocked and what to do about it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from sagellm_benchmark.codehost import FALLBACK
from sagellm_benchmark.doctor import Finding, State
from sagellm_benchmark.report.diagnosis import render, summary
from tests import forked
from tests.fakes.code_host import code_host_server
from tests.house import clean_environment
from tests.test_codehost import BILLING, failed_run

pytestmark = [pytest.mark.slow, pytest.mark.with_children]

NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there
TOKEN = "hf_secret"


def doctor(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    settings = {"HOME": str(home), "HF_ENDPOINT": NOWHERE} | environment
    inherited = {name: value for name, value in clean_environment().items() if not name.startswith("HF_")}
    return forked.start(("doctor", *options), folder, inherited | settings).ended(60)


def finding(folder: Path, about: str, *options: str, **environment: str) -> dict[str, str]:
    answer = doctor(folder, "--json", *options, **environment)
    assert answer.returncode == 0, answer.stderr
    assert TOKEN not in answer.stdout
    (found,) = [found for found in json.loads(answer.stdout)["findings"] if found["about"] == about]
    assert isinstance(found, dict)
    return found


def git(folder: Path, *words: str) -> None:
    subprocess.run(("git", "-C", folder, *words), check=True, capture_output=True, env=clean_environment())


@pytest.mark.parametrize(
    ("variable", "about"),
    [({"HF_TOKEN": f"{TOKEN}\x01"}, "Hub"), ({"GITHUB_TOKEN": f"{TOKEN}\r"}, "Actions")],
    ids=str,
)
def test_a_token_that_cannot_be_sent_is_a_finding(
    tmp_path: Path, variable: dict[str, str], about: str
) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "https://github.com/team/board")
    assert "a character that cannot be sent" in finding(tmp_path, about, **variable)["said"]


def test_one_screen_says_it_all(tmp_path: Path) -> None:
    answer = doctor(tmp_path)
    assert answer.returncode == 0
    for about in (
        "Python",
        "sagellm-benchmark",
        "embedded engine",
        "nox",
        "git",
        "Hub",
        "disk",
        "memory",
        "GPUs",
        "Actions",
    ):
        assert about in answer.stdout
    assert len(answer.stdout.splitlines()) <= 24


def test_an_unreachable_hub_blocks_and_says_how_to_go_on(tmp_path: Path) -> None:
    found = finding(tmp_path, "Hub")
    assert found["state"] == "blocked"
    assert "aggregate --offline" in found["next"]


def test_a_hub_that_knows_us_says_our_name(tmp_path: Path) -> None:
    with code_host_server({"/api/whoami-v2": (200, {"name": "ada"})}) as hub:
        found = finding(tmp_path, "Hub", HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)
    assert found["state"] == "ok"
    assert "logged in as ada" in found["said"]


def test_a_hub_without_login_is_no_obstacle_to_measuring(tmp_path: Path) -> None:
    with code_host_server({"/api/whoami-v2": (401, {"error": "Unauthorized"})}) as hub:
        found = finding(tmp_path, "Hub", HF_ENDPOINT=hub.url)
    assert found["state"] == "note"
    assert "hf auth login" in found["next"]


def test_a_refused_token_blocks_and_is_not_shown(tmp_path: Path) -> None:
    with code_host_server({"/api/whoami-v2": (401, {"error": f"bad {TOKEN}"})}) as hub:
        found = finding(tmp_path, "Hub", HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN)
    assert found["state"] == "blocked"
    assert "refuses the token" in found["said"]


def test_a_hub_in_trouble_is_told_from_an_unreachable_one(tmp_path: Path) -> None:
    with code_host_server({"/api/whoami-v2": (503, {})}) as hub:
        assert "answers 503" in finding(tmp_path, "Hub", HF_ENDPOINT=hub.url)["said"]


def test_a_password_in_the_hub_s_address_is_not_shown(tmp_path: Path) -> None:
    with code_host_server({"/api/whoami-v2": (503, {})}) as hub:
        address = hub.url.replace("://", f"://me:{TOKEN}@")
        assert f"{hub.url} answers 503" in finding(tmp_path, "Hub", HF_ENDPOINT=address)["said"]
    assert "127.0.0.1" in finding(tmp_path, "Hub", HF_ENDPOINT=NOWHERE.replace("://", f"://{TOKEN}@"))["said"]


def test_a_hub_switched_off_is_not_asked(tmp_path: Path) -> None:
    assert "HF_HUB_OFFLINE" in finding(tmp_path, "Hub", HF_HUB_OFFLINE="1")["said"]


def test_a_folder_that_is_no_checkout_is_said_to_be_none(tmp_path: Path) -> None:
    assert "no checkout" in finding(tmp_path, "git", GIT_CEILING_DIRECTORIES=str(tmp_path.parent))["said"]


def test_a_remote_is_shown_without_its_password(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-m", "x")
    git(tmp_path, "remote", "add", "origin", f"https://ada:p@ss{TOKEN}@code.example.org/me/it.git")
    found = finding(tmp_path, "git")
    assert "remote https://code.example.org/me/it.git" in found["said"]
    assert "user.email" in found["next"]


def test_a_checkout_without_a_remote_says_how_to_name_one(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-m", "x")
    assert "git remote add" in finding(tmp_path, "git")["next"]


def test_the_billing_message_of_the_last_run_is_answered_with_the_fallback(tmp_path: Path) -> None:
    with code_host_server(failed_run(BILLING)) as server:
        settings = {"GITHUB_TOKEN": "t", "GITHUB_API_URL": server.url, "GITHUB_REPOSITORY": "me/it"}
        found = finding(tmp_path, "Actions", **settings)
    assert found["state"] == "blocked"
    assert FALLBACK in found["next"]
    assert "make publish" in found["next"]


def test_any_other_failure_is_quoted(tmp_path: Path) -> None:
    with code_host_server(failed_run("exit code 1\x1b[2J")) as server:
        settings = {"GITHUB_TOKEN": "t", "GITHUB_API_URL": server.url, "GITHUB_REPOSITORY": "me/it"}
        found = finding(tmp_path, "Actions", **settings)
    assert found["state"] == "note"
    assert "exit code 1" in found["said"]
    assert "\x1b" not in found["said"]


def test_an_unreachable_code_host_is_only_noted(tmp_path: Path) -> None:
    settings = {"GITHUB_TOKEN": "t", "GITHUB_API_URL": NOWHERE, "GITHUB_REPOSITORY": "me/it"}
    found = finding(tmp_path, "Actions", **settings)
    assert found["state"] == "note"
    assert FALLBACK in found["next"]


def test_a_run_that_passed_blocks_nothing(tmp_path: Path) -> None:
    runs = {"workflow_runs": [{"id": 7, "conclusion": "success"}]}
    with code_host_server({"/repos/me/it/actions/runs?per_page=1&status=completed": (200, runs)}) as server:
        settings = {"GITHUB_TOKEN": "t", "GITHUB_API_URL": server.url, "GITHUB_REPOSITORY": "me/it"}
        assert finding(tmp_path, "Actions", **settings)["state"] == "ok"


@pytest.mark.parametrize(("text", "state"), [(BILLING, "blocked"), ("some test failed", "note")])
def test_the_text_of_a_run_can_be_given(tmp_path: Path, text: str, state: str) -> None:
    (tmp_path / "run.txt").write_text(text)
    assert finding(tmp_path, "Actions", "--log", "run.txt")["state"] == state


def test_a_text_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    answer = doctor(tmp_path, "--log", "nothing.txt")
    assert answer.returncode == 3
    assert "nothing.txt" in answer.stderr


def test_npus_that_their_tool_lists_are_counted(tmp_path: Path) -> None:
    chip = [
        "| 0     910B3    | OK           | 90.4   37     0 / 0          |",
        "| 0 | 0000:C1:00.0 | 0 0 / 0  4153 / 65536 |",
    ]
    tool = tmp_path / "bin" / "npu-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(chip * 2) + "\nEND\n")
    tool.chmod(0o755)
    path = f"{tool.parent}:{clean_environment()['PATH']}"
    assert "2 × Ascend 910B3 (64 GiB)" in finding(tmp_path, "GPUs", PATH=path)["said"]


def test_the_screen_marks_what_is_blocked_and_puts_the_next_step_below() -> None:
    lines = render(
        [Finding("a", State.OK, "fine"), Finding("b", State.BLOCKED, "bad", "mend it")]
    ).splitlines()
    assert lines[0].startswith("ok ")
    assert lines[1].startswith("BLOCKED")
    assert lines[2].strip() == "→ mend it"


def test_the_summary_names_what_is_blocked() -> None:
    found = [Finding("a", State.OK, "fine"), Finding("b", State.BLOCKED, "bad", "mend it")]
    assert summary(found)["blocked"] == ["b"]
