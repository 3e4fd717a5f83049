"""What the engine's view of a running container costs: `docker cp` of a large file both ways and `docker export` of
many small ones, Bulkhead against runc in one engine, in turns. Prints seconds (best of ROUNDS) and the ratio.

    python3 tests/bench/docker_files.py [--megabytes 1024] [--files 50000] [--rounds 3]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from engine import IMAGE, DockerEngine  # noqa: E402

RUNTIMES = ("runc", "bulkhead")


def timed(*command, sink=subprocess.DEVNULL) -> float:
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=sink)
    return time.monotonic() - start


def measure(engine: DockerEngine, options) -> dict:
    client = engine.client()
    containers = {}
    for runtime in RUNTIMES:
        containers[runtime] = engine.docker("run", "-d", "--runtime", runtime, IMAGE, "sleep", "10000").stdout.strip()
        engine.docker("exec", containers[runtime], "dd", "if=/dev/urandom", "of=/root/big", "bs=1M",
                      f"count={options.megabytes}", timeout=600)
    with tempfile.TemporaryDirectory(dir=engine.root) as directory:
        big = Path(directory, "big")
        actions = {
            "cp out": lambda c: timed(*client, "cp", f"{c}:/root/big", str(big)),
            "cp in": lambda c: timed(*client, "cp", str(big), f"{c}:/root/back"),
        }
        results = rounds(actions, containers, options.rounds)
    for container in containers.values():
        engine.docker("exec", container, "sh", "-c",
                      f"rm /root/*; mkdir /root/m; cd /root/m; i=0; while [ $i -lt {options.files} ]; do"
                      " [ $((i % 500)) -eq 0 ] && mkdir d$i && cd /root/m/d$i; echo $i > f$i; i=$((i + 1)); done",
                      timeout=900)
    export = {f"export of {options.files} files": lambda c: timed(*client, "export", c)}
    results.update(rounds(export, containers, options.rounds))
    for container in containers.values():
        engine.docker("rm", "-f", container)
    return results


def rounds(actions: dict, containers: dict, count: int) -> dict:
    best = {}
    for _ in range(count):
        for name, action in actions.items():
            for runtime, container in containers.items():
                seconds = action(container)
                best[name, runtime] = min(seconds, best.get((name, runtime), seconds))
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--files", type=int, default=50000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with DockerEngine() as engine:
        best = measure(engine, options)
    print(f"{'':24}{'runc':>8}{'bulkhead':>10}{'ratio':>7}")
    for name in dict.fromkeys(name for name, _runtime in best):
        runc, ours = (best[name, runtime] for runtime in RUNTIMES)
        print(f"{name:24}{runc:8.2f}{ours:10.2f}{ours / runc:7.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
