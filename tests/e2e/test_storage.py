"""R5, R6: volumes, binds, copies, commits: owners stay what they are, on both sides."""

import ctypes
import io
import os
import subprocess
import tarfile
import unittest
from pathlib import Path

from support import IMAGE, TOOLS, Case, first_id, import_tools, start_engine, stop_engine, wait_for

tearDownModule = stop_engine


def setUpModule():
    import_tools(start_engine())


class Volumes(Case):
    def test_shared_by_two_with_different_ranges(self):
        volume = self.volume()
        one, two = self.start(["-v", f"{volume}:/data"]), self.start(["-v", f"{volume}:/data"])
        self.assertNotEqual(first_id(self.sh(one, "cat /proc/self/uid_map")), first_id(self.sh(two, "cat /proc/self/uid_map")))
        self.sh(one, "echo a > /data/root; echo b > /data/other; chown 33:44 /data/other; chmod 640 /data/other")
        self.assertEqual(self.sh(two, "stat -c %n:%u:%g:%a /data/*"), "/data/other:33:44:640\n/data/root:0:0:644")
        self.sh(two, "echo more >> /data/other; mkdir /data/d; chown 1000 /data/d; echo x > /data/d/by-root")
        self.assertEqual(self.sh(one, "cat /data/other; echo mine > /data/d/f", "-u", "0"), "b\nmore")
        self.sh(one, "echo user > /data/d/user", "-u", "1000")
        host = Path(self.docker("volume", "inspect", "-f", "{{.Mountpoint}}", volume).stdout.strip())
        owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in [*host.iterdir(), *(host / "d").iterdir()]}
        self.assertEqual(owners, {"root": (0, 0), "other": (33, 44), "d": (1000, 0), "by-root": (0, 0), "f": (0, 0),
                                  "user": (1000, 1000)})

    def test_filled_from_the_image(self):
        container = self.start((), "sh", "-c", "mkdir /seed; echo s > /seed/file; chown -R 1000:1000 /seed")
        self.docker("wait", container)
        self.docker("commit", container, "seeded:test")
        self.addCleanup(self.docker, "rmi", "-f", "seeded:test", check=False)
        self.assertEqual(self.run_out(["-v", "/seed"], "sh", "-c", "cat /seed/file; stat -c %u:%g /seed /seed/file", image="seeded:test"),
                         "s\n1000:1000\n1000:1000")

    def test_volumes_from(self):
        owner = self.start(["-v", "/shared"])
        self.sh(owner, "echo there > /shared/file")
        self.assertEqual(self.run_out(["--volumes-from", owner], "cat", "/shared/file"), "there")
        self.assertIn("Read-only", self.run_fails(["--volumes-from", f"{owner}:ro"], "touch", "/shared/x"))

    def test_read_only(self):
        volume = self.volume()
        self.assertIn("Read-only", self.run_fails(["-v", f"{volume}:/data:ro"], "touch", "/data/x"))

    def test_named_with_o_bind(self):
        """R4 lets harmless ones through."""
        path = self.directory()
        self.docker("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={path}", "bound")
        self.addCleanup(self.docker, "volume", "rm", "-f", "bound", check=False)
        self.run_out(["-v", "bound:/data"], "touch", "/data/file")
        self.assertEqual((path / "file").stat().st_uid, 0)


