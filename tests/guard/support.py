"""What the guard's tests share: a private engine with the guard before it."""

import json
import os
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from engine import BULKHEAD, IMAGE, DockerEngine, stop_process  # noqa: E402,F401

GUARD = Path(os.environ.get("BULKHEAD_GUARD", BULKHEAD.parent / "bulkhead-guard"))
CLIENTS = [cli for cli in ("/usr/bin/docker", "/usr/local/bin/docker") if os.access(cli, os.X_OK)]


class Guard:
    """bulkhead-guard before `engine`: guard.docker(...) is engine.docker(...) through it."""

    def __init__(self, engine, settings: dict = None, arguments: tuple = ()):
        self.engine, self.arguments = engine, arguments
        self.socket = engine.root / "guard.sock"
        self.settings = engine.root / "admin-settings.json"
        self.audit_file = engine.root / "audit.log"
        self.log = engine.root / "guard.log"
        self.process = None
        self.write_settings(settings or {})

    def write_settings(self, settings: dict) -> None:
        self.settings.write_text(json.dumps(settings))

    def command(self) -> list:
        return [str(word) for word in (GUARD, "--engine", self.engine.socket, "--listen", self.socket, "--settings",
                                       self.settings, "--audit", self.audit_file, "--state", self.engine.root / "state", *self.arguments)]

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(100):
            if self.process.poll() is not None:
                break
            try:
                if self.request("GET", "/_ping").status:
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("bulkhead-guard did not start:\n" + self.log.read_text()[-3000:])

    def workers(self) -> list:
        """Pids of the processes that serve; self.process holds the sockets."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children]

    def stop(self) -> None:
        stop_process(self.process)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def connect(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20)
        client.connect(str(self.socket))
        return client

    def client(self, cli: str = "") -> list:
        return [cli or os.environ.get("DOCKER", "docker"), "-H", f"unix://{self.socket}"]

    def docker(self, *arguments, **settings):
        return DockerEngine.docker(self, *arguments, **settings)

    def audit(self) -> list:
        return [json.loads(line) for line in self.audit_file.read_text().splitlines()]

    def request(self, method: str, target: str, body=None, headers: dict = {}, raw: bytes = None) -> "Response":
        """One request on a connection of its own; `body` as JSON, or `raw` bytes as they are."""
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        lines = {"Host": "docker", "Connection": "close", **headers}
        if data or method in ("POST", "PUT"):
            lines.setdefault("Content-Length", str(len(data)))
            lines.setdefault("Content-Type", "application/json")
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
        return self.send(head.encode() + data)

    def send(self, data: bytes) -> "Response":
        with self.connect() as client:
            client.sendall(data)
            received = b""
            while piece := client.recv(65536):
                received += piece
        return Response(received)


class Response:
    def __init__(self, data: bytes):
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.head = head.decode()
        self.status = int(self.head.split()[1]) if self.head else 0
        if "Transfer-Encoding: chunked" in self.head:
            self.body = dechunk(self.body)

    @property
    def message(self) -> str:
        try:
            return json.loads(self.body)["message"]
        except (ValueError, KeyError):
            return ""


def dechunk(data: bytes) -> bytes:
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        if int(size, 16) == 0:
            break
        out, data = out + data[:int(size, 16)], data[int(size, 16) + 2:]
    return out


_engine = _guard = None


def start(settings: dict = None, **engine_settings):
    """For setUpModule: an engine and a guard before it."""
    global _engine, _guard
    if os.getuid() != 0:
        raise unittest.SkipTest("needs root: a private Docker Engine")
    for program in (BULKHEAD, GUARD):
        if not program.exists():
            raise RuntimeError(f"{program} is not there: build it first")
    _engine = DockerEngine(**engine_settings)
    try:
        _engine.__enter__()
        _guard = Guard(_engine, settings)
        _guard.start()
    except BaseException:
        stop()
        raise
    return _engine, _guard


def stop() -> None:
    """For tearDownModule."""
    if _guard is not None:
        _guard.stop()
    if _engine is not None:
        _engine.close()
