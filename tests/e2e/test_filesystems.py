"""R6: binds from the file systems that people have."""

import os
import subprocess
import unittest
from pathlib import Path

from support import IMAGE, Case, start_engine, stop_engine

setUpModule, tearDownModule = start_engine, stop_engine

IMAGE_MIB = {"ext4": 32, "xfs": 320, "btrfs": 128}


class FileSystems(Case):
    def exercise(self, path: Path):
        (path / "host").write_text("h")
        os.chown(path / "host", 1000, 1000)
        one, two = (self.start(["-v", f"{path}:/data"]) for _ in range(2))
        self.assertEqual(self.sh(one, "stat -c %u:%g /data/host; echo x > /data/file; chown 33:44 /data/file; ln /data/file /data/link;"
                                      "mkdir /data/dir; mv /data/link /data/dir/; stat -c %h /data/file"), "1000:1000\n2")
        self.assertEqual(self.sh(two, "stat -c %u:%g /data/dir/link; echo more >> /data/file; cat /data/dir/link"), "33:44\nx\nmore")
        self.assertEqual(((path / "file").stat().st_uid, (path / "dir").stat().st_uid), (33, 0))
        self.docker("rm", "-f", one, two)

    def loop(self, kind: str) -> Path:
        base = self.directory()
        image, path = base / "image", base / "mount"
        path.mkdir()
        with open(image, "wb") as file:
            file.truncate(IMAGE_MIB[kind] << 20)
        subprocess.run([f"mkfs.{kind}", "-q", image], check=True, capture_output=True)
        done = subprocess.run(["mount", "-o", "loop", image, path], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"cannot mount a loop file with {kind} here: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", path], check=False)
        return path

    def test_ext4(self):
        self.exercise(self.loop("ext4"))

    def test_xfs(self):
        self.exercise(self.loop("xfs"))

    def test_btrfs(self):
        self.exercise(self.loop("btrfs"))

    def test_tmpfs(self):
        path = self.directory()
        subprocess.run(["mount", "-t", "tmpfs", "scratch", path], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", path], check=False)
        self.exercise(path)

    def overlay(self) -> Path:
        base = self.directory()
        for name in ("lower", "upper", "work", "merged"):
            (base / name).mkdir()
        (base / "lower/old").write_text("old")
        subprocess.run(["mount", "-t", "overlay", "-o", f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work", "overlay",
                        base / "merged"], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", base / "merged"], check=False)
        return base / "merged"

    def test_overlay_read_by_containers(self):
        path = self.overlay()
        os.chown(path / "old", 1000, 1000)
        self.assertEqual(self.run_out(["-v", f"{path}:/data"], "sh", "-c", "stat -c %u /data/old; cat /data/old"), "1000\nold")

    def test_overlay_still_works_for_the_host(self):
        """The host goes on copying up while and after a container has the overlay."""
        path = self.overlay()
        container = self.start(["-v", f"{path}:/data"])
        (path / "old").write_text("changed by the host")
        self.assertEqual((path / "old").read_text(), "changed by the host")
        self.docker("rm", "-f", container)
        (path / "new").mkdir()
        os.rename(path / "old", path / "new/old")

    def test_overlay_written_by_one_container(self):
        path = self.overlay()
        self.assertEqual(self.run_out(["-v", f"{path}:/data"], "sh", "-c", "echo x > /data/f; chown 33 /data/f; echo y >> /data/old; cat /data/old"),
                         "oldy")
        self.assertEqual((path / "f").stat().st_uid, 33)

    def test_overlay_shared_by_two_containers(self):
        self.exercise(self.overlay())

    def test_what_cannot_be_idmapped_is_refused_by_name(self):
        path = self.directory()
        done = subprocess.run(["mount", "-t", "ramfs", "ramfs", path], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"no ramfs here: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", path], check=False)
        out = self.run_fails(["-v", f"{path}:/data"], "true")
        self.assertIn(str(path), out)
        self.assertIn("idmapped", out)


if __name__ == "__main__":
    unittest.main()