class Binds(Case):
    def test_owners_on_both_sides(self):
        path = self.directory()
        (path / "mine").write_text("host")
        os.chown(path / "mine", 1000, 1000)
        os.chown(path, 1000, 1000)
        self.assertEqual(self.run_out(["-v", f"{path}:/data"], "sh", "-c", "stat -c %u:%g /data/mine; echo r > /data/by-root"), "1000:1000")
        self.run_out(["-v", f"{path}:/data", "--user", "1000:1000"], "sh", "-c", "echo more >> /data/mine; echo u > /data/by-user")
        self.assertEqual({file.name: file.stat().st_uid for file in path.iterdir()}, {"mine": 1000, "by-root": 0, "by-user": 1000})

    def test_single_file(self):
        path = self.directory() / "file"
        path.write_text("content")
        self.assertEqual(self.run_out(["-v", f"{path}:/etc/file:ro"], "cat", "/etc/file"), "content")

    def test_propagation(self):
        path = self.directory()
        subprocess.run(["mount", "--bind", path, path], check=True)
        self.addCleanup(subprocess.run, ["umount", "-R", "-l", path], check=False)
        subprocess.run(["mount", "--make-shared", path], check=True)
        container = self.start(["--mount", f"type=bind,src={path},dst=/data,bind-propagation=rslave"])
        private = self.start(["--mount", f"type=bind,src={path},dst=/data,bind-propagation=rprivate"])
        (path / "below").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "later", path / "below"], check=True)
        (path / "below/file").write_text("x")
        self.assertEqual(self.sh(container, "ls /data/below"), "file")
        self.assertEqual(self.sh(private, "ls /data/below"), "")

    def test_mounts_below(self):
        path = self.directory()
        (path / "below").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "inner", path / "below"], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", path / "below"], check=False)
        (path / "below/file").write_text("x")
        os.chown(path / "below/file", 33, 33)
        self.assertEqual(self.run_out(["-v", f"{path}:/data"], "stat", "-c", "%u", "/data/below/file"), "33")
        self.assertEqual(self.run_out(["--mount", f"type=bind,src={path},dst=/data,bind-nonrecursive"], "ls", "/data/below"), "")

    def test_read_only_and_non_recursive(self):
        """R5: what is read-only stays so by every option."""
        path = self.directory()
        (path / "below").mkdir()
        for options in (f"type=bind,src={path},dst=/data,readonly", f"type=bind,src={path},dst=/data,readonly,bind-nonrecursive"):
            out = self.run_fails(["--privileged", "--mount", options], "sh", "-c",
                                 "mount -o remount,bind,rw /data /data; mount --bind /data /tmp && mount -o remount,bind,rw /tmp /tmp; touch /tmp/x || touch /data/x")
            self.assertIn("Read-only", out)
            self.assertFalse((path / "x").exists())

    def test_mount_points_are_made_as_root(self):
        path = self.directory()
        self.assertEqual(self.run_out(["-v", f"{path}:/new/deep/dir"], "stat", "-c", "%u:%g", "/new", "/new/deep"), "0:0\n0:0")

    def test_own_tmpfs_can_be_remounted(self):
        """R5, the documented session."""
        out = self.run_out("--privileged", "sh", "-c", "mkdir -p /root/tmpfs; mount -t tmpfs tmpfs /root/tmpfs; "
                           "mount -o remount,ro /root/tmpfs /root/tmpfs; findmnt -n -o SOURCE,OPTIONS /root/tmpfs; umount /root/tmpfs", image=TOOLS)
        self.assertRegex(out, r"^tmpfs +ro,relatime,uid=(\d+),gid=\1")

    def test_own_tmpfs_by_its_name_alone_is_as_in_any_user_namespace(self):
        """`mount -o remount,ro DIR` hands the uid= of /proc/mounts, an id of the initial user namespace, back to the kernel, which
        refuses it wherever ids are shifted, with no runtime at all too."""
        script = ("mkdir -p {0}; mount -t tmpfs tmpfs {0}; {1} mount -o remount,ro {0}; grep -o ' {0} tmpfs r[wo]' /proc/mounts;"
                  "{1} mount -o remount,ro {0} {0}; grep -o ' {0} tmpfs r[wo]' /proc/mounts")
        for tool in ("", "busybox"):
            with self.subTest(tool or "mount"):
                inside = self.run_out("--privileged", "sh", "-c", script.format("/root/tmpfs", tool), image=TOOLS if not tool else IMAGE)
                here = self.directory()
                outside = in_shifted_user_namespace("sh", "-c", script.format(here, tool))
                self.assertEqual(inside.split()[2::3], outside.split()[2::3])
                self.assertEqual(inside.split()[-1], "ro")


