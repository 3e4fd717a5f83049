"""A small world of its own for fault tests: private mounts, an empty /run, a bundle as Docker makes it
(overlay root, binds, seccomp, hooks), and the question "what is left?" after every command."""

import ctypes
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "tests" / "lib"))

import leaks  # noqa: E402
import ns  # noqa: E402

BIN = Path(os.environ.get("BULKHEAD_BIN", TOP / "build" / "bin"))
BULKHEAD = BIN / "bulkhead"
KEEPER = BIN / "bulkhead-keeper"
INJECT = BIN / "fault_inject"
FULL = bool(os.environ.get("BULKHEAD_FAULT_FULL"))
DELETE_SECONDS = 10  # R12
HANG_SECONDS = 20
LIVE_STATES = (1, 2)  # of an entry in the id pool's index (idpool/table.h)
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

# What the container says about its own confinement. Whatever call failed on the way: a container that
# runs says the same as one that was made without a fault.
FINGERPRINT = r"""
grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|Seccomp_filters|SigBlk|SigIgn):' /proc/self/status
cat /proc/self/uid_map /proc/self/gid_map /proc/self/oom_score_adj
sed -E 's/^[0-9]+ [0-9]+ [0-9:]+ //; s/(shared|master):[0-9]+/\1/; s/(lowerdir|upperdir|workdir)[^ ]*//' /proc/self/mountinfo
hostname; pwd; umask; ulimit -n
for f in /proc/self/fd/*; do [ -e $f ] && echo fd ${f##*/}; done
ls -ln /dev | sed -E 's/ [A-Z][a-z]+ +[0-9]+ +[0-9:]+ / /'
sed -E 's/^[0-9]+://' /proc/self/cgroup
cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range /proc/sys/kernel/msgmax
ls -di /proc/self/ns/user/. >/dev/null 2>&1; for n in user pid net ipc uts mnt cgroup time; do readlink /proc/self/ns/$n; done
read up rest </proc/uptime; [ ${up%.*} -lt 3600 ] && echo uptime is its own
ip link show lo 2>/dev/null | grep -o 'LOOPBACK,UP'
cat /proc/kcore /proc/keys 2>&1 | head -c 100
echo x 2>/dev/null >/proc/sys/kernel/hostname || echo /proc/sys is read-only
echo x 2>/dev/null >/readonly/file || echo bind is read-only
"""


class Result:
    def __init__(self, code, out, err, seconds, report=""):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds
        self.calls = [tuple(map(int, line.split()[1:])) for line in report.splitlines() if line.startswith("call ")]
        self.injected = next((tuple(map(int, line.split()[1:])) for line in report.splitlines()
                              if line.startswith("injected ")), None)
        ended = report.splitlines()[-1].split() if report.strip() else ["exit", str(code)]
        self.signal = int(ended[1]) if ended[0] == "signal" else 0
        if report and ended[0] == "exit":
            self.code = int(ended[1])
        if self.signal:
            self.code = -self.signal


def own_children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="utf-8") as file:
        return [int(pid) for pid in file.read().split()]


