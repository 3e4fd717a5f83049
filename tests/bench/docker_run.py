#!/usr/bin/env python3
"""`docker run --rm IMAGE /bin/true` as a whole, runc and Bulkhead in turn on one private Docker Engine.

The engine has data root, exec root, socket and pidfile of its own in a private mount namespace, no bridge and
no firewall rules: nothing of another engine on the machine is touched.
"""

import argparse
import io
import os
import shutil
import subprocess
import sys
import tarfile
import time

import harness
import leaks
import ns

IMAGE = "bulkhead-bench:latest"


class Engine:
    """A dockerd below this process; `docker(...)` talks to it and to no other."""

    def __init__(self, folder, runtimes):
        self.socket = f"{harness.STATE}/docker.sock"
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder,
                            "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_CONFIG": f"{folder}/client"}
        if os.path.isdir("/etc/docker"):  # dockerd keeps a key there; ours must not see daemon.json either
            ns.sh("mount", "-t", "tmpfs", "engine", "/etc/docker")
        command = ["dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{harness.STATE}/exec",
                   "--pidfile", f"{harness.STATE}/docker.pid", "--host", f"unix://{self.socket}", "--bridge=none",
                   "--iptables=false", "--ip6tables=false", "--storage-driver=overlay2",
                   f"--cgroup-parent=/{harness.CGROUP_PARENT}"]
        command += [f"--add-runtime={name}={path}" for name, path in runtimes.items() if name != "runc"]
        self.log = open(f"{folder}/dockerd.log", "w+b")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env=self.environment)
        self.wait_ready()

    def wait_ready(self):
        for _ in range(300):
            if self.process.poll() is not None:
                raise harness.Missing(f"dockerd ended: {(leaks.read(self.log.name) or '')[-600:]}")
            if self.docker("version", check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise harness.Missing("dockerd does not answer after 30 s")

    def docker(self, *arguments, check=True, data=None):
        done = subprocess.run(["docker", *arguments], env=self.environment, check=False, input=data,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and done.returncode:
            raise harness.Missing(f"docker {' '.join(arguments[:6])}: {done.stderr.decode()[-600:]}")
        return done

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def build_image(engine, folder):
    """A five-layer image: the base imported as a tar, the others by the engine's own builder."""
    harness.make_layers(f"{folder}/layers")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(f"{folder}/layers/lower0", arcname=".")
    engine.docker("import", "-", "bulkhead-bench:base", data=archive.getvalue())
    with open(f"{folder}/layers/Dockerfile", "w", encoding="utf-8") as file:
        file.write("FROM bulkhead-bench:base\n")
        file.writelines(f"COPY lower{number} /\n" for number in range(1, harness.LAYERS))
    engine.docker("build", "-q", "-t", IMAGE, f"{folder}/layers")


def one_run(engine, runtime):
    start = time.perf_counter()
    engine.docker("run", "--rm", "--network=none", f"--runtime={runtime}", IMAGE, "/bin/true")
    return (time.perf_counter() - start) * 1000


def measure(options, engine, runtimes):
    times = {name: [] for name in runtimes}
    names = list(runtimes)
    for number in range(options.warmup + options.rounds):
        for name in names[number % len(names):] + names[:number % len(names)]:
            took = one_run(engine, name)
            if number >= options.warmup:
                times[name].append(took)
    return times


def report(times):
    for name, values in times.items():
        print(f"{name:10} median {harness.median(values):8.1f} ms  p10 {harness.percentile(values, 0.1):8.1f}  "
              f"p90 {harness.percentile(values, 0.9):8.1f}")
    if "bulkhead" in times:
        ratio = harness.median(times["bulkhead"]) / harness.median(times["runc"])
        print(f"docker run, bulkhead / runc: {ratio:.2f}, target at most 1.00: {'met' if ratio <= 1 else 'MISSED'}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", default=os.path.join(harness.BIN, "bulkhead"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=2)
    return parser.parse_args()


def main():
    options = parse_arguments()
    missing = [name for name in ("dockerd", "docker", "runc") if not shutil.which(name)]
    if missing:
        print(f"SKIP: docker run: no {', '.join(missing)} (apt-get install docker.io)")
        return 0
    runtimes = {"runc": "runc"}
    if os.access(options.runtime, os.X_OK):
        runtimes["bulkhead"] = os.path.realpath(options.runtime)
    else:
        print(f"bulkhead: not found at {options.runtime}")
    folder, engine = harness.surroundings(hybrid=True), None
    try:
        engine = Engine(folder, runtimes)
        build_image(engine, folder)
        print(f"docker run --rm, {options.rounds} interleaved rounds, {harness.version('dockerd')}")
        report(measure(options, engine, runtimes))
    except harness.Missing as error:
        print(f"FAILED: docker run: {error}")
        return 1
    finally:
        if engine:
            engine.stop()
        harness.clean_up(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
