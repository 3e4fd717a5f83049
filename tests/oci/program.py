"""Runs one validation program against one runtime in surroundings of its own and takes everything away.

Own surroundings: a private mount namespace, a scratch directory as TMPDIR and as the runtime's --root, and
this process as the reaper of whatever daemonises. After the program every container that it left is
deleted by the runtime itself; what is there even then is the runtime's leak and is reported, then removed.

Started by `run` as a process per program: prints one JSON object.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import leaks  # noqa: E402
import ns  # noqa: E402
import tap  # noqa: E402

# Cgroup paths that the suite's cgroup programs ask for (those run one at a time); any other that a program
# causes carries its container's id. The parents are made on demand and stay: other containers may use them.
SUITE_LEAVES = ("cgrouptest", "testdir/cgrouptest/container")
SUITE_PARENTS = ("/testdir/cgrouptest", "/testdir")

WRAPPER = """#!/bin/sh
# Stands in as RUNTIME: state below the scratch directory, container ids noted for the clean-up.
case "$1" in create|run) for last; do :; done; echo "$last" >> '{scratch}/ids' ;; esac
exec '{runtime}' --root '{scratch}/root' "$@"
"""


def prepare(options, scratch):
    """The directory that a program expects to be started in, and the stand-in runtime."""
    for name in ("tmp", "work", "root"):
        os.mkdir(os.path.join(scratch, name))
    os.chmod(os.path.join(scratch, "root"), 0o711)
    os.symlink(options.rootfs, os.path.join(scratch, "work", "rootfs-amd64.tar.gz"))
    # A copy, not a link: the suite's copy routine would put the link itself into the bundle.
    shutil.copy(os.path.join(options.bin, "runtimetest"), os.path.join(scratch, "work"))
    wrapper = os.path.join(scratch, "runtime")
    with open(wrapper, "w", encoding="utf-8") as file:
        file.write(WRAPPER.format(scratch=scratch, runtime=options.runtime))
    os.chmod(wrapper, 0o755)
    return wrapper


def run_program(options, scratch, wrapper):
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                   "RUNTIME": wrapper, "TMPDIR": os.path.join(scratch, "tmp"), "HOME": "/root"}
    with open(os.path.join(scratch, "out"), "w+b") as out, open(os.path.join(scratch, "err"), "w+b") as err:
        child = subprocess.Popen([os.path.join(options.bin, options.name)], stdin=subprocess.DEVNULL,
                                 stdout=out, stderr=err, cwd=os.path.join(scratch, "work"),
                                 env=environment, start_new_session=True)
        timed_out = False
        try:
            child.wait(options.timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
            child.kill()
            child.wait()
        texts = [leaks.read(file.name, 1 << 20) or "" for file in (out, err)]
    return texts[0], texts[1], child.returncode, timed_out


def container_ids(scratch):
    text = leaks.read(os.path.join(scratch, "ids")) or ""
    return sorted(set(line.strip() for line in text.splitlines() if line.strip()))


def delete_containers(scratch, wrapper):
    """Deletes by the runtime what the program left; returns the ids that were still known to it."""
    known = [name for name in container_ids(scratch)
             if subprocess.run([wrapper, "state", name], check=False, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0]
    for name in known:
        try:
            subprocess.run([wrapper, "delete", "--force", name], check=False, timeout=30, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            print(f"{name}: delete --force took more than 30 s", file=sys.stderr)
    return known


def cgroups_of(ids, fixed_paths):
    """The cgroups of these containers, deepest first; with `fixed_paths` those of the cgroup programs too."""
    leaves = tuple(f"/{leaf}" for leaf in SUITE_LEAVES) if fixed_paths else ()
    # A relative path may lie below the runtime's own cgroup: only the end of it is known.
    found = [path for path in leaks.cgroups() if path.endswith(leaves) or any(name in path for name in ids)]
    return sorted((path for path in found if not path.endswith(SUITE_PARENTS[0])), key=len, reverse=True)


def leftovers(options, ids, mounts_before):
    """What the runtime left although every container was deleted; waits a moment for dying processes."""
    for _ in range(40):
        leaks.collect_zombies()
        processes = leaks.processes("mine")
        if not processes:
            break
        time.sleep(0.05)
    left = [f"process: {text}" for text in processes.values()]
    left += [f"cgroup: {path}" for path in cgroups_of(ids, options.fixed_cgroups)]
    left += leaks.more({"mount": mounts_before}, {"mount": leaks.mounts()})
    left += [f"state: {name}" for name in os.listdir(os.path.join(options.scratch, "root")) if name in ids]
    return left


def remove_cgroups(options, ids):
    parents = [path for path in leaks.cgroups() if path.endswith(SUITE_PARENTS)] if options.fixed_cgroups else []
    for path in cgroups_of(ids, options.fixed_cgroups) + sorted(parents, key=len, reverse=True):
        try:
            os.rmdir(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            print(f"cannot remove {path}: {error}", file=sys.stderr)


def main(options):
    leaks.adopt_orphans()
    scratch = options.scratch
    ns.private_mounts()
    if options.private_dev:
        ns.private_dev(scratch)
    if options.hide_unified:
        ns.hide_unified()
    wrapper = prepare(options, scratch)
    mounts_before = leaks.mounts()
    start = time.monotonic()
    stdout, stderr, status, timed_out = run_program(options, scratch, wrapper)
    seconds = time.monotonic() - start
    outcome = tap.judge(options.name, stdout, stderr, status, timed_out)
    undeleted = delete_containers(scratch, wrapper)
    ids = container_ids(scratch)
    left = leftovers(options, ids, mounts_before)
    leaks.kill_descendants()
    remove_cgroups(options, ids)
    print(json.dumps(dict(vars(outcome), name=options.name, seconds=seconds, undeleted=undeleted, left=left,
                          stdout=stdout[-20000:], stderr=stderr[-20000:])))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--name", "--bin", "--rootfs", "--runtime", "--scratch"):
        parser.add_argument(name, required=True)
    parser.add_argument("--timeout", type=float, default=90)
    parser.add_argument("--private-dev", action="store_true")
    parser.add_argument("--hide-unified", action="store_true")
    parser.add_argument("--fixed-cgroups", action="store_true", help="the program uses the suite's cgroup paths")
    return parser.parse_args()


if __name__ == "__main__":
    main(parse_arguments())
