"""A small Hugging Face Hub: full history, compare-and-swap, and every way a commit or a download can go wrong.

Speaks what `huggingface_hub` speaks. In a test: `with HubServer() as hub: …`. In a process of its own:
`python -m tests.fakes.hub_server --port-file FILE`, asked over HTTP at `/_history` and `/_seen`, told at `/_faults`.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import os
import subprocess
import tempfile
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.history import LARGE, Commit, History, blob_id, in_git

REPO = "team/board"
WRITER = "hf_writer_secret"
READER = "hf_reader_secret"
OIDC = "hf_jwt_from_oidc"


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with the next `times` requests of kind `on`, after `skip` of them went well.

    `do`: "status" (answers `status`), "drop" (closes without a word), "hang" (says nothing until the server ends),
    "slow" (waits `seconds`, then does its work), "cut" (half of the body), "corrupt" (a damaged body),
    "stale" (the head before the newest), "rival" (somebody commits `files` first), "drip" (a byte every 50 ms),
    "omit" (a listing, or what comes before an upload, knows nothing of the paths in `omit`), "body" (`body` instead of
    the content), "endless" (`body` again and again), "redirect" (to `headers["Location"]`).
    `applied`: a commit is made all the same before it goes wrong.
    """

    on: str
    do: str = "status"
    times: int = 1
    skip: int = 0
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    applied: bool = False
    path: str = ""
    files: dict[str, str] = field(default_factory=dict)
    omit: tuple[str, ...] = ()
    body: str = ""


