"""The hostile programs, run as `docker run` and through `docker exec` in containers of five kinds.
Each test asserts the exact errno that each attempt got inside. Names carry the ids of SPEC.md's
rows and of the attack catalogue."""

import re
import subprocess
import unittest
from pathlib import Path

import support
from bundles import Bundle
from support import KINDS, POWERFUL, WAYS, docker, results

NOTHING = {"EPERM"}


def every(test):
    """Runs a test for every kind of container and both ways in."""
    def wrapper(self):
        for kind in KINDS:
            for way in WAYS:
                with self.subTest(kind=kind, way=way):
                    test(self, kind, results(kind, way))
    wrapper.__doc__ = test.__doc__
    return wrapper


def programs(found, name):
    """The program's results, native and i386: [(program, attempts)]."""
    return [(key, found[key]) for key in (name, f"{name}_i386") if key in found]


class MountLocks(unittest.TestCase):
    """R5, C01, C02, C05."""

    # What somebody with CAP_SYS_ADMIN over the mount namespace gets.
    LOCKED = {"umount": {"EINVAL"}, "move": {"EINVAL"}, "move_mount": {"EINVAL"}, "copy": {"EINVAL"},
              "open_tree": {"EINVAL"},
              # Docker 20.10's profile does not know call 467 and answers ENOSYS for it.
              "open_tree_attr": {"EPERM", "ENOSYS"}}
    # procfs and mqueue belong to the container's own namespaces, superblock included: a reconfigure
    # passes, and changes nothing of the mount (the flags below prove it).
    OWN_SUPERBLOCK = ("/proc", "/dev/mqueue")

    def expected(self, kind, prefix, attempt, mount):
        has_power = kind in POWERFUL or prefix.startswith("nested")
        if attempt == "unshare":
            # A user namespace is anybody's to make, unless the profile says no.
            free = kind in POWERFUL or (kind == "plain_unconfined" and prefix.startswith("nested"))
            return {"OK"} if free else {"EPERM"}
        if attempt == "chroot":
            return {"OK"}
        if not has_power:
            return {"EPERM", "ENOSYS"} if attempt == "open_tree_attr" else {"EPERM"}
        if attempt.startswith("umount"):
            return self.LOCKED["umount"]
        if attempt == "fsconfig_reconfigure" and mount.startswith(self.OWN_SUPERBLOCK):
            return {"OK", "EPERM"}
        return self.LOCKED.get(attempt, NOTHING)

    @every
    def test_R5_C01_C02_C05_initial_mounts_are_locked(self, kind, found):
        for program, attempts in programs(found, "mounts"):
            states = {}
            for name, value in attempts:
                match = re.fullmatch(r"(\w+)\.([\w-]+)(?::(.*))?", name)
                prefix, attempt, mount = match[1], match[2], match[3] or ""
                if attempt in ("before", "after"):
                    states.setdefault((prefix, mount), []).append(value)
                else:
                    self.assertIn(value, self.expected(kind, prefix, attempt, mount), f"{program} {name}")
            for (prefix, mount), flags in states.items():
                self.assertEqual(len(flags), 2, f"{program} {prefix} {mount}: mount came or went")
                self.assertEqual(flags[0], flags[1], f"{program} {prefix} {mount}: flags changed")
            self.assertIn(("direct", "/fix/ro"), states)
            # Each kind of attempt was really made, two user namespaces deep where that is possible.
            made = {name.partition(":")[0] for name, _ in attempts}
            for attempt in ("direct.remount_bind_-1", "direct.umount_detach", "direct.setattr_recursive",
                            "direct.open_tree_attr", "direct.move_mount"):
                self.assertIn(attempt, made)
            if kind in POWERFUL:
                for prefix in ("unshared", "chrooted", "nested1", "nested2"):
                    self.assertIn(f"{prefix}.clone_setattr", made)

    @every
    def test_R5_D57_nothing_is_revealed(self, kind, found):
        for program, attempts in programs(found, "reveal"):
            self.assertNotIn("REVEALED", [value for _, value in attempts], f"{program}: {attempts}")
            values = dict(attempts)
            self.assertEqual(values["plain/covered/directory"], "EMPTY")
            self.assertEqual(values["chroot.root"], "SAME")
            for name, value in attempts:
                if ".umount" in name and name != "pivot.umount_old":
                    self.assertEqual(value, "EINVAL", name)
                if name.endswith("copy.bind") or name.startswith("parent.bind"):
                    self.assertEqual(value, "EINVAL" if kind in POWERFUL else "EPERM", name)
            if kind in ("sysadmin_unconfined", "privileged"):
                self.assertEqual(values["pivot.pivot_root"], "OK")  # its own root is its business
                self.assertEqual(values["detached/covered/directory"], "EMPTY")

    @every
    def test_R5_own_mounts_are_free(self, kind, found):
        first_id = dict(found["own_mounts"]).get("options:/root/tmpfs", "").partition("uid=")[2].partition(",")[0]
        for program, attempts in programs(found, "own_mounts"):
            values = dict(attempts)
            if kind not in POWERFUL:
                self.assertEqual(set(values.values()), {"EPERM"}, program)
                continue
            self.assertEqual(values.pop("options:/root/tmpfs"),
                             f"tmpfs ro,relatime,uid={first_id},gid={first_id}")
            self.assertEqual((int(first_id) - support.FIRST_ID) % support.RANGE, 0)
            for name, value in values.items():
                self.assertEqual(value, "EROFS" if name.endswith("when_ro") else "OK", f"{program} {name}")

    @every
    def test_R5_C05_x32_entry_points(self, kind, found):
        values = {value for _, value in found["x32"]}
        # ENOSYS: this kernel has no x32 table; EPERM: the profile, or a kernel that has.
        self.assertLessEqual(values, {"EPERM", "ENOSYS"})

    def test_R5_host_side_of_the_locked_mounts(self):
        for kind in KINDS:
            for way in WAYS:
                results(kind, way)
        fixtures = support.engine().fixtures
        self.assertEqual((fixtures / "ro/file").read_text(), "read only")
        self.assertEqual([path.name for path in (fixtures / "ro").iterdir()], ["file"])


