"""R6: files keep their owners, and the engine sees the files of a running container as the container does,
through the real Docker Engine: docker cp, export, commit, diff, restart. Each test that compares asks the
container itself what is there.

    python3 -m unittest discover -s tests/e2e -p test_files.py
"""

import hashlib
import io
import json
import os
import signal
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from engine import IMAGE, DockerEngine  # noqa: E402

# The container's own mounts, whose files are not the image's.
MOUNTED = ("proc", "sys", "dev", "etc/hosts", "etc/hostname", "etc/resolv.conf")
CAP_NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)  # version 2, effective

engine: DockerEngine


def setUpModule():
    global engine
    engine = DockerEngine()
    try:
        engine.start()
        engine.import_busybox()
    except BaseException:
        engine.close()
        raise


def tearDownModule():
    engine.close()


def views() -> list:
    """Mount points of views below the engine's directory, in this (the engine's) mount namespace."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [line[4] for line in lines if "fuse.bulkhead" in line and line[4].startswith(str(engine.root))]


def keepers() -> list:
    """Pids of keepers of this engine's containers, zombies left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"bulkhead-keeper") and words[-2].decode() in container_ids:
            found.append(int(entry.name))
    return found


container_ids: set = set()


class Container:
    """A running `sleep` under Bulkhead; removed at the end of the test."""

    def __init__(self, test: unittest.TestCase, *options, image=IMAGE, command=("sleep", "1000")):
        self.id = engine.docker("run", "-d", *options, image, *command).stdout.strip()
        container_ids.add(self.id)
        test.addCleanup(self.remove)

    def remove(self):
        engine.docker("rm", "-f", "-v", self.id, check=False)

    def run(self, script: str, user="0", check=True) -> str:
        return engine.docker("exec", "-u", user, self.id, "sh", "-c", script, check=check).stdout

    def state(self) -> dict:
        return json.loads((engine.root / "exec/runtime-runc/moby" / self.id / "state.json").read_text())

    def merged(self) -> Path:
        return Path(self.inspect("{{.GraphDriver.Data.MergedDir}}"))

    def upper(self) -> Path:
        return Path(self.inspect("{{.GraphDriver.Data.UpperDir}}"))

    def inspect(self, template: str) -> str:
        return engine.docker("inspect", "-f", template, self.id).stdout.strip()

    def copy_out(self, path: str, *options) -> tarfile.TarFile:
        done = subprocess.run([*engine.client(), "cp", *options, f"{self.id}:{path}", "-"], capture_output=True,
                              timeout=60, check=False)
        if done.returncode != 0:
            raise FileNotFoundError(done.stderr.decode())
        return tarfile.open(fileobj=io.BytesIO(done.stdout))

    def copy_in(self, archive: bytes, path: str, *options):
        subprocess.run([*engine.client(), "cp", *options, "-", f"{self.id}:{path}"], input=archive, timeout=60,
                       check=True, capture_output=True)


def archive(*members) -> bytes:
    """A tar of (TarInfo, bytes)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def member(name: str, uid=0, gid=0, mode=0o644, kind=tarfile.REGTYPE, target="", pax=None) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.uid, info.gid, info.mode, info.type, info.linkname = uid, gid, mode, kind, target
    info.pax_headers = pax or {}
    return info


def listing(data: bytes) -> dict:
    """{path: what a tar says of it}, mounts and the times of directories left out."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for info in tar:
            path = os.path.normpath(info.name).lstrip("/")
            if any(path == m or path.startswith(f"{m}/") for m in MOUNTED) or path == ".dockerenv":
                continue
            content = tar.extractfile(info).read() if info.isreg() else info.linkname if info.issym() else b""
            found[path] = (info.type if not info.islnk() else tarfile.REGTYPE, info.mode & 0o7777, info.uid, info.gid,
                           content if not info.islnk() else b"link", info.devmajor if info.isdev() else 0)
    return found


