"""What the hostile programs' tests share: one private Docker Engine for all of them, an image with
the programs and with hostile contents, fixture mounts, and pictures of the host to compare."""

import atexit
import functools
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import engine as engines  # noqa: E402  (tests/lib)

BULKHEAD = engines.BULKHEAD
PROGRAMS = Path(os.environ.get("ESCAPE_PROGRAMS", BULKHEAD.parent / "escape"))
IMAGE = "escape:test"
FIRST_ID, RANGE = 100000, 65536

KINDS = {
    "plain": [],
    # The profile answers first above; here the kernel is alone.
    "plain_unconfined": ["--security-opt", "seccomp=unconfined"],
    "sysadmin": ["--cap-add", "SYS_ADMIN"],
    "sysadmin_unconfined": ["--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined"],
    "privileged": ["--privileged"],
}
WAYS = ("run", "exec")
POWERFUL = ("sysadmin", "sysadmin_unconfined", "privileged")

# What Docker masks, as far as kernels have it.
MASKED = ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
          "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
          "/sys/devices/virtual/powercap"]
# What the fixtures cover: contents of the image under a tmpfs and under a bind.
COVERED = ["/covered/directory", "/covered/file"]


class Engine(engines.DockerEngine):
    """With its own data root and control socket in the policy, as an installed engine has."""

    def __init__(self):
        super().__init__()
        self.settings = self.root / "settings.json"
        self.settings.write_text(json.dumps({"bulkhead": {
            "dataRoots": [str(self.root / "data")], "engineSockets": [str(self.socket)]}}))
        self.runtime_args = ("--settings", str(self.settings))
        self.fixtures = Path(tempfile.mkdtemp(prefix="bulkhead-escape-", dir="/var/tmp"))
        self.fixtures.chmod(0o755)

    def close(self):
        super().close()
        engines.unmount_below(self.fixtures)
        shutil.rmtree(self.fixtures, ignore_errors=True)


@functools.cache
def engine() -> Engine:
    one = Engine()
    atexit.register(one.close)
    one.__enter__()
    import_image(one)
    make_fixtures(one)
    return one


def docker(*arguments, **options):
    return engine().docker(*arguments, **options)


def refused(*arguments) -> str:
    """The error of a docker command that must fail; what it made is removed."""
    done = docker(*arguments, check=False)
    if done.returncode == 0:
        raise AssertionError(f"docker {' '.join(map(str, arguments))}: was not refused\n{done.stdout}")
    return done.stderr


# ---- the image ------------------------------------------------------------------------------------

