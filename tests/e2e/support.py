"""What the end-to-end tests share: one private engine per test file, an image with tools, a base class."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from engine import BULKHEAD, IMAGE, DockerEngine, busybox_rootfs, unmount_below  # noqa: E402,F401

TOOLS = "tools:test"
TOOL_PROGRAMS = ("setcap", "getcap", "setfacl", "getfacl", "setfattr", "getfattr", "findmnt", "unshare", "python3.11",
                 "prlimit", "id")
CLIENTS = [cli for cli in ("/usr/local/bin/docker", "/usr/bin/docker") if os.access(cli, os.X_OK)]

_engine = None


def start_engine(**settings) -> DockerEngine:
    """For setUpModule."""
    global _engine
    if not BULKHEAD.exists():
        raise RuntimeError(f"{BULKHEAD} is not there: build it first")
    if os.getuid() != 0:
        raise unittest.SkipTest("needs root: a private Docker Engine")
    _engine = DockerEngine(**settings)
    _engine.__enter__()
    return _engine


def stop_engine() -> None:
    """For tearDownModule. An id range or cgroup that stays is a failure of the file."""
    if _engine is not None:
        _engine.close()


def copy_program(program: str, root: Path) -> None:
    """A host program with the libraries it is linked with."""
    libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout.split()
    for file in [program] + [word for word in libraries if word.startswith("/")]:
        target = root / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(file), target)


def tools_rootfs(directory: Path) -> None:
    busybox_rootfs(directory)
    for name in TOOL_PROGRAMS:
        if (path := shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin")):
            copy_program(path, directory)


def import_tools(engine: DockerEngine) -> None:
    """The image TOOLS: busybox and the host's programs for capabilities, ACLs and attributes."""
    with tempfile.TemporaryDirectory() as directory:
        tools_rootfs(Path(directory))
        tar = subprocess.Popen(["tar", "-C", directory, "-c", "."], stdout=subprocess.PIPE)
        subprocess.run([*engine.client(), "import", "-c", "ENV PATH=/bin:/usr/bin:/usr/sbin:/sbin", "-", TOOLS],
                       stdin=tar.stdout, check=True, stdout=subprocess.DEVNULL)
        if tar.wait() != 0:
            raise RuntimeError("tar of the tools failed")


def wait_for(condition, what: str, seconds: float = 30):
    """The condition's first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (value := condition()):
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


class Case(unittest.TestCase):
    maxDiff = 2000

    @property
    def engine(self) -> DockerEngine:
        return _engine

    def docker(self, *arguments, **settings):
        return _engine.docker(*arguments, **settings)

    def run_out(self, options, *command, image: str = IMAGE, **settings) -> str:
        """What `docker run --rm OPTIONS IMAGE COMMAND` prints on stdout."""
        return self.docker("run", "--rm", *words(options), image, *command, **settings).stdout.strip()

    def run_fails(self, options, *command, image: str = IMAGE, code=None, **settings) -> str:
        """Both streams of a `docker run --rm` that must not succeed."""
        done = self.docker("run", "--rm", *words(options), image, *command, check=False, **settings)
        self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def start(self, options=(), *command, image: str = IMAGE) -> str:
        """A detached container, removed after the test. By default it sleeps."""
        identity = self.docker("run", "-d", *words(options), image, *(command or ("sleep", "1000"))).stdout.strip()
        self.addCleanup(self.docker, "rm", "-fv", identity, check=False)
        return identity

    def sh(self, container: str, script: str, *options, **settings) -> str:
        return self.docker("exec", *options, container, "sh", "-c", script, **settings).stdout.strip()

    def inspect(self, name: str, template: str) -> str:
        return self.docker("inspect", "-f", template, name).stdout.strip()

    def directory(self, where=None) -> Path:
        """A directory of the host that a container may have, gone after the test."""
        path = Path(tempfile.mkdtemp(prefix="bulkhead-e2e-", dir=where or "/var/tmp"))
        path.chmod(0o755)
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def volume(self) -> str:
        name = self.docker("volume", "create").stdout.strip()
        self.addCleanup(self.docker, "volume", "rm", "-f", name, check=False)
        return name


def words(options) -> list:
    """Options as a list, or as one string where no word has blanks."""
    return options.split() if isinstance(options, str) else list(options)


def first_id(uid_map: str) -> int:
    """Host id of the container's root; the map must be one range of 65536 ids from 0."""
    inside, outside, size = (int(word) for word in uid_map.split())
    if (inside, size) != (0, 65536) or outside < 65536:
        raise AssertionError(f"not an exclusive range: {uid_map}")
    return outside
