"""R3, R10, R11: capabilities, seccomp, no_new_privileges, sysctls, devices, read-only roots, tmpfs."""

import json
import unittest
from pathlib import Path

from support import IMAGE, TOOLS, Case, import_tools, start_engine, stop_engine

tearDownModule = stop_engine


def setUpModule():
    import_tools(start_engine())


def capability_bit(hexadecimal: str, number: int) -> bool:
    return bool(int(hexadecimal, 16) >> number & 1)


class Capabilities(Case):
    def sets(self, options="", user_script="grep ^Cap /proc/self/status") -> dict:
        lines = self.run_out(options, "sh", "-c", user_script).splitlines()
        return {line.split(":")[0]: line.split()[1] for line in lines}

    def test_default_add_and_drop(self):
        chown, net_raw, sys_admin, sys_ptrace = 0, 13, 21, 19
        default = self.sets()["CapEff"]
        self.assertTrue(capability_bit(default, chown) and capability_bit(default, net_raw))
        self.assertFalse(capability_bit(default, sys_admin))
        added = self.sets("--cap-add SYS_PTRACE --cap-drop NET_RAW")
        self.assertTrue(capability_bit(added["CapEff"], sys_ptrace))
        self.assertFalse(capability_bit(added["CapBnd"], net_raw))
        self.assertEqual(int(self.sets("--cap-drop ALL")["CapBnd"], 16), 0)

    def test_users_have_none(self):
        self.assertEqual(int(self.sets("--user 1000")["CapEff"], 16), 0)

    def test_all_is_all_that_the_engine_knows(self):
        known = (1 << 38) - 1  # engine 20.10 ends at CAP_AUDIT_READ
        self.assertEqual(int(self.sets("--cap-add ALL")["CapEff"], 16) & known, known)

    def test_dropped_ones_do_not_work(self):
        self.assertIn("Operation not permitted", self.run_fails("--cap-drop CHOWN", "chown", "1", "/tmp"))
        self.run_out("", "chown", "1", "/tmp")

    def test_low_ports(self):
        """The engine sets ip_unprivileged_port_start=0 in the container's network."""
        done = self.docker("run", "--rm", "--init", "--user", "1000", IMAGE, "timeout", "1", "nc", "-l", "-p", "80", check=False)
        self.assertNotIn("Permission denied", done.stderr)
        self.assertEqual(done.returncode, 143, done.stderr)


class NoNewPrivileges(Case):
    def test_flag(self):
        self.assertEqual(self.run_out("--security-opt no-new-privileges", "grep", "NoNewPrivs", "/proc/self/status").split()[1],
                         "1")
        self.assertEqual(self.run_out("", "grep", "NoNewPrivs", "/proc/self/status").split()[1], "0")

    def test_set_user_id_programs(self):
        script = "mkdir /d; cp /usr/bin/id /d; chmod 4755 /d/id; exec sleep 1000"  # not busybox, which drops it
        plain = self.start((), "sh", "-c", script, image=TOOLS)
        confined = self.start("--security-opt no-new-privileges", "sh", "-c", script, image=TOOLS)
        for container, effective in ((plain, "0"), (confined, "1000")):
            got = self.sh(container, "while [ ! -u /d/id ]; do sleep 0.1; done; /d/id -u", "-u", "1000")
            self.assertEqual(got, effective)