class TheProgramsThemselves(unittest.TestCase):
    def test_they_succeed_where_mounts_are_not_locked(self):
        """Under runc: a program that always reported a refusal would prove nothing."""
        options = ["--runtime", "runc", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined",
                   "--security-opt", "apparmor=unconfined", *support.mounts(), support.IMAGE]
        mounts = dict(line.rsplit(" ", 1) for line in
                      docker("run", "--rm", *options, "/escape/mounts", "direct").stdout.splitlines())
        self.assertEqual(mounts["direct.before:/fix/ro"].split(",")[0], "ro")
        for attempt in ("remount_bind_-1", "clone_setattr", "clone_remount", "open_tree_attr", "move"):
            self.assertEqual(mounts[f"direct.{attempt}:/fix/ro"], "OK", attempt)
        self.assertNotIn("direct.after:/fix/ro", mounts)
        reveal = dict(line.rsplit(" ", 1) for line in
                      docker("run", "--rm", *options, "/escape/reveal", *support.masked_of("sysadmin")).stdout.splitlines())
        self.assertEqual(reveal["plain/covered/file"], "EMPTY")
        self.assertEqual(reveal["copy/covered/file"], "REVEALED")
        self.assertEqual(reveal["parent/file"], "REVEALED")
        self.assertEqual(reveal["pivot/covered/file"], "REVEALED")


