"""The code host is asked why it failed and told what passed; the token goes nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from sagellm_benchmark.codehost import CodeHost, code_host, is_billing, parse_remote
from sagellm_benchmark.errors import RemoteError
from tests.fakes.code_host import code_host_server

BILLING = (
    "The job was not started because recent account payments have failed or your spending limit needs to be "
    "increased. Please check the 'Billing & plans' section in your settings"
)
TOKEN = "ghs_secret"
RUNS = "/repos/me/it/actions/runs?per_page=1&status=completed"


def failed_run(message: str) -> dict[str, tuple[int, Any]]:
    return {
        RUNS: (200, {"workflow_runs": [{"id": 7, "conclusion": "failure"}]}),
        "/repos/me/it/actions/runs/7/jobs": (
            200,
            {"jobs": [{"id": 70, "conclusion": "success"}, {"id": 71, "conclusion": "failure"}]},
        ),
        "/repos/me/it/check-runs/71/annotations": (200, [{"message": message}]),
    }


def test_the_annotations_of_a_failed_run_are_found() -> None:
    with code_host_server(failed_run(BILLING)) as server:
        assert CodeHost(server.url, "me/it", TOKEN).last_failure() == [BILLING]
    assert {request.authorization for request in server.asked} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("runs", [[], [{"id": 7, "conclusion": "success"}]], ids=["no run", "passed"])
def test_without_a_failure_there_is_nothing_to_say(runs: list[Any]) -> None:
    with code_host_server({RUNS: (200, {"workflow_runs": runs})}) as server:
        assert CodeHost(server.url, "me/it", TOKEN).last_failure() == []


@pytest.mark.parametrize(
    "answer", [[], "text", {"workflow_runs": [{"conclusion": "failure"}]}, {"workflow_runs": [1]}], ids=repr
)
def test_an_answer_of_another_shape_is_a_remote_error(answer: Any) -> None:
    with code_host_server({RUNS: (200, answer)}) as server, pytest.raises(RemoteError):
        CodeHost(server.url, "me/it", TOKEN).last_failure()


@pytest.mark.parametrize(("passed", "state"), [(True, "success"), (False, "failure")])
def test_a_result_is_posted_beside_its_commit(passed: bool, state: str) -> None:
    with code_host_server({"/repos/me/it/statuses/abc": (201, {})}) as server:
        CodeHost(server.url, "me/it", TOKEN).post_status("abc", passed=passed, description="nox -s ci")
    (request,) = server.asked
    assert (request.method, request.authorization) == ("POST", f"Bearer {TOKEN}")
    assert request.body == {"state": state, "context": "local-ci", "description": "nox -s ci"}


def test_a_refused_status_says_what_to_do_and_not_the_token() -> None:
    refusal = {"/repos/me/it/statuses/abc": (422, {"message": f"no commit, {TOKEN}"})}
    with code_host_server(refusal) as server, pytest.raises(RemoteError) as caught:
        CodeHost(server.url, "me/it", TOKEN).post_status("abc", passed=True, description="")
    assert "push the commit" in str(caught.value.hint)
    assert TOKEN not in caught.value.message


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://github.com/me/it.git", ("github.com", "me/it")),
        ("https://github.com/me/it", ("github.com", "me/it")),
        ("https://user:secret@github.com/me/it.git", ("github.com", "me/it")),
        ("git@github.com:me/it.git", ("github.com", "me/it")),
        ("ssh://git@github.com:22/me/it.git", ("github.com", "me/it")),
        ("https://code.example.org/me/i.t/", ("code.example.org", "me/i.t")),
        ("/srv/git/me/it.git", (None, None)),
        ("", (None, None)),
    ],
)
def test_a_remote_names_its_host_and_repository(remote: str, expected: tuple[str | None, str | None]) -> None:
    assert parse_remote(remote) == expected


def test_the_public_host_is_known_by_its_remote() -> None:
    assert code_host({"GH_TOKEN": TOKEN}, "git@github.com:me/it.git") == CodeHost(
        "https://api.github.com", "me/it", TOKEN
    )


def test_the_environment_names_any_other_host() -> None:
    environ = {
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_API_URL": "https://code.example.org/api/v3/",
        "GITHUB_REPOSITORY": "we/it",
    }
    assert code_host(environ, "") == CodeHost("https://code.example.org/api/v3", "we/it", TOKEN)


@pytest.mark.parametrize(
    ("environ", "remote"),
    [
        ({}, "git@github.com:me/it.git"),
        ({"GITHUB_TOKEN": TOKEN}, ""),
        ({"GITHUB_TOKEN": TOKEN}, "git@code.example.org:me/it.git"),
    ],
    ids=["no token", "no remote", "no API known"],
)
def test_without_token_repository_and_api_there_is_no_code_host(environ: dict[str, str], remote: str) -> None:
    assert code_host(environ, remote) is None


def test_a_token_never_travels_unencrypted() -> None:
    with pytest.raises(RemoteError, match="not https"):
        code_host(
            {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": "http://code.example.org"}, "git@github.com:me/it.git"
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BILLING, True),
        ("recent account payments have failed or spending limit needs to be increased", True),
        ("x recent account payments\nhave failed OR your spending limit\n needs to be increased y", True),
        ("a test failed", False),
        ("", False),
    ],
)
def test_the_billing_message_is_recognised(text: str, expected: bool) -> None:
    assert is_billing([text]) is expected
