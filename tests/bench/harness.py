"""What the benches share: bundles as an engine makes them, the runtimes as rows, the driver, the numbers."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))

import leaks  # noqa: E402
import ns  # noqa: E402

BIN = os.path.join(ROOT, "build", "bin")
STATE = "/run/bulkhead-bench"  # a tmpfs, as on every systemd host
CGROUP_PARENT = "bulkhead-bench"
LAYERS = 5
MASKED = 30
# What current engines mask (they add one thermal_throttle for each processor that has it).
ENGINE_MASKS = ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
                "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
                "/sys/devices/virtual/powercap", "/sys/firmware"]


class Missing(Exception):
    """A row or a bench cannot run here; the text says why."""


def surroundings(hybrid=False):
    """Private mounts, tmpfs on /run, orphans kept; returns a new scratch folder on disk (for the layers)."""
    leaks.adopt_orphans()
    ns.private_mounts()
    ns.tmpfs_run()
    if not hybrid:
        ns.hide_unified()
    os.mkdir(STATE)
    folder = tempfile.mkdtemp(prefix="bulkhead-bench-")
    os.chmod(folder, 0o711)
    return folder


def masked_paths(count=MASKED):
    """An engine's masks for this machine, filled up to `count` with other directories of /sys.

    A small virtual machine has no thermal_throttle directories; a server has one per processor.
    """
    cpus = os.sysconf("SC_NPROCESSORS_CONF")
    paths = ENGINE_MASKS + [path for path in (f"/sys/devices/system/cpu/cpu{n}/thermal_throttle" for n in range(cpus))
                            if os.path.exists(path)]
    others = sorted(f"/sys/class/{name}" for name in os.listdir("/sys/class") if name != "net")
    return paths + others[:max(0, count - len(paths))]


def make_layers(folder):
    """Image layers as directories: busybox in the lowest, a few files of many owners in each."""
    os.makedirs(f"{folder}/lower0/bin")
    for name in ("dev", "proc", "sys", "tmp", "etc", "usr", "var", "root"):
        os.mkdir(f"{folder}/lower0/{name}")
    busybox = shutil.which("busybox")
    if not busybox:
        raise Missing("no busybox (apt-get install busybox-static)")
    shutil.copy(busybox, f"{folder}/lower0/bin/busybox")
    for name in ("true", "sh", "sleep", "cat"):
        os.symlink("busybox", f"{folder}/lower0/bin/{name}")
    for name in ("resolv.conf", "hostname", "hosts"):
        open(f"{folder}/lower0/etc/{name}", "w", encoding="utf-8").close()
    for number in range(1, LAYERS):
        os.makedirs(f"{folder}/lower{number}/usr/share/layer{number}")
        for owner in (0, 33, 1000):
            path = f"{folder}/lower{number}/usr/share/layer{number}/{owner}"
            with open(path, "w", encoding="utf-8") as file:
                file.write("x" * 1000)
            os.chown(path, owner, owner)


def make_bundle(folder, layers, container_id, arguments=("/bin/true",)):
    """A bundle as containerd hands it over: config.json, and the engine's overlay mounted as root."""
    for name in ("upper", "work", "merged", "files"):
        os.makedirs(f"{folder}/{name}")
    for name in ("resolv.conf", "hostname", "hosts"):
        with open(f"{folder}/files/{name}", "w", encoding="utf-8") as file:
            file.write(f"# {name}\n")
    lowers = ":".join(f"{layers}/lower{number}" for number in reversed(range(LAYERS)))
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                    f"lowerdir={lowers},upperdir={folder}/upper,workdir={folder}/work", f"{folder}/merged"], check=True)
    write_config(folder, container_id, arguments)


