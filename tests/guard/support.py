"""What the guard's tests share: a private engine with the guard before it."""

import json
import os
import socket
import subprocess
import sys
import time
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
                                       self.settings, "--audit", self.audit_file, *self.arguments)]

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(100):
            if self.process.poll() is not None:
                break
            try:
                self.connect().close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("bulkhead-guard did not start:\n" + self.log.read_text()[-3000:])

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