def in_shifted_user_namespace(*command: str) -> str:
    """What the command prints in a user namespace (ids from 100000 on) and a mount namespace of its own."""
    ready, go, out = os.pipe(), os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(out[1], 1)
            if ctypes.CDLL(None).unshare(0x10000000 | 0x00020000) == 0:
                os.write(ready[1], b"r")
                os.read(go[0], 1)
                os.setgid(0)
                os.setuid(0)
                os.execvp(command[0], command)
        finally:
            os._exit(125)
    os.close(out[1])
    os.read(ready[0], 1)
    for kind in ("uid", "gid"):
        Path(f"/proc/{pid}/{kind}_map").write_text("0 100000 65536")
    os.write(go[1], b"g")
    with open(out[0], encoding="utf-8") as file:
        text = file.read()
    os.waitpid(pid, 0)
    for fd in (*ready, *go):
        os.close(fd)
    return text


class Copies(Case):
    """docker cp, diff, export, commit look at the engine's view of the layers while the container runs."""

    def copy_in(self, container: str, name: str, text: str = "copied\n"):
        file = self.directory() / "file"
        file.write_text(text)
        self.docker("cp", file, f"{container}:{name}")

    def copy_out(self, container: str, name: str) -> str:
        archive = subprocess.run([*self.engine.client(), "cp", f"{container}:{name}", "-"], capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            return tar.extractfile(tar.getmembers()[0]).read().decode()

    def test_in_to_a_running_container(self):
        container = self.start()
        self.copy_in(container, "/tmp/file")
        self.assertEqual(self.sh(container, "cat /tmp/file; stat -c %u:%g /tmp/file"), "copied\n0:0")

    def test_in_to_a_stopped_one_and_after_a_restart(self):
        container = self.docker("create", IMAGE, "sh", "-c", "cat /tmp/file; sleep 1000").stdout.strip()
        self.addCleanup(self.docker, "rm", "-f", container, check=False)
        self.copy_in(container, "/tmp/file")
        self.docker("start", container)
        wait_for(lambda: "copied" in self.docker("logs", container).stdout, "the copied file is read")
        self.docker("stop", "-t", "0", container)
        self.copy_in(container, "/tmp/file", "again\n")
        self.docker("start", container)
        self.assertEqual(self.sh(container, "cat /tmp/file"), "again")

    def test_out_with_owner(self):
        container = self.start()
        self.sh(container, "echo out > /tmp/file; chown 33:44 /tmp/file")
        self.assertEqual(self.copy_out(container, "/tmp/file"), "out\n")
        archive = subprocess.run([*self.engine.client(), "cp", f"{container}:/tmp/file", "-"], capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            self.assertEqual((tar.getmembers()[0].uid, tar.getmembers()[0].gid), (33, 44))

    def test_out_of_what_changed_since_the_last_copy(self):
        container = self.start()
        self.assertNotEqual(self.docker("cp", f"{container}:/tmp/result", "-", check=False).returncode, 0)
        self.sh(container, "echo done > /tmp/result; echo changed > /etc/group")
        self.assertEqual(self.copy_out(container, "/tmp/result"), "done\n")
        self.assertEqual(self.copy_out(container, "/etc/group"), "changed\n")

    def test_in_to_where_the_container_looks(self):
        """The container has looked the directory and the missing file up before the copy."""
        container = self.start(["-w", "/var"], "sh", "-c", "while [ ! -e /var/go ]; do sleep 0.1; done; echo seen; sleep 1000")
        self.copy_in(container, "/var/go")
        wait_for(lambda: "seen" in self.docker("logs", container).stdout, "the container sees the copied file", 10)
        self.sh(container, "touch /var/beside")

    def test_in_to_a_directory_that_the_container_changed(self):
        container = self.start()
        self.sh(container, "echo own > /etc/own")
        self.copy_in(container, "/etc/copied")
        self.copy_in(container, "/etc/own")
        self.assertEqual(self.sh(container, "cat /etc/copied /etc/own"), "copied\ncopied")

    def test_user_added_in_a_running_container(self):
        container = self.start()
        self.sh(container, "echo fresh:x:1234:1234::/:/bin/sh >> /etc/passwd")
        self.assertEqual(self.sh(container, "id -u", "-u", "fresh"), "1234")

    def test_diff(self):
        container = self.start()
        self.sh(container, "echo x > /etc/new; rm /etc/group; echo y >> /etc/passwd")
        self.assertEqual(sorted(self.docker("diff", container).stdout.split("\n")[:-1]),
                         ["A /etc/new", "C /etc", "C /etc/passwd", "D /etc/group"])

    def test_export_of_a_running_container(self):
        container = self.start()
        self.sh(container, "echo x > /etc/new; chown 33:44 /etc/new")
        archive = subprocess.run([*self.engine.client(), "export", container], capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            member = tar.getmember("etc/new")
            self.assertEqual((member.uid, member.gid), (33, 44))
            self.assertEqual(tar.getmember("bin/busybox").uid, 0)

    def test_commit_of_a_running_container(self):
        container = self.start()
        self.sh(container, "echo x > /etc/new; chown 33:44 /etc/new; rm /etc/group")
        self.docker("commit", container, "committed:test")
        self.addCleanup(self.docker, "rmi", "-f", "committed:test", check=False)
        self.assertEqual(self.run_out("", "sh", "-c", "stat -c %u:%g /etc/new; ls /etc/group 2>&1 | grep -c 'No such'", image="committed:test"),
                         "33:44\n1")


class Attributes(Case):
    """R6: hard links, ACLs, extended attributes, in the image, a volume and a bind."""

    def test_everywhere(self):
        path, volume = self.directory(), self.volume()
        container = self.start(["-v", f"{volume}:/volume", "-v", f"{path}:/bind"], image=TOOLS)
        for place in ("/root", "/volume", "/bind"):
            with self.subTest(place=place):
                out = self.sh(container, f"cd {place}; echo x > f; ln f g; stat -c %h g; setfacl -m u:1000:rw f; "
                                         "getfacl -n f | grep 1000; setfattr -n user.mine -v value f; "
                                         "getfattr --only-values -n user.mine g")
                self.assertEqual(out, "2\nuser:1000:rw-\nvalue")
                self.assertEqual(self.sh(container, f"echo by-user >> {place}/f && echo ok; chmod 755 /root", "-u", "0"), "ok")
                self.assertEqual(self.sh(container, f"chmod 755 {place}; ls -ld {place} > /dev/null; echo"), "")
                self.assertEqual(self.sh(container, f"echo acl >> {place}/f && tail -n 1 {place}/f", "-u", "1000"), "acl")
        self.assertIn("user:1000:rw-", subprocess.run(["getfacl", "-n", "-p", path / "f"], capture_output=True, text=True, check=True).stdout)
        self.assertEqual(os.getxattr(path / "f", "user.mine"), b"value")

    def test_host_acl_seen_inside(self):
        path = self.directory()
        (path / "f").write_text("secret")
        (path / "f").chmod(0o600)
        subprocess.run(["setfacl", "-m", "u:1000:r", path / "f"], check=True)
        self.assertEqual(self.run_out(["-v", f"{path}:/bind", "--user", "1000"], "cat", "/bind/f"), "secret")
        self.assertIn("denied", self.run_fails(["-v", f"{path}:/bind", "--user", "1001"], "cat", "/bind/f"))

    def test_hard_link_across_image_layers(self):
        container = self.start((), "sh", "-c", "ln /etc/passwd /etc/linked; echo x >> /etc/linked; stat -c %h /etc/passwd; tail -n 1 /etc/passwd")
        self.docker("wait", container)
        self.assertEqual(self.docker("logs", container).stdout, "2\nx\n")

    def test_set_group_id_directory(self):
        path = self.directory()
        os.chown(path, 0, 50)
        path.chmod(0o2775)
        self.assertEqual(self.run_out(["-v", f"{path}:/bind"], "sh", "-c", "mkdir /bind/d; touch /bind/f; stat -c %g:%a /bind/d /bind/f"),
                         "50:2755\n50:644")

    def test_chown_in_the_image_is_not_a_copy_of_everything(self):
        self.assertEqual(self.run_out("", "sh", "-c", "chown 1000:1000 /bin/busybox; stat -c %u:%g /bin/busybox"), "1000:1000")


if __name__ == "__main__":
    unittest.main()
