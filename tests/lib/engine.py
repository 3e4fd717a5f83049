"""A private Docker Engine for tests: own containerd, data root, exec root, socket, bridge and network
namespace; nothing of an installed one is touched (an engine that starts flushes Docker's iptables chains, and
uses a containerd that it finds running). Everything it made is gone after close(), also after a failure."""

import json
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


CONTAINERD_CONFIGURATION = """version = 2
root = "{root}/containerd/root"
state = "{root}/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{root}/containerd.sock"
"""


class Containerd:
    """A private containerd below `root`; `prefix` is put before its command."""

    def __init__(self, root: Path, prefix: tuple = ()):
        self.root, self.prefix, self.process = root, prefix, None
        self.socket = root / "containerd.sock"

    def start(self) -> None:
        configuration = self.root / "containerd.toml"
        configuration.write_text(CONTAINERD_CONFIGURATION.format(root=self.root))
        with open(self.root / "containerd.log", "ab") as log:
            self.process = subprocess.Popen([*self.prefix, "containerd", "--config", configuration],
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(self.socket.exists, "containerd", self.root / "containerd.log", self.process)

    def stop(self) -> None:
        stop_process(self.process)


def wait_until(ready, name: str, log: Path, process) -> None:
    for _ in range(600):
        if ready():
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"{name} did not start:\n" + log.read_text()[-3000:])


def stop_process(process) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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
        self.bridge = "bridge0"
        # Lives as long as this process and holds the network namespace.
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; echo; exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.in_network = ("nsenter", f"--net=/proc/{self.holder.pid}/ns/net")
        self.containerd = Containerd(self.root, self.in_network)
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
        if self.containerd.process is None:
            self.host("ip", "link", "add", self.bridge, "type", "bridge")
            self.host("ip", "addr", "add", "10.200.0.1/24", "dev", self.bridge)
            self.host("ip", "link", "set", self.bridge, "up")
            self.containerd.start()
        command = [*self.in_network, "dockerd", "--containerd", self.containerd.socket, "--data-root", self.root / "data", "--exec-root", self.root / "exec",
                   "--pidfile", self.root / "pid", "-H", f"unix://{self.socket}",
                   "--bridge", self.bridge, "--config-file", self.root / "daemon.json", *self.extra]
        (self.root / "daemon.json").write_text(json.dumps(self.configuration()))
        with open(self.root / "log", "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log,
                                            env=self.builder_environment() if self.default else None)
        wait_until(lambda: self.docker("version", check=False).returncode == 0, "dockerd", self.root / "log",
                   self.process)

    def configuration(self) -> dict:
        """daemon.json; `default`: set up as an engine behind the guard must be."""
        runtimes = {"bulkhead": {"path": str(self.runtime), "runtimeArgs": list(self.runtime_args)}}
        if not self.default:
            return {"runtimes": runtimes}
        return {"runtimes": runtimes, "default-runtime": "bulkhead",
                "builder": {"entitlements": {"network-host": False, "security-insecure": False}}}

    def builder_environment(self) -> dict:
        """BuildKit inside dockerd asks for no runtime: this variable names it, before Engine 23 it is the first "runc"."""
        programs = self.root / "bin"
        programs.mkdir(exist_ok=True)
        if not (programs / "runc").is_symlink():
            (programs / "runc").symlink_to(self.runtime)
        return {**os.environ, "DOCKER_BUILDKIT_RUNC_COMMAND": str(self.runtime), "PATH": f"{programs}:{os.environ['PATH']}"}

    def import_busybox(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            busybox_rootfs(Path(directory))
            archive = self.root / "busybox.tar"
            with tarfile.open(archive, "w") as tar:
                tar.add(directory, arcname=".")
            self.docker("import", "-c", "CMD [\"sh\"]", archive, IMAGE)
            archive.unlink()

    def host(self, *command, **settings):
        """A command in the engine's network namespace, where its bridge and published ports are."""
        return subprocess.run([*self.in_network, *map(str, command)], check=True, **settings)

    def client(self, cli: str = "") -> list:
        return [cli or os.environ.get("DOCKER", "docker"), "-H", f"unix://{self.socket}"]

    def docker(self, *arguments, check: bool = True, input=None, timeout: float = 120, cli: str = "",
               env: dict = {}):
        """One docker command; stdout, stderr and returncode as text. check: raise when it fails."""
        done = subprocess.run([*self.client(cli), *map(str, arguments)], capture_output=True, text=True,
                              input=input, timeout=timeout, check=False, env={**os.environ, **env})
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(map(str, arguments))}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def stop(self) -> None:
        """Ends dockerd alone, as an administrator's restart does; start() may follow."""
        stop_process(self.process)

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            ids = self.docker("ps", "-aq", check=False, timeout=30).stdout.split()
            if ids:
                self.docker("rm", "-f", *ids, check=False, timeout=120)
        self.stop()
        self.containerd.stop()
        self.holder.communicate()  # end of its input ends it, and the network namespace
        unmount_below(self.root)
        shutil.rmtree(self.root, ignore_errors=True)
        if self in _engines:
            _engines.remove(self)


_engines: list = []
