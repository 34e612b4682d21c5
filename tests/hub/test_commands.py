"""publish, clean and rebuild as a user types them."""

from __future__ import annotations

import html
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sagellm_benchmark.board.entry import SINGLE
from sagellm_benchmark.board.identity import Row
from sagellm_benchmark.files import to_json
from tests.command import environment, run, start
from tests.fakes.hub_server import OIDC, READER, REPO, WRITER, Fault, HubServer
from tests.fakes.rows import new_row, new_rows
from tests.fakes.team import Team, git
from tests.house import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

SECRETS = (WRITER, READER, OIDC, "hf_wrong_token", "ci_identity_token")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hf_data").mkdir()
    return tmp_path


def submit(folder: Path, *rows: Row) -> None:
    (folder / "hf_data" / SINGLE).write_bytes(to_json(list(rows)))


def publish(folder: Path, server: HubServer, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The command at this Hub; no way of saying anything holds a token."""
    settings = {"HF_ENDPOINT": server.url, "HF_TOKEN": WRITER, **env}
    done = run("publish", "--repo", REPO, *arguments, cwd=folder, env=settings)
    for secret in SECRETS:
        assert secret not in done.stdout + done.stderr
    return done


def test_publish_puts_the_page_beside_the_board(folder: Path, server: HubServer) -> None:
    submit(folder, new_row())
    assert publish(folder, server, "--site").returncode == 0
    page = server.history.head.files["index.html"]
    assert page.startswith(b"<!doctype html>")
    assert new_row()["entry_id"].encode() in page
    assert publish(folder, server, "--site").returncode == 0
    assert server.history.head.files["index.html"] == page


def test_the_page_of_the_dataset_shows_beaten_rows_where_they_are_asked_for(
    folder: Path, server: HubServer
) -> None:
    slow, fast = new_row(), new_row(metrics__throughput_tps=99.0)
    for row in (slow, fast):
        submit(folder, row)
        assert publish(folder, server).returncode == 0
    for asked, is_there in (((), False), (("--beaten",), True)):
        done = run("site", "--from", REPO, *asked, cwd=folder, env={"HF_ENDPOINT": server.url})
        assert (done.returncode, done.stdout) == (0, "site/index.html: 1 row\n"), done.stderr
        assert (slow["entry_id"].encode() in (folder / "site/index.html").read_bytes()) is is_there


def test_says_what_became_of_each_row_and_where_to_look(folder: Path, server: HubServer) -> None:
    slow, fast = new_row(), new_row(metrics__throughput_tps=99.0)
    submit(folder, slow)
    assert publish(folder, server).returncode == 0
    submit(folder, slow, fast, new_row(model__name="other"))
    done = publish(folder, server)
    assert done.returncode == 0
    assert done.stderr == ""
    head = server.history.head.id
    assert f"written and read back: {server.url}/datasets/{REPO}/commit/{head}" in done.stdout
    assert f"{server.url}/datasets/{REPO}: 1 added, 1 improved, 1 beaten" in done.stdout
    assert f"instead of {slow['entry_id']}" in done.stdout
    assert f"by {fast['entry_id']}" in done.stdout
    again = publish(folder, server)
    assert "nothing to write" in again.stdout


@pytest.mark.with_children
def test_json_is_all_it_prints(folder: Path, server: HubServer) -> None:
    row = new_row()
    submit(folder, row, new_row(metrics__ttft_ms=-1))
    done = publish(folder, server, "--json", "--skip-invalid")
    value = json.loads(done.stdout)
    assert value["rows"] == [{"entry_id": row["entry_id"], "fate": "added", "other": None}]
    assert (value["commit"], value["written"]) == (server.history.head.id, True)
    assert [one["where"] for one in value["refused"]] == [f"hf_data/{SINGLE}, row 1"]


def test_a_bad_row_is_named_and_nothing_is_sent(folder: Path, server: HubServer) -> None:
    submit(folder, new_row(), new_row(model__name="<script>\u202e"))
    done = publish(folder, server)
    assert done.returncode == 3
    assert f"hf_data/{SINGLE}, row 1: model.name" in done.stderr
    assert "\u202e" not in done.stderr
    assert len(server.history.commits) == 1


def test_a_dry_run_needs_no_token_and_writes_nothing(folder: Path, server: HubServer) -> None:
    submit(folder, new_row())
    done = publish(folder, server, "--dry-run", HF_TOKEN="")
    assert (done.returncode, "nothing was sent" in done.stdout) == (0, True)
    assert len(server.history.commits) == 1


@pytest.mark.parametrize("token", ["", READER, "hf_wrong_token", "ключ", "hf\x01\x7f"])
def test_a_token_that_is_missing_wrong_or_for_reading_ends_with_4(
    folder: Path, server: HubServer, token: str
) -> None:
    submit(folder, new_row())
    done = publish(folder, server, HF_TOKEN=token)
    assert done.returncode == 4
    assert "nothing was" in done.stderr
    assert "HF_TOKEN" in done.stderr
    assert len(server.history.commits) == 1


def test_the_login_file_s_token_is_used(folder: Path, server: HubServer) -> None:
    submit(folder, new_row())
    (folder / "hf_home").mkdir()
    (folder / "hf_home" / "token").write_text(WRITER)
    done = publish(folder, server, HF_TOKEN="", HF_HOME=str(folder / "hf_home"))
    assert done.returncode == 0
    assert len(server.history.commits) == 2


def test_actions_identity_is_exchanged_for_a_token(folder: Path, server: HubServer) -> None:
    submit(folder, new_row())
    identity = {"HF_OIDC_RESOURCE": f"datasets/{REPO}", "HF_OIDC_ID_TOKEN": "ci_identity_token"}
    done = publish(folder, server, HF_TOKEN="", **identity)
    assert done.returncode == 0
    assert "oauth" in server.seen
    server.faults.append(Fault("oauth", status=403))
    submit(folder, new_row(model__name="other"))
    assert publish(folder, server, HF_TOKEN="", **identity).returncode == 4


def test_a_hub_out_of_reach_ends_with_4(folder: Path, server: HubServer) -> None:
    submit(folder, new_row())
    done = publish(folder, server, HF_ENDPOINT="http://127.0.0.1:9")
    assert (done.returncode, "HF_ENDPOINT" in done.stderr) == (4, True)
    done = publish(folder, server, HF_HUB_OFFLINE="1")
    assert (done.returncode, "HF_HUB_OFFLINE is set" in done.stderr) == (4, True)
    done = publish(folder, server, HF_OIDC_RESOURCE=f"datasets/{REPO}")
    assert (done.returncode, "no identity" in done.stderr) == (4, True)
    assert (server.tokens_seen, len(server.history.commits)) == ([], 1)


@pytest.mark.with_children
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"ALL_PROXY": "socks5://somebody:secret@127.0.0.1:9"}, "httpx[socks]"),
        ({"HTTP_PROXY": "foo://somebody:secret@127.0.0.1:9"}, "HTTP_PROXY"),
        ({"SSL_CERT_FILE": "/nowhere.pem"}, "SSL_CERT_FILE"),
        ({"HF_HUB_DOWNLOAD_TIMEOUT": "soon"}, "HF_…"),
        ({"HF_ENDPOINT": "http://☃☃.x"}, "HF_ENDPOINT"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_work_is_named(
    folder: Path, server: HubServer, setting: dict[str, str], said: str
) -> None:
    submit(folder, new_row())
    done = publish(folder, server, **setting)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("command", ["publish", "clean"])
def test_a_folder_without_a_name_is_neither_this_one_nor_the_dataset(folder: Path, command: str) -> None:
    submit(folder, new_row())
    before = sorted(folder.rglob("*"))
    done = run(command, "--to=", cwd=folder)
    assert (done.returncode, "the folder has no name" in done.stderr) == (2, True)
    assert sorted(folder.rglob("*")) == before


def test_debugging_the_library_shows_no_token(folder: Path, server: HubServer) -> None:
    submit(folder, new_row())
    assert publish(folder, server, HF_DEBUG="1").returncode == 0


@pytest.mark.with_children
def test_a_shared_folder_instead_of_a_hub(folder: Path) -> None:
    submit(folder, *new_rows(2))
    done = run("publish", "--to", "shared", cwd=folder)
    assert done.returncode == 0
    assert len(json.loads((folder / "shared" / SINGLE).read_text())) == 2
    check = run("rebuild", "--check", "--to", "shared", cwd=folder)
    assert (check.returncode, "byte for byte" in check.stdout) == (0, True)


@pytest.mark.with_children
def test_rebuild_tells_what_is_missing_and_writes_what_should_be(folder: Path) -> None:
    submit(folder, *new_rows(2))
    run("publish", "--to", "shared", cwd=folder)
    whole = (folder / "shared" / SINGLE).read_bytes()
    (folder / "shared" / SINGLE).write_bytes(b"[]\n")
    done = run("rebuild", "--check", "--to", "shared", cwd=folder)
    assert done.returncode == 3
    assert "was accepted and is missing" in done.stdout
    assert run("rebuild", "--output", "again", "--to", "shared", cwd=folder).returncode == 0
    assert (folder / "again" / SINGLE).read_bytes() == whole
    assert run("rebuild", "--to", "shared", cwd=folder).returncode == 2


def test_without_hf_data_it_says_how_to_make_it(tmp_path: Path) -> None:
    done = run("publish", "--to", "shared", cwd=tmp_path)
    assert (done.returncode, "aggregate" in done.stderr) == (3, True)


def test_merging_only_writes_the_merged_boards_and_sends_nothing(folder: Path, server: HubServer) -> None:
    published, mine = new_rows(2)
    submit(folder, published)
    publish(folder, server)
    submit(folder, mine)
    done = publish(folder, server, "--merge-only", HF_TOKEN="")
    assert (done.returncode, "nothing was sent" in done.stdout) == (0, True)
    merged = json.loads((folder / "hf_data" / SINGLE).read_text())
    assert sorted(row["entry_id"] for row in merged) == sorted([published["entry_id"], mine["entry_id"]])
    assert len(server.history.commits) == 2


@pytest.mark.parametrize("script", ["merge_and_upload.py", "upload_to_hf.py"])
def test_the_documented_scripts_are_the_command(tmp_path: Path, script: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "scripts" / script,
            "--hf-data",
            tmp_path / "none",
            "--to",
            tmp_path / "shared",
        ],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, "there is no folder" in done.stderr) == (3, True)


def test_an_empty_hf_data_is_nothing_to_do(folder: Path, server: HubServer) -> None:
    done = publish(folder, server, HF_TOKEN="")
    assert (done.returncode, "nothing to write" in done.stdout) == (0, True)


@pytest.mark.with_children
def test_clean_does_not_push_unasked(tmp_path: Path) -> None:
    team = Team(tmp_path)
    team.submit(team.root / "first", new_row())
    done = run("clean", "--to", "../board", cwd=tmp_path / "first")
    assert (done.returncode, "--yes" in done.stderr) == (2, True)


@pytest.mark.with_children
def test_clean_refuses_then_cleans_then_finds_nothing(tmp_path: Path) -> None:
    team = Team(tmp_path)
    clone = team.clone("mine")
    team.submit(clone, new_row())
    clean = ("clean", "--yes", "--to", str(tmp_path / "shared"))
    assert run(*clean, cwd=clone).returncode == 3
    assert run("publish", "--to", str(tmp_path / "shared"), cwd=clone).returncode == 0
    done = run(*clean, cwd=clone)
    assert (done.returncode, f"removed hf_data/{SINGLE}" in done.stdout) == (0, True)
    assert "nothing to remove" in run(*clean, cwd=clone).stdout
    assert git(clone, "status", "--porcelain") == ""


def test_cleaning_that_is_killed_and_started_again_ends_as_if_it_never_was(tmp_path: Path) -> None:
    team = Team(tmp_path)
    clone = team.clone("mine")
    shared = str(tmp_path / "shared")
    for attempt in range(6):
        team.submit(clone, new_row(model__name=f"model {attempt}"))
        assert run("publish", "--to", shared, cwd=clone).returncode == 0
        killed = start("clean", "--yes", "--to", shared, cwd=clone)
        time.sleep(0.03 + 0.04 * attempt)
        killed.send_signal(signal.SIGKILL)
        killed.ended()
        done = run("clean", "--yes", "--to", shared, cwd=clone)
        assert done.returncode == 0, done.stderr
        assert team.files() == ["code.py", "hf_data/README.md"]
        assert git(clone, "status", "--porcelain", "--untracked-files=no") == ""
        assert team.log()[:2] == ["Clean hf_data/: its rows are published [skip ci]", "add results"]


def judged(folder: Path, server: HubServer, summary: Path) -> subprocess.CompletedProcess[str]:
    settings = {"HF_ENDPOINT": server.url, "GITHUB_STEP_SUMMARY": str(summary)}
    return run("validate", "--published", "--repo", REPO, cwd=folder, env=settings)


@pytest.mark.with_children
def test_a_pull_request_s_check_tells_first_what_it_adds(folder: Path, server: HubServer) -> None:
    old, new = new_row(), new_row(metrics__throughput_tps=99.0, metadata__submitter="@all")
    submit(folder, old)
    publish(folder, server)
    before = server.history.head.id
    submit(folder, old, new)
    done = judged(folder, server, folder / "summary.md")
    assert done.returncode == 0, done.stderr
    (line,) = [one for one in (folder / "summary.md").read_text().splitlines() if one.startswith("| new")]
    for word in (new["entry_id"], "Q1", "99.0", "comes onto the board"):
        assert word in html.unescape(line)
    assert "Published before: 1 row." in (folder / "summary.md").read_text()
    assert server.history.head.id == before


def test_what_passes_a_pull_request_s_check_is_not_refused_by_publishing(
    folder: Path, server: HubServer
) -> None:
    for changes in (
        {"metrics__throughput_tps": -5},
        {"validity__valid": False},
        {"model__precision": "FP17"},
    ):
        submit(folder, new_row(**changes), new_row())
        done = judged(folder, server, folder / "summary.md")
        assert (done.returncode, "left out" in done.stdout) == (3, True)
        assert publish(folder, server).returncode == 3


def test_publishing_writes_a_job_summary_with_the_refused_rows_first(folder: Path, server: HubServer) -> None:
    good, bad = new_row(), new_row(model__name="[x](http://evil.example) | @all", metrics__throughput_tps=-5)
    submit(folder, good, bad)
    done = publish(folder, server, "--skip-invalid", GITHUB_STEP_SUMMARY=str(folder / "summary.md"))
    assert done.returncode == 0
    rows = [
        one for one in (folder / "summary.md").read_text().splitlines() if one.startswith(("| ✗", "| new"))
    ]
    assert [row.split(" | ")[0] for row in rows] == ["| ✗", "| new"]
    assert "http://" not in rows[0]
    assert rows[0].count(" | ") == 6


def test_a_job_summary_of_hostile_rows_stays_small_enough_to_be_shown(
    folder: Path, server: HubServer
) -> None:
    names = ("|" * 7000 + str(number) for number in range(150))
    submit(folder, *(new_row(model__name=name, workload__name=name, entry_id=name[-40:]) for name in names))
    publish(folder, server, "--skip-invalid", GITHUB_STEP_SUMMARY=str(folder / "summary.md"))
    said = (folder / "summary.md").read_text()
    assert 100_000 < len(said.encode()) < 600_000
    assert f"and {150 - said.count('| ✗ ')} more" in said


def test_a_job_summary_of_published_rows_speaks_the_language_that_the_workflow_sets(
    folder: Path, server: HubServer
) -> None:
    submit(folder, new_row(), new_row(metrics__throughput_tps=-5))
    summary = folder / "summary.md"
    publish(folder, server, "--skip-invalid", GITHUB_STEP_SUMMARY=str(summary), SAGELLM_LANG="zh")
    said = html.unescape(summary.read_text())
    assert said.startswith("### 已发布的记录\n\n| | 记录 | 模型 | 工作负载 | 芯片 | tokens/s | 结果 |")
    assert "拒绝：metrics.throughput_tps 是 -5" in said
    assert said.endswith("此前已发布 0 条记录。\n\n")
