#!/usr/bin/env python3
"""Many containers: 500 one after the other (is the 500th as fast as the first?), 200 alive together (are
their id ranges apart?), and after each: is the host as it was?

Exit code 1 when something was left behind, ids overlap, or a call failed; times are only shown.
"""

import argparse
import os
import sys

import harness
import leaks

EDGE = 50


def id_ranges(pids):
    """[(first host id, count, pid)] of each container's user namespace, in ascending order."""
    ranges = []
    for pid in pids:
        for line in (leaks.read(f"/proc/{pid}/uid_map") or "").splitlines():
            _inside, outside, count = map(int, line.split())
            ranges.append((outside, count, pid))
    return sorted(ranges)


def overlaps(ranges):
    return [f"ids of process {a[2]} and {b[2]} overlap: {a[0]}+{a[1]} and {b[0]}+{b[1]}"
            for a, b in zip(ranges, ranges[1:]) if a[0] + a[1] > b[0]]


def snapshot(folder, state_dir):
    """The host without the bench's own files: what the runtime keeps is under its --root and /run."""
    return leaks.snapshot(dirs=(state_dir, "/run/runc", "/run/crun", "/dev/shm", "/dev/mqueue"), scope="mine",
                          cgroup_match=f"{harness.CGROUP_PARENT}|/bulkhead")


def sequence(options, folder, base):
    """Creates and deletes options.count containers; returns (median of the first, of the last) in ms."""
    rows = ["row\tsequence",
            f"call\tcreate\t{base}\tcreate\t--bundle\t{folder}/one\t--pid-file\t{harness.STATE}/pid\tseq-%n",
            f"call\tstart\t{base}\tstart\tseq-%n",
            f"wait\twait\t{harness.STATE}/pid",
            f"call\tdelete\t{base}\tdelete\tseq-%n"]
    samples = harness.run_driver(folder, 0, options.count, rows)
    totals = [microseconds / 1000 for row, _n, label, microseconds, _rss in samples
              if row == "sequence" and label == "total"]
    return harness.median(totals[:EDGE]), harness.median(totals[-EDGE:]), totals


def together(options, folder, base, trouble):
    """options.alive containers that run at the same time; appends to `trouble`."""
    layers = f"{folder}/layers"
    for number in range(options.alive):
        os.mkdir(f"{folder}/many{number}")
        harness.make_bundle(f"{folder}/many{number}", layers, f"many-{number}", ("/bin/sleep", "1000"))
    start = ["row\talive",
             f"call\tcreate\t{base}\tcreate\t--bundle\t{folder}/many%n\t--pid-file\t{harness.STATE}/many%n\tmany-%n",
             f"call\tstart\t{base}\tstart\tmany-%n"]
    samples = harness.run_driver(folder, 0, options.alive, start)
    totals = [row[3] / 1000 for row in samples if row[0] == "alive" and row[2] == "total"]
    pids = [int(leaks.read(f"{harness.STATE}/many{number}") or 0) for number in range(options.alive)]
    living = [pid for pid in pids if (leaks.process(pid) or "----Z")[4] != "Z"]
    print(f"{len(living)} of {options.alive} alive together, create + start {harness.median(totals):.2f} ms, "
          f"first {EDGE}: {harness.median(totals[:EDGE]):.2f}, last {EDGE}: {harness.median(totals[-EDGE:]):.2f}")
    if len(living) != options.alive:
        trouble.append(f"{options.alive - len(living)} of {options.alive} containers are not alive")
    ranges = id_ranges(living)
    if options.peer:
        print("a peer without user namespaces: id ranges are not looked at")
    else:
        trouble += overlaps(ranges)
        trouble += [f"process {pid} has host id {first}" for first, _count, pid in ranges if first < 1000]
        print(f"id ranges: {len(ranges)}, from {ranges[0][0]} to {ranges[-1][0] + ranges[-1][1] - 1}")
    harness.run_driver(folder, 0, options.alive, ["row\tgone", f"call\tdelete\t{base}\tdelete\t--force\tmany-%n"])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", default=os.path.join(harness.BIN, "bulkhead"))
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--alive", type=int, default=200)
    options = parser.parse_args()
    options.peer = os.path.basename(options.runtime) in ("runc", "crun")
    return options


def check(options, folder, trouble):
    state_dir = f"{harness.STATE}/root"
    base = f"{os.path.realpath(options.runtime)}\t--root\t{state_dir}"
    harness.make_layers(f"{folder}/layers")
    harness.prepare_cgroups()
    os.mkdir(f"{folder}/one")
    harness.make_bundle(f"{folder}/one", f"{folder}/layers", "one")
    # Once before the first look: what a runtime makes once (its pool, its filter cache) is no leak.
    harness.run_driver(folder, 0, 1, harness.runtime_row("one", os.path.realpath(options.runtime), folder, "first"))
    before = snapshot(folder, state_dir)
    first, last, totals = sequence(options, folder, base)
    print(f"{options.count} one after the other: median {harness.median(totals):.2f} ms, first {EDGE}: {first:.2f}, "
          f"last {EDGE}: {last:.2f}, last/first {last / first:.2f}")
    trouble += [f"after {options.count} in sequence: {line}" for line in settle(before, folder, state_dir)]
    together(options, folder, base, trouble)
    # The bundles of the second part are the bench's own mounts.
    trouble += [f"after {options.alive} together: {line}" for line in settle(before, folder, state_dir)
                if f"{folder}/many" not in line]


def settle(before, folder, state_dir):
    leaks.collect_zombies()
    return leaks.settled(before, lambda: (leaks.collect_zombies(), snapshot(folder, state_dir))[1],
                         ignore=f"mount left: {folder}/many|file left: {state_dir}$")


def main():
    options = parse_arguments()
    if not os.access(options.runtime, os.X_OK):
        print(f"SKIP: scale: {options.runtime} is not built")
        return 0
    folder, trouble = harness.surroundings(), []
    try:
        check(options, folder, trouble)
    except harness.Missing as error:
        trouble.append(str(error))
    finally:
        harness.clean_up(folder)
    for line in trouble[:40]:
        print(f"TROUBLE: {line}")
    if len(trouble) > 40:
        print(f"TROUBLE: and {len(trouble) - 40} more")
    print(f"scale of {options.runtime}: {'nothing left behind' if not trouble else f'{len(trouble)} troubles'}")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