def write_config(folder, container_id, arguments=("/bin/true",)):
    with open(f"{HERE}/docker-config.json", encoding="utf-8") as file:
        text = file.read()
    for key, value in (("@ROOT@", f"{folder}/merged"), ("@FILES@", f"{folder}/files"), ("@ID@", container_id)):
        text = text.replace(key, value)
    config = json.loads(text)
    config["process"]["args"] = list(arguments)
    config["linux"]["maskedPaths"] = masked_paths()
    with open(f"{folder}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)
    return config


def cgroup_roots():
    """Hierarchies that a container of this bench enters, one per controller set."""
    return [root for root in leaks.cgroup_roots() if root.startswith("/sys/fs/cgroup/")]


def prepare_cgroups():
    for root in cgroup_roots():
        parent = f"{root}/{CGROUP_PARENT}"
        os.makedirs(parent, exist_ok=True)
        if os.path.exists(f"{parent}/cpuset.cpus"):
            for name in ("cpuset.cpus", "cpuset.mems"):
                with open(f"{root}/{name}", encoding="utf-8") as source, \
                        open(f"{parent}/{name}", "w", encoding="utf-8") as target:
                    target.write(source.read())


def remove_cgroups():
    """Takes the bench's own parent group away, and what a failed run left below it."""
    for root in cgroup_roots():
        for path in sorted(leaks.tree(f"{root}/{CGROUP_PARENT}"), key=len, reverse=True):
            os.rmdir(path)
        if os.path.isdir(f"{root}/{CGROUP_PARENT}"):
            os.rmdir(f"{root}/{CGROUP_PARENT}")


def clean_up(folder):
    """Ends what a failed run left, then takes cgroups, mounts and files away."""
    leaks.kill_descendants()
    remove_cgroups()
    for path in reversed([key.rpartition(" #")[0] for key in leaks.mounts()]):
        if path.startswith(folder + "/"):
            subprocess.run(["umount", "-l", path], check=True)
    shutil.rmtree(folder)


def runtime_row(name, binary, folder, container_id):
    """The calls that containerd's shim makes for one container."""
    base = f"{binary}\t--root\t{STATE}/{name}"
    return [f"row\t{name}",
            f"call\tcreate\t{base}\tcreate\t--bundle\t{folder}/{name}\t--pid-file\t{STATE}/{name}.pid\t{container_id}",
            f"call\tstart\t{base}\tstart\t{container_id}",
            f"wait\twait\t{STATE}/{name}.pid",
            f"call\tdelete\t{base}\tdelete\t{container_id}"]


def last_words(log, count=5):
    """The last different lines of a log: the same warning of 200 calls is one."""
    texts = [re.sub(r'^time="[^"]*" ', "", line) for line in (leaks.read(log, 1 << 24) or "").splitlines()]
    return "\n".join(list(dict.fromkeys(reversed(texts)))[:count][::-1])


def run_driver(folder, warmup, rounds, rows):
    """[(row, round, label, microseconds, maxrss_kb)]; raises Missing with the log when a call fails."""
    driver = os.path.join(BIN, "bench_driver")
    if not os.access(driver, os.X_OK):
        raise Missing("build/bin/bench_driver is not built (cmake --build build --target bench_driver bench_floor)")
    log = f"{folder}/log"
    with open(f"{folder}/job", "w", encoding="utf-8") as file:
        file.write("\n".join([f"rounds\t{warmup}\t{rounds}", f"log\t{log}", *rows]) + "\n")
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    open(f"{folder}/empty", "w", encoding="utf-8").close()
    with open(f"{folder}/empty", encoding="utf-8") as empty:  # not /dev/null: a runtime may chown its stdin
        done = subprocess.run([driver, f"{folder}/job"], stdin=empty, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=environment, check=False)
    if done.returncode:
        raise Missing(f"{done.stderr.strip()}\n{last_words(log)}")
    samples = []
    for line in done.stdout.splitlines():
        row, number, label, microseconds, maxrss = line.split("\t")
        samples.append((row, int(number), label, float(microseconds), int(maxrss)))
    return samples


def version(binary):
    done = subprocess.run([binary, "--version"], text=True, capture_output=True, check=False)
    return (done.stdout.splitlines() or ["?"])[0]


def percentile(values, fraction):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(fraction * (len(ordered) - 1)))]


def median(values):
    return statistics.median(values)
