"""R1 and R3: an id range of one's own, no power over strangers, no namespaces of the host."""

import unittest
from pathlib import Path

import support
from support import docker, refused, running

SHARE = ("error in the container spec: invalid or unsupported container spec: bulkhead containers can't share "
         "namespaces [{}] with the host (because they use the linux user-namespace for isolation)")
NETWORK = ("error in the container spec: invalid or unsupported container spec: bulkhead containers can't share "
           "a network namespace with the host (because they use the linux user-namespace for isolation)")


def id_map(name, kind="uid"):
    return [int(word) for word in docker("exec", name, "cat", f"/proc/self/{kind}_map").stdout.split()]


class HostNamespaces(unittest.TestCase):
    """R3."""

    def test_R3_each_flag_has_its_message(self):
        for flag in ("pid", "ipc", "uts"):
            for extra in ((), ("--privileged",)):
                with self.subTest(flag=flag, extra=extra):
                    self.assertIn(SHARE.format(flag), refused("run", "--rm", f"--{flag}=host", *extra, support.IMAGE, "true"))
        self.assertIn(NETWORK, refused("run", "--rm", "--network=host", support.IMAGE, "true"))
        both = refused("run", "--rm", "--pid=host", "--ipc=host", support.IMAGE, "true")
        self.assertRegex(both, r"can't share namespaces \[pid ipc\] with the host")

    def test_R3_userns_and_cgroupns_are_ignored(self):
        for flag in ("--userns=host", "--cgroupns=host"):
            with self.subTest(flag=flag):
                found = docker("run", "--rm", flag, support.IMAGE, "cat", "/proc/self/uid_map", "/proc/self/cgroup").stdout
                first, size = found.split()[1:3]
                self.assertGreaterEqual(int(first), support.FIRST_ID)
                self.assertEqual(int(size), support.RANGE)
                for line in found.splitlines()[1:]:
                    self.assertTrue(line.endswith(":/"), line)

    def test_R3_sharing_with_a_bulkhead_container(self):
        owner = running("plain")
        for kind in ("net", "pid", "ipc"):
            flag = "network" if kind == "net" else kind
            with self.subTest(kind=kind):
                if kind == "ipc":
                    docker("run", "-d", "--name", "ipc-owner", "--ipc=shareable", support.IMAGE, "sleep", "1000")
                    self.addCleanup(docker, "rm", "-f", "ipc-owner")
                    owner = "ipc-owner"
                ask = ("sh", "-c", f"readlink /proc/self/ns/{kind}; readlink /proc/self/ns/user; readlink /proc/self/ns/mnt")
                theirs = docker("exec", owner, *ask).stdout.split()
                ours = docker("run", "--rm", f"--{flag}=container:{owner}", support.IMAGE, *ask).stdout.split()
                self.assertEqual(ours[:2], theirs[:2])
                self.assertNotEqual(ours[2], theirs[2])

    def test_R3_sharing_with_a_runc_container_is_refused(self):
        docker("run", "-d", "--runtime", "runc", "--ipc=shareable", "--name", "foreign", support.IMAGE, "sleep", "1000")
        self.addCleanup(docker, "rm", "-f", "foreign")
        for flag in ("network", "pid", "ipc"):
            with self.subTest(flag=flag):
                error = refused("run", "--rm", f"--{flag}=container:foreign", support.IMAGE, "true")
                self.assertIn("it is not of a bulkhead container", error)

    def test_R3_R5_joined_containers_mounts_are_locked_too(self):
        """A container in another one's user namespace: its mounts belong to that namespace."""
        owner = running("privileged")
        for flag in ("pid", "network"):
            with self.subTest(flag=flag):
                text = docker("run", "--rm", "--privileged", f"--{flag}=container:{owner}", *support.mounts(),
                              support.IMAGE, "/escape/mounts", "direct").stdout
                attempts = dict(line.rsplit(" ", 1) for line in text.splitlines())
                self.assertEqual(attempts["direct.remount_bind_-1:/fix/ro"], "EPERM")
                self.assertEqual(attempts["direct.umount_detach:/fix/ro"], "EINVAL")
                self.assertEqual(attempts["direct.clone_setattr:/fix/ro"], "EPERM")
                self.assertEqual(attempts["direct.before:/fix/ro"], attempts["direct.after:/fix/ro"])