class Running(unittest.TestCase):
    """docker cp, export, diff and commit of a container that runs."""

    def test_r6_copy_out_what_the_container_made(self):
        c = Container(self)
        c.run("echo one > /root/f; chown 33:1000 /root/f; chmod 640 /root/f")
        with c.copy_out("/root/f") as tar:
            info = tar.getmember("f")
            self.assertEqual((info.uid, info.gid, info.mode & 0o777), (33, 1000, 0o640))
            self.assertEqual(tar.extractfile(info).read(), b"one\n")
        c.run("echo two >> /root/f; chown 1000:0 /root/f")
        with c.copy_out("/root/f") as tar:
            info = tar.getmember("f")
            self.assertEqual((info.uid, info.gid), (1000, 0))
            self.assertEqual(tar.extractfile(info).read(), b"one\ntwo\n")

    def test_r6_copy_in_is_seen_at_once(self):
        c = Container(self)
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"hello\n")
            file.flush()
            os.chown(file.name, 1000, 33)
            os.chmod(file.name, 0o604)
            engine.docker("cp", file.name, f"{c.id}:/etc/plain")
            engine.docker("cp", "-a", file.name, f"{c.id}:/etc/kept")
        self.assertEqual(c.run("stat -c '%n %a' /etc/plain; stat -c '%n %u %g %a' /etc/kept; cat /etc/plain /etc/kept"),
                         "/etc/plain 604\n/etc/kept 1000 33 604\nhello\nhello\n")
        info = (c.upper() / "etc/kept").stat()  # natural on the host's disk too
        self.assertEqual((info.st_uid, info.st_gid), (1000, 33))

    def test_r6_owners_of_archives(self):
        c = Container(self)
        c.copy_in(archive(*[(member(f"f{uid}", uid, uid), str(uid).encode()) for uid in (0, 33, 1000, 65535)]),
                  "/root", "-a")
        self.assertEqual(c.run("stat -c '%n %u %g' /root/f*"),
                         "/root/f0 0 0\n/root/f1000 1000 1000\n/root/f33 33 33\n/root/f65535 65535 65535\n")

    def test_r6_an_owner_outside_the_range_is_refused(self):
        c = Container(self)
        done = subprocess.run([*engine.client(), "cp", "-a", "-", f"{c.id}:/root"], capture_output=True, check=False,
                              input=archive((member("big", 70000, 0), b"x")))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"invalid argument", done.stderr.lower())

    def test_r6_directories_and_links(self):
        c = Container(self)
        c.copy_in(archive((member("d", kind=tarfile.DIRTYPE, mode=0o1777), b""),
                          (member("d/in", 33, 33), b"inner"),
                          (member("d/sym", kind=tarfile.SYMTYPE, target="/etc/passwd", mode=0o777), b""),
                          (member("d/dangling", kind=tarfile.SYMTYPE, target="../nowhere", mode=0o777), b""),
                          (member("d/hard", kind=tarfile.LNKTYPE, target="d/in"), b""),
                          (member("d/fifo", kind=tarfile.FIFOTYPE), b"")), "/root", "-a")
        self.assertEqual(c.run("cd /root/d; stat -c '%n %F %a %h' . in hard fifo; readlink sym; readlink dangling;"
                               " [ in -ef hard ] && echo same"),
                         ". directory 1777 2\nin regular file 644 2\nhard regular file 644 2\nfifo fifo 644 1\n"
                         "/etc/passwd\n../nowhere\nsame\n")
        c.run("ln -s /root/d /root/to-d; mkdir /root/d/late; echo late > /root/d/late/f")
        with c.copy_out("/root/to-d/late/f") as tar:  # through a symlink, resolved in the container
            self.assertEqual(tar.extractfile("f").read(), b"late\n")
        with c.copy_out("/root/d") as tar:
            self.assertEqual(sorted(tar.getnames()),
                             ["d", "d/dangling", "d/fifo", "d/hard", "d/in", "d/late", "d/late/f", "d/sym"])
            self.assertEqual(tar.getmember("d/dangling").linkname, "../nowhere")
            self.assertEqual({tar.getmember("d/hard").type, tar.getmember("d/in").type},
                             {tarfile.LNKTYPE, tarfile.REGTYPE})

    def test_r6_symlinks_do_not_lead_out(self):
        with tempfile.NamedTemporaryFile(dir="/var/tmp") as secret:
            secret.write(b"the host's")
            secret.flush()
            c = Container(self)
            c.run(f"ln -s {secret.name} /root/out; ln -s / /root/top")
            with self.assertRaises(FileNotFoundError):
                c.copy_out(f"/root/top{secret.name}")
            self.assertEqual(os.readlink(c.merged() / "root/out"), secret.name)

    def test_r6_replaces_a_file_that_is_open(self):
        c = Container(self)
        c.run("echo old > /root/f; (exec 3< /root/f; while [ ! -e /root/go ]; do sleep 0.1; done;"
              " cat <&3 > /root/held; cat /root/f > /root/new; : > /root/done) >/dev/null 2>&1 &")
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"replaced\n")
            file.flush()
            engine.docker("cp", file.name, f"{c.id}:/root/f")
        c.run("touch /root/go; while [ ! -e /root/done ]; do sleep 0.1; done")
        self.assertEqual(c.run("cat /root/held /root/new"), "old\nreplaced\n")

    def test_r6_polling(self):
        c = Container(self)
        for turn in range(3):
            with self.assertRaises(FileNotFoundError):
                c.copy_out("/var/notyet")
            c.run(f"echo {turn} > /var/notyet")
            with c.copy_out("/var/notyet") as tar:
                self.assertEqual(tar.extractfile("notyet").read(), f"{turn}\n".encode())
            c.run("rm /var/notyet")

    def test_r6_what_the_container_replaces(self):
        c = Container(self)
        c.run("mkdir /root/x; echo 1 > /root/x/f")
        self.assertEqual(c.copy_out("/root/x/f").extractfile("f").read(), b"1\n")
        c.run("mv /root/x /root/y; echo 2 > /root/x")  # a directory became a file, the directory another name
        self.assertEqual(c.copy_out("/root/x").extractfile("x").read(), b"2\n")
        self.assertEqual(c.copy_out("/root/y/f").extractfile("f").read(), b"1\n")
        c.run("rm /root/x; ln -s y /root/x; echo 33 > /root/y/f")
        self.assertEqual(c.copy_out("/root/x/f").extractfile("f").read(), b"33\n")

    def test_r6_user_made_in_the_container(self):
        c = Container(self)
        c.run("echo 'late:x:1234:1234::/:/bin/sh' >> /etc/passwd; echo 'late:x:1234:' >> /etc/group")
        self.assertEqual(c.run("id -u", user="late"), "1234\n")

    def test_r6_export_is_what_the_container_sees(self):
        c = Container(self)
        c.run("cd /root; for i in 1 2 3 4 5 6 7 8 9; do mkdir d$i; echo $i > d$i/f; chown $i:1$i d$i/f; done;"
              " rm /etc/group; echo changed >> /etc/passwd; ln -s x sym; mkfifo fifo; ln d1/f d2/hard; chmod 4755 d3/f;"
              " dd if=/dev/urandom of=big bs=1000 count=777 2>/dev/null; : > empty; ln -s ../.. d9/up")
        exported = subprocess.run([*engine.client(), "export", c.id], capture_output=True, timeout=60, check=True)
        inside = subprocess.run([*engine.client(), "exec", "-w", "/", c.id, "tar", "cf", "-", "bin", "etc", "root", "tmp",
                                 "var"], capture_output=True, timeout=60, check=True)
        seen, made = listing(inside.stdout), listing(exported.stdout)
        for path in (".", "proc", "sys", "dev"):
            made.pop(path, None)
        self.assertGreater(len(seen), 250)
        for table in (seen, made):  # which of two hard links comes first is the walk's matter
            for path in ("root/d1/f", "root/d2/hard"):
                table[path] = table[path][:4]
        self.assertEqual(made, seen)

    def test_r6_diff_and_commit(self):
        c = Container(self)
        c.run("echo in > /root/made; chown 33:33 /root/made; rm /etc/group; echo x >> /etc/passwd")
        c.copy_in(archive((member("copied", 1000, 1000), b"from outside")), "/root", "-a")
        lines = engine.docker("diff", c.id).stdout.split("\n")
        for line in ("A /root/made", "A /root/copied", "D /etc/group", "C /etc/passwd"):
            self.assertIn(line, lines)
        image = f"committed:{c.id[:8]}"
        engine.docker("commit", c.id, image)
        self.addCleanup(engine.docker, "rmi", "-f", image, check=False)
        other = Container(self, image=image)
        self.assertEqual(other.run("stat -c '%n %u %g' /root/*; cat /root/copied; ls /etc/group 2>&1", check=False),
                         "/root/copied 1000 1000\n/root/made 33 33\nfrom outsidels: /etc/group: No such file or "
                         "directory\n")

    def test_r6_file_capabilities(self):
        c = Container(self)
        pax = {"SCHILY.xattr.security.capability": CAP_NET_RAW.decode("latin-1")}
        c.copy_in(archive((member("tool", mode=0o755, pax=pax), b"#!x")), "/root")
        self.assertEqual(os.getxattr(c.upper() / "root/tool", "security.capability"), CAP_NET_RAW)
        self.assertEqual(os.getxattr(c.merged() / "root/tool", "security.capability"), CAP_NET_RAW)
        with c.copy_out("/root/tool") as tar:
            header = tar.getmember("tool").pax_headers["SCHILY.xattr.security.capability"]
            self.assertEqual(header.encode("utf-8", "surrogateescape"), CAP_NET_RAW)
        c.run("echo more >> /root/tool")  # a write takes them away, in the container and in the view
        with self.assertRaises(OSError):
            os.getxattr(c.merged() / "root/tool", "security.capability")

    def test_r6_acl(self):
        def acl(uid):
            entries = [(1, 6, -1), (2, 4, uid), (4, 4, -1), (0x10, 4, -1), (0x20, 4, -1)]
            return struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
        c = Container(self)
        c.run("echo secret > /root/f; chmod 600 /root/f; chmod 755 /root")
        view = c.merged() / "root/f"
        os.setxattr(view, "system.posix_acl_access", acl(1000))
        self.assertEqual(os.getxattr(view, "system.posix_acl_access"), acl(1000))
        self.assertEqual(os.getxattr(c.upper() / "root/f", "system.posix_acl_access"), acl(1000))
        c.run("chmod o-r /root/f; chmod 644 /root/f; chmod o-r /root/f")
        self.assertEqual(c.run("cat /root/f", user="1000"), "secret\n")
        self.assertEqual(c.run("cat /root/f", user="1001:1001", check=False), "")
        with self.assertRaises(OSError):
            os.setxattr(view, "system.posix_acl_access", acl(70000))

    def test_r6_user_xattrs(self):
        c = Container(self)
        c.run("echo > /root/f")
        view = c.merged() / "root/f"
        os.setxattr(view, "user.note", b"v" * 4000)
        self.assertEqual(os.getxattr(c.upper() / "root/f", "user.note"), b"v" * 4000)
        self.assertIn("user.note", os.listxattr(view))
        os.removexattr(view, "user.note")
        self.assertEqual([n for n in os.listxattr(view) if n.startswith("user.")], [])

    def test_r6_volumes_and_read_only_root(self):
        c = Container(self, "-v", "/vol", "--read-only", "--tmpfs", "/run")
        c.run("echo v > /vol/f; chown 33:33 /vol/f")
        with c.copy_out("/vol/f") as tar:
            self.assertEqual((tar.getmember("f").uid, tar.extractfile("f").read()), (33, b"v\n"))
        c.copy_in(archive((member("in", 1000, 1000), b"w")), "/vol", "-a")
        self.assertEqual(c.run("stat -c %u /vol/in; cat /vol/in"), "1000\nw")
        with c.copy_out("/etc/passwd") as tar:
            self.assertIn(b"root:x:0", tar.extractfile("passwd").read())

    def test_r6_large_files(self):
        c = Container(self)
        c.run("dd if=/dev/urandom of=/root/big bs=1M count=40 2>/dev/null")
        digest = c.run("md5sum < /root/big")
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            engine.docker("cp", f"{c.id}:/root/big", f"{directory}/big")
            local = hashlib.md5(Path(directory, "big").read_bytes()).hexdigest()
            self.assertEqual(local, digest.split()[0])
            engine.docker("cp", f"{directory}/big", f"{c.id}:/root/again")
        self.assertEqual(c.run("md5sum < /root/again"), digest)


