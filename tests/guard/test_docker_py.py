"""G12: docker-py, another client than the CLI: percent-encoded names, chunked uploads, no Content-Type, websockets."""

import io
import os
import tarfile
import threading
import time
import unittest

import support
from support import IMAGE

try:
    import docker
except ImportError:
    docker = None

engine = guard = None


def setUpModule():
    global engine, guard
    if docker is None:
        raise unittest.SkipTest("docker-py is not installed (pip install docker)")
    engine, guard = support.start()


def tearDownModule():
    support.stop()


class DockerPy(unittest.TestCase):
    def setUp(self):
        self.client = docker.DockerClient(base_url=f"unix://{guard.socket}", version="auto", timeout=60)
        self.addCleanup(self.client.close)

    def start(self, **options):
        container = self.client.containers.run(IMAGE, options.pop("command", ["sleep", "1000"]), detach=True, **options)
        self.addCleanup(container.remove, force=True, v=True)
        return container

    def test_run_and_runtime(self):
        self.assertEqual(self.client.containers.run(IMAGE, ["echo", "hello"], remove=True), b"hello\n")
        container = self.start(runtime="runc", privileged=True)
        self.assertEqual(container.attrs["HostConfig"]["Runtime"], "bulkhead")

    def test_refusals_are_api_errors(self):
        for options in ({"pid_mode": "host"}, {"network_mode": "host"}, {"volumes": {"/etc/shadow": {"bind": "/x"}}}):
            with self.assertRaises(docker.errors.APIError) as caught:
                self.client.containers.run(IMAGE, ["true"], **options)
            self.assertEqual(caught.exception.status_code, 403)

    def test_exec_with_a_socket(self):
        container = self.start()
        code, output = container.exec_run(["sh", "-c", "echo out; exit 3"])
        self.assertEqual((code, output), (3, b"out\n"))
        job = self.client.api.exec_create(container.id, ["cat"], stdin=True)
        stream = self.client.api.exec_start(job["Id"], socket=True)._sock
        stream.sendall(b"through\n")
        stream.shutdown(1)
        received = b""
        while piece := stream.recv(4096):
            received += piece
        self.assertTrue(received.endswith(b"through\n"), received)

    def test_archives_both_ways(self):
        container = self.start()
        data = os.urandom(1 << 20)
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            info = tarfile.TarInfo("file")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        self.assertTrue(container.put_archive("/root", archive.getvalue()))
        chunks, stat = container.get_archive("/root/file")
        self.assertEqual(stat["size"], len(data))
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            self.assertEqual(tar.extractfile("file").read(), data)

    def test_images(self):
        image = self.client.images.get(IMAGE)
        data = b"".join(image.save(named=True))
        self.assertEqual(self.client.images.load(data)[0].id, image.id)
        image.tag("localhost:5000/a/b", "c")
        self.assertEqual(self.client.images.get("localhost:5000/a/b:c").id, image.id)
        self.client.images.remove("localhost:5000/a/b:c")
        built, _log = self.client.images.build(fileobj=io.BytesIO(f"FROM {IMAGE}\nRUN id -u > /id\n".encode()), rm=True)
        self.client.images.remove(built.id, force=True)

    def test_networks_and_volumes(self):
        network = self.client.networks.create("a network with blanks")
        self.addCleanup(network.remove)
        container = self.start()
        network.connect(container, aliases=["a"])
        network.reload()
        self.assertEqual([c.id for c in network.containers], [container.id])
        network.disconnect(container)
        volume = self.client.volumes.create("vol-py", labels={"A": "1", "a": "2"})
        self.assertEqual(self.client.volumes.get("vol-py").attrs["Labels"], {"A": "1", "a": "2"})
        volume.remove()

    def test_events_logs_stats_wait(self):
        seen = []
        events = self.client.events(decode=True, filters={"type": "container"})
        thread = threading.Thread(target=lambda: [seen.append(e["Action"]) for e in events], daemon=True)
        thread.start()
        container = self.start(command=["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done"])
        self.assertEqual(b"".join(container.logs(stream=True, follow=True)), b"1\n2\n3\n")
        self.assertEqual(container.wait()["StatusCode"], 0)
        self.assertIn("read", self.start().stats(stream=False))
        time.sleep(0.3)
        events.close()
        self.assertIn("start", seen)
        self.assertIn("die", seen)

    def test_attach_by_websocket(self):
        container = self.client.containers.create(IMAGE, ["cat"], stdin_open=True)
        self.addCleanup(container.remove, force=True)
        container.start()
        with guard.connect() as client:
            client.sendall(f"GET /containers/{container.id}/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\nOrigin: http://d\r\n"
                           "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                           "Sec-WebSocket-Version: 13\r\n\r\n".encode())
            head = client.recv(4096)
            self.assertTrue(head.startswith(b"HTTP/1.1 101"), head)
            text = b"through a frame\n"
            client.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
            self.assertIn(text, client.recv(4096))


if __name__ == "__main__":
    unittest.main()
