from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from sagellm_benchmark.errors import Exit
from tests import command
from tests.evidence.support import verified
from tests.fakes.openai_server import Script, Seen, serving
from tests.waiting import wait_for

pytestmark = [pytest.mark.waits, pytest.mark.no_cover]

STREAMING = Script(itl_s=0.001)  # at no pace at all, an answer arrives as one piece
SMALL = ("--workload", "custom", "--input-tokens", "20", "--output-tokens", "16")
TEXTS = ("--workload", "custom", "--output-tokens", "16")  # which have lengths of their own
QUICK = ("--no-calibrate", "--warmup", "0")


def run(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    done = command.run("run", *QUICK, *arguments, cwd=folder, env=env)
    for evidence in folder.glob("outputs/*/*/*_[0-9][0-9][0-9]/evidence.json"):
        assert verified(evidence.parent).mismatches == ()
    return done


def ctrl_c(folder: Path, when: Callable[[], bool], *arguments: str) -> int:
    """The exit code of a run that gets a Ctrl-C at some moment."""
    process = command.start("run", *QUICK, *arguments, cwd=folder)
    wait_for(when)
    process.send_signal(signal.SIGINT)
    return process.ended(30).returncode


def test_a_frozen_client_process_makes_the_run_invalid_and_what_was_measured_is_kept(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        endless = ("--concurrency", "4", "--duration", "60", "--client-processes", "2", "--repeats", "3")
        process = command.start("run", *QUICK, "--base-url", server.base_url, *SMALL, *endless, cwd=tmp_path)
        wait_for(lambda: len(server.requests) > 8)
        clients = [
            child
            for child in psutil.Process(process.process.pid).children()
            if "sagellm_benchmark.client.worker" in child.cmdline()
        ]
        clients[0].suspend()
        done = process.ended(60)
    assert done.returncode == Exit.INVALID_RUN, done.stdout + done.stderr
    assert not any(child.is_running() for child in clients)
    summary = read(tmp_path, "summary.json")
    assert summary["status"] == "node lost"
    assert summary["reasons"][0].startswith(
        f"client node localhost was lost: a client process (pid {clients[0].pid}) has not responded for 2.5 s"
    )
    assert (the_run(tmp_path) / "requests.jsonl").read_text()


def the_run(folder: Path) -> Path:
    """The only run under outputs/."""
    (found,) = (
        path.parent for path in folder.glob("outputs/*/*/*/summary.json") if path.parent.name != "latest"
    )
    return found


def read(folder: Path, name: str) -> Any:
    return json.loads((the_run(folder) / name).read_text())


@dataclass(frozen=True)
class Measured:
    """A run that several tests look at, and none may change: its folder, and what the server was asked."""

    folder: Path
    bodies: list[dict[str, Any]]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = tmp_path_factory.mktemp("measured")
    with serving(Script(ttft_s=0.02, itl_s=0.002)) as server:
        done = run(folder, "--base-url", server.base_url)
        bodies = [seen.body for seen in server.requests if seen.body["max_tokens"] == 64]
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    return Measured(folder, bodies)


def test_an_endpoint_is_measured_and_leaves_every_file(measured: Measured) -> None:
    found = the_run(measured.folder)
    assert found.relative_to(measured.folder / "outputs").parts[:2] == ("vllm", "fake-model")
    assert {path.name for path in found.iterdir()} == {
        "config.json",
        "summary.json",
        "timeline.json",
        "requests.jsonl",
        "evidence.json",
        "Q1_leaderboard.json",
        "REPORT.md",
        "report.html",
    }


def test_the_summary_holds_the_numbers_under_their_documented_names(measured: Measured) -> None:
    summary = read(measured.folder, "summary.json")
    for name in ("ttft_ms", "itl_ms", "tpot_ms", "e2e_ms"):
        assert {"mean", "p50", "p90", "p99"} <= set(summary[name])
    assert 19 < summary["ttft_ms"]["mean"] < summary["e2e_ms"]["mean"]
    assert (summary["requests"], summary["errors"], summary["valid"], summary["reasons"]) == (5, 0, True, [])
    assert summary["throughput_tps"] > 0


A100S = ("--vendor", "NVIDIA", "--chip-model", "A100", "--chip-count", "8", "--memory-per-chip-gb", "80")


def test_stated_hardware_stands_alone_where_a_gateway_answers_on_this_machine(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        run(tmp_path, "--base-url", server.base_url, *A100S, "--interconnect", "NVLink")
    row = read(tmp_path, "Q1_leaderboard.json")
    assert row["hardware"] == {
        "vendor": "NVIDIA",
        "chip_model": "A100",
        "chip_count": 8,
        "interconnect": "NVLink",
        "chips_per_node": 8,
        "intra_node_interconnect": "NVLink",
        "memory_per_chip_gb": 80.0,
        "total_memory_gb": 640.0,
    }
    assert (row["metrics"]["peak_mem_mb"], row["metrics"]["peak_mem_source"]) == (0, "unknown")


def test_what_a_row_lacks_is_said_before_the_load_and_kept_in_the_row(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", server.base_url, *A100S)
    assert "this cannot be published as it is:" in done.stderr
    for missing in ("weights are unknown", "(interconnect)", "precision is not known"):
        assert missing in done.stderr
        assert any(missing in reason for reason in read(tmp_path, "Q1_leaderboard.json")["unpublishable"])
    assert read(tmp_path, "Q1_leaderboard.json")["model"]["weights"] == "unknown"


def test_json_prints_the_same_and_nothing_else(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--json")
    (printed,) = json.loads(done.stdout)
    assert printed["summary"] == read(tmp_path, "summary.json")


@pytest.mark.with_children
def test_a_published_trace_is_sent_at_its_own_pace_and_says_before_how_long_it_lasts(tmp_path: Path) -> None:
    requests = [(0, [0]), (400, [0, 1]), (800, [0, 1])]
    (tmp_path / "trace.jsonl").write_text(
        "\n".join(
            json.dumps({"timestamp": ms, "input_length": 400 * len(ids), "output_length": 8, "hash_ids": ids})
            for ms, ids in requests
        )
    )
    with serving(STREAMING) as server:
        done = run(
            *(tmp_path, "--base-url", server.base_url),
            *("--dataset", "mooncake:trace.jsonl", "--time-scale", "0.5"),
        )
        first, second, third = server.requests[-3:]
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert "mooncake:trace.jsonl: 3 requests over 0.4 s" in done.stderr
    assert second.body["prompt"].startswith(first.body["prompt"])
    assert third.body["prompt"] == second.body["prompt"]
    assert third.read_s - first.read_s == pytest.approx(0.4, abs=0.2)
    assert read(tmp_path, "config.json")["load_description"] == "as the trace says, its time × 0.5"


def test_a_trailing_v1_is_understood(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", f"{server.base_url}/v1/")
    assert done.returncode == Exit.DONE, done.stdout + done.stderr


def test_a_chat_only_server_is_measured_over_chat(tmp_path: Path) -> None:
    with serving(Script(apis=("chat",), itl_s=0.001)) as server:
        done = run(tmp_path, "--base-url", server.base_url)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert read(tmp_path, "config.json")["server"]["api"] == "chat"


def test_the_key_is_sent_and_written_nowhere(tmp_path: Path) -> None:
    with serving(Script(api_key="sk-very-secret", itl_s=0.001)) as server:
        done = run(
            tmp_path, "--base-url", server.base_url, "--api-key-env", "MY_KEY", MY_KEY="sk-very-secret"
        )
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    written = b"".join(path.read_bytes() for path in the_run(tmp_path).iterdir())
    assert b"sk-very-secret" not in written
    assert "sk-very-secret" not in done.stdout + done.stderr


def test_a_model_that_is_not_served_is_answered_with_those_that_are(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--model", "other")
    assert done.returncode == Exit.USAGE
    assert "fake-model" in done.stderr


def test_nobody_listening_is_a_remote_error(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = run(tmp_path, "--base-url", f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert done.returncode == Exit.REMOTE
    assert "next:" in done.stderr


@pytest.mark.parametrize(
    "script",
    [Script(llm=False), Script(status=500), Script(status=429), Script(api_key="another")],
    ids=["no LLM server", "500", "429", "401"],
)
def test_a_server_that_will_not_serve_us_is_a_remote_error_and_leaves_nothing(
    script: Script, tmp_path: Path
) -> None:
    with serving(script) as server:
        done = run(tmp_path, "--base-url", server.base_url)
    assert done.returncode == Exit.REMOTE
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("outputs/*/*/*/*_leaderboard.json"))


@pytest.mark.parametrize(
    ("ending", "reason"),
    [("cut", "cut_off"), ("reset", "cut_off"), ("garbage", "malformed"), ("error", "server")],
)
def test_a_stream_that_breaks_is_a_counted_failure_and_the_run_is_invalid(
    ending: Any, reason: str, tmp_path: Path
) -> None:
    fine = {"ending": "proper"}
    with serving(
        Script(ending=ending, sequence=(fine,))
    ) as server:  # the first request asks what the server can do
        done = run(tmp_path, "--base-url", server.base_url)
    assert done.returncode == Exit.INVALID_RUN, done.stderr
    assert read(tmp_path, "summary.json")["failures"] == {reason: 5}


@pytest.mark.with_children
def test_a_server_that_fails_the_warm_up_is_not_measured(tmp_path: Path) -> None:
    with serving(Script(ending="cut", sequence=({"ending": "proper"},))) as server:
        done = command.run("run", "--no-calibrate", "--base-url", server.base_url, cwd=tmp_path)
    assert done.returncode == Exit.REMOTE
    assert "warm-up: cut_off" in done.stderr


def test_a_server_that_stalls_times_out(tmp_path: Path) -> None:
    with serving(Script(ending="stall", sequence=({"ending": "proper"},))) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--request-timeout", "0.5", "--requests", "2")
    assert done.returncode == Exit.INVALID_RUN, done.stderr
    assert read(tmp_path, "summary.json")["failures"] == {"timeout": 2}


def test_tokens_without_usage_are_counted_by_the_servers_tokenizer(tmp_path: Path) -> None:
    with serving(Script(usage=False, word=" t{}", itl_s=0.001)) as server:
        done = run(tmp_path, "--base-url", server.base_url)
    assert done.returncode == Exit.DONE, done.stdout
    summary = read(tmp_path, "summary.json")
    assert (summary["token_source"], summary["output_tokens"]) == ("server's tokenizer", 5 * 64)


def test_tokens_that_nobody_counts_make_the_run_invalid(tmp_path: Path) -> None:
    with serving(Script(usage=False, tokenizer=False)) as server:
        done = run(tmp_path, "--base-url", server.base_url)
    assert done.returncode == Exit.INVALID_RUN
    assert "cannot be counted" in done.stdout
    assert not list(tmp_path.glob("outputs/*/*/*/*_leaderboard.json"))


def test_answers_in_one_piece_make_the_run_invalid(tmp_path: Path) -> None:
    with serving(Script(stream=False, ttft_s=0.01)) as server:
        done = run(tmp_path, "--base-url", server.base_url)
    assert done.returncode == Exit.INVALID_RUN
    assert "not streamed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--workload", "Q9"), Exit.USAGE),
        (("--base-url", "no-scheme:80"), Exit.USAGE),
        (("--colour",), Exit.USAGE),
        (("--outputs", "/proc/nowhere"), Exit.DATA),
    ],
)
def test_bad_input_has_its_exit_code_and_says_what_to_do(
    arguments: tuple[str, ...], code: Exit, tmp_path: Path
) -> None:
    with serving(STREAMING) as server:
        done = run(
            tmp_path, *(("--base-url", server.base_url) if "--base-url" not in arguments else ()), *arguments
        )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_ctrl_c_keeps_what_was_measured_and_writes_no_row(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.05, itl_s=0.01)) as server:
        load = ("--base-url", server.base_url, "--requests", "1000")
        code = ctrl_c(tmp_path, lambda: len(server.requests) > 4, *load)
    assert code == Exit.INTERRUPTED
    summary = read(tmp_path, "summary.json")
    assert (summary["status"], summary["valid"]) == ("interrupted", False)
    assert summary["requests"] >= 2
    assert not list(tmp_path.glob("outputs/*/*/*/*_leaderboard.json"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs limits on a process")
def test_a_full_disk_is_said_and_leaves_no_row(tmp_path: Path) -> None:
    def full() -> None:
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    with serving(STREAMING) as server:
        done = subprocess.run(
            [*command.PROGRAM, "run", *QUICK, "--base-url", server.base_url, "--requests", "50"],
            cwd=tmp_path,
            env=command.environment(tmp_path, PYTHONDONTWRITEBYTECODE="1"),  # half a module's would stay
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=full,
        )
    assert done.returncode == Exit.DATA, done.stdout + done.stderr
    assert "cannot write" in done.stderr
    assert not list(tmp_path.glob("outputs/*/*/*/*_leaderboard.json"))


def test_a_sweep_gives_one_row_a_load_and_a_table_at_the_end(tmp_path: Path) -> None:
    with serving(Script(itl_s=0.001)) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--concurrency", "1,2,4")
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    rows = [
        json.loads(path.read_text())
        for path in tmp_path.glob("outputs/vllm/fake-model/Q1_*/*_leaderboard.json")
    ]
    assert sorted(row["workload"]["concurrent_requests"] for row in rows) == [1, 2, 4]
    assert "4 at a time" in done.stdout
    assert "curves" in done.stdout


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep of two loads, which no test changes."""
    folder = tmp_path_factory.mktemp("swept")
    with serving(STREAMING) as server:
        run(folder, "--base-url", server.base_url, "--concurrency", "1,2", "--json")
    return folder


def pages_of_curves(folder: Path) -> list[Path]:
    return list(folder.glob("outputs/vllm/fake-model/Q1_*/sweep.html"))


def test_a_sweep_leaves_a_page_of_curves_for_scripts_as_well(swept: Path, measured: Measured) -> None:
    assert (len(pages_of_curves(swept)), len(pages_of_curves(measured.folder))) == (1, 0)


def measured_prompts(folder: Path) -> list[str]:
    """The SHA-256 of every measured request's prompt; the test of the cache sends others, twice each."""
    logs = folder.glob("outputs/*/*/*_[0-9][0-9][0-9]/requests.jsonl")
    return [json.loads(line)["prompt_sha256"] for log in logs for line in log.read_text().splitlines()]


def test_every_load_of_a_sweep_has_prompts_of_its_own(swept: Path) -> None:
    prompts = measured_prompts(swept)
    assert len(prompts) == len(set(prompts)) == 30


def test_an_open_loop_reports_latency_from_when_requests_were_due(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--rate", "20", "--requests", "30", *SMALL)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    summary = read(tmp_path, "summary.json")
    assert summary["scheduled_e2e_ms"]["mean"] >= summary["e2e_ms"]["mean"]
    assert summary["asked_rate_rps"] == 20
    row = read(tmp_path, "custom_leaderboard.json")
    assert (row["workload"]["request_rate"], "concurrent_requests" in row["workload"]) == ("20.0", False)


def test_a_ramp_goes_from_one_rate_to_the_other(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--rate", "10..50", "--requests", "31", *SMALL)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    lines = [json.loads(line) for line in (the_run(tmp_path) / "requests.jsonl").read_text().splitlines()]
    due = sorted(line["due_s"] for line in lines)
    assert due[1] - due[0] > 2 * (due[-1] - due[-2])
    assert read(tmp_path, "custom_leaderboard.json")["workload"]["request_rate"] == "10..50"


def test_all_at_once_is_an_open_loop_without_a_rate(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--rate", "inf", "--requests", "19", *SMALL)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert "all at once" in done.stdout


def test_a_duration_ends_a_run_and_its_edges_are_not_measured(tmp_path: Path) -> None:
    edges = ("--duration", "1.5", "--warmup-seconds", "0.4", "--cooldown-seconds", "0.3")
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", server.base_url, *edges, *SMALL)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    lines = [json.loads(line) for line in (the_run(tmp_path) / "requests.jsonl").read_text().splitlines()]
    phases = {
        phase: [line for line in lines if line["phase"] == phase]
        for phase in ("warmup", "measured", "cooldown")
    }
    assert all(phases.values())
    assert all(line["start_s"] >= 0.4 for line in phases["measured"])
    assert read(tmp_path, "summary.json")["requests"] == len(phases["measured"])


def test_repeats_give_intervals(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--repeats", "3", *SMALL)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    summary = read(tmp_path, "summary.json")
    assert len(summary["repeats"]) == 3
    low, high = summary["ttft_ms"]["mean_ci95"]
    assert low <= summary["ttft_ms"]["mean"] <= high
    assert summary["requests"] == 30


def test_the_highest_rate_that_keeps_the_objectives_is_found(tmp_path: Path) -> None:
    search = (
        "--slo",
        "ttft=100ms",
        "--search-goodput",
        "--rate",
        "15",
        "--duration",
        "0.6",
        "--arrival",
        "constant",
    )
    # An answer takes 25 ms at least, one after another: 40 a second at most, fewer on a busy machine, never more.
    with serving(Script(ttft_s=0.01, itl_s=0.001, slots=1)) as server:
        done = run(tmp_path, "--base-url", server.base_url, *search, *SMALL, "--json")
    found = json.loads(done.stdout)
    summaries = [one["summary"] for one in found["runs"]]
    kept = [
        one["asked_rate_rps"] for one in summaries if one["valid"] and (one["slo_attainment"] or 0) >= 0.9
    ]
    assert found["highest_rate_rps"] == max(kept, default=None)
    assert [step["rate_rps"] for step in found["steps"]] == [one["asked_rate_rps"] for one in summaries]
    # From 50 a second on, those that come after 0.4 s wait for longer than 100 ms: a third of them.
    assert {step["outcome"] for step in found["steps"] if step["rate_rps"] >= 50} <= {"missed", "limited"}
    assert {step["outcome"] for step in found["steps"]} <= {"kept", "missed", "limited"}
    assert len(found["runs"]) < 16


@pytest.mark.with_children
@pytest.mark.parametrize(
    ("load", "runs"),
    [
        ((), 1),
        (("--rate", "inf", "--requests", "8"), 1),
        (("--concurrency", "1,2"), 2),
        (("--rate", "20,inf"), 2),
    ],
)
def test_objectives_are_judged_under_every_load(load: tuple[str, ...], runs: int, tmp_path: Path) -> None:
    with serving(Script(itl_s=0.001)) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--slo", "ttft=1000s", *load, *SMALL, "--json")
    assert done.returncode in {Exit.DONE, Exit.INVALID_RUN}, (
        done.stderr
    )  # a busy machine may be too late for a rate
    assert [one["summary"]["slo_attainment"] for one in json.loads(done.stdout)] == [1.0] * runs


def test_objectives_that_no_rate_keeps_are_given_up_on(tmp_path: Path) -> None:
    search = ("--slo", "ttft=1ms", "--search-goodput", "--rate", "40", "--duration", "0.4")
    with serving(Script(ttft_s=0.005, itl_s=0.001)) as server:
        done = run(tmp_path, "--base-url", server.base_url, *search, *SMALL)
    # which of the two depends on how long requests took
    assert "no rate that was tried keeps ttft ≤ 1 ms" in done.stdout or "not found" in done.stdout
    assert len(list(tmp_path.glob("outputs/vllm/fake-model/custom_*/summary.json"))) == 6


@pytest.mark.with_children
def test_a_measured_part_of_a_timed_run_has_the_rate_of_the_whole(tmp_path: Path) -> None:
    steady = ("--rate", "20", "--arrival", "constant", "--input-tokens", "20", "--output-tokens", "100")
    part = ("--duration", "3", "--warmup-seconds", "1", "--cooldown-seconds", "1")
    with serving(Script(ttft_s=0.01, itl_s=0.005)) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--workload", "custom", *steady, *part, "--json")
    (found,) = json.loads(done.stdout)
    requests = [json.loads(line) for line in (the_run(tmp_path) / "requests.jsonl").read_text().splitlines()]
    inside = sum(1 <= moment < 2 for request in requests for moment in request["event_s"])
    assert found["summary"]["throughput_tps"] == pytest.approx(
        inside, rel=0.01
    )  # in one second, whatever reaches over its edges
    assert found["summary"]["request_rate_rps"] == pytest.approx(20, rel=0.05)


@pytest.mark.with_children
def test_repeats_that_had_finished_survive_a_server_that_has_gone(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        server.stop_after = 20
        done = run(tmp_path, "--base-url", server.base_url, *SMALL, "--repeats", "5", "--requests", "8")
    assert "earlier repeats are kept" in done.stderr
    assert done.returncode == Exit.INTERRUPTED
    assert read(tmp_path, "summary.json")["requests"] >= 8


def cache_is_tested(requests: list[Seen], load: int) -> bool:
    """Whether more was asked than the load of so many requests, which are the first to ask for 16 tokens."""
    begun = next(
        (place for place, seen in enumerate(requests) if seen.body["max_tokens"] == 16), len(requests)
    )
    return len(requests) - begun > load


@pytest.mark.with_children
def test_ctrl_c_while_the_cache_is_tested_keeps_the_run_and_ends_the_sweep(tmp_path: Path) -> None:
    never = (
        120.0  # a prompt that comes again is not answered in time, so that the test cannot end before Ctrl-C
    )
    with serving(Script(ttft_s=0.01, itl_s=0.001, repeated_ttft_s=never)) as server:
        sweep = ("--base-url", server.base_url, "--concurrency", "1,2", "--requests", "3", *SMALL)
        code = ctrl_c(tmp_path, lambda: cache_is_tested(server.requests, 3), *sweep)
    assert code == Exit.INTERRUPTED
    summary = read(tmp_path, "summary.json")
    assert (summary["status"], summary["requests"]) == ("interrupted", 3)


def test_no_prompt_is_sent_twice_by_repeats_of_a_timed_open_loop(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        load = ("--rate", "40", "--duration", "0.5", "--repeats", "3")
        run(tmp_path, "--base-url", server.base_url, *load, *SMALL)
    prompts = measured_prompts(tmp_path)
    assert len(prompts) > 20
    assert len(prompts) == len(set(prompts))


def test_a_file_without_texts_to_spare_is_not_warmed_up_with(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("".join(f"question {i} of many\n" for i in range(5)))
    with serving(STREAMING) as server:
        options = ("--dataset", "text:mine.txt", "--requests", "5", "--no-calibrate", "--warmup", "2")
        done = command.run("run", "--base-url", server.base_url, *options, *TEXTS, cwd=tmp_path)
        prompts = [seen.body["prompt"] for seen in server.requests]
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert sorted(prompt for prompt in prompts if prompt.endswith("of many")) == [
        f"question {i} of many" for i in range(5)
    ]


def test_a_warm_up_that_takes_too_long_is_no_ctrl_c(tmp_path: Path) -> None:
    with serving(Script(ending="stall")) as server:
        options = ("--no-calibrate", "--timeout", "1", *SMALL)
        done = command.run("run", "--base-url", server.base_url, *options, cwd=tmp_path)
    assert (done.returncode, "within --timeout" in done.stderr) == (Exit.REMOTE, True)


@pytest.mark.parametrize("option", ["--duration", "--timeout", "--ramp"])
def test_no_number_is_refused(tmp_path: Path, option: str) -> None:
    done = run(tmp_path, "--base-url", "http://127.0.0.1:9", option, "nan")
    assert (done.returncode, f"{option} does not understand 'nan'" in done.stderr) == (Exit.USAGE, True)


def test_a_damaged_summary_is_said_to_be_damaged(measured: Measured, tmp_path: Path) -> None:
    shutil.copytree(measured.folder / "outputs", tmp_path / "outputs", symlinks=True)
    (the_run(tmp_path) / "summary.json").write_text('{"record_version": 2}')
    done = command.run("report", cwd=tmp_path)
    assert (done.returncode, "summary.json is damaged: it lacks the field" in done.stderr) == (
        Exit.DATA,
        True,
    )


def test_texts_of_other_people_are_sent_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text(
        "".join(f'{{"prompt": "question {i} of many"}}\n' for i in range(12))
    )
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--dataset", "jsonl:mine.jsonl", *TEXTS)
        sent = {seen.body["prompt"] for seen in server.requests if seen.body["max_tokens"] == 16}
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert len(sent) == 10
    assert all(prompt.startswith("question") for prompt in sent)


def test_a_trace_is_replayed_when_and_as_long_as_it_says(tmp_path: Path) -> None:
    lines = [{"timestamp": i * 0.02, "input_length": 20 + i, "output_length": 8} for i in range(30)]
    (tmp_path / "trace.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--dataset", "trace:trace.jsonl")
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    samples = [json.loads(line) for line in (the_run(tmp_path) / "requests.jsonl").read_text().splitlines()]
    assert sorted(one["prompt_tokens"] for one in samples) == [20 + i for i in range(30)]
    assert sorted(round(one["due_s"], 6) for one in samples) == [round(i * 0.02, 6) for i in range(30)]


def test_a_time_limit_is_not_an_interruption_by_the_user(tmp_path: Path) -> None:
    with serving(Script(ttft_s=0.1, itl_s=0.01)) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--requests", "1000", "--timeout", "1.5")
    assert done.returncode == Exit.INVALID_RUN, done.stdout + done.stderr
    assert read(tmp_path, "summary.json")["status"] == "timed out"


def test_a_failure_of_a_later_run_does_not_hide_the_earlier_ones(tmp_path: Path) -> None:
    with serving(Script(itl_s=0.001, status=500, sequence=({"status": 200},) * 6)) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--workload", "Q1,Q2", "--json")
    assert done.returncode == Exit.REMOTE, done.stdout + done.stderr
    (first,) = json.loads(done.stdout)
    assert first["summary"]["requests"] == 5


def test_a_run_that_fails_before_it_began_leaves_no_empty_folder(tmp_path: Path) -> None:
    with serving(Script(status=500)) as server:
        run(tmp_path, "--base-url", server.base_url)
    assert not list(tmp_path.glob("outputs/*/*/*"))


def test_a_folder_with_something_else_in_it_is_no_run(tmp_path: Path) -> None:
    for name in ("config.json", "summary.json"):
        (tmp_path / name).write_text('{"a": 1}')
    done = command.run("report", ".", cwd=tmp_path)
    assert done.returncode == Exit.DATA
    assert "Traceback" not in done.stderr


def test_conversations_carry_the_turns_before(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        done = run(tmp_path, "--base-url", server.base_url, "--workload", "Q4")
        prompts = [seen.prompt_tokens for seen in server.requests[-3:]]
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert prompts[1] > 2 * 256
    assert prompts[2] > 4 * 256


def test_prompts_have_the_asked_length_and_differ_from_their_first_token_on(measured: Measured) -> None:
    lines = [
        json.loads(line) for line in (the_run(measured.folder) / "requests.jsonl").read_text().splitlines()
    ]
    assert [line["prompt_tokens"] for line in lines] == [32] * 5
    assert (
        len({body["prompt"].split()[0] for body in measured.bodies[:5]}) == 5
    )  # the test of the cache comes behind


def test_a_report_is_shown_again(measured: Measured) -> None:
    again = command.run("report", cwd=measured.folder)
    assert again.returncode == Exit.DONE
    assert "TTFT" in again.stdout


HEAVY = (  # each takes a good part of the 0.2 s in which --help is to be there, or is an extra
    *("numpy", "huggingface_hub", "httptools", "uvloop", "asyncio", "orjson", "msgspec", "jinja2", "psutil"),
    *("pynvml", "http", "ssl", "concurrent", "multiprocessing", "unittest", "pydoc"),
    *("ray", "xllamacpp", "gguf", "pyarrow", "resvg_py", "cryptography", "sigstore", "tokenizers"),
    *("httpx", "rich", "torch", "transformers"),
)


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["matrix", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = (  # what measures the tests' coverage may have imported something before
        "import atexit, sys; before = set(sys.modules); from sagellm_benchmark.cli import main; "
        f"atexit.register(lambda: print(sorted(({set(HEAVY)!r} & set(sys.modules)) - before), file=sys.stderr)); "
        f"main({words!r})"
    )
    done = subprocess.run([command.PROGRAM[0], "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout
    assert done.stderr.strip() == "[]"


def test_a_second_run_with_the_same_prompts_is_found_out_where_the_server_caches_them_and_keeps_quiet(
    tmp_path: Path,
) -> None:
    with serving(Script(ttft_s=0.05, repeated_ttft_s=0.0, itl_s=0.001)) as server:
        codes = []
        for name, seed in (("first", "1"), ("again", "1"), ("other", "2")):
            (tmp_path / name).mkdir()
            codes.append(run(tmp_path / name, "--base-url", server.base_url, "--seed", seed).returncode)
    assert codes == [Exit.DONE, Exit.INVALID_RUN, Exit.DONE]
    (reason,) = read(tmp_path / "again", "summary.json")["reasons"]
    assert "answered from a cache" in reason
    assert read(tmp_path / "first", "summary.json")["repeat_test"]["repeated_ttft_s"] < 0.03
