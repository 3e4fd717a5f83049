"""Part 1 of the attack catalogue: hostile images and configurations, straight to the runtime."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import support
from bundles import BULKHEAD, Bundle
from support import docker


class HostileConfigurations(unittest.TestCase):
    def assert_refused(self, done, pattern):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertGreater(done.returncode, 0, "died by a signal")
        self.assertRegex(done.stderr, pattern)

    def test_A02_proc_must_be_procfs(self):
        with Bundle() as bundle:
            bundle.bind(bundle.outside, "/proc")
            self.assert_refused(bundle.run("true"), "/proc must be of type proc")
        for mount in ({"type": "tmpfs", "source": "tmpfs"}, {"type": "bind", "source": "/tmp", "options": ["bind"]}):
            for target in ("/proc/self", "/proc/sys", "/proc/self/attr", "/proc/../proc/sys"):
                with self.subTest(mount=mount, target=target), Bundle() as bundle:
                    bundle.config["mounts"].append({**mount, "destination": target})
                    self.assert_refused(bundle.run("true"), "inside /proc")
        self.assertIn("/proc must be of type proc", support.refused("run", "--rm", "-v", "named:/proc", support.IMAGE, "true"))

    def test_A02_proc_and_sys_are_no_symbolic_links(self):
        """CVE-2019-19921: masks are found by path afterwards."""
        for name in ("proc", "sys"):
            with self.subTest(name=name), Bundle() as bundle:
                (bundle.rootfs / name).rmdir()
                (bundle.rootfs / "elsewhere").mkdir()
                (bundle.rootfs / name).symlink_to("/elsewhere")
                self.assert_refused(bundle.run("true"), f"/{name}")

    def test_A07_working_directories_by_descriptor(self):
        for number in range(3, 31):
            with self.subTest(number=number), Bundle() as bundle:
                if number % 3 == 0:
                    bundle.config["process"]["cwd"] = f"/proc/self/fd/{number}"
                elif number % 3 == 1:
                    (bundle.rootfs / "work").symlink_to(f"/proc/self/fd/{number}")
                    bundle.config["process"]["cwd"] = "/work"
                else:
                    bundle.config["process"]["cwd"] = f"/proc/self/fd/{number}/../../.."
                done = bundle.run("pwd")
                self.assert_refused(done, "cwd|in the container|/proc/self/fd|chdir")

    def test_A07_working_directories_of_exec(self):
        name = support.running("privileged")
        for number in range(3, 31, 3):
            for path in (f"/proc/self/fd/{number}", f"/proc/self/fd/{number}/..", f"/proc/1/fd/{number}"):
                with self.subTest(path=path):
                    done = docker("exec", "-w", path, name, "pwd", check=False)
                    self.assertNotEqual(done.returncode, 0, done.stdout)

    def test_A09_masks_are_made_of_the_hosts_null(self):
        before = Path("/proc/sys/kernel/core_pattern").read_text()
        with Bundle() as bundle:
            bundle.drop_mounts("/dev", "/dev/pts", "/dev/shm", "/dev/mqueue")
            (bundle.rootfs / "dev/null").symlink_to("/proc/sys/kernel/core_pattern")
            bundle.config["linux"]["readonlyPaths"] = []
            done = bundle.run("sh", "-c", "echo '|/evil' > /dev/null; echo '|/evil' > /proc/sys/kernel/core_pattern; "
                                          "cat /proc/keys /proc/timer_list; echo end")
            # Either refused, or nothing came of it.
            if done.returncode == 0:
                self.assertEqual(done.stdout, "end\n")
        self.assertEqual(before, Path("/proc/sys/kernel/core_pattern").read_text())

    def test_A10_console_is_no_symbolic_link_out(self):
        for target in ("/proc/sysrq-trigger", "/../../../../../outside-console"):
            with self.subTest(target=target), Bundle() as bundle:
                bundle.drop_mounts("/dev", "/dev/shm", "/dev/mqueue", "/dev/pts")
                bundle.config["mounts"].append({"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                                                "options": ["newinstance", "ptmxmode=0666"]})
                bundle.config["process"]["terminal"] = True
                (bundle.rootfs / "dev/pts").mkdir()
                (bundle.rootfs / "dev/console").symlink_to(target)
                bundle.command("sh", "-c", "echo inside; echo t > /dev/console; stat -c %F /dev/console")
                bundle.save()
                done = subprocess.run(["script", "-qec", f"{BULKHEAD} --root {bundle.state} run --bundle {bundle.path} {bundle.id}",
                                       "/dev/null"], capture_output=True, text=True, timeout=60, check=False)
                self.assertFalse(Path("/outside-console").exists())
                if done.returncode == 0:
                    self.assertIn("inside", done.stdout)

    def test_A11_B12_sysctls(self):
        pattern = Path("/proc/sys/kernel/core_pattern").read_text()
        for key, value in (("kernel.core_pattern", "|/evil"), ("kernel/core_pattern", "|/evil"), ("net/../kernel/core_pattern", "|/evil"),
                           ("net.ipv4.ip_forward", "1+kernel.core_pattern=|/evil"), ("net.ipv4.ip_forward", "1\nkernel.core_pattern=|/evil"),
                           ("net.ipv4/../../kernel/core_pattern", "|/evil"), ("net..kernel.core_pattern", "|/evil"),
                           ("vm.overcommit_memory", "1"), ("kernel.panic", "1"), ("fs.file-max", "1"), ("", "1"), ("net.", "1"),
                           ("kernel.shm_rmid_forced/../core_pattern", "|/evil"), ("kernel.sem\0x", "1"), ("user.max_user_namespaces", "9"),
                           ("net.netfilter.nf_log_all_netns", "1"), ("net.core.bpf_jit_enable", "0")):
            with self.subTest(key=key, value=value), Bundle() as bundle:
                bundle.config["linux"]["sysctl"] = {key: value}
                self.assert_refused(bundle.run("true"), "sysctl|config.json")
        self.assertEqual(pattern, Path("/proc/sys/kernel/core_pattern").read_text())

    def test_A14_users_of_exec(self):
        name = support.running("plain")
        for user in ("1000abc", "0x0", "4294967295", "4294967296", "-1", "99999999999", "65536:0", "0:65536", " 0", "nobody", ":0x"):
            with self.subTest(user=user):
                done = docker("exec", "-u", user, name, "id", "-u", check=False)
                self.assertNotEqual(done.returncode, 0, done.stdout)
        with Bundle() as bundle:
            bundle.command("sleep", "1000")
            self.assertEqual(bundle.create().returncode, 0)
            bundle.runtime("start", bundle.id)
            for user in ("1000abc", "", "0x0", "4294967296", "4294967295", "-1", "1:2:3", "1:", ":1", "+0", "1000 ", "65536"):
                with self.subTest(user=user, raw=True):
                    done = bundle.runtime("exec", "--user", user, bundle.id, "id", "-u")
                    self.assertNotEqual(done.returncode, 0, done.stdout)

    def test_A15_user_ids_of_the_configuration(self):
        for uid in (4294967295, 2147483648, 65536, 4294967296, -1, 1.5, "0"):
            for key in ("uid", "gid"):
                with self.subTest(uid=uid, key=key), Bundle() as bundle:
                    bundle.config["process"]["user"][key] = uid
                    self.assert_refused(bundle.run("id"), "uid|gid|user id|group id|config.json")

    def test_A16_supplementary_groups(self):
        for extra, expected in (([], "1000"), ([5, 33], "1000 5 33")):
            with self.subTest(extra=extra), Bundle() as bundle:
                bundle.config["process"]["user"] = {"uid": 1000, "gid": 1000, "additionalGids": extra}
                done = bundle.run("sh", "-c", "id -G; sed -n 's/Groups:\t//p' /proc/self/status")
                self.assertEqual(set(done.stdout.splitlines()[0].split()), set(expected.split()), done.stderr)
                self.assertEqual(done.stdout.splitlines()[1].split(), [str(gid) for gid in extra])

    def test_A17_A26_huge_and_broken_configurations(self):
        with Bundle() as bundle:
            bundle.command("true")
            bundle.save()
            good = (bundle.path / "config.json").read_text()
            cases = {
                "duplicate key": good.replace('"process":', '"process": {}, "process":', 1),
                "case twin": good.replace('"root":', '"Root": {"path": "/"}, "root":', 1),
                "deep": '{"a":' + "[" * 100000 + "]" * 100000 + "}",
                "nul": good.replace('"rootfs"', '"rootfs\\u0000/../.."', 1),
                "raw nul": good.replace('"rootfs"', '"root\0fs"', 1),
                "truncated": good[:len(good) // 2],
                "trailing": good + "{}",
                "empty": "", "array": "[]", "null": "null", "number": "1e999",
                "wrong types": good.replace('"args": ["true"]', '"args": "true"', 1),
                "huge": '{"annotations": {"a": "' + "x" * (64 << 20) + '"}}',
                "many mounts": json.dumps({**json.loads(good), "mounts": [
                    {"destination": f"/m{i}", "type": "tmpfs", "source": "tmpfs"} for i in range(100000)]}),
                "many ids": json.dumps({**json.loads(good), "linux": {**json.loads(good)["linux"], "uidMappings": [
                    {"containerID": i, "hostID": 100000 + i, "size": 1} for i in range(5000)]}}),
                "invalid utf-8": None,
            }
            for name, text in cases.items():
                with self.subTest(case=name):
                    data = good.encode().replace(b'"rootfs"', b'"root\xff\xfefs"', 1) if text is None else text.encode()
                    (bundle.path / "config.json").write_bytes(data)
                    done = bundle.runtime("run", "--bundle", bundle.path, bundle.id)
                    if name == "case twin" and done.returncode == 0:
                        continue  # keys are case-sensitive: the other one is an unknown key
                    self.assert_refused(done, ".")
                    self.assertNotIn(bundle.id, os.listdir(bundle.state) if bundle.state.exists() else [])

    def test_A19_A08_targets_stay_in_the_root(self):
        for link in ("/../../../../../..{}", "../../../../../../../..{}", "{}"):
            with self.subTest(link=link), Bundle() as bundle:
                (bundle.rootfs / "mnt").symlink_to(link.format(bundle.outside))
                (bundle.path / "data").mkdir()
                (bundle.path / "file").write_text("data")
                bundle.bind(bundle.path / "data", "/mnt/new/directory")
                bundle.bind(bundle.path / "file", "/mnt/canary")
                bundle.config["mounts"].append({"destination": "/mnt/tmpfs", "type": "tmpfs", "source": "tmpfs"})
                bundle.run("sh", "-c", "touch /mnt/new/directory/x /mnt/tmpfs/y")
                self.assertTrue(bundle.outside_is_untouched())

    def test_A20_ids_that_are_paths(self):
        with Bundle() as bundle:
            bundle.command("true")
            bundle.save()
            for identity in ("../../x", "a/b", "", ".", "..", "x" * 4096, "a\nb", "a b", "%s%n", "a\x01", "../state"):
                for command in (("run", "--bundle", bundle.path), ("delete", "--force"), ("state",), ("kill",), ("start",)):
                    with self.subTest(identity=identity[:20], command=command[0]):
                        done = bundle.runtime(*command, identity)
                        if command[0] == "delete" and done.returncode == 0:
                            continue  # --force of what is not there
                        self.assertGreater(done.returncode, 0)
            self.assertTrue((bundle.path / "config.json").exists())
            self.assertTrue(bundle.outside_is_untouched())
            self.assertEqual(list(bundle.state.iterdir()) if bundle.state.exists() else [], [])

    def test_A25_seccomp_is_applied_or_creation_fails(self):
        good = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["sethostname"], "action": "SCMP_ACT_ERRNO"}]}
        for broken in ({"defaultAction": "SCMP_ACT_NONSENSE"}, {**good, "architectures": ["SCMP_ARCH_NONSENSE"]},
                       {**good, "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_NONSENSE"}]},
                       {**good, "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_ERRNO",
                                              "args": [{"index": 9, "value": 1, "op": "SCMP_CMP_EQ"}]}]},
                       {**good, "flags": ["SECCOMP_FILTER_FLAG_NONSENSE"]}):
            with self.subTest(profile=broken), Bundle() as bundle:
                bundle.config["linux"]["seccomp"] = broken
                self.assert_refused(bundle.run("true"), "seccomp")
        for no_new_privileges in (True, False):
            with self.subTest(no_new_privileges=no_new_privileges), Bundle() as bundle:
                bundle.config["linux"]["seccomp"] = good
                bundle.config["process"]["noNewPrivileges"] = no_new_privileges
                bundle.config["process"]["user"] = {"uid": 1000, "gid": 1000}
                done = bundle.run("sed", "-n", "s/^Seccomp:.//p", "/proc/self/status")
                self.assertEqual(done.stdout.strip(), "2", done.stderr)

    def test_A27_the_state_is_not_inside(self):
        name = support.running("privileged")
        out = docker("exec", name, "sh", "-c", "find / -xdev -name state.json 2>/dev/null; ls -d /run/bulkhead /var/lib/bulkhead "
                     "/etc/bulkhead 2>/dev/null; cat /proc/net/unix | wc -l").stdout
        self.assertEqual(out.split(), ["1"])  # the heading: no socket of ours, no abstract one (C20, B01)
        state = Path("/run/bulkhead")
        for path in state.rglob("state.json"):
            try:
                self.assertEqual((path.stat().st_mode & 0o777, path.stat().st_uid), (0o600, 0))
                self.assertEqual(path.parent.stat().st_mode & 0o077, 0)
            except FileNotFoundError:
                pass  # another container's, just deleted

    def test_A29_nothing_of_the_container_runs_on_the_host(self):
        with Bundle() as bundle:
            for name in ("newuidmap", "newgidmap", "xz", "mount", "modprobe", "ps", "iptables"):
                path = bundle.rootfs / "bin" / name
                path.unlink(missing_ok=True)
                path.write_text("#!/bin/sh\necho evil > /evil\n")
                path.chmod(0o755)
            bundle.command("true")
            bundle.save()
            trace = bundle.path / "trace"
            done = subprocess.run(["strace", "-f", "-qq", "-e", "trace=execve,execveat", "-e", "signal=none", "-o", trace, BULKHEAD,
                                   "--root", bundle.state, "run", "--bundle", bundle.path, bundle.id],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            executed = [line.split('"')[1] for line in trace.read_text().splitlines() if "execve" in line]
            self.assertEqual(executed, [str(BULKHEAD), "/bin/true"])
            self.assertFalse((bundle.rootfs / "evil").exists())

    def test_A05_A16_exec_takes_nothing_along(self):
        with Bundle() as bundle:
            bundle.command("sleep", "1000")
            self.assertEqual(bundle.create().returncode, 0)
            bundle.runtime("start", bundle.id)
            read_end, write_end = os.pipe()
            os.set_inheritable(read_end, True)
            done = bundle.runtime("exec", "--user", "1000", bundle.id, "/escape/descriptors", pass_fds=(read_end,))
            self.assertEqual([line.split()[0] for line in done.stdout.splitlines()], ["0", "1", "2", "cwd"])
            done = bundle.runtime("exec", "--cap", "CAP_NET_ADMIN", bundle.id, "cat", "/proc/self/status")
            self.assertRegex(done.stdout, r"CapInh:\s+0+\n")
            os.close(read_end)
            os.close(write_end)


class Binary(unittest.TestCase):
    def test_A01_the_runtime_cannot_be_overwritten(self):
        """CVE-2019-5736: by an entry point that is the runtime, and while others exec."""
        before, status = support.digest(BULKHEAD), os.stat(BULKHEAD)
        support.import_image(support.engine(), "evil:test", extra=(
            ("./selfexe", {"data": b"#!/proc/self/exe\n", "mode": 0o755}),))
        first = docker("run", "--rm", "--privileged", "evil:test", "/selfexe", check=False)
        self.assertNotIn("uid=", first.stdout)
        docker("run", "-d", "--name", "evil", "--privileged", "evil:test", "/escape/overwrite")
        self.addCleanup(docker, "rm", "-f", "evil")
        support.wait_for_line("evil", "ready OK")
        for _ in range(20):
            docker("exec", "evil", "/selfexe", check=False)
            docker("exec", "evil", "true", check=False)
        docker("exec", "evil", "touch", "/tmp/stop")
        docker("wait", "evil")
        log = docker("logs", "evil").stdout
        self.assertNotIn("write OK", log)
        self.assertRegex(log, r"tries [1-9]")
        self.assertEqual(before, support.digest(BULKHEAD))
        now = os.stat(BULKHEAD)
        self.assertEqual((status.st_ino, status.st_mtime_ns, status.st_mode), (now.st_ino, now.st_mtime_ns, now.st_mode))


if __name__ == "__main__":
    unittest.main()
