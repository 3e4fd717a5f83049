"""D33, D34, C17, R6: what a container leaves on the host's file systems."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import support
from support import docker


class Files(unittest.TestCase):
    def make(self, target):
        out = docker("run", "--rm", "--privileged", "-v", target, support.IMAGE, "sh", "-c",
                     "cp /escape/descriptors /data/tool && /escape/capabilities /data/tool").stdout
        return dict(line.split(" ") for line in out.splitlines())

    def test_D33_setuid_and_capabilities_of_a_volume_have_no_effect(self):
        """A volume of the engine is out of the reach of the host's users, whatever it holds."""
        values = self.make("tools:/data")
        self.addCleanup(docker, "volume", "rm", "tools")
        self.assertEqual(values["chmod_setuid"], "OK")  # image builds need it
        path = support.engine().root / "data/volumes/tools/_data/tool"
        done = support.as_user(1000, "sh", "-c", f"test -e {path} && exec {path}; exit 66")
        self.assertEqual(done.returncode, 66, done.stdout)

    def test_D33_C17_a_bind_is_the_hosts_directory(self):
        """Written in THREAT_MODEL.md: root's setuid file in a bind is one on the host, so such a
        directory has to be nosuid there or closed to other users. With either it has no effect."""
        closed = Path(tempfile.mkdtemp(prefix="bulkhead-closed-", dir="/var/tmp"))  # 0700
        self.addCleanup(shutil.rmtree, closed, ignore_errors=True)
        self.make(f"{closed}:/data")
        self.assertEqual(os.stat(closed / "tool").st_uid, 0)
        done = support.as_user(1000, "sh", "-c", f"exec {closed}/tool")
        self.assertNotEqual(done.returncode, 0)
        nosuid = Path(tempfile.mkdtemp(prefix="bulkhead-nosuid-", dir="/var/tmp"))
        self.addCleanup(os.rmdir, nosuid)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "nosuid,mode=755", "tmpfs", nosuid], check=True)
        self.addCleanup(subprocess.run, ["umount", nosuid], check=True)
        self.make(f"{nosuid}:/data")
        shutil.copy(shutil.which("busybox") or "/bin/busybox", nosuid / "busybox")
        os.chown(nosuid / "busybox", 0, 0)
        (nosuid / "busybox").chmod(0o4755)
        done = support.as_user(1000, str(nosuid / "busybox"), "id", "-u")
        self.assertEqual(done.stdout.strip(), "1000")
        done = support.as_user(1000, str(nosuid / "busybox"), "grep", "CapEff", "/proc/self/status")
        self.assertEqual(int(done.stdout.split()[1], 16), 0)

    def test_C17_nosuid_and_nodev_of_the_hosts_mount_hold_inside(self):
        place = Path(tempfile.mkdtemp(prefix="bulkhead-flags-", dir="/var/tmp"))
        self.addCleanup(os.rmdir, place)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "nosuid,nodev,noexec", "tmpfs", place], check=True)
        self.addCleanup(subprocess.run, ["umount", place], check=True)
        for options in ((), ("--privileged",)):
            seen = docker("run", "--rm", *options, "-v", f"{place}:/data", support.IMAGE, "grep", " /data ", "/proc/self/mountinfo").stdout
            flags = seen.split()[5].split(",")
            self.assertLessEqual({"nosuid", "nodev", "noexec"}, set(flags))

    def test_D34_ids_outside_of_the_range(self):
        values = self.make("tools:/data")
        self.addCleanup(docker, "volume", "rm", "tools")
        self.assertEqual(values["chown_unmapped"], "EINVAL")
        self.assertEqual(values["setxattr_trusted"], "EPERM")

    def test_R4_propagation_does_not_reach_the_host(self):
        """A mount that a container makes in a shared bind stays in the container."""
        place = Path(tempfile.mkdtemp(prefix="bulkhead-shared-", dir="/var/tmp"))
        self.addCleanup(os.rmdir, place)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
        self.addCleanup(subprocess.run, ["umount", "-R", place], check=True)
        subprocess.run(["mount", "--make-shared", place], check=True)
        (place / "sub").mkdir()
        for how in ("rshared", "rslave", "rprivate"):
            docker("run", "--rm", "--privileged", "--mount", f"type=bind,src={place},dst=/data,bind-propagation={how}",
                   support.IMAGE, "sh", "-c", "mount -t tmpfs tmpfs /data/sub && touch /data/sub/inside")
            self.assertEqual(os.listdir(place / "sub"), [], how)
            self.assertNotIn(f"{place}/sub", Path("/proc/self/mountinfo").read_text())


if __name__ == "__main__":
    unittest.main()