class Powers(unittest.TestCase):
    """R2, and part 4 of the catalogue."""

    # Besides EPERM; everything that is not here must be EPERM.
    ANSWERS = {
        "init_module": {"ENOSYS"}, "finit_module": {"ENOSYS"}, "delete_module": {"ENOSYS"},  # no modules
        "kexec_load": {"ENOSYS"}, "kexec_file_load": {"ENOSYS"}, "iopl": {"ENOSYS"}, "ioperm": {"ENOSYS"},
        "lookup_dcookie": {"ENOSYS"}, "acct": {"ENOSYS"},  # not in this kernel
        "quotactl": {"ENOENT", "ENOSYS"},  # the device is looked up first, and is not there
        "bpf.obj_get": {"ENOENT"},  # a path lookup; nothing is pinned there
        "keyctl.read_unknown": {"ENOKEY"}, "setns.own_user": {"EINVAL"},  # one is in it already
        "perf.cpu_wide": {"EACCES"}, "oom_score_adj": {"EACCES"},
    }

    @every
    def test_R2_D04_D10_to_D23_D38_privileged_calls(self, kind, found):
        for program, attempts in programs(found, "powers"):
            for name, value in attempts:
                if name.startswith(("mount.", "fsopen.")):
                    allowed = {"EPERM", "ENODEV"}  # ENODEV: this kernel has no such file system
                else:
                    allowed = {"EPERM"} | self.ANSWERS.get(name, set())
                self.assertIn(value, allowed, f"{program} {name}")
            names = [name for name, _ in attempts]
            self.assertIn("bpf.map_get_next_id", names)
            self.assertIn("fsopen.ext4", names)

    @every
    def test_R2_D05_to_D09_D13_D38_D40_host_files(self, kind, found):
        values = dict(found["files"])
        for path in support.READ:
            # EMPTY masks read as nothing; a disk or a socket is simply not there.
            self.assertIn(values[f"read:{path}"], {"ENOENT", "EACCES", "EPERM", "ENXIO", "EIO", "READ0"}, path)
        for path in support.WRITE:
            self.assertIn(values[f"write:{path}"], {"ENOENT", "EACCES", "EPERM", "EROFS"}, path)

    @every
    def test_R2_D39_kernel_addresses(self, kind, found):
        self.assertEqual({set(value.strip()) <= {"0"} for _, value in found["kallsyms"]}, {True})

    @every
    def test_R2_R11_D04_device_nodes_of_images_and_binds(self, kind, found):
        """R11, D14: a node that an image or a volume brings cannot be opened, whatever its mode."""
        values = dict(found["nodes"])
        for place in ("/nodes", "/fix/nodes"):
            for node in support.NODES:
                self.assertEqual(values[f"open:{place}/{node}"], "EACCES")
        # tty needs a terminal (ENXIO); the privileged two are the container root's to open.
        standard = {"null", "zero", "full", "random", "urandom", "tty"}
        own = {name.rpartition("/")[2] for name in values if name.startswith("open:/dev/")}
        self.assertEqual(own, standard | ({"fuse"} if kind == "privileged" else set()))
        for node in standard - {"tty"}:
            self.assertEqual(values[f"open:/dev/{node}"], "OK")

    @every
    def test_R2_D35_sysctls_that_take_a_value(self, kind, found):
        """D35, R7: exactly the kernel's per-namespace ones, by the table writable_sysctls.txt."""
        written = {name.removeprefix("written:/proc/sys/") for name, _ in found["sysctls"]
                   if name.startswith("written:")}
        opened = {name.removeprefix("opened:/proc/sys/") for name, _ in found["sysctls"]
                  if name.startswith("opened:")}
        if kind != "privileged":
            self.assertEqual(opened, set())  # /proc/sys is read-only
            return
        table = {}
        for line in (Path(__file__).parent / "writable_sysctls.txt").read_text().splitlines():
            words = line.partition("#")[0].split()
            if words:
                table[words[0]] = words[1] if len(words) > 1 else "written"
        outside = {name for name in opened if not name.startswith("net/")}
        self.assertLessEqual(outside, set(table), "a sysctl that is not in the table can be opened for writing")
        must = {name for name, how in table.items() if how == "written"}
        self.assertLessEqual(must, written, "a sysctl of the table was refused")

    @every
    def test_R2_D01_D02_D03_cgroups(self, kind, found):
        for name, value in found["cgroups"]:
            if name.startswith("mount:"):
                # A hierarchy that the host has mounted may be mounted again, and shows the
                # container's own cgroup as its root (cgroup namespace); a new one may not be made.
                self.assertIn(value, {"OK", "EPERM", "EINVAL", "EBUSY"}, name)
            else:
                self.assertIn(value, {"EACCES", "EPERM", "EROFS", "EINVAL"}, name)

    @every
    def test_A05_A25_status(self, kind, found):
        status = dict(found["status"])
        self.assertEqual(int(status["CapInh"], 16), 0)
        self.assertEqual(int(status["CapAmb"], 16), 0)
        confined = kind in ("plain", "sysadmin")
        self.assertEqual(status["Seccomp"], "2" if confined else "0")
        self.assertEqual(status["NoNewPrivs"], "0")
        self.assertEqual(int(status["CapEff"], 16) >> 21 & 1, int(kind in POWERFUL))

    @every
    def test_A07_no_descriptor_of_the_host(self, kind, found):
        self.assertEqual([name for name, _ in found["fds"]], ["0", "1", "2", "cwd"])
        values = dict(found["fds"])
        self.assertEqual(values["cwd"], "/")
        self.assertIn(values["0"], ("/dev/null", ""))
        for fd in ("1", "2"):
            self.assertRegex(values[fd], r"^pipe:")

    @every
    def test_D41_no_host_path_beyond_the_overlay(self, kind, found):
        for _, line in found["mounts_seen"]:
            self.assertNotIn("/proc/self/fd", line)


