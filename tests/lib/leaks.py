"""What a host looks like before and after: the oracle that every suite uses to say "nothing was left".

A snapshot is a plain dict {category: {key: value}} (JSON, so that a shell suite can keep it in a file).
`more(before, after)` names what is there now and was not; `changed(before, after)` names what has another
value than before: state that a container must never reach (sysctls, /dev/null, hashes of binaries).

Two scopes, because a developer's machine is shared: "host" looks at everything, "mine" keeps only the
processes below the caller (call `adopt_orphans()` first, so that daemonised ones stay below it) and those
whose name is given. Mounts are those of the caller's own mount namespace.

    leaks.py snapshot FILE [--dir D]... [--name NAME]... [--scope host|mine]
    leaks.py diff FILE      prints one line per difference, exit code 1 when there is one
"""

import argparse
import ctypes
import hashlib
import json
import os
import re
import signal
import stat
import sys
import time

PF_KTHREAD = 0x00200000
PR_SET_CHILD_SUBREAPER = 36
STATE_DIRS = ("/run/bulkhead", "/run/crun", "/run/runc", "/run/netns", "/dev/mqueue", "/dev/shm")
DEVICE_NODES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "console", "fuse", "net/tun")
HASHED_FILES = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/subuid", "/etc/subgid", "/etc/hosts",
                "/etc/resolv.conf", "/etc/docker/daemon.json", "/etc/ld.so.preload", "/proc/cmdline",
                "/usr/sbin/runc", "/usr/bin/crun", "/usr/sbin/dockerd", "/usr/bin/containerd",
                "/usr/bin/containerd-shim-runc-v2", "/bin/sh", "/bin/busybox")
# Values that move on their own: counters, random numbers, autotuning, and what any process start changes.
VOLATILE_SYSCTLS = re.compile(
    r"fs/(dentry-state|file-nr|inode-nr|inode-state|aio-nr|quota/)|kernel/(random/|ns_last_pid|pty/nr|"
    r"tainted|sched_domain)|net/netfilter/nf_conntrack_count|net/ipv[46]/(conf|neigh)/(?!all/|default/|lo/)|"
    r"net/ipv[46]/route/flush|"
    r"net/ipv4/tcp_fastopen_key|net/core/netdev_rss_key|vm/(compact_memory|drop_caches|stat_refresh)")


def adopt_orphans():
    """Makes this process the parent of whatever its descendants leave behind (child subreaper)."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    # Ended from outside (a timeout), a suite must still run its `finally`.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def read(path, limit=1 << 16):
    """The text of a file, or None where it is gone or not readable."""
    try:
        with open(path, "rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError:
        return None


# ---- processes ---------------------------------------------------------------------------------

def process(pid):
    """(parent, start time, flags, name, state) from /proc/PID/stat; None when it has gone."""
    text = read(f"/proc/{pid}/stat")
    if not text:
        return None
    name = text[text.index("(") + 1:text.rindex(")")]
    fields = text[text.rindex(")") + 2:].split()
    return int(fields[1]), int(fields[19]), int(fields[6]), name, fields[0]


def all_processes():
    """{pid: process(pid)} without kernel threads and without zombies that wait for another's wait()."""
    table = {}
    for entry in os.listdir("/proc"):
        found = process(int(entry)) if entry.isdigit() else None
        if found and not found[2] & PF_KTHREAD:
            table[int(entry)] = found
    return table


def descendants(root=None, table=None):
    """Pids below `root` (this process when None), deepest last, `root` itself excluded."""
    table = table or all_processes()
    children = {}
    for pid, (parent, *_rest) in table.items():
        children.setdefault(parent, []).append(pid)
    found, queue = [], [root or os.getpid()]
    while queue:
        below = children.get(queue.pop(0), [])
        found += below
        queue += below
    return found