class View(unittest.TestCase):
    """The view as such, by its path on the host."""

    def test_coherent_both_ways(self):
        c = Container(self)
        root = c.merged() / "root"
        with open(root / "f", "w+") as file:
            file.write("host\n")
            file.flush()
            c.run("cat /root/f > /root/copy; echo container >> /root/f")
            self.assertEqual((root / "copy").read_text(), "host\n")
            file.seek(0)
            self.assertEqual(file.read(), "host\ncontainer\n")  # the same open file
            c.run("rm /root/f")
            self.assertFalse((root / "f").exists())
            self.assertEqual(os.fstat(file.fileno()).st_nlink, 0)
        with open(root / "log", "a") as log:
            c.run("echo a >> /root/log")
            log.write("b\n")
            log.flush()
            c.run("echo c >> /root/log")
        self.assertEqual((root / "log").read_text(), "a\nb\nc\n")

    def test_file_operations(self):
        c = Container(self)
        root = c.merged() / "root"
        os.mkdir(root / "d", 0o2750)
        os.truncate(root / "f", 5) if (root / "f").exists() else (root / "f").write_bytes(b"0123456789")
        os.truncate(root / "f", 5)
        os.rename(root / "f", root / "d/g")
        os.link(root / "d/g", root / "d/h")
        os.symlink("g", root / "d/s")
        os.link(root / "d/s", root / "d/s2", follow_symlinks=False)
        os.chown(root / "d/s", 5, 6, follow_symlinks=False)
        os.mkfifo(root / "d/p", 0o600)
        os.mknod(root / "d/null", 0o666 | 0o020000, os.makedev(1, 3))
        with open(root / "d/g", "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, 4096)
            os.fsync(file.fileno())
        os.chmod(root / "d/g", 0o4711)
        os.utime(root / "d/g", ns=(10 ** 9, 2 * 10 ** 9 + 5))
        self.assertEqual(
            c.run("cd /root/d; stat -c '%n|%a|%u|%g|%h|%s|%Y' g h p; readlink s2; stat -c %u:%g s; cat g | head -c 5"),
            "g|4711|0|0|2|4096|2\nh|4711|0|0|2|4096|2\np|600|0|0|1|0|" + str(int((root / "d/p").stat().st_mtime)) +
            "\ng\n5:6\n01234")
        self.assertEqual(os.stat(root / "d/g").st_ino, os.stat(root / "d/h").st_ino)
        os.unlink(root / "d/s")
        with self.assertRaises(OSError):
            os.rmdir(root / "d")
        self.assertEqual(sorted(os.listdir(root / "d")), ["g", "h", "null", "p", "s2"])

    def test_only_files_are_opened(self):
        """A device or FIFO of the container is never opened by the keeper; the host's view of it is inert."""
        c = Container(self)
        c.run("mkfifo /root/p; (cat /root/p > /root/got &) >/dev/null 2>&1")
        os.mknod(c.merged() / "root/null", 0o666 | 0o020000, os.makedev(1, 3))
        with self.assertRaises(PermissionError):  # nodev
            open(c.merged() / "root/null", "rb").close()
        with self.assertRaises(OSError):  # a reader waits inside, but not in the view's FIFO
            os.open(c.merged() / "root/p", os.O_WRONLY | os.O_NONBLOCK)
        self.assertEqual(c.run("cat /root/got"), "")

    def test_large_directories_and_many_files_hold_few_fds(self):
        c = Container(self)
        c.run("mkdir /root/m; cd /root/m; for i in $(seq 1 6000); do : > file-with-a-long-name-$i; done;"
              " for i in $(seq 1 2000); do mkdir d$i; done")
        keeper = c.state()["keeperPid"]
        deep = os.open(c.merged() / "root/m/d7", os.O_PATH)  # a place below which work goes on without a lookup
        self.addCleanup(os.close, deep)
        names = [entry.name for entry in os.scandir(c.merged() / "root/m") if entry.stat()]
        self.assertEqual(len(names), 8000)
        self.assertEqual(len(set(names)), 8000)
        self.assertLess(len(os.listdir(f"/proc/{keeper}/fd")), 1100)
        os.mkdir("below", dir_fd=deep)
        self.assertEqual(c.run("ls /root/m/d7"), "below\n")
        rollup = dict(line.split(":") for line in Path(f"/proc/{keeper}/smaps_rollup").read_text().splitlines()[1:])
        dirty_kb = int(rollup["Private_Dirty"].split()[0])
        self.assertLess(dirty_kb, 2048, "memory must not grow with the files that were seen")

    def test_keeper_is_confined(self):
        c = Container(self)
        c.copy_out("/etc/passwd")  # it serves nothing before it is confined
        proc = Path(f"/proc/{c.state()['keeperPid']}")
        status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
        self.assertEqual(status["CapEff"], "00000000880000db")
        self.assertEqual(status["CapBnd"], "0000000000000000")
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(len((proc / "mountinfo").read_text().splitlines()), 1)
        self.assertEqual(os.listdir(proc / "root"), [])
        for fd in range(3):
            self.assertEqual(os.readlink(proc / f"fd/{fd}"), "/dev/null")

    def test_keeper_sleeps(self):
        c = Container(self)
        c.copy_out("/etc/passwd")
        status = Path(f"/proc/{c.state()['keeperPid']}/status")

        def switches():
            return [line for line in status.read_text().splitlines() if "ctxt_switches" in line]
        before = switches()
        time.sleep(2)
        self.assertEqual(switches(), before)


class Ends(unittest.TestCase):
    """Whatever ends the container, the view is gone and the files are there (R12)."""

    def assertNothingLeft(self):
        end = time.monotonic() + 5
        while (views() or keepers()) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual((views(), keepers()), ([], []))

    def setUp(self):
        self.assertNothingLeft()

    def test_stop_start_restart(self):
        c = Container(self)
        c.run("echo 1 > /root/f; chown 33 /root/f")
        engine.docker("stop", "-t", "0", c.id)
        self.assertNothingLeft()
        c.copy_in(archive((member("g", 1000), b"while stopped")), "/root", "-a")
        with c.copy_out("/root/f") as tar:
            self.assertEqual(tar.getmember("f").uid, 33)
        engine.docker("start", c.id)
        self.assertEqual(len(views()), 1)
        self.assertEqual(c.run("stat -c '%n %u' /root/f /root/g; cat /root/g"), "/root/f 33\n/root/g 1000\nwhile stopped")
        engine.docker("restart", "-t", "0", c.id)
        self.assertEqual(len(views()), 1)
        self.assertEqual(c.run("cat /root/f"), "1\n")
        engine.docker("rm", "-f", c.id)
        self.assertNothingLeft()

    def test_ends_by_itself(self):
        c = Container(self, command=("sh", "-c", "echo done > /root/f"))
        engine.docker("wait", c.id)
        self.assertNothingLeft()
        self.assertEqual(c.copy_out("/root/f").extractfile("f").read(), b"done\n")

    def test_failed_start(self):
        done = engine.docker("run", "-d", IMAGE, "/no/such/program", check=False)
        self.assertNotEqual(done.returncode, 0)
        container_ids.add(done.stdout.strip())
        engine.docker("rm", "-f", done.stdout.strip(), check=False)
        self.assertNothingLeft()

    def test_keeper_killed(self):
        c = Container(self)
        c.run("echo 1 > /root/f")
        os.kill(c.state()["keeperPid"], signal.SIGKILL)
        with self.assertRaises(FileNotFoundError):  # an error, not a hang, nor old files
            c.copy_out("/root/f")
        self.assertEqual(engine.docker("exec", c.id, "cat", "/root/f").stdout, "1\n")
        started = time.monotonic()
        engine.docker("rm", "-f", c.id)
        self.assertLess(time.monotonic() - started, 10)
        self.assertNothingLeft()

    def test_keeper_stopped(self):
        """A keeper that hangs does not keep the container from being removed."""
        c = Container(self)
        os.kill(c.state()["keeperPid"], signal.SIGSTOP)
        started = time.monotonic()
        engine.docker("rm", "-f", c.id)
        self.assertLess(time.monotonic() - started, 10)
        self.assertNothingLeft()

    def test_view_in_use(self):
        c = Container(self)
        c.run("dd if=/dev/zero of=/root/big bs=1M count=1 2>/dev/null")
        held = os.open(c.merged() / "root", os.O_RDONLY)
        self.addCleanup(os.close, held)
        reader = subprocess.Popen(["sh", "-c", "exec 2>&1; while cat $0 >/dev/null; do :; done", c.merged() / "root/big"],
                                  stdout=subprocess.PIPE, text=True)
        engine.docker("rm", "-f", c.id)
        self.assertNothingLeft()
        self.assertRegex(reader.communicate(timeout=20)[0], "No such file|not connected|connection abort|No such device")

    def test_engine_restart(self):
        c = Container(self, "--restart", "always")
        c.run("echo kept > /root/f")
        engine.stop()
        self.assertNothingLeft()
        engine.start()
        end = time.monotonic() + 20
        while c.inspect("{{.State.Running}}") != "true" and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(c.copy_out("/root/f").extractfile("f").read(), b"kept\n")
        self.assertEqual(len(views()), 1)
        engine.docker("rm", "-f", c.id)
        self.assertNothingLeft()


if __name__ == "__main__":
    unittest.main()