class Limits(unittest.TestCase):
    def test_R2_D03_limits_seen_from_the_host(self):
        """D03: after all that, the host still has the limits that the engine set."""
        for kind in KINDS:
            results(kind, "exec")
            pid = support.pid_of(support.running(kind))
            paths = {}
            for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
                _, controllers, path = line.split(":", 2)
                for controller in controllers.split(","):
                    paths[controller] = path
            root = Path("/sys/fs/cgroup")
            if "memory" in paths:
                limit = root / "memory" / paths["memory"].lstrip("/") / "memory.limit_in_bytes"
                self.assertEqual(limit.read_text().strip(), str(64 << 20), kind)
                pids = root / "pids" / paths["pids"].lstrip("/") / "pids.max"
                self.assertEqual(pids.read_text().strip(), "200", kind)
            else:
                group = root / paths[""].lstrip("/")
                self.assertEqual((group / "memory.max").read_text().strip(), str(64 << 20), kind)


class Terminals(unittest.TestCase):
    """D43, D44."""

    def check(self, text, has_terminal):
        values = dict(line.replace("\r", "").lstrip("x").split(" ", 1) for line in text.splitlines() if " " in line)
        for fd in range(3):
            self.assertIn(values[f"tioclinux:{fd}"], {"ENOTTY", "EPERM", "EINVAL"})
            if has_terminal:
                # Into its own pty it may type; the path shows that it is of its own devpts.
                self.assertEqual(values[f"fd:{fd}"], "/dev/pts/0" if self.first else values[f"fd:{fd}"])
                self.assertRegex(values[f"fd:{fd}"], r"^/dev/pts/[0-9]+$")
                self.assertEqual(values[f"tiocgptpeer:{fd}"], "EIO")  # it has no master
            else:
                self.assertIn(values[f"tiocsti:{fd}"], {"ENOTTY", "EPERM"})
        if not has_terminal:
            self.assertEqual(values["tty.open"], "ENXIO")

    def test_D43_D44_with_and_without_t(self):
        for kind, options in KINDS.items():
            for has_terminal in (True, False):
                terminal = ["-t"] if has_terminal else []
                with self.subTest(kind=kind, terminal=has_terminal):
                    self.first = True
                    self.check(docker("run", "--rm", *terminal, *options, support.IMAGE,
                                      "/escape/terminal").stdout, has_terminal)
                    self.first = False
                    self.check(docker("exec", *terminal, support.running(kind), "/escape/terminal").stdout,
                               has_terminal)

    def test_D43_a_terminal_of_the_caller(self):
        """The runtime started by hand on a terminal, terminal: false: it is nobody's controlling one."""
        with Bundle() as bundle:
            bundle.command("/escape/terminal")
            bundle.save()
            done = subprocess.run(["script", "-qec", f"{support.BULKHEAD} --root {bundle.state} run --bundle {bundle.path} {bundle.id}",
                                   "/dev/null"], capture_output=True, text=True, timeout=60, check=False)
            values = dict(line.replace("\r", "").split(" ", 1) for line in done.stdout.splitlines() if " " in line)
            for fd in range(3):
                self.assertIn(values[f"tiocsti:{fd}"], {"EPERM", "EIO"})
            self.assertEqual(values["tty.open"], "ENXIO")

    def test_D44_D56_exec_trusts_nothing_of_the_container(self):
        docker("run", "-d", "--name", "covered", "--privileged", support.IMAGE, "sh", "-c",
               "mkfifo /fifo; mount --bind /fifo /dev/pts/ptmx; mount -t tmpfs x /proc; mount -t tmpfs x /sys; "
               "mkdir -p /proc/self/attr /proc/self/fd; echo ready; sleep 1000")
        self.addCleanup(docker, "rm", "-f", "covered")
        support.wait_for_line("covered", "ready")
        self.assertEqual(docker("exec", "covered", "id", "-u").stdout, "0\n")
        self.assertNotEqual(docker("exec", "-t", "covered", "id", check=False, timeout=30).returncode, 0)
        docker("exec", "covered", "mount", "-t", "tmpfs", "x", "/dev/pts")
        done = docker("exec", "-t", "covered", "id", check=False, timeout=30)
        self.assertIn("is not a devpts", done.stdout + done.stderr)
        docker("exec", "covered", "mount", "-t", "tmpfs", "x", "/dev")
        self.assertEqual(docker("exec", "covered", "id", "-u").stdout, "0\n")


if __name__ == "__main__":
    unittest.main()