def _entry(tar, name, kind=tarfile.REGTYPE, data=b"", mode=0o644, major=0, minor=0, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size = kind, mode, len(data)
    info.devmajor, info.devminor, info.linkname = major, minor, target
    tar.addfile(info, io.BytesIO(data))


NODES = {"vda": (tarfile.BLKTYPE, 254, 0), "loop0": (tarfile.BLKTYPE, 7, 0), "mem": (tarfile.CHRTYPE, 1, 1),
         "kmsg": (tarfile.CHRTYPE, 1, 11), "null": (tarfile.CHRTYPE, 1, 3)}


def import_image(one: Engine, name: str = IMAGE, extra=()) -> None:
    """busybox, the programs in /escape, device nodes as an image's layer may have them, things to
    cover. extra: (name, keywords of _entry) ..."""
    with tempfile.TemporaryDirectory() as directory:
        engines.busybox_rootfs(Path(directory))
        archive = one.root / "escape.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(directory, arcname=".")
            for program in sorted(PROGRAMS.iterdir()):
                tar.add(program, arcname=f"./escape/{program.name}")
            for node, (kind, major, minor) in NODES.items():
                _entry(tar, f"./nodes/{node}", kind, mode=0o666, major=major, minor=minor)
            _entry(tar, "./covered/directory/secret", data=b"covered")
            _entry(tar, "./covered/file", data=b"covered")
            for entry, keywords in extra:
                _entry(tar, entry, **keywords)
        one.docker("import", "-c", 'CMD ["sh"]', archive, name)
        archive.unlink()


def make_fixtures(one: Engine) -> None:
    base = one.fixtures
    for name in ("ro", "rw", "nodes"):
        (base / name).mkdir()
    (base / "ro/file").write_text("read only")
    (base / "empty").write_text("")
    for node, (kind, major, minor) in NODES.items():
        path = base / "nodes" / node
        os.mknod(path, 0o666 | (0o60000 if kind == tarfile.BLKTYPE else 0o20000), os.makedev(major, minor))
        path.chmod(0o666)
    one.docker("volume", "create", "fixture")


def mounts() -> list:
    base = engine().fixtures
    return ["-v", f"{base}/ro:/fix/ro:ro", "-v", f"{base}/ro/file:/fix/file:ro", "-v", f"{base}/rw:/fix/rw",
            "-v", f"{base}/nodes:/fix/nodes", "-v", "fixture:/fix/volume", "-v", "fixture:/fix/volume_ro:ro",
            "--tmpfs", "/fix/tmpfs:ro,size=1m", "--tmpfs", "/covered/directory",
            "-v", f"{base}/empty:/covered/file:ro"]


# ---- running the programs ---------------------------------------------------------------------------

def masked_of(kind: str) -> list:
    return COVERED + ([] if kind == "privileged" else MASKED)  # Docker masks nothing then


READ = ["/proc/kmsg", "/dev/kmsg", "/proc/kcore", "/proc/vmallocinfo", "/proc/slabinfo", "/proc/kpagecount",
        "/proc/kpageflags", "/proc/sysrq-trigger", "/sys/firmware/dmi/tables/DMI",
        "/sys/firmware/dmi/tables/smbios_entry_point", "/sys/firmware/acpi/tables/DSDT",
        "/sys/class/dmi/id/product_uuid", "/sys/class/dmi/id/product_serial", "/sys/kernel/debug/x",
        "/dev/mem", "/dev/port", "/dev/vda", "/dev/sda", "/dev/loop0", "/dev/loop-control", "/dev/mapper/control",
        "/dev/kvm", "/dev/vsock", "/run/bulkhead", "/run/docker.sock", "/var/run/docker.sock", "/run/containerd"]
WRITE = ["/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
         "/proc/sys/kernel/hotplug", "/proc/sys/kernel/poweroff_cmd", "/proc/sys/kernel/sysrq",
         "/proc/sys/kernel/usermodehelper/bset", "/proc/sys/vm/drop_caches", "/proc/sys/fs/binfmt_misc/register",
         "/sys/kernel/uevent_helper", "/sys/power/state", "/sys/kernel/mm/transparent_hugepage/enabled",
         "/proc/irq/default_smp_affinity", "/proc/mtrr", "/sys/module/kernel/parameters/panic",
         "/sys/devices/virtual/mem/null/uevent", "/sys/kernel/profiling", "/sys/fs/cgroup/release_agent"]


def script(kind: str) -> str:
    """Every program, each under a heading; those that attack by number also as i386."""
    masked = " ".join(masked_of(kind))
    lines = ["export PATH=/bin"]
    commands = {"files": "files " + " ".join(READ) + " " + " ".join("+" + path for path in WRITE),
                "nodes": "nodes /nodes /fix/nodes /dev", "powers": "powers", "sysctls": "sysctls",
                "cgroups": "cgroups", "own_mounts": "own_mounts", "x32": "x32", "reveal": f"reveal {masked}",
                "mounts": "mounts"}
    for name in ("powers", "own_mounts", "reveal", "mounts"):
        first, _, rest = commands[name].partition(" ")
        commands[f"{name}_i386"] = f"{first}_i386 {rest}"
    for name, command in commands.items():
        program = "/escape/" + command.split()[0]
        lines.append(f"[ ! -e {program} ] || {{ echo '== {name}'; /escape/{command}; }}")
    lines += ["echo '== status'", "sed -n 's/^\\([A-Za-z_]*\\):[[:space:]]*/\\1 /p' /proc/self/status",
              "echo '== fds'", "/escape/descriptors",
              "echo '== kallsyms'", "cut -d' ' -f1 /proc/kallsyms | sort | uniq -c | head -3",
              "echo '== mounts_seen'", "cut -d' ' -f2- /proc/self/mountinfo"]
    return "\n".join(lines)


def parse(text: str) -> dict:
    """{program: [(name, value), ...]}"""
    found, current = {}, None
    for line in text.splitlines():
        if line.startswith("== "):
            current = found.setdefault(line[3:].strip(), [])
        elif current is not None:
            name, _, value = line.strip().partition(" ")
            current.append((name, value))
    return found


LIMITS = ["--memory", "64m", "--pids-limit", "200", "--cpus", "0.5"]


@functools.cache
def running(kind: str) -> str:
    """The name of a container of this kind that lives as long as the engine."""
    name = f"live-{kind.replace('_', '-')}"
    docker("run", "-d", "--name", name, *LIMITS, *KINDS[kind], *mounts(), IMAGE, "sleep", "100000")
    return name


@functools.cache
def results(kind: str, way: str) -> dict:
    if way == "run":
        done = docker("run", "--rm", *LIMITS, *KINDS[kind], *mounts(), IMAGE, "sh", "-c", script(kind))
    else:
        done = docker("exec", running(kind), "sh", "-c", script(kind))
    found = parse(done.stdout)
    missing = [name for name in ("powers", "mounts", "reveal", "status") if not found.get(name)]
    if missing:
        raise AssertionError(f"{kind}, {way}: no output of {missing}\n{done.stdout[-500:]}\n{done.stderr[-500:]}")
    return found


def pid_of(name: str) -> int:
    return int(docker("inspect", "-f", "{{.State.Pid}}", name).stdout)


def wait_for_line(name: str, line: str) -> None:
    for _ in range(200):
        if line in docker("logs", name).stdout:
            return
        time.sleep(0.05)
    raise AssertionError(f"{name}: no line {line!r}")


# ---- the host, before and after ----------------------------------------------------------------------

HOST_FILES = ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/hosts", "/etc/hostname", "/etc/ld.so.preload",
              "/etc/resolv.conf", "/etc/sudoers", "/etc/subuid"]
