"""R10: containerd's own client, without Docker: an own containerd with own root, state and socket."""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

import support
from engine import Containerd, busybox_rootfs, unmount_below
from support import BULKHEAD, first_id, wait_for

SNAPSHOTTERS = ("overlayfs", "native")
_daemon = None


def setUpModule():
    global _daemon
    if os.getuid() != 0 or not shutil.which("ctr"):
        raise unittest.SkipTest("needs root and containerd's ctr")
    _daemon = Containerd(Path(tempfile.mkdtemp(prefix="bulkhead-ctr-", dir="/var/tmp")))
    _daemon.start()
    archive = docker_archive(_daemon.root)
    for snapshotter in SNAPSHOTTERS:
        ctr("image", "import", "--snapshotter", snapshotter, str(archive))


def tearDownModule():
    if _daemon:
        _daemon.stop()
        unmount_below(_daemon.root)
        shutil.rmtree(_daemon.root, ignore_errors=True)


def docker_archive(root: Path) -> Path:
    """busybox as `docker save` would write it."""
    with tempfile.TemporaryDirectory(dir=root) as directory:
        base = Path(directory)
        (base / "rootfs").mkdir()
        busybox_rootfs(base / "rootfs")
        with tarfile.open(base / "layer.tar", "w") as tar:
            tar.add(base / "rootfs", arcname=".")
        digest = subprocess.run(["sha256sum", base / "layer.tar"], capture_output=True, text=True, check=True).stdout.split()[0]
        (base / "config.json").write_text(json.dumps({
            "architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"], "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}))
        (base / "manifest.json").write_text(json.dumps([
            {"Config": "config.json", "RepoTags": ["docker.io/library/busybox:test"], "Layers": ["layer.tar"]}]))
        with tarfile.open(root / "image.tar", "w") as tar:
            for name in ("layer.tar", "config.json", "manifest.json"):
                tar.add(base / name, arcname=name)
    return root / "image.tar"


def ctr(*arguments, check=True, **settings):
    done = subprocess.run(["ctr", "--address", str(_daemon.socket), *arguments], capture_output=True, text=True, timeout=120,
                          check=False, **settings)
    if check and done.returncode != 0:
        raise AssertionError(f"ctr {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Containers(unittest.TestCase):
    def run_options(self, snapshotter="overlayfs"):
        return ["run", "--runc-binary", str(BULKHEAD), "--snapshotter", snapshotter]

    def start(self, *options, command=("sleep", "1000"), snapshotter="overlayfs") -> str:
        name = self.id().rsplit(".", 1)[1].replace("_", "-")[:60]
        self.addCleanup(self.remove, name)
        ctr(*self.run_options(snapshotter), "-d", *options, "docker.io/library/busybox:test", name, *command)
        return name

    @staticmethod
    def remove(name):
        ctr("task", "kill", "-s", "SIGKILL", name, check=False)
        ctr("task", "delete", "-f", name, check=False)
        ctr("container", "delete", name, check=False)

    def execute(self, name, *command):
        return ctr("task", "exec", "--exec-id", f"exec{os.urandom(4).hex()}", name, *command).stdout.strip()

    def test_run_in_the_foreground(self):
        for snapshotter in SNAPSHOTTERS:
            with self.subTest(snapshotter=snapshotter):
                out = ctr(*self.run_options(snapshotter), "--rm", "docker.io/library/busybox:test", f"once-{snapshotter}",
                          "sh", "-c", "cat /proc/self/uid_map; stat -c %u /bin/busybox; echo w > /written; stat -c %u:%g /written").stdout.split("\n")
                first_id(out[0])
                self.assertEqual(out[1:3], ["0", "0:0"])

    def test_exit_code(self):
        done = ctr(*self.run_options(), "--rm", "docker.io/library/busybox:test", "code", "sh", "-c", "exit 9", check=False)
        self.assertEqual(done.returncode, 9)

    def test_exec(self):
        name = self.start()
        self.assertEqual(self.execute(name, "sh", "-c", "echo inside; id -u"), "inside\n0")

    def test_pause_and_resume(self):
        name = self.start()
        status = lambda: ctr("task", "ls").stdout  # noqa: E731
        ctr("task", "pause", name)
        self.assertRegex(status(), rf"{name}\s+\d+\s+PAUSED")
        ctr("task", "resume", name)
        self.assertRegex(status(), rf"{name}\s+\d+\s+RUNNING")

    def test_metrics(self):
        name = self.start("--memory-limit", str(64 << 20))
        text = ctr("task", "metrics", name).stdout
        self.assertRegex(text, r"memory.usage_in_bytes\s+[1-9]|memory.usage\s+[1-9]")
        self.assertIn(str(64 << 20), text)

    def test_processes_and_kill(self):
        name = self.start()
        self.assertRegex(ctr("task", "ps", name).stdout, r"\n\d+")
        ctr("task", "kill", "-s", "SIGKILL", name)
        wait_for(lambda: "STOPPED" in ctr("task", "ls").stdout, "the task ends")

    def test_privileged_and_host_network(self):
        out = ctr(*self.run_options(), "--rm", "--privileged", "docker.io/library/busybox:test", "power", "cat", "/proc/self/uid_map").stdout
        first_id(out)
        done = ctr(*self.run_options(), "--rm", "--net-host", "docker.io/library/busybox:test", "host", "true", check=False)
        self.assertIn("can't share a network namespace with the host", done.stderr)

    def test_bind(self):
        path = Path(tempfile.mkdtemp(prefix="bulkhead-e2e-", dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, path)
        path.chmod(0o755)
        ctr(*self.run_options(), "--rm", "--mount", f"type=bind,src={path},dst=/data,options=rbind:rw", "docker.io/library/busybox:test",
            "bind", "touch", "/data/file")
        self.assertEqual((path / "file").stat().st_uid, 0)


if __name__ == "__main__":
    unittest.main()
