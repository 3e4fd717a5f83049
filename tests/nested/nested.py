"""Engines and init systems inside of containers (R8): the image, one private engine for the whole run, a base class.

The image is Debian 12 with the engines that Debian has (`packages`), made by debootstrap once (image.sh) and kept in
build/images. Inside, /small.tar is a small image of busybox that every inner engine can load as "small:1"."""

import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from engine import BULKHEAD, REPOSITORY, DockerEngine, busybox_rootfs  # noqa: E402,F401

HERE = Path(__file__).resolve().parent
ARCHIVE = REPOSITORY / "build/images" / "nested-{}.tar".format(
    hashlib.sha256((HERE / "image.sh").read_bytes() + (HERE / "packages").read_bytes()).hexdigest()[:12])
NODE = "node:test"
engine = None  # conftest.py starts it


def make_archive() -> None:
    """The image's file system, when it is not there yet; one maker at a time."""
    ARCHIVE.parent.mkdir(parents=True, exist_ok=True)
    with open(ARCHIVE.parent / "nested.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if ARCHIVE.exists():
            return
        start = time.monotonic()
        made = subprocess.run([HERE / "image.sh", ARCHIVE], stderr=subprocess.PIPE, text=True, check=False)
        if made.returncode != 0:  # no mirror to be reached from here, above all
            raise unittest.SkipTest(f"the image of nested engines cannot be made: {made.stderr.strip()[-300:]}")
        print(f"nested: {ARCHIVE.name} made in {time.monotonic() - start:.0f} s", file=sys.__stderr__)


def small_image(path: Path) -> None:
    """An archive as `docker save` writes it: busybox as small:1."""
    def add(archive, name, data):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))

    with tempfile.TemporaryDirectory() as directory:
        busybox_rootfs(Path(directory))
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as tar:
            tar.add(directory, arcname=".")
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
                         "history": [{"created_by": "busybox"}], "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer.getvalue()).hexdigest()]}}).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    with tarfile.open(path, "w") as archive:
        add(archive, name, config)
        add(archive, "layer.tar", layer.getvalue())
        add(archive, "manifest.json", json.dumps([{
            "Config": name, "RepoTags": ["docker.io/library/small:1"], "Layers": ["layer.tar"]}]).encode())


def start_engine() -> None:
    global engine
    for reason, lacks in (("root", os.getuid() != 0), ("debootstrap", not shutil.which("debootstrap")),
                          (f"{BULKHEAD}: build it first", not BULKHEAD.exists())):
        if lacks:
            raise unittest.SkipTest(f"needs {reason}")
    make_archive()
    engine = DockerEngine()
    engine.__enter__()
    engine.docker("import", ARCHIVE, "node:base", timeout=300)
    engine.docker("create", "--name", "maker", "node:base", "true")
    with tempfile.TemporaryDirectory() as directory:
        small_image(Path(directory) / "small.tar")
        engine.docker("cp", f"{directory}/small.tar", "maker:/small.tar")
    engine.docker("commit", "maker", NODE)
    engine.docker("rm", "maker")


def stop_engine() -> None:
    if engine is not None:
        engine.close()


def wait_for(ready, what: str, timeout_s: float = 60):
    """The first true value of ready()."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if (value := ready()):
            return value
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {timeout_s} s")


class Nested(unittest.TestCase):
    """Containers that a class or a test starts are removed at its end."""

    @classmethod
    def docker(cls, *arguments, **settings):
        return engine.docker(*arguments, **settings)

    @classmethod
    def start(cls, *arguments, image: str = NODE, command=("sleep", "infinity")) -> str:
        container = engine.docker("run", "-d", *arguments, image, *command).stdout.strip()
        cls.addClassCleanup(engine.docker, "rm", "-fv", container, check=False)
        return container

    @classmethod
    def sh(cls, container: str, script: str, check: bool = True, timeout: float = 120) -> str:
        """Output of a script in the container; inner engines' clients must not read the script as their input."""
        done = engine.docker("exec", container, "bash", "-ec", script, check=check, timeout=timeout)
        return (done.stdout if check else done.stdout + done.stderr).strip()

    @classmethod
    def start_docker(cls, *arguments, image: str = NODE, run=("--privileged",)) -> str:
        """A container with dockerd inside, which serves."""
        container = cls.start(*run, *arguments, image=image, command=("dockerd",))
        cls.await_docker(container)
        return container

    @classmethod
    def await_docker(cls, container: str) -> None:
        def serves():
            if engine.docker("inspect", "-f", "{{.State.Running}}", container).stdout.strip() != "true":
                raise AssertionError("dockerd ended:\n" + engine.docker("logs", "--tail", "20", container).stderr)
            return engine.docker("exec", container, "docker", "version", check=False).returncode == 0
        wait_for(serves, "dockerd inside")
