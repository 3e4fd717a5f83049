"""R11, R2, D13-D15: which device nodes a container has, and who may open them."""

import os
import subprocess
import tempfile
import unittest

import support
from support import docker, refused

STANDARD = {"null": "1, 3", "zero": "1, 5", "full": "1, 7", "random": "1, 8", "urandom": "1, 9", "tty": "5, 0"}


def nodes(*options):
    """{path: (type letter, "major, minor", mode)} of all nodes below /dev but ptys."""
    out = docker("run", "--rm", *options, support.IMAGE, "sh", "-c",
                 "find /dev -path /dev/pts -prune -o \\( -type c -o -type b \\) -exec stat -c '%n %F %t %T %a' {} +").stdout
    found = {}
    for line in out.splitlines():
        name, words = line.split(" ", 1)
        kind = "b" if words.startswith("block") else "c"
        major, minor, mode = words.split()[-3:]
        found[name] = (kind, f"{int(major, 16)}, {int(minor, 16)}", mode)
    return found


class Devices(unittest.TestCase):
    def test_R11_the_standard_nodes_and_no_more(self):
        for options in support.KINDS.values():
            with self.subTest(options=options):
                found = nodes(*options)
                extra = {"/dev/fuse", "/dev/net/tun"} if "--privileged" in options else set()
                self.assertEqual(set(found) - {"/dev/console"}, {f"/dev/{name}" for name in STANDARD} | extra)
                for name, numbers in STANDARD.items():
                    self.assertEqual(found[f"/dev/{name}"], ("c", numbers, "666"))

    def test_R11_fuse_by_device(self):
        mode = os.stat("/dev/fuse").st_mode & 0o777
        self.assertEqual(nodes("--device", "/dev/fuse")["/dev/fuse"], ("c", "10, 229", f"{mode:o}"))
        for target in ("/dev/fuse", "/dev/other"):
            device = ["--device", f"/dev/fuse:{target}"]
            ask = ["sh", "-c", f"exec 3<>{target} && echo opened"]
            self.assertEqual(docker("run", "--rm", *device, support.IMAGE, *ask).stdout, "opened\n")
            other = docker("run", "--rm", *device, "--user", "1000", support.IMAGE, *ask, check=False)
            # As its mode on the host says: 0600 here and there, 0666 on most systems.
            self.assertEqual(other.stdout, "opened\n" if mode & 0o006 == 0o006 else "")

    def test_R11_tun_and_fuse_with_privileged(self):
        out = docker("run", "--rm", "--privileged", support.IMAGE, "sh", "-c",
                     "exec 3<>/dev/fuse 4<>/dev/net/tun && echo opened").stdout
        self.assertEqual(out, "opened\n")

    def test_R11_a_disk_is_refused(self):
        for path in ("/dev/loop0", "/dev/loop-control", "/dev/tty1", "/dev/kmsg", "/dev/mem", "/dev/vda"):
            if os.path.exists(path):
                with self.subTest(path=path):
                    self.assertIn(f"device {path} is not allowed; if you wish to allow it, add it to "
                                  "bulkhead.devices.allow in the settings file",
                                  refused("run", "--rm", "--device", path, support.IMAGE, "true"))

    def test_R11_an_allowed_name_does_not_make_a_disk_allowed(self):
        """The path in the container is the asker's choice; the device is judged by its numbers."""
        image = tempfile.NamedTemporaryFile(dir="/var/tmp", prefix="bulkhead-loop-")
        self.addCleanup(image.close)
        image.write(b"disk of the host" * 4096)
        image.flush()
        loop = subprocess.run(["losetup", "--find", "--show", image.name], capture_output=True, text=True, check=False)
        device = loop.stdout.strip() or "/dev/loop0"
        if loop.stdout.strip():
            self.addCleanup(subprocess.run, ["losetup", "--detach", device], check=True)
        for target in ("/dev/fuse", "/dev/net/tun", "/dev/kvm", "/dev/null", "/dev/console", "/x"):
            with self.subTest(target=target):
                self.assertIn("is not allowed", refused("run", "--rm", "--device", f"{device}:{target}", support.IMAGE, "true"))
        for target in ("/dev/fuse", "/dev/null", "/dev/xda", "/x"):
            with self.subTest(target=target, privileged=True):
                done = docker("run", "--rm", "--privileged", "--device", f"{device}:{target}", support.IMAGE, "sh", "-c",
                              f"find /dev -type b; head -c 4 {target}", check=False)
                self.assertNotIn("disk", done.stdout)
                self.assertEqual(done.stdout.split(), [])

    def test_R11_device_cgroup_rules_are_not_the_askers(self):
        """--device-cgroup-rule would allow what an image's own node names."""
        out = docker("run", "--rm", "--device-cgroup-rule", "b *:* rwm", "--device-cgroup-rule", "c *:* rwm",
                     "--privileged", support.IMAGE, "/escape/nodes", "/nodes").stdout
        for line in out.splitlines():
            self.assertTrue(line.endswith(" EACCES"), line)


if __name__ == "__main__":
    unittest.main()