def reap():
    """Ends zombies of ours; children that run stay."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def describe(pid):
    return (leaks.read(f"/proc/{pid}/cmdline") or "").replace("\0", " ").strip() or leaks.read(f"/proc/{pid}/comm")


class Lab:
    """Made once per test program; the process itself enters the private namespaces."""

    def __init__(self):
        leaks.adopt_orphans()
        ns.private_mounts()
        ns.tmpfs_run()
        self.root = Path(tempfile.mkdtemp(prefix="bulkhead-fault-"))
        self.root.chmod(0o711)
        self.state = Path("/run/bulkhead/containers")
        self.parent = f"bulkhead-fault-{os.getpid()}"
        self.log = self.root / "log"
        self.report = self.root / "report"
        self.number = 0
        for group in self.cgroup_roots():
            self._make_cgroup(f"{group}/{self.parent}", group)
        self._make_layers()
        self.bundle = self.make_bundle("bundle")
        self.id = "victim"
        self.expected = None

    # ---- the bundle ------------------------------------------------------------------------------

    def _make_layers(self):
        lower = self.root / "lower"
        for name in ("bin", "dev", "proc", "sys", "tmp", "root", "readonly"):
            (lower / name).mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), lower / "bin/busybox")
        for name in ("sh", "true", "sleep", "cat", "grep", "sed", "ls", "readlink", "ip", "hostname", "head"):
            (lower / "bin" / name).symlink_to("busybox")
        (lower / "etc").mkdir()
        (lower / "etc/resolv.conf").symlink_to("../run/resolve/stub.conf")

    def make_bundle(self, name, change=None):
        folder = self.root / name
        for part in ("upper", "work", "merged", "volume"):
            (folder / part).mkdir(parents=True)
        for file in ("hosts", "hostname", "resolv.conf"):
            (folder / file).write_text(f"{file}\n")
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={self.root}/lower,"
                        f"upperdir={folder}/upper,workdir={folder}/work", f"{folder}/merged"], check=True)
        self.write_config(folder, change)
        return folder

    def config(self, folder):
        config = json.loads((TOP / "tests/data/specs/docker-20.10.json").read_text())
        config["root"] = {"path": f"{folder}/merged"}
        config["hostname"] = "fault"
        config["process"]["args"] = ["/bin/sh", "-c", FINGERPRINT]
        config["process"]["env"] = ["PATH=/bin"]
        config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 512, "hard": 512}]
        config["linux"]["cgroupsPath"] = f"/{self.parent}/{folder.name}"
        config["linux"]["sysctl"]["kernel.msgmax"] = "9000"
        for mount in config["mounts"]:
            if mount["type"] == "bind":
                mount["source"] = f"{folder}/{Path(mount['source']).name}"
        config["mounts"] += [
            {"destination": "/volume", "type": "bind", "source": f"{folder}/volume", "options": ["rbind", "rprivate"]},
            {"destination": "/readonly", "type": "bind", "source": f"{folder}/volume", "options": ["rbind", "ro"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=1m"]}]
        hook = {"path": "/bin/sh", "args": ["sh", "-c", "cat >/dev/null"], "timeout": 10}
        config["hooks"] = {kind: [hook] for kind in ("prestart", "createRuntime", "createContainer", "poststart",
                                                     "poststop")}
        return config

    def write_config(self, folder, change=None):
        config = self.config(folder)
        if change:
            config = change(config) or config
        (folder / "config.json").write_text(json.dumps(config))

    # ---- running ---------------------------------------------------------------------------------

    def run(self, *words, inject=None, options=(), timeout=HANG_SECONDS, stdin=subprocess.DEVNULL, environment=None,
            prepare=None):
        """One command; `inject`: "" to count its calls, or (process, call, errno or "kill"); `prepare` is called in
        the child before its exec."""
        command = [str(BULKHEAD), *options, *map(str, words)]
        if inject is not None:
            where = []
            if inject:
                process, call, fault = inject
                where = ["--process", str(process), "--call", str(call)]
                where += ["--kill"] if fault == "kill" else ["--error", str(fault)]
            command = [str(INJECT), str(self.report), *where, "--", *command]
        self.report.unlink(missing_ok=True)
        begin = time.monotonic()
        out, err = self.root / "out", self.root / "err"
        with open(out, "wb") as out_file, open(err, "wb") as err_file:
            # Files, not pipes: a process that is left behind must not hold the test up.
            process = subprocess.Popen(command, stdin=stdin, stdout=out_file, stderr=err_file,
                                       env=environment or ENVIRONMENT, start_new_session=True,
                                       preexec_fn=prepare)
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                code = None
                stacks = self.stacks()
                leaks.kill_descendants()
                process.returncode = -9
        seconds = time.monotonic() - begin
        report = leaks.read(self.report, 1 << 22) or ""
        result = Result(code, leaks.read(out, 1 << 20) or "", leaks.read(err, 1 << 20) or "", seconds, report)
        if code is None:
            raise AssertionError(f"{' '.join(command)} hangs, it stood at\n{stacks}")
        return result

    def stacks(self):
        lines = []
        for pid in leaks.descendants():
            lines.append(f"{pid} {describe(pid)} {leaks.read(f'/proc/{pid}/wchan')} {leaks.read(f'/proc/{pid}/syscall')}")
        return "\n".join(lines)

    def create(self, **more):
        return self.run("create", "--bundle", self.bundle, "--pid-file", self.root / "pid", self.id, **more)

    def must_create(self):
        self.must("create", "--bundle", self.bundle, "--pid-file", self.root / "pid", self.id)

    def must(self, *words):
        result = self.run(*words)
        if result.code != 0:
            raise AssertionError(f"{words}: {result.code}\n{result.err}")
        return result

    def delete(self):
        """delete --force; the time it took is checked against the promise."""
        result = self.run("delete", "--force", self.id, timeout=DELETE_SECONDS + 5)
        if result.code != 0:
            raise AssertionError(f"delete --force: exit code {result.code}\n{result.err}")
        if result.seconds > DELETE_SECONDS:
            raise AssertionError(f"delete --force took {result.seconds:.1f} s")
        return result

    # ---- what is left ----------------------------------------------------------------------------

    @staticmethod
    def cgroup_roots():
        return [root for root in leaks.cgroup_roots() if root.startswith("/sys/fs/cgroup/")]

    @staticmethod
    def _make_cgroup(path, root):
        os.makedirs(path)
        for name in ("cpuset.cpus", "cpuset.mems"):
            if os.path.exists(f"{path}/{name}") and os.path.exists(f"{root}/{name}"):
                Path(f"{path}/{name}").write_text(Path(f"{root}/{name}").read_text())

    def held_ids(self):
        try:
            index = Path("/run/bulkhead/ids/index").read_bytes()
        except FileNotFoundError:
            return []
        entries = (struct.unpack_from("<IIII", index, at) for at in range(16, len(index) - 15, 16))
        return [first for first, _size, _owner, state in entries if state >> 30 in LIVE_STATES]

    def world(self):
        """Everything that a container may leave, as a set of lines."""
        reap()
        lines = {f"mount {line}" for line in Path("/proc/self/mountinfo").read_text().splitlines()}
        for root in self.cgroup_roots():
            lines |= {f"cgroup {path}" for path in leaks.tree(f"{root}/{self.parent}")}
        lines |= {f"state {name}" for name in (os.listdir(self.state) if self.state.is_dir() else [])}
        lines |= {f"ids from {first}" for first in self.held_ids()}
        lines |= {f"process {pid} {describe(pid)}" for pid in own_children()}
        for folder in ("/run", "/run/bulkhead", str(self.bundle), "/dev/mqueue", "/dev/shm"):
            lines |= {f"file {folder}/{name}" for name in (os.listdir(folder) if os.path.isdir(folder) else [])}
        return lines

    def expect_nothing_more(self):
        """Takes the world as it is now for "nothing left"; called with no container there."""
        self.expected = self.world()

    def left(self, seconds=2.0):
        """What is there beyond that, given a moment for killed processes to go."""
        end = time.monotonic() + seconds
        while True:
            more = sorted(self.world() - self.expected)
            if not more or time.monotonic() > end:
                return more
            time.sleep(0.01)

    def close(self):
        leaks.kill_descendants()
        for root in self.cgroup_roots():
            for path in sorted(leaks.tree(f"{root}/{self.parent}"), key=len, reverse=True) + [f"{root}/{self.parent}"]:
                if os.path.isdir(path):
                    os.rmdir(path)
        for point in reversed([key.rpartition(" #")[0] for key in leaks.mounts()]):
            if point.startswith(f"{self.root}/"):
                ctypes.CDLL(None).umount2(point.encode(), 2)
        shutil.rmtree(self.root)


_lab = None


def lab():
    """The one of this program."""
    global _lab
    if _lab is None:
        _lab = Lab()
        import atexit
        atexit.register(_lab.close)
    return _lab


def missing():
    """Why these tests cannot run here; None when they can."""
    if os.geteuid() != 0:
        return "needs root"
    for path in (BULKHEAD, KEEPER, INJECT):
        if not os.access(path, os.X_OK):
            return f"{path} is not built"
    if not shutil.which("busybox"):
        return "no busybox (apt-get install busybox-static)"
    if os.uname().machine != "x86_64":
        return "the injector reads x86-64 registers"
    return None