class HubServer:
    """A Hub at a free loopback port. `commit_s`: how long a commit keeps others out with 409."""

    def __init__(self, *, repo: str | None = REPO, commit_s: float = 0.0, port: int = 0) -> None:
        self.repos: dict[str, History] = {repo: History()} if repo else {}
        self.faults: list[Fault] = []
        self.seen: list[str] = []
        self.tokens_seen: list[str] = []
        self.private = False
        self.page = 1000
        self.large: dict[str, bytes] = {}
        self.commit_s = commit_s
        self.date: str | None = None  # what its clock says, as a header; the time without it
        self.tokens = {WRITER: "write", READER: "read", OIDC: "write"}
        self.lock = threading.Lock()
        self.committing = threading.Lock()
        self.closing = threading.Event()
        self.git = tempfile.TemporaryDirectory(prefix="fake-hub-")
        self.server = _Listener(("127.0.0.1", port), _Handler)
        self.server.hub = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """What HF_ENDPOINT is to be."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def history(self) -> History:
        """The history of the one dataset most tests use."""
        return self.repos[REPO]

    def __enter__(self) -> HubServer:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
        self.git.cleanup()

    def fault(self, kind: str, path: str) -> Fault | None:
        """The fault that is due for a request of `kind`, counted down."""
        with self.lock:
            for fault in self.faults:
                if fault.on not in (kind, "any") or fault.times == 0 or fault.path not in path:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    hub: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing: tests look at `seen`."""

    def _serve(self) -> None:
        hub = self.server.hub
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        path = unquote(url.path)
        if path.startswith("/_"):
            self._control(path)
            return
        kind, name, rest = _route(self.command, path)
        hub.seen.append(kind)
        if "Authorization" in self.headers:
            hub.tokens_seen.append(kind)
        self.flaw = hub.fault(kind, path)
        if self.flaw and self._fails_before(kind, name):
            return
        getattr(self, f"_{kind}", self._unknown)(name, rest)

    def _fails_before(self, kind: str, name: str) -> bool:
        """Act on a fault that comes before the work; whether the request is thereby over."""
        fault = self.flaw
        assert fault is not None
        hub = self.server.hub
        if fault.do == "slow":
            hub.closing.wait(fault.seconds)
        elif fault.do == "rival":
            with hub.lock:
                hub.repos[name].add({p: c.encode() for p, c in fault.files.items()}, "a rival's commit")
        elif fault.do == "redirect":
            self.flaw = None
            self._reply({}, 302, fault.headers)
            return True
        elif fault.do in ("status", "drop", "hang") and not fault.applied:
            self._fail()
            return True
        return False

    def _fail(self) -> None:
        fault = self.flaw
        assert fault is not None
        if fault.do == "status":
            self.flaw = None
            self._reply({"error": "scripted by the test"}, fault.status, fault.headers)
            return
        if fault.do == "hang":
            self.server.hub.closing.wait(60)
        self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` of each answer."""
        return (
            self.server.hub.date if self.server.hub.date is not None else super().date_time_string(timestamp)
        )

    def _reply(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(
            json.dumps(value).encode(), status, {"Content-Type": "application/json", **(headers or {})}
        )

    def _send(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        """One write of head and body; then whatever the fault does to a body."""
        fault = self.flaw.do if self.flaw else ""
        if self.flaw and fault in ("body", "endless"):
            body, headers = self.flaw.body.encode(), headers | self.flaw.headers
        self.send_response(status)
        if fault == "endless":
            headers = {**headers, "Content-Length": "99999999999"}
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        if fault == "corrupt":
            middle = len(body) // 2
            body = (
                body[:middle] + bytes(255 - byte for byte in body[middle : middle + 8]) + body[middle + 8 :]
            )
        if fault == "cut":
            body = body[: len(body) // 2]
            self.close_connection = True
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault == "drip":
            self._drip(body)
            return
        while fault == "endless":
            self.wfile.write(body)
        self.wfile.write(body)

    def _drip(self, body: bytes) -> None:
        for byte in body:
            if self.server.hub.closing.wait(0.05):
                break
            self.wfile.write(bytes([byte]))

    def _refuse(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        self._reply(
            {"error": code}, status, {"X-Error-Code": code, "X-Error-Message": code, **(headers or {})}
        )

    def _may(self, what: str) -> bool:
        """Whether the request's token is allowed to; answers 401 or 403 if not."""
        role = self.server.hub.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if role == "write" or (role and what == "read"):
            return True
        self._reply({"error": "no"}, 403 if role else 401)
        return False

    def _history_of(self, name: str) -> History | None:
        history = self.server.hub.repos.get(name)
        if history is not None and self.server.hub.private and "Authorization" not in self.headers:
            self._refuse(401, "RepoNotFound")
            return None
        if history is None:
            self._refuse(404, "RepoNotFound")
        return history

    def _unknown(self, *_: str) -> None:
        self._reply({"error": f"the test Hub does not know {self.command} {self.path}"}, 404)

    def _info(self, name: str, revision: str) -> None:
        if (history := self._history_of(name)) is None:
            return
        commit = history.find(revision or "main")
        if commit is None:
            self._refuse(404, "RevisionNotFound")
            return
        if self.flaw and self.flaw.do == "stale" and len(history.commits) > 1:
            commit = history.commits[-2]
        files = [{"rfilename": path} for path in self._known(commit.files)]
        self._reply({"id": name, "sha": commit.id, "private": False, "siblings": files, "tags": []})

    def _known(self, files: dict[str, bytes]) -> dict[str, bytes]:
        """The files that this answer admits to."""
        hidden = self.flaw.omit if self.flaw and self.flaw.do == "omit" else ()
        return {path: content for path, content in files.items() if path not in hidden}

    def _tree(self, name: str, rest: str) -> None:
        """A folder, or everything below it, page by page."""
        if (history := self._history_of(name)) is None:
            return
        revision, _, folder = rest.partition("/")
        commit = history.find(revision)
        if commit is None:
            self._refuse(404, "RevisionNotFound")
            return
        inside = f"{folder}/" if folder else ""
        below = {p: c for p, c in self._known(commit.files).items() if p.startswith(inside)}
        if folder and not any(path.startswith(inside) for path in commit.files):
            self._refuse(404, "EntryNotFound")
            return
        if self.query.get("recursive", [""])[0].lower() != "true":
            below = {path: content for path, content in below.items() if "/" not in path[len(inside) :]}
        start, page = int(self.query.get("cursor", ["0"])[0]), self.server.hub.page
        listed = [_listed(path, content) for path, content in sorted(below.items())]
        recursive = self.query.get("recursive", ["False"])[0]
        address = (
            f"{self.server.hub.url}{urlsplit(self.path).path}?recursive={recursive}&cursor={start + page}"
        )
        more = {"Link": f'<{address}>; rel="next"'} if start + page < len(listed) else {}
        self._reply(listed[start : start + page], headers=more)

    def _paths(self, name: str, revision: str) -> None:
        """Those of the requested paths that exist."""
        if (history := self._history_of(name)) is None:
            return
        commit = history.find(revision)
        if commit is None:
            self._refuse(404, "RevisionNotFound")
            return
        asked, known = parse_qs(self.body.decode())["paths"], self._known(commit.files)
        self._reply([_listed(path, known[path]) for path in asked if path in known])

    def _file(self, name: str, rest: str) -> None:
        if (history := self._history_of(name)) is None:
            return
        revision, _, path = rest.partition("/")
        commit = history.find(revision)
        if commit is None:
            self._refuse(404, "RevisionNotFound")
            return
        headers = {"X-Repo-Commit": commit.id}
        content = commit.files.get(path)
        if content is None:
            self._refuse(404, "EntryNotFound", headers)
            return
        headers |= {"ETag": f'"{blob_id(content)}"', "Content-Type": "text/plain", "Accept-Ranges": "none"}
        self._send(content, 200, headers)

    _head = _file

    def _validate(self, *_: str) -> None:
        self._reply({"errors": [], "warnings": []})

    def _whoami(self, *_: str) -> None:
        if self._may("read"):
            self._reply({"name": "tester", "type": "user", "orgs": []})

    def _oauth(self, *_: str) -> None:
        self._reply({"access_token": OIDC, "token_type": "bearer", "expires_in": 3600})

    def _create(self, *_: str) -> None:
        if not self._may("write"):
            return
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
        hub = self.server.hub
        with hub.lock:
            exists = name in hub.repos
            hub.repos.setdefault(name, History())
        self._reply({"url": f"{hub.url}/datasets/{name}", "name": name}, 409 if exists else 200)

    def _preupload(self, name: str, _: str) -> None:
        if not self._may("write") or (history := self._history_of(name)) is None:
            return
        head = self._known(history.head.files)
        answers = []
        for asked in json.loads(self.body)["files"]:
            known = head.get(asked["path"])
            oid = {} if known is None else {"oid": blob_id(in_git(known))}
            mode = "regular" if asked["size"] < LARGE else "lfs"
            answers.append({"path": asked["path"], "uploadMode": mode, "shouldIgnore": False, **oid})
        self._reply({"files": answers})

    def _batch(self, name: str, _: str) -> None:
        """Where large files are to be put."""
        if not self._may("write"):
            return
        asked = json.loads(self.body)["objects"]
        put = [{"upload": {"href": f"{self.server.hub.url}/large/{one['oid']}"}} for one in asked]
        objects = [{**one, "actions": actions} for one, actions in zip(asked, put, strict=True)]
        self._reply({"transfer": "basic", "objects": objects})

    def _large(self, _: str, digest: str) -> None:
        fits = hashlib.sha256(self.body).hexdigest() == digest
        if fits:
            self.server.hub.large[digest] = self.body
        self._reply({}, 200 if fits else 400)

    def _git(self, name: str, rest: str) -> None:
        """git's own protocol over HTTP, spoken by git."""
        if (history := self._history_of(name)) is None:
            return
        hub = self.server.hub
        folder = Path(hub.git.name, name)
        with hub.lock:
            folder.parent.mkdir(exist_ok=True)
            history.write_git(folder)
        cgi = {
            "GIT_PROJECT_ROOT": str(folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{rest}",
            "QUERY_STRING": urlsplit(self.path).query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(self.body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"],
            env={**os.environ, **cgi},
            input=self.body,
            capture_output=True,
            check=True,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self._send(body, int(headers.pop("Status", "200")[:3]), headers)

    def _commit(self, name: str, _: str) -> None:
        if not self._may("write") or (history := self._history_of(name)) is None:
            return
        hub = self.server.hub
        if not hub.committing.acquire(blocking=False):
            self._reply({"error": "another commit is in progress"}, 409)
            return
        try:
            hub.closing.wait(hub.commit_s)
            made = self._apply(history)
        finally:
            hub.committing.release()
        if made is None:
            self._reply({"error": "the head has moved"}, 412)
        elif self.flaw and self.flaw.applied:
            self._fail()
        else:
            address = f"{hub.url}/datasets/{name}/commit/{made.id}"
            self._reply({"success": True, "commitOid": made.id, "commitUrl": address})

    def _apply(self, history: History) -> Commit | None:
        """Make the commit that the request asks for; None if its parent is not the head."""
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = lines[0]["value"]
        files: dict[str, bytes | None] = {}
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "lfsFile":
                files[value["path"]] = self.server.hub.large[value["oid"]]
                continue
            files[value["path"]] = base64.b64decode(value["content"]) if line["key"] == "file" else None
        with self.server.hub.lock:
            if header.get("parentCommit") not in (None, history.head.id):
                return None
            return history.add(files, header["summary"])

    def _control(self, path: str) -> None:
        hub = self.server.hub
        if path == "/_seen":
            self._plain(dict(Counter(hub.seen)))
            hub.seen.clear()
            return
        if path == "/_faults":
            hub.faults.extend(Fault(**fault) for fault in json.loads(self.body))
            self._plain({})
            return
        commits = hub.repos[self.query.get("repo", [REPO])[0]].commits
        self._plain([asdict(c) | {"files": {p: t.decode() for p, t in c.files.items()}} for c in commits])

    def _plain(self, value: Any) -> None:
        self.flaw = None
        self._reply(value)


def _listed(path: str, content: bytes) -> dict[str, Any]:
    held = in_git(content)
    listed: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": blob_id(held)}
    if held is not content:
        digest = hashlib.sha256(content).hexdigest()
        listed["lfs"] = {"oid": digest, "size": len(content), "pointerSize": len(held)}
    return listed


def _route(method: str, path: str) -> tuple[str, str, str]:
    """What a request is: its kind, the dataset's name, and what follows (a revision, and perhaps a path)."""
    parts = path.strip("/").split("/")
    fixed = {
        "api/validate-yaml": "validate",
        "api/repos/create": "create",
        "api/whoami-v2": "whoami",
        "oauth/token": "oauth",
    }
    if (kind := fixed.get("/".join(parts))) is not None:
        return kind, "", ""
    if parts[0] == "large":
        return "large", "", parts[1]
    if parts[:2] == ["api", "datasets"]:
        kinds = {"revision": "info", "": "info", "paths-info": "paths"}
        kinds |= {kind: kind for kind in ("preupload", "commit", "tree")}
        kind = kinds.get(parts[4] if len(parts) > 4 else "", "unknown")
        return kind, "/".join(parts[2:4]), "/".join(parts[5:])
    return _of_files(method, parts) if parts[0] == "datasets" else ("unknown", "", "")


def _of_files(method: str, parts: list[str]) -> tuple[str, str, str]:
    name, rest = "/".join(parts[1:3]).removesuffix(".git"), "/".join(parts[3:])
    if parts[3:4] == ["resolve"]:
        return "head" if method == "HEAD" else "file", name, "/".join(parts[4:])
    if rest in ("info/refs", "git-upload-pack"):
        return "git", name, rest
    return "batch" if rest.startswith("info/lfs") else "unknown", name, ""


def main() -> None:
    """Serve until killed; the port is in the file as soon as it is listening."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--commit-s", type=float, default=0.0)
    parser.add_argument("--holds", type=Path, help="a folder whose files the dataset has from the beginning")
    options = parser.parse_args()
    with HubServer(commit_s=options.commit_s) as hub:
        if options.holds is not None:
            found = (path for path in options.holds.rglob("*") if path.is_file())
            hub.history.add({p.relative_to(options.holds).as_posix(): p.read_bytes() for p in found}, "held")
        options.port_file.write_text(str(hub.server.server_address[1]))
        with contextlib.suppress(KeyboardInterrupt):
            hub.closing.wait()


if __name__ == "__main__":
    main()
