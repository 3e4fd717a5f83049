"""R3, R8, R10: networks as the engine makes them: published ports, names, none, shared namespaces."""

import subprocess
import time
import unittest

from support import IMAGE, Case, first_id, start_engine, stop_engine, wait_for

setUpModule, tearDownModule = start_engine, stop_engine

# One line a connection: nc ends with the connection.
ANSWER = "while :; do echo hello from inside | nc -l -p 8080; done"


class Networks(Case):
    def network(self) -> str:
        name = f"net{time.monotonic_ns()}"
        self.docker("network", "create", name)
        self.addCleanup(self.docker, "network", "rm", name, check=False)
        return name

    def ask_host(self, port: int) -> str:
        """What a connection from the engine's host to a port says."""
        done = self.engine.host("busybox", "nc", "-w", "3", "127.0.0.1", port, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True)
        return done.stdout.strip()

    def test_published_port(self):
        self.start("-p 127.0.0.1:18080:8080", "sh", "-c", ANSWER)
        wait_for(lambda: self.try_host(18080) == "hello from inside", "an answer through the published port")

    def try_host(self, port):
        try:
            return self.ask_host(port)
        except subprocess.CalledProcessError:
            return ""

    def test_default_bridge(self):
        server = self.start((), "sh", "-c", ANSWER)
        address = self.inspect(server, "{{.NetworkSettings.IPAddress}}")
        self.assertEqual(self.run_out("", "sh", "-c", f"sleep 1; nc -w 3 {address} 8080 < /dev/null"), "hello from inside")
        self.assertIn("1 packets received", self.run_out("", "ping", "-c", "1", "-W", "3", address))

    def test_ping_without_the_capability(self):
        """The engine's ping_group_range is meant for every group of the container."""
        self.assertEqual(self.run_out("", "cat", "/proc/sys/net/ipv4/ping_group_range").split(), ["0", "65535"])

    def test_names_in_a_user_network(self):
        network = self.network()
        self.start(["--network", network, "--name", "server", "--network-alias", "alias"], "sh", "-c", ANSWER)
        for name in ("server", "alias"):
            self.assertEqual(self.run_out(["--network", network], "sh", "-c", f"sleep 1; nc -w 3 {name} 8080 < /dev/null"),
                             "hello from inside")

    def test_connect_and_disconnect(self):
        network, container = self.network(), self.start()
        self.docker("network", "connect", network, container)
        self.assertIn("eth1", self.sh(container, "ls /sys/class/net"))
        self.docker("network", "disconnect", network, container)
        self.assertNotIn("eth1", self.sh(container, "ls /sys/class/net"))

    def test_none(self):
        self.assertEqual(self.run_out("--network none", "ls", "/sys/class/net"), "lo")
        self.assertIn("1 packets received", self.run_out("--network none", "ping", "-c", "1", "127.0.0.1"))

    def test_of_another_container(self):
        owner = self.start()
        address = self.inspect(owner, "{{.NetworkSettings.IPAddress}}")
        joined = self.start(f"--network container:{owner}")
        self.assertIn(address, self.sh(joined, "ip -4 addr"))
        self.assertEqual(first_id(self.sh(joined, "cat /proc/self/uid_map")), first_id(self.sh(owner, "cat /proc/self/uid_map")))
        self.docker("rm", "-f", owner)
        self.assertEqual(self.sh(joined, "echo alive"), "alive")
        # The range stays held as long as one of them lives.
        fresh = first_id(self.run_out("", "cat", "/proc/self/uid_map"))
        self.assertNotEqual(fresh, first_id(self.sh(joined, "cat /proc/self/uid_map")))

    def test_processes_of_another_container(self):
        owner = self.start((), "sleep", "4321")
        self.assertIn("sleep 4321", self.run_out(f"--pid container:{owner}", "ps"))

    def test_ipc_of_another_container(self):
        owner = self.start("--ipc shareable", "sh", "-c", "echo shared > /dev/shm/file; sleep 1000")
        time.sleep(0.5)
        self.assertEqual(self.run_out(f"--ipc container:{owner}", "cat", "/dev/shm/file"), "shared")

    def test_own_network_administration(self):
        self.assertIn("made0", self.run_out("--cap-add NET_ADMIN", "sh", "-c",
                                            "ip addr add 10.9.9.9/32 dev lo && ip link add made0 type bridge && ip link"))

    def test_host_names_files(self):
        out = self.run_out("--hostname box --add-host other:10.1.2.3 --dns 10.4.5.6", "cat", "/etc/hosts", "/etc/resolv.conf")
        self.assertIn("10.1.2.3\tother", out)
        self.assertIn("nameserver 10.4.5.6", out)
        self.assertIn("\tbox", out)
        container = self.start()
        self.sh(container, "echo 10.7.7.7 mine >> /etc/hosts")
        self.assertIn("10.7.7.7 mine", self.sh(container, "cat /etc/hosts"))


if __name__ == "__main__":
    unittest.main()
