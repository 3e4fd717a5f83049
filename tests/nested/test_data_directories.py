"""Issue 3, 5: /var/lib/docker without a volume. It outlives a restart, is in the commit, shows to the engine, goes with
the container; it cannot be taken away from inside; an image with images in it works."""

import io
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

import nested
from nested import NODE, Nested
from test_docker import LOAD

BUILD = ("mkdir -p /tmp/build; printf 'FROM small:1\\nRUN echo built >/built; rm /etc/group\\nCMD cat /built\\n' "
         ">/tmp/build/Dockerfile; docker build -qt built /tmp/build")
CHECK = "docker run --rm built; docker run --rm built sh -c 'test -e /etc/group || echo removed'"


class DataDirectories(Nested):
    def layer(self, container: str) -> Path:
        return Path(self.docker("inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", container).stdout.strip())

    def test_restart_keeps(self):
        outer = self.start_docker()
        self.sh(outer, LOAD + "; " + BUILD)
        self.docker("restart", outer)
        self.await_docker(outer)
        self.assertEqual(self.sh(outer, CHECK), "built\nremoved")

    def test_commit_keeps_and_is_committed_again(self):
        """Twice: the second image's upper layer is a copy of the first one's directory, opaque."""
        outer = self.start_docker()
        self.sh(outer, LOAD + "; " + BUILD)
        for tag in ("preloaded:1", "preloaded:2"):
            self.docker("stop", outer)
            self.docker("commit", outer, tag)
            self.addCleanup(self.docker, "rmi", "-f", tag, check=False)
            self.docker("rm", outer)
            outer = self.start_docker(image=tag)
            self.assertEqual(self.sh(outer, CHECK), "built\nremoved")
            self.sh(outer, f"docker rmi -f nothing-{tag[-1]} || :; docker tag built also-{tag[-1]}")
        tags = self.sh(outer, "docker images --format '{{.Repository}}'").split()
        self.assertLessEqual({"small", "built", "also-1", "also-2"}, set(tags))
        self.docker("rm", "-f", outer)

    def test_shows_to_the_engine(self):
        outer = self.start("--privileged")
        self.sh(outer, "mkdir /var/lib/docker/in; echo inside >/var/lib/docker/in/file; chown 7:8 /var/lib/docker/in/file")
        with tempfile.TemporaryDirectory() as directory:
            tar = subprocess.run([*nested.engine.client(), "cp", f"{outer}:/var/lib/docker/in/file", "-"],
                                 capture_output=True, check=True).stdout
            with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
                entry = archive.next()
                self.assertEqual((archive.extractfile(entry).read(), entry.uid, entry.gid), (b"inside\n", 7, 8))
            file = Path(directory) / "file"
            file.write_text("from outside\n")
            os.chown(file, 7, 8)
            self.docker("cp", "-a", file, f"{outer}:/var/lib/docker/in/back")
        self.assertEqual(self.sh(outer, "cat /var/lib/docker/in/back; stat -c %u:%g /var/lib/docker/in/back"),
                         "from outside\n7:8")
        self.assertIn("A /var/lib/docker/in/back", self.docker("diff", outer).stdout)
        on_disk = self.layer(outer) / "var/lib/docker/in/file"
        self.assertEqual((on_disk.stat().st_uid, on_disk.stat().st_gid), (7, 8))  # natural ids

    def test_goes_with_the_container(self):
        outer = self.start("--privileged")
        layer = self.layer(outer)
        self.sh(outer, "touch /var/lib/docker/file")
        self.assertTrue((layer / "var/lib/docker/file").exists())
        self.docker("rm", "-f", outer)
        self.assertFalse(layer.exists())

    def test_cannot_be_taken_away(self):
        outer = self.start("--privileged")
        for command in ("umount /var/lib/docker", "umount -l /var/lib/docker", "mount --move /var/lib/docker /mnt",
                        "mount -o remount,bind,dev /var/lib/docker", "mount --bind /var/lib /mnt"):
            self.assertEqual(self.sh(outer, f"{command} 2>/dev/null && echo done || echo refused"), "refused", command)

    def test_where_it_is_not_wanted(self):
        mounts = "grep -o ' /var/lib/docker ' /proc/self/mountinfo || echo none"
        self.assertEqual(self.docker("run", "--rm", "--read-only", NODE, "sh", "-c", mounts).stdout.strip(), "none")
        self.assertEqual(self.docker("run", "--rm", "-v", "/var/lib", NODE, "sh", "-c", mounts).stdout.strip(), "none")
        self.assertEqual(self.docker("run", "--rm", "busybox:test", "sh", "-c", mounts).stdout.strip(), "none")
        container = self.docker("create", "busybox:test", "true").stdout.strip()
        self.docker("start", "-a", container)
        self.assertNotIn("/var/lib", self.docker("diff", container).stdout)
        self.docker("rm", container)

    def test_an_interrupted_copy_is_made_again(self):
        """What a crash leaves in the work directory is removed at the next start."""
        outer = self.start("--privileged")
        self.sh(outer, "mkdir /var/lib/docker/in; echo kept >/var/lib/docker/in/file")
        self.docker("stop", "-t", "0", outer)
        self.docker("commit", outer, "content:1")
        self.addCleanup(self.docker, "rmi", "-f", "content:1", check=False)
        container = self.docker("create", "--privileged", "content:1", "cat", "/var/lib/docker/in/file").stdout.strip()
        self.addCleanup(self.docker, "rm", "-f", container, check=False)
        work = Path(self.docker("inspect", "-f", "{{.GraphDriver.Data.WorkDir}}", container).stdout.strip())
        (work / "bulkhead-data/in").mkdir(parents=True)
        (work / "bulkhead-data/in/file").write_text("half")
        self.assertEqual(self.docker("start", "-a", container).stdout, "kept\n")
        self.assertFalse((work / "bulkhead-data").exists())
        xattr = subprocess.run(["getfattr", "-n", "trusted.overlay.opaque", "--only-values", "--absolute-names",
                                self.layer(container) / "var/lib/docker"], capture_output=True, text=True, check=True)
        self.assertEqual(xattr.stdout, "y")
