"""R10: Podman as root, with a storage and a state of its own."""

import os
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path


import support  # noqa: F401  (finds tests/lib)
from engine import busybox_rootfs, unmount_below
from support import BULKHEAD, first_id, wait_for

IMAGE = "localhost/busybox:test"
_root = None


def setUpModule():
    global _root
    if os.getuid() != 0 or not shutil.which("podman"):
        raise unittest.SkipTest("needs root and podman")
    _root = Path(tempfile.mkdtemp(prefix="bulkhead-podman-", dir="/var/tmp"))
    with tempfile.TemporaryDirectory() as directory:
        busybox_rootfs(Path(directory))
        with tarfile.open(_root / "busybox.tar", "w") as tar:
            tar.add(directory, arcname=".")
    podman("import", "-c", "CMD sh", str(_root / "busybox.tar"), IMAGE)


def tearDownModule():
    if _root:
        podman("pod", "rm", "-f", "-a", check=False)
        podman("rm", "-f", "-a", check=False)
        unmount_below(_root)
        shutil.rmtree(_root, ignore_errors=True)


def podman(*arguments, check=True, **settings):
    command = ["podman", "--root", _root / "storage", "--runroot", _root / "run", "--tmpdir", _root / "tmp", "--runtime", BULKHEAD,
               "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--conmon", "/usr/bin/conmon", *arguments]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, check=False, **settings)
    if check and done.returncode != 0:
        raise AssertionError(f"podman {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Containers(unittest.TestCase):
    NETWORK = ("--network", "none")

    def run_out(self, *arguments) -> str:
        return podman("run", "--rm", *self.NETWORK, *arguments).stdout.strip()

    def start(self, *options) -> str:
        container = podman("run", "-d", *self.NETWORK, *options, IMAGE, "sleep", "1000").stdout.strip()
        self.addCleanup(podman, "rm", "-f", "-t", "0", container, check=False)
        return container

    def sh(self, container, script, *options) -> str:
        return podman("exec", *options, container, "sh", "-c", script).stdout.strip()

    def test_run(self):
        first_id(self.run_out(IMAGE, "cat", "/proc/self/uid_map"))
        self.assertEqual(self.run_out(IMAGE, "sh", "-c", "id -u; stat -c %u /bin/busybox; echo x > /f; stat -c %u /f"), "0\n0\n0")

    def test_exit_codes(self):
        for command, code in ((["sh", "-c", "exit 7"], 7), (["/etc/passwd"], 126), (["no-such-program"], 127)):
            self.assertEqual(podman("run", "--rm", *self.NETWORK, IMAGE, *command, check=False).returncode, code, command)

    def test_exec_logs_stop_restart(self):
        container = self.start()
        ids = self.sh(container, "cat /proc/self/uid_map")
        self.assertEqual(self.sh(container, "id -u", "--user", "1000"), "1000")
        podman("restart", "-t", "0", container)
        self.assertEqual(self.sh(container, "cat /proc/self/uid_map"), ids)
        talker = podman("run", "-d", *self.NETWORK, IMAGE, "sh", "-c", "echo said").stdout.strip()
        podman("wait", talker)
        self.assertEqual(podman("logs", talker).stdout, "said\n")
        podman("rm", talker)

    def test_stdin(self):
        self.assertEqual(podman("run", "--rm", "-i", *self.NETWORK, IMAGE, "cat", input="typed\n").stdout, "typed\n")

    def test_copy_to_a_stopped_container_and_out(self):
        container = podman("create", *self.NETWORK, IMAGE, "sleep", "1000").stdout.strip()
        self.addCleanup(podman, "rm", "-f", "-t", "0", container, check=False)
        file = _root / "file"
        file.write_text("copied\n")
        podman("cp", file, f"{container}:/tmp/file")
        podman("start", container)
        self.assertEqual(self.sh(container, "cat /tmp/file; echo back > /tmp/other"), "copied")
        podman("cp", f"{container}:/tmp/other", _root / "other")
        self.assertEqual((_root / "other").read_text(), "back\n")

    def test_copy_into_a_running_container(self):
        """Podman joins the container's mount namespace as the host's root, whose id the root file system does not have: what it says
        is the kernel's EOVERFLOW. With ranges that Podman knows (--userns=auto) it maps its ids itself."""
        container = self.start()
        file = _root / "file"
        file.write_text("copied\n")
        done = podman("cp", file, f"{container}:/tmp/file", check=False)
        self.assertIn("value too large for defined data type", done.stderr)
        mapped = self.start("--uidmap", "0:700000:65536", "--gidmap", "0:700000:65536")
        podman("cp", file, f"{mapped}:/tmp/file")
        self.assertEqual(self.sh(mapped, "cat /tmp/file; stat -c %u /tmp/file /bin/busybox; cat /proc/self/uid_map").split(),
                         ["copied", "0", "0", "0", "700000", "65536"])

    def test_volume_and_bind(self):
        path = _root / "bind"
        path.mkdir()
        os.chown(path, 1000, 1000)
        self.assertEqual(self.run_out("-v", f"{path}:/data", "-v", "named:/vol", IMAGE, "sh", "-c",
                                      "stat -c %u /data; touch /data/f /vol/f; stat -c %u /vol/f"), "1000\n0")
        self.assertEqual((path / "f").stat().st_uid, 0)

    def test_pods(self):
        pod = podman("pod", "create", "--infra-image", IMAGE, "--infra-command", "sleep 1000", "--network", "none").stdout.strip()
        self.addCleanup(podman, "pod", "rm", "-f", pod, check=False)
        one, two = (podman("run", "-d", "--pod", pod, IMAGE, "sleep", "1000").stdout.strip() for _ in range(2))
        self.assertIn(one[:12], podman("pod", "inspect", pod).stdout)
        first_id(self.sh(one, "cat /proc/self/uid_map"))
        for name in ("user", "net", "ipc", "uts"):
            self.assertEqual(self.sh(one, f"readlink /proc/self/ns/{name}"), self.sh(two, f"readlink /proc/self/ns/{name}"))

    def test_shared_network(self):
        owner = self.start()
        joined = podman("run", "-d", "--network", f"container:{owner}", IMAGE, "sleep", "1000").stdout.strip()
        self.addCleanup(podman, "rm", "-f", "-t", "0", joined, check=False)
        self.assertEqual(self.sh(joined, "cat /proc/self/uid_map"), self.sh(owner, "cat /proc/self/uid_map"))

    def test_default_network(self):
        done = podman("run", "--rm", IMAGE, "ip", "-4", "addr", check=False)
        if done.returncode != 0 and subprocess.run(["podman", "--root", str(_root / "storage2"), "--runroot", str(_root / "run2"), "run", "--rm",
                                                     "--runtime", "runc", "--cgroup-manager", "cgroupfs", "--rootfs", "/", "true"],
                                                    capture_output=True, check=False).returncode != 0:
            self.skipTest(f"podman's default network works with no runtime here: {done.stderr.strip()[-200:]}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("eth0", done.stdout)

    def test_limits_and_pause(self):
        container = self.start("--memory", "64m", "--pids-limit", "50")
        podman("pause", container)
        self.assertEqual(podman("inspect", "-f", "{{.State.Status}}", container).stdout.strip(), "paused")
        podman("unpause", container)
        self.assertEqual(self.sh(container, "echo alive"), "alive")

    def test_host_namespaces(self):
        done = podman("run", "--rm", *self.NETWORK, "--pid", "host", IMAGE, "true", check=False)
        self.assertIn("can't share namespaces [pid] with the host", done.stderr)
        done = podman("run", "--rm", "--network", "host", IMAGE, "true", check=False)
        self.assertIn("can't share a network namespace with the host", done.stderr)

    def test_privileged(self):
        out = self.run_out("--privileged", IMAGE, "sh", "-c", "mount -t tmpfs t /tmp && echo mounted; mknod /dev/sda b 8 0 || echo refused")
        self.assertEqual(out, "mounted\nrefused")

    def test_terminal(self):
        command = ["podman", "--root", f"{_root}/storage", "--runroot", f"{_root}/run", "--tmpdir", f"{_root}/tmp", "--runtime",
                   str(BULKHEAD), "--cgroup-manager", "cgroupfs", "--events-backend", "none", "run", "--rm", "-it", "--network",
                   "none", IMAGE, "tty"]
        # Its stdin stays open: script(1) hands the end of it to the terminal, which podman may see before the container's output.
        with subprocess.Popen(["script", "-qec", " ".join(command), "/dev/null"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as script:
            out = script.stdout.read()
        self.assertIn("/dev/pts/0", out)


if __name__ == "__main__":
    unittest.main()