class Seccomp(Case):
    def profile(self, action: str, names, extra=None) -> str:
        path = self.directory() / "profile.json"
        rule = {"names": names, "action": action, **(extra or {})}
        path.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))
        return f"seccomp={path}"

    def test_default_is_a_filter(self):
        self.assertEqual(self.run_out("", "grep", "^Seccomp:", "/proc/self/status").split()[1], "2")

    def test_errno(self):
        option = self.profile("SCMP_ACT_ERRNO", ["mkdir", "mkdirat"])
        self.assertIn("Operation not permitted", self.run_fails(["--security-opt", option], "mkdir", "/tmp/x"))

    def test_errno_of_choice(self):
        option = self.profile("SCMP_ACT_ERRNO", ["mkdir", "mkdirat"], {"errnoRet": 28})
        self.assertIn("No space left", self.run_fails(["--security-opt", option], "mkdir", "/tmp/x"))

    def test_kill(self):
        option = self.profile("SCMP_ACT_KILL_PROCESS", ["mkdir", "mkdirat"])
        container = self.start(["--security-opt", option], "sh", "-c", "mkdir /tmp/x; echo code $?")
        self.docker("wait", container)
        self.assertIn("code 159", self.docker("logs", container).stdout)  # 128 + SIGSYS

    def test_profile_counts_for_exec_too(self):
        option = self.profile("SCMP_ACT_ERRNO", ["mkdir", "mkdirat"])
        container = self.start(["--security-opt", option])
        self.assertIn("not permitted", self.docker("exec", container, "mkdir", "/tmp/x", check=False).stderr)

    def test_unconfined_and_privileged(self):
        for option in ("--security-opt=seccomp=unconfined", "--privileged"):
            status = self.run_out(option, "grep", "^Seccomp:", "/proc/self/status").split()[1]
            self.assertIn(status, ("0", "2"))  # 2 where Bulkhead's own mediation filter is on
            self.assertEqual(self.run_out(option, "unshare", "-U", "echo", "made"), "made")
        self.assertIn("Operation not permitted", self.run_fails("", "unshare", "-U", "true"))


class Sysctls(Case):
    def test_of_the_containers_namespaces(self):
        cases = (("net.ipv4.ip_forward", "1"), ("net.ipv4.ip_unprivileged_port_start", "1000"),
                 ("kernel.shmmax", "67108864"), ("kernel.shm_rmid_forced", "1"), ("kernel.msgmax", "16384"),
                 ("fs.mqueue.msg_max", "20"))
        for name, value in cases:
            with self.subTest(name=name):
                host = Path("/proc/sys/" + name.replace(".", "/")).read_text()
                self.assertEqual(self.run_out(["--sysctl", f"{name}={value}"], "cat", "/proc/sys/" + name.replace(".", "/")),
                                 value)
                self.assertEqual(Path("/proc/sys/" + name.replace(".", "/")).read_text(), host)

    def test_of_the_host_are_refused(self):
        self.assertIn("vm.swappiness", self.run_fails("--sysctl vm.swappiness=10", "true"))


class Devices(Case):
    def test_fuse(self):
        """R11: really opened by the container's root and, with its rights, by its users."""
        self.assertEqual(self.run_out("--device /dev/fuse --cap-add SYS_ADMIN", "sh", "-c",
                                      "exec 3<>/dev/fuse && stat -c %F:%t:%T /dev/fuse"), "character special file:a:e5")

    def test_disks_are_refused(self):
        loop = "/dev/loop0"
        if not Path(loop).exists():
            self.skipTest(f"no {loop} here")
        self.assertIn(loop, self.run_fails(["--device", loop], "true"))

    def test_standard_nodes(self):
        out = self.run_out("", "sh", "-c", "for n in null zero full random urandom tty; do stat -c '%n %F %a %u' /dev/$n; done;"
                                           "echo x > /dev/null && head -c 2 /dev/urandom | wc -c; readlink /dev/ptmx")
        self.assertEqual(out.splitlines()[:6], [f"/dev/{name} character special file 666 0"
                                                for name in ("null", "zero", "full", "random", "urandom", "tty")])
        self.assertEqual(out.splitlines()[6:], ["2", "pts/ptmx"])

    def test_users_open_them_too(self):
        self.assertEqual(self.run_out("--user 1000", "sh", "-c", "echo x > /dev/null && head -c 3 /dev/zero | wc -c"), "3")


