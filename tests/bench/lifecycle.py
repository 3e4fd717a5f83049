#!/usr/bin/env python3
"""create + start + wait + delete of /bin/true with an engine's config: Bulkhead with full isolation, against
crun and runc without a user namespace and against the bare system calls, interleaved in one run.

Everything runs in one private mount namespace in which an empty v2 hierarchy is hidden (crun 1.8 refuses it),
for all rows alike; --hybrid shows it and leaves such a crun out. Ratios count, not times: no bound is on time.
"""

import argparse
import os
import shutil
import sys

import bpf
import harness
import ns

TARGETS = {"crun": 0.40, "runc": 0.20, "floor": 2.5}
TARGET_RSS_KB = 3 * 1024


def floor_plan(folder, config, layers):
    """The floor program's plan: what it does not work out itself."""
    overlay = f"{folder}/floor"
    lines = [f"overlay {overlay}", f"state {harness.STATE}/floor", f"filter {folder}/filter",
             f"hostname {config['hostname']}"]
    lines += [f"lower {layers}/lower{number}" for number in reversed(range(harness.LAYERS))]
    lines += [f"cgroup {root}" for root in harness.cgroup_roots()]
    lines += [f"bind {mount['source']} {mount['destination']}" for mount in config["mounts"] if mount["type"] == "bind"]
    lines += [f"mask {path}" for path in config["linux"]["maskedPaths"]]
    lines += [f"readonly {path}" for path in config["linux"]["readonlyPaths"]]
    lines += [f"argument {text}" for text in config["process"]["args"]]
    with open(f"{folder}/plan", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.makedirs(f"{harness.STATE}/floor", 0o700)
    return bpf.compile_profile(config["linux"]["seccomp"], f"{folder}/filter")


def floor_rows(folder):
    """Two definitions: the engine's three processes, and all of it in one."""
    base = f"{os.path.join(harness.BIN, 'bench_floor')}"
    return ["row\tfloor",
            f"call\tcreate\t{base}\tcreate\t{folder}/plan\tfloor",
            f"call\tstart\t{base}\tstart\t{folder}/plan\tfloor",
            f"wait\twait\t{harness.STATE}/floor/floor/pid",
            f"call\tdelete\t{base}\tdelete\t{folder}/plan\tfloor",
            "row\tfloor, one process",
            f"call\trun\t{base}\trun\t{folder}/plan\tfloor1"]


def choose_runtimes(options):
    """{row: binary} of those present, and the reasons for those that are not."""
    found, absent = {}, []
    for name, binary in (("bulkhead", options.runtime), ("crun", shutil.which("crun")), ("runc", shutil.which("runc"))):
        if not binary or not os.access(binary, os.X_OK):
            absent.append(f"{name}: not found{f' at {binary}' if binary else ''}")
        elif name == "crun" and options.hybrid:
            absent.append("crun: left out with --hybrid")
        else:
            found[name] = os.path.realpath(binary)
    return found, absent


def measure(options, folder, runtimes):
    layers = f"{folder}/layers"
    harness.make_layers(layers)
    harness.prepare_cgroups()
    rows = []
    for name in [*runtimes, "floor"]:
        os.mkdir(f"{folder}/{name}")
        harness.make_bundle(f"{folder}/{name}", layers, name)
    config = harness.write_config(f"{folder}/floor", "floor")
    # The floor mounts its own overlay of the same layers; the engine's one must not hold upper and work.
    ns.sh("umount", f"{folder}/floor/merged")
    length = floor_plan(folder, config, layers)
    for name, binary in runtimes.items():
        rows += harness.runtime_row(name, binary, folder, name)
    samples = harness.run_driver(folder, options.warmup, options.rounds, rows + floor_rows(folder))
    return samples, config, length


def table(samples):
    """{row: {label: [ms]}} and {row: {label: peak kB}}."""
    times, memory = {}, {}
    for row, _round, label, microseconds, maxrss in samples:
        if row != "driver":
            times.setdefault(row, {}).setdefault(label, []).append(microseconds / 1000)
            peaks = memory.setdefault(row, {})
            peaks[label] = max(peaks.get(label, 0), maxrss)
    return times, memory


def print_times(times):
    medians = {row: harness.median(labels["total"]) for row, labels in times.items()}
    print(f"{'':20}{'median':>9}{'p10':>9}{'p90':>9}    of crun  of runc  of floor   create   start    wait  delete  (ms)")
    for row, labels in times.items():
        total = labels["total"]
        ratios = "".join(f"{medians[row] / medians[peer]:9.2f}" if peer in medians else f"{'-':>9}"
                         for peer in ("crun", "runc", "floor"))
        steps = "".join(f"{harness.median(labels[step]):8.2f}" if step in labels else f"{'-':>8}"
                        for step in ("create", "start", "wait", "delete"))
        print(f"{row:20}{medians[row]:9.2f}{harness.percentile(total, 0.1):9.2f}{harness.percentile(total, 0.9):9.2f}"
              f"  {ratios}  {steps}")
    return medians


def print_targets(medians, memory):
    if "bulkhead" not in medians:
        return
    for peer, target in TARGETS.items():
        if peer in medians:
            ratio = medians["bulkhead"] / medians[peer]
            print(f"bulkhead / {peer}: {ratio:.2f}, target at most {target:.2f}: {'met' if ratio <= target else 'MISSED'}")
    peak = max(memory["bulkhead"].values())
    print(f"bulkhead peak memory of a call: {peak} kB, target at most {TARGET_RSS_KB} kB: "
          f"{'met' if peak <= TARGET_RSS_KB else 'MISSED'}")


def print_memory(samples, memory):
    own = next(maxrss for row, _n, _l, _us, maxrss in samples if row == "driver")
    print(f"\npeak resident memory of each call, kB (the driver's own {own} kB is the least that can show)")
    for row, labels in memory.items():
        print(f"{row:20}" + "".join(f"{label} {peak:>6}   " for label, peak in labels.items()
                                    if label not in ("total", "wait")))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", default=os.path.join(harness.BIN, "bulkhead"))
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--hybrid", action="store_true", help="keep an empty v2 hierarchy visible")
    return parser.parse_args()


def main():
    options = parse_arguments()
    folder = harness.surroundings(options.hybrid)
    runtimes, absent = choose_runtimes(options)
    try:
        samples, config, length = measure(options, folder, runtimes)
    except harness.Missing as error:
        print(f"FAILED: lifecycle: {error}")
        return 1
    finally:
        harness.clean_up(folder)
    masked = config["linux"]["maskedPaths"]
    print(f"create + start + wait + delete of /bin/true, {options.rounds} interleaved rounds after {options.warmup}; "
          f"overlay of {harness.LAYERS} layers, {len(masked)} masked paths ({sum(map(os.path.exists, masked))} exist), "
          f"seccomp filter of {length} instructions, {len(harness.cgroup_roots())} cgroup hierarchies")
    for name, binary in runtimes.items():
        print(f"  {name}: {harness.version(binary)}")
    for reason in absent:
        print(f"  {reason}")
    times, memory = table(samples)
    medians = print_times(times)
    print_memory(samples, memory)
    print_targets(medians, memory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
