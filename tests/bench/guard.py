#!/usr/bin/python3
"""What the guard costs: the same requests straight to a private engine and through the guard, alternating, in one run.

    tests/bench/guard.py [--requests N] [--megabytes N] [--idle N]

Prints medians and ratios; never passes or fails on a time."""

import argparse
import http.client
import json
import socket
import statistics
import subprocess
import sys
import tarfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "guard"))

from support import IMAGE, DockerEngine, Guard  # noqa: E402


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def timed(connection, method, target, body=None):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    start = time.perf_counter()
    connection.request(method, target, body=body, headers=headers)
    response = connection.getresponse()
    data = response.read()
    took = time.perf_counter() - start
    if response.status >= 400:
        raise RuntimeError(f"{method} {target}: {response.status} {data[:200]!r}")
    return took * 1e6, data


def latency(sockets, method, target, count, body=None, after=None):
    """Median microseconds of a request, direct and guarded, alternating; on kept connections."""
    connections = [Connection(path) for path in sockets]
    times = [[], []]
    for i in range(count + 10):
        for which in ((0, 1) if i % 2 else (1, 0)):
            took, data = timed(connections[which], method, target, body)
            if i >= 10:
                times[which].append(took)
            if after:
                after(data)
    return [statistics.median(list_) for list_ in times]


def show_latency(name, values):
    direct, guarded = values
    print(f"{name:34} direct {direct:9.0f} us   guarded {guarded:9.0f} us   more {guarded - direct:+8.0f} us")


def show_rate(name, size, values):
    direct, guarded = (size / value / 1e6 for value in values)
    print(f"{name:34} direct {direct:9.0f} MB/s guarded {guarded:9.0f} MB/s ratio {guarded / direct:7.2f}")


def best(function, sockets, rounds=3):
    times = [[], []]
    for i in range(rounds):
        for which in ((0, 1) if i % 2 else (1, 0)):
            start = time.perf_counter()
            function(sockets[which])
            times[which].append(time.perf_counter() - start)
    return [min(list_) for list_ in times]


def resident_kilobytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def bulk_image(engine, megabytes):
    """An image with one incompressible layer, as a saved archive."""
    layer, archive = engine.root / "layer.tar", engine.root / "bulk.tar"
    with tarfile.open(layer, "w") as tar:
        info = tarfile.TarInfo("data")
        info.size = megabytes << 20
        with open("/dev/urandom", "rb") as source:
            tar.addfile(info, source)
    engine.docker("import", layer, "bulk:1")
    layer.unlink()
    engine.docker("save", "-o", archive, "bulk:1")
    return archive


def docker_to(path, *words, stdout=subprocess.DEVNULL):
    subprocess.run(["docker", "-H", f"unix://{path}", *map(str, words)], check=True, stdout=stdout)


def throughput(engine, sockets, megabytes):
    archive = bulk_image(engine, megabytes)
    size = archive.stat().st_size
    show_rate(f"docker load, {megabytes} MB", size, best(lambda path: docker_to(path, "load", "-q", "-i", archive), sockets))
    show_rate(f"docker save, {megabytes} MB", size, best(lambda path: docker_to(path, "save", "bulk:1"), sockets))
    name = engine.docker("run", "-d", IMAGE, "sleep", "1000").stdout.strip()
    show_rate(f"docker cp to, {megabytes} MB", size, best(lambda path: docker_to(path, "cp", archive, f"{name}:/root/a"), sockets))
    show_rate(f"docker cp from, {megabytes} MB", size, best(lambda path: docker_to(path, "cp", f"{name}:/root/a", "-"), sockets))
    show_rate(f"docker exec cat, {megabytes} MB", size, best(lambda path: docker_to(path, "exec", name, "cat", "/root/a"), sockets))
    engine.docker("rm", "-f", name)


def idle(engine, guard, count):
    """Connections attached to a container that says nothing."""
    name = engine.docker("run", "-d", "-i", IMAGE, "sleep", "1000").stdout.strip()
    before = resident_kilobytes(guard.workers()[0])
    clients = []
    for _ in range(count):
        client = guard.connect()
        client.sendall(f"POST /containers/{name}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\n"
                       "Upgrade: tcp\r\n\r\n".encode())
        client.recv(4096)
        clients.append(client)
    after = resident_kilobytes(guard.workers()[0])
    print(f"{count} idle attach connections         resident {before} kB -> {after} kB "
          f"({(after - before) / count:.1f} kB each)")
    for client in clients:
        client.close()
    engine.docker("rm", "-f", name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--containers", type=int, default=200, help="for the list")
    options = parser.parse_args()
    with DockerEngine() as engine, Guard(engine) as guard:
        sockets = [engine.socket, guard.socket]
        show_latency("/_ping", latency(sockets, "GET", "/_ping", options.requests))
        show_latency("/_ping, fresh connections", [statistics.median(fresh(path) for _ in range(options.requests)) for path in sockets])
        made = []
        body = json.dumps({"Image": IMAGE, "Cmd": ["true"], "HostConfig": {}})
        show_latency("create", latency(sockets, "POST", "/v1.41/containers/create", options.containers // 2 - 10, body,
                                       lambda data: made.append(json.loads(data)["Id"])))
        show_latency("inspect", latency(sockets, "GET", f"/v1.41/containers/{made[0]}/json", options.requests))
        show_latency(f"list of {len(made)} containers", latency(sockets, "GET", "/v1.41/containers/json?all=1", options.requests // 5))
        throughput(engine, sockets, options.megabytes)
        idle(engine, guard, options.idle)
        engine.docker("rm", "-f", *made)


def fresh(path):
    connection = Connection(path)
    took, _ = timed(connection, "GET", "/_ping")
    connection.close()
    return took


if __name__ == "__main__":
    main()