class Roots(Case):
    def test_read_only(self):
        out = self.run_fails("--read-only", "touch", "/file")
        self.assertIn("Read-only file system", out)
        self.assertEqual(self.run_out("--read-only --tmpfs /tmp", "sh", "-c", "echo x > /tmp/f; cat /tmp/f"), "x")
        self.assertEqual(self.run_out("--read-only -v /data", "sh", "-c", "echo x > /data/f; cat /data/f; echo y > /dev/shm/f"),
                         "x")

    def test_read_only_stays_so(self):
        """R5"""
        self.assertIn("Read-only", self.run_fails("--read-only --privileged", "sh", "-c", "mount -o remount,rw / /; touch /file"))

    def test_tmpfs_options(self):
        out = self.run_out(["--tmpfs", "/scratch:size=3m,mode=750,noexec"], "sh", "-c",
                           "grep ' /scratch ' /proc/mounts; stat -c %a:%u:%g /scratch; df -k /scratch | tail -n 1")
        self.assertRegex(out, r"tmpfs /scratch tmpfs rw,nosuid,nodev,noexec,relatime,size=3072k,mode=750,uid=\d+,gid=\d+")
        self.assertIn("\n750:0:0\n", out)

    def test_tmpfs_belongs_to_the_user_it_is_made_for(self):
        self.assertEqual(self.run_out(["--tmpfs", "/scratch:uid=1000,gid=1000,mode=700", "--user", "1000"], "sh", "-c",
                                      "touch /scratch/f; stat -c %u:%g /scratch"), "1000:1000")

    def test_mount_of_type_tmpfs(self):
        self.assertEqual(self.run_out(["--mount", "type=tmpfs,dst=/t,tmpfs-size=1048576,tmpfs-mode=1770"], "stat", "-c", "%a", "/t"),
                         "1770")

    def test_masked_and_read_only_paths(self):
        self.assertEqual(self.run_out("", "sh", "-c", "cat /proc/kcore /proc/timer_list 2>/dev/null | wc -c; ls /sys/firmware"),
                         "0")
        self.assertIn("Read-only", self.run_fails("", "sh", "-c", "echo 1 > /proc/sys/kernel/shmmax"))


class HostNamespaces(Case):
    """R3: the exact messages."""
    PREFIX = "error in the container spec: invalid or unsupported container spec: bulkhead containers can't share "
    SUFFIX = " with the host (because they use the linux user-namespace for isolation)"

    def test_refused(self):
        for option, what in (("--pid=host", "namespaces [pid]"), ("--ipc=host", "namespaces [ipc]"),
                             ("--uts=host", "namespaces [uts]"), ("--network=host", "a network namespace")):
            with self.subTest(option=option):
                self.assertIn(self.PREFIX + what + self.SUFFIX, self.run_fails(option, "true"))
                self.assertIn(self.PREFIX + what + self.SUFFIX, self.run_fails([option, "--privileged"], "true"))

    def test_of_a_container_of_another_runtime(self):
        other = self.docker("run", "-d", "--runtime", "runc", IMAGE, "sleep", "1000").stdout.strip()
        self.addCleanup(self.docker, "rm", "-f", other, check=False)
        for kind in ("network", "pid", "ipc"):
            with self.subTest(kind=kind):
                self.assertIn("share", self.run_fails(f"--{kind}=container:{other}", "true"))


class FileCapabilities(Case):
    """R6: file capabilities in images and set inside."""

    def test_set_and_used_inside(self):
        script = ("mkdir /d; cp /bin/busybox /d/cat; setcap cap_dac_override+ep /d/cat && "
                  "getcap /d/cat; echo secret > /root/s; chmod 600 /root/s; chmod 700 /root; exec sleep 1000")
        container = self.start((), "sh", "-c", script, image=TOOLS)
        self.sh(container, "while [ ! -e /root/s ]; do sleep 0.1; done; sleep 0.3")
        self.assertIn("/d/cat cap_dac_override=ep", self.docker("logs", container).stdout)
        self.assertEqual(self.sh(container, "/d/cat /root/s", "-u", "1000"), "secret")
        self.assertIn("ermission denied", self.docker("exec", "-u", "1000", container, "cat", "/root/s", check=False).stderr)

    def test_in_an_image(self):
        container = self.start((), "sh", "-c", "mkdir /d; cp /bin/busybox /d/cat; setcap cap_dac_override+ep /d/cat", image=TOOLS)
        self.docker("wait", container)
        self.docker("commit", container, "capable:test")
        self.addCleanup(self.docker, "rmi", "-f", "capable:test", check=False)
        self.assertIn("cap_dac_override=ep", self.run_out("", "getcap", "/d/cat", image="capable:test"))
        out = self.run_out("--user 1000", "sh", "-c", "/d/cat /proc/1/environ > /dev/null && "
                           "ls -ld /root && /d/cat /etc/passwd | head -n 1", image="capable:test")
        self.assertIn("root:x:0:0", out)


if __name__ == "__main__":
    unittest.main()
