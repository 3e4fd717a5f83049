"""A private Docker Engine for tests: own data root, exec root, socket, pid file and bridge; nothing
of an installed one is touched. Everything it made is gone after close(), also after a failure."""

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BULKHEAD = Path(os.environ.get("BULKHEAD", REPOSITORY / "build/bin/bulkhead"))
IMAGE = "busybox:test"


def busybox_rootfs(directory: Path) -> None:
    """A root file system of busybox-static with a link for every applet."""
    for name in ("bin", "etc", "root", "tmp", "proc", "sys", "dev", "var"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    (directory / "tmp").chmod(0o1777)
    busybox = shutil.which("busybox") or "/bin/busybox"
    shutil.copy(busybox, directory / "bin/busybox")
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    for applet in applets.stdout.split():
        if applet != "busybox":
            (directory / "bin" / applet).symlink_to("busybox")
    (directory / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n")
    (directory / "etc/group").write_text("root:x:0:\nuser:x:1000:\n")


def unmount_below(directory: Path) -> None:
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in sorted(points, reverse=True):
        if point == str(directory) or point.startswith(f"{directory}/"):
            subprocess.run(["umount", "-l", point], check=False)


class DockerEngine:
    """with DockerEngine() as engine: engine.docker("run", "--rm", IMAGE, "id")"""

    def __init__(self, runtime: Path = BULKHEAD, runtime_args: tuple = (), default: bool = True,
                 extra: tuple = ()):
        self.root = Path(tempfile.mkdtemp(prefix="bulkhead-engine-", dir="/var/tmp"))
        self.socket = self.root / "docker.sock"
        self.bridge = f"bh{os.getpid() % 100000:05d}{len(_engines)}"
        self.network = f"10.{200 + os.getpid() % 50}.{len(_engines) % 250}"
        self.runtime, self.runtime_args = runtime, runtime_args
        self.default, self.extra = default, extra
        self.process = None
        _engines.append(self)

    def __enter__(self):
        try:
            self.start()
            self.import_busybox()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def start(self) -> None:
        if not Path(f"/sys/class/net/{self.bridge}").exists():
            _ip("link", "add", self.bridge, "type", "bridge")
            _ip("addr", "add", f"{self.network}.1/24", "dev", self.bridge)
            _ip("link", "set", self.bridge, "up")
        command = ["dockerd", "--data-root", self.root / "data", "--exec-root", self.root / "exec",
                   "--pidfile", self.root / "pid", "-H", f"unix://{self.socket}",
                   "--bridge", self.bridge, "--config-file", self.root / "daemon.json", *self.extra]
        (self.root / "daemon.json").write_text(
            '{"runtimes": {"bulkhead": {"path": "%s", "runtimeArgs": [%s]}}%s}' % (
                self.runtime, ", ".join(f'"{a}"' for a in self.runtime_args),
                ', "default-runtime": "bulkhead"' if self.default else ""))
        log = open(self.root / "log", "ab")
        self.process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
        for _ in range(600):
            if self.docker("version", check=False).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError("dockerd did not start:\n" + (self.root / "log").read_text()[-3000:])

    def import_busybox(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            busybox_rootfs(Path(directory))
            archive = self.root / "busybox.tar"
            with tarfile.open(archive, "w") as tar:
                tar.add(directory, arcname=".")
            self.docker("import", "-c", "CMD [\"sh\"]", archive, IMAGE)
            archive.unlink()

    def docker(self, *arguments, check: bool = True, input=None, timeout: float = 120):
        """One docker command; stdout, stderr and returncode as text. check: raise when it fails."""
        done = subprocess.run([os.environ.get("DOCKER", "docker"), "-H", f"unix://{self.socket}",
                               *map(str, arguments)], capture_output=True, text=True, input=input,
                              timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(map(str, arguments))}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            ids = self.docker("ps", "-aq", check=False, timeout=30).stdout.split()
            if ids:
                self.docker("rm", "-f", *ids, check=False, timeout=120)
        self.stop()
        unmount_below(self.root)
        if Path(f"/sys/class/net/{self.bridge}").exists():
            _ip("link", "del", self.bridge)
        shutil.rmtree(self.root, ignore_errors=True)
        if self in _engines:
            _engines.remove(self)


_engines: list = []


def _ip(*arguments) -> None:
    subprocess.run(["ip", *arguments], check=True)