# Counters and random values, which change by themselves.
VOLATILE = ("random/", "-nr", "-state", "ns_last_pid", "nf_conntrack_count", "pty/nr", "sched_domain/",
            "inode-state", "cdrom/info", "tcp_fastopen_key", "aio-nr", "entropy", "hung_task_detect_count", "fs/quota/",
            "/net/", "auto_msgmni")


def digest(path) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        return str(error.errno)


def sysctls(everything: bool = False) -> dict:
    values = {}
    for directory, _, names in os.walk("/proc/sys"):
        for name in names:
            path = f"{directory}/{name}"
            if any(part in path for part in VOLATILE) and not (everything and "/net/" in path):
                continue
            try:
                values[path] = Path(path).read_bytes()
            except OSError:
                pass
    return values


def host_picture() -> dict:
    null = os.stat("/dev/null")
    return {"runtime": digest(BULKHEAD), "hostname": socket.gethostname(), "sysctls": sysctls(),
            "files": {path: digest(path) for path in HOST_FILES},
            "null": (null.st_mode, null.st_uid, null.st_gid, null.st_rdev),
            "etc": sorted(os.listdir("/etc")), "root": sorted(os.listdir("/")),
            "clock": round(time.time() - time.monotonic())}


FIRST_PICTURE = host_picture()


def as_user(uid: int, *command, **options):
    """A command of the host's user `uid`, without root's groups."""
    def drop():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    return subprocess.run(command, preexec_fn=drop, capture_output=True, text=True, check=False, **options)