class Strangers(unittest.TestCase):
    """R1, C16."""

    def test_R1_C16_ranges_are_disjoint(self):
        seen = []
        for kind in support.KINDS:
            for table in ("uid", "gid"):
                inside, first, size = id_map(running(kind), table)
                self.assertEqual((inside, size), (0, support.RANGE))
                self.assertGreaterEqual(first, support.FIRST_ID)
                self.assertEqual((first - support.FIRST_ID) % support.RANGE, 0)
            seen.append(first)
        self.assertEqual(len(set(seen)), len(seen))

    def test_R1_D20_D32_D37_no_power_over_another_container(self):
        victim, path = "victim", "/fix/volume/socket"
        docker("run", "-d", "--name", victim, "--privileged", *support.mounts(), support.IMAGE, "/escape/strangers", "victim", path)
        self.addCleanup(docker, "rm", "-f", victim)
        support.wait_for_line(victim, "ready OK")
        pid = support.pid_of(victim)
        for kind in ("plain_unconfined", "sysadmin_unconfined", "privileged"):
            with self.subTest(kind=kind):
                out = docker("exec", running(kind), "/escape/strangers", "attacker", path, pid).stdout
                values = dict(line.split(" ") for line in out.splitlines())
                self.assertIn(values["pidfd_send_signal"], {"EPERM", "EINVAL"})  # not in its pid namespace
                self.assertEqual(values["pidfd_getfd"], "EPERM")
                self.assertIn(values["process_madvise"], {"EPERM", "ESRCH", "EACCES"})
                for name in ("pidfd", "ns_user", "ns_mnt", "ns_pid", "ns_net"):
                    self.assertEqual(values[f"setns.{name}"], "EPERM", name)
                for name in ("kill", "pidfd_open", "ptrace", "ptrace_seize", "process_vm_readv", "kcmp"):
                    self.assertEqual(values[name], "ESRCH", name)
                self.assertEqual(values["proc_root"], "ENOENT")
        self.assertEqual(docker("inspect", "-f", "{{.State.Running}}", victim).stdout.strip(), "true")

    def test_R1_D37_D48_only_its_own_processes(self):
        out = docker("run", "--rm", "--privileged", support.IMAGE, "sh", "-c",
                     "ls -d /proc/[0-9]*; kill -9 -1; echo still").stdout
        self.assertEqual([line for line in out.splitlines() if line.startswith("/proc")][0], "/proc/1")
        self.assertLessEqual(len(out.split()), 5)
        self.assertIn("still", out)  # pid 1 of its namespace

    def test_R1_R6_a_shared_volume_has_one_truth(self):
        one, other = running("plain"), running("privileged")
        docker("exec", one, "sh", "-c", "echo x > /fix/volume/owned; chown 1000:33 /fix/volume/owned; chmod 640 /fix/volume/owned")
        self.assertEqual(docker("exec", other, "stat", "-c", "%u:%g:%a", "/fix/volume/owned").stdout.strip(), "1000:33:640")
        on_host = (support.engine().root / "data/volumes/fixture/_data/owned").stat()
        self.assertEqual((on_host.st_uid, on_host.st_gid), (1000, 33))
        docker("exec", "-u", "1000", other, "sh", "-c", "echo y >> /fix/volume/owned")
        self.assertEqual(docker("exec", one, "cat", "/fix/volume/owned").stdout, "x\ny\n")
        denied = docker("exec", "-u", "1001", other, "cat", "/fix/volume/owned", check=False)
        self.assertIn("Permission denied", denied.stderr)

    def test_R1_the_hosts_processes_see_distinct_ids(self):
        for kind in ("plain", "privileged"):
            uid_line = next(line for line in Path(f"/proc/{support.pid_of(running(kind))}/status").read_text().splitlines()
                            if line.startswith("Uid:"))
            self.assertEqual(uid_line.split()[1:], [str(id_map(running(kind))[1])] * 4)

    def test_R2_D38_keyrings_are_not_shared(self):
        """C16, E04: the host's keys, by serial number, from a container."""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        serial = libc.syscall(248, b"user", b"bulkhead-escape", b"secret", 6, -3)  # add_key, session keyring... process
        if serial < 0:
            serial = libc.syscall(248, b"user", b"bulkhead-escape", b"secret", 6, -2)
        self.assertGreater(serial, 0)
        self.addCleanup(libc.syscall, 250, 9, serial, -3)
        for kind in ("plain_unconfined", "privileged"):
            out = docker("exec", running(kind), "cat", "/proc/keys", check=False).stdout
            self.assertNotIn("bulkhead-escape", out)


if __name__ == "__main__":
    unittest.main()