def collect_zombies():
    """Reaps whatever below this process has ended by itself."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def kill_descendants():
    """Ends and reaps everything below this process; with adopt_orphans() nothing of ours escapes it."""
    for _ in range(200):
        for pid in descendants():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)


def processes(scope="host", names=()):
    table = all_processes()
    mine = set(descendants(table=table)) if scope == "mine" else None
    result = {}
    for pid, (_parent, start, _flags, name, state) in table.items():
        if mine is not None and pid not in mine and name not in names:
            continue
        command = (read(f"/proc/{pid}/cmdline") or "").replace("\0", " ").strip()
        result[f"{pid}@{start}"] = f"{name} {state if state == 'Z' else ''} {command[:160]}".strip()
    return result


# ---- mounts, cgroups, files, network ------------------------------------------------------------

def mounts(pid="self"):
    """{"mountpoint #n": "fstype source root options"}: stacked mounts count one by one."""
    result = {}
    for line in (read(f"/proc/{pid}/mountinfo", 1 << 24) or "").splitlines():
        left, _dash, right = line.partition(" - ")
        fields, (fstype, source, *_super) = left.split(" "), right.split(" ")
        number = 1
        while f"{fields[4]} #{number}" in result:
            number += 1
        result[f"{fields[4]} #{number}"] = f"{fstype} {source} root={fields[3]} {fields[5]} {fields[6:]}"
    return result


def cgroup_roots():
    return sorted({key.rpartition(" #")[0] for key, value in mounts().items()
                   if value.split(" ", 1)[0] in ("cgroup", "cgroup2")})


def tree(root, files=False):
    result = {}
    for folder, dirs, names in os.walk(root):
        for name in dirs + (names if files else []):
            result[os.path.join(folder, name)] = ""
    return result


def cgroups(match=""):
    """Every cgroup of every hierarchy whose path holds the regex `match`: others come and go on a shared host."""
    return {path: "" for root in cgroup_roots() for path in tree(root) if re.search(match, path)}


def interfaces():
    names = os.listdir("/sys/class/net") if os.path.isdir("/sys/class/net") else []
    return {name: (read(f"/sys/class/net/{name}/address") or "").strip() for name in names}


def own_fds():
    """What this process holds open, by target: a bench or a daemon under test leaks into here."""
    result = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        if not target.startswith("/proc/"):
            result[fd] = target
    return result


def snapshot(dirs=STATE_DIRS, scope="host", names=(), cgroup_match=""):
    """Everything that a container may leave behind on the host."""
    return {
        "mount": mounts(),
        "cgroup": cgroups(cgroup_match),
        "process": processes(scope, names),
        "interface": interfaces(),
        "file": {path: "" for folder in dirs for path in tree(folder, files=True)},
        "fd": own_fds(),
        "device": device_nodes(),
    }


# ---- the host's own state -----------------------------------------------------------------------

def device_nodes():
    """Owner and mode of the host's nodes: a runtime with stdio on /dev/null may chown the host's."""
    result = {}
    for name in DEVICE_NODES:
        try:
            info = os.stat(f"/dev/{name}")
        except OSError:
            continue
        result[f"/dev/{name}"] = f"{info.st_uid}:{info.st_gid} {stat.filemode(info.st_mode)} {info.st_rdev:#x}"
    return result


def sysctls():
    result = {}
    for folder, _dirs, names in os.walk("/proc/sys"):
        for name in names:
            path = os.path.join(folder, name)
            key = path[len("/proc/sys/"):]
            if not VOLATILE_SYSCTLS.match(key) and os.stat(path).st_mode & 0o400:
                value = read(path)
                if value is not None:
                    result[key] = value.strip()
    return result


def listening_sockets():
    result = {}
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in (read(f"/proc/net/{kind}", 1 << 22) or "").splitlines()[1:]:
            fields = line.split()
            if fields[3] in ("0A", "07"):  # LISTEN; unconnected UDP
                result[f"{kind} {fields[1]}"] = ""
    for line in (read("/proc/net/unix", 1 << 22) or "").splitlines()[1:]:
        fields = line.split()
        if len(fields) == 8 and fields[3] == "00010000":  # __SO_ACCEPTCON
            result[f"unix {fields[7]}"] = ""
    return result


def file_hash(path):
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    except OSError:
        return "absent"
    return digest.hexdigest()


def host_state(binaries=()):
    """What no container may ever change. `binaries`: further files to hash (the runtime under test)."""
    uname = os.uname()
    return {
        "sysctl": sysctls(),
        "device": device_nodes(),
        "listening": listening_sockets(),
        "hash": {path: file_hash(path) for path in (*HASHED_FILES, *binaries)},
        "host": {
            "hostname": uname.nodename,
            "domainname": (read("/proc/sys/kernel/domainname") or "").strip(),
            "modules": " ".join(sorted(line.split()[0] for line in (read("/proc/modules") or "").splitlines())),
            "swaps": read("/proc/swaps") or "",
            "routes": read("/proc/net/route") or "",
            "clock offset, s": str(round(time.clock_gettime(time.CLOCK_REALTIME)
                                         - time.clock_gettime(time.CLOCK_BOOTTIME))),
        },
    }


# ---- comparing ----------------------------------------------------------------------------------

def more(before, after, ignore=None):
    """Lines for what `after` has and `before` had not; `ignore`: a regex on the line."""
    lines = []
    for category, table in after.items():
        old = before.get(category, {})
        for key, value in table.items():
            if key not in old:
                lines.append(f"{category} left: {key} {value}".rstrip())
    return [line for line in lines if not (ignore and re.search(ignore, line))]


def changed(before, after, ignore=None):
    """Lines for what has another value than before, or has gone."""
    lines = []
    for category, old in before.items():
        table = after.get(category, {})
        for key, value in old.items():
            if key not in table:
                lines.append(f"{category} gone: {key} {value}".rstrip())
            elif table[key] != value:
                lines.append(f"{category} changed: {key}: {value!r} -> {table[key]!r}")
    return [line for line in lines if not (ignore and re.search(ignore, line))]


def settled(before, take, ignore=None, timeout_s=5.0):
    """`more(before, take())` once it is empty or the time is over: killed processes need a moment."""
    end = time.monotonic() + timeout_s
    while True:
        lines = more(before, take(), ignore)
        if not lines or time.monotonic() > end:
            return lines
        time.sleep(0.05)


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("snapshot", "diff"))
    parser.add_argument("file")
    parser.add_argument("--dir", action="append", default=[], help="a further directory to list")
    parser.add_argument("--name", action="append", default=[], help="process name that belongs to scope mine")
    parser.add_argument("--scope", choices=("host", "mine"), default="host")
    parser.add_argument("--ignore", help="regex of lines not to report")
    options = parser.parse_args(argv)
    # The command line tool is a process of its own: its fds say nothing, itself is no leak.
    now = {"left": snapshot((*STATE_DIRS, *options.dir), options.scope, options.name), "host": host_state()}
    del now["left"]["fd"]
    now["left"]["process"] = {key: value for key, value in now["left"]["process"].items()
                              if int(key.split("@")[0]) != os.getpid()}
    if options.command == "snapshot":
        with open(options.file, "w", encoding="utf-8") as file:
            json.dump(now, file)
        return 0
    with open(options.file, encoding="utf-8") as file:
        before = json.load(file)
    lines = more(before["left"], now["left"], options.ignore)
    lines += more(before["host"], now["host"], options.ignore)
    lines += changed(before["host"], now["host"], options.ignore)
    print("\n".join(lines) if lines else "nothing left, nothing changed")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
