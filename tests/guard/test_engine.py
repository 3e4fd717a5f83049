"""G1: an engine whose own configuration would let a container pass the runtime is not served, at the start and after
its restart. And how the guard itself starts, reloads and ends."""

import json
import os
import signal
import subprocess
import time
import unittest

import support
from support import DockerEngine, Guard


class Changed(DockerEngine):
    """An engine with members of daemon.json changed; None: left out."""

    changes: dict = {}

    def configuration(self):
        merged = {**super().configuration(), **self.changes}
        return {key: value for key, value in merged.items() if value is not None}


def setUpModule():
    if os.getuid() != 0:
        raise unittest.SkipTest("needs root: a private Docker Engine")


class Engines(unittest.TestCase):
    def refusal(self, engine):
        with self.assertRaises(RuntimeError) as caught:
            Guard(engine).start()
        return str(caught.exception).replace("\\", "")

    def test_configurations_that_pass_the_runtime_by(self):
        engine = Changed()
        self.addCleanup(engine.close)
        for changes, words in (({"default-runtime": None}, 'default runtime is "runc"'),
                               ({"builder": None}, "builder.entitlements.network-host must be false"),
                               ({"runtimes": {"other": {"path": str(support.BULKHEAD)}}, "default-runtime": "other"},
                                'knows no runtime "bulkhead"')):
            with self.subTest(changes=changes):
                engine.changes = changes
                engine.start()
                try:
                    self.assertIn(words, self.refusal(engine))
                finally:
                    engine.stop()

    def test_an_engine_is_looked_at_again_after_its_restart(self):
        engine = Changed()
        self.addCleanup(engine.close)
        engine.start()
        guard = Guard(engine)
        self.addCleanup(guard.stop)
        guard.start()
        self.assertEqual(guard.request("GET", "/containers/json").status, 200)
        engine.stop()
        self.assertEqual(guard.request("GET", "/containers/json").status, 503)
        engine.changes = {"default-runtime": None}
        engine.start()
        refused = guard.request("GET", "/containers/json")
        self.assertEqual(refused.status, 503)
        self.assertIn("default runtime", refused.message)
        engine.stop()
        engine.changes = {}
        engine.start()
        self.assertEqual(guard.request("GET", "/containers/json").status, 200)

    def test_an_engine_that_all_can_reach(self):
        engine = DockerEngine()
        self.addCleanup(engine.close)
        engine.start()
        engine.root.chmod(0o755)
        engine.socket.chmod(0o666)
        self.assertIn("can be reached by others than root", self.refusal(engine))


class Life(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine, cls.guard = support.start()

    @classmethod
    def tearDownClass(cls):
        support.stop()

    def test_settings_are_reloaded(self):
        secret = self.engine.root / "secret"
        secret.mkdir()

        def volume():
            return self.guard.request("POST", "/volumes/create", {"Name": "vol", "DriverOpts": {
                "type": "none", "o": "bind", "device": str(secret)}}).status
        self.assertEqual(volume(), 201)
        self.engine.docker("volume", "rm", "vol")
        self.guard.write_settings({"bulkhead": {"restrictedMounts": {"add": [str(secret)]}}})
        self.guard.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertEqual(volume(), 403)
        self.guard.settings.write_text("{ broken")
        self.guard.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertEqual(volume(), 403, "the last good policy stays")
        self.assertIn("the last good policy stays", self.guard.log.read_text())

    def test_a_first_start_with_a_broken_file_fails_closed(self):
        other = Guard(self.engine)
        other.socket = self.engine.root / "other.sock"
        other.settings = self.engine.root / "broken.json"
        other.settings.write_text('{"bulkhead": {"unknown": 1}}')
        with self.assertRaises(RuntimeError) as caught:
            other.start()
        self.assertIn("unknown", str(caught.exception))

    def test_a_second_guard_does_not_take_the_socket(self):
        inode = os.stat(self.guard.socket).st_ino
        second = subprocess.run(self.guard.command(), capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(second.returncode, 1)
        self.assertIn("another process listens there", second.stderr)
        self.assertEqual(os.stat(self.guard.socket).st_ino, inode)

    def test_permissions_of_the_socket(self):
        self.assertEqual(os.stat(self.guard.socket).st_mode & 0o7777, 0o660)

    def test_slow_and_many_clients_leave_others_served(self):
        slow = [self.guard.connect() for _ in range(300)]
        for client in slow:
            client.sendall(b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{")
        start = time.monotonic()
        self.assertEqual(self.guard.request("GET", "/_ping").status, 200)
        self.assertLess(time.monotonic() - start, 1)
        for client in slow:
            client.close()

    def open_stream(self):
        """An attached container and the stream to it."""
        name = self.engine.docker("run", "-d", "-i", support.IMAGE, "cat").stdout.strip()
        self.addCleanup(self.engine.docker, "rm", "-f", name, check=False)
        client = self.guard.connect()
        self.addCleanup(client.close)
        client.sendall(f"POST /containers/{name}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\n"
                       "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode())
        self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 101"))
        return client

    def echoes(self, client):
        client.sendall(b"hello\n")
        return client.recv(4096)[8:] == b"hello\n"  # behind the frame's header

    def test_a_killed_worker_is_replaced_at_once(self):
        """kill -9: the sockets stay, whoever connects meanwhile is served by the next worker."""
        inode = os.stat(self.guard.socket).st_ino
        for _ in range(3):
            old = self.guard.workers()
            os.kill(old[0], signal.SIGKILL)
            start = time.monotonic()
            self.assertEqual(self.guard.request("GET", "/containers/json").status, 200)
            self.assertLess(time.monotonic() - start, 1.5)
            self.assertNotEqual(self.guard.workers(), old)
        self.assertEqual(os.stat(self.guard.socket).st_ino, inode)

    def test_a_new_worker_takes_over_and_streams_go_on(self):
        inode = os.stat(self.guard.socket).st_ino
        client = self.open_stream()
        old = self.guard.workers()
        self.guard.process.send_signal(signal.SIGUSR2)
        for _ in range(100):
            if len(self.guard.workers()) == 2:
                break
            time.sleep(0.05)
        time.sleep(0.5)
        self.assertEqual(self.guard.request("GET", "/containers/json").status, 200)
        self.assertTrue(self.echoes(client), "the stream lives in the old worker")
        self.assertEqual(len(self.guard.workers()), 2)
        client.close()
        for _ in range(100):
            if len(self.guard.workers()) == 1:
                break
            time.sleep(0.05)
        self.assertEqual(len(self.guard.workers()), 1, "the old worker ends with its last connection")
        self.assertNotEqual(self.guard.workers(), old)
        self.assertEqual(os.stat(self.guard.socket).st_ino, inode)

    def test_a_head_that_does_not_come_is_given_up(self):
        with self.guard.connect() as client:
            client.settimeout(40)
            client.sendall(b"GET /info HT")
            self.assertIn(b"408", client.recv(65536))
        self.assertIn("time", json.dumps(self.guard.audit()[-1]))


if __name__ == "__main__":
    unittest.main()
