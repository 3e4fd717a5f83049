"""SPEC "Bad input": always a clear error that names the key and the reason, exit code 1, and nothing changed."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import unittest
from pathlib import Path

import lab as world

NS_OF_HOST = {name: os.readlink(f"/proc/self/ns/{name}") for name in
              ("user", "pid", "net", "ipc", "uts", "mnt", "cgroup", "time")}


def at(*path, value):
    """A change of the configuration: the value at this path; `...` as value removes the key."""
    def change(config):
        place = config
        for index, key in enumerate(path[:-1]):
            if isinstance(place, dict) and key not in place:
                place[key] = [] if path[index + 1] == "+" else {}
            place = place[key]
        if value is ...:
            del place[path[-1]]
        elif path[-1] == "+":
            place.append(value)
        else:
            place[path[-1]] = value
    change.text = f"{'.'.join(map(str, path))} = {json.dumps(value)[:60] if value is not ... else 'missing'}"
    return change


def mount(**fields):
    return at("mounts", "+", value={"destination": "/x", "type": "tmpfs", "source": "tmpfs", **fields})


# What is wrong, and what the message must say.
CHANGES = [
    (at("ociVersion", value=...), "ociVersion"),
    (at("ociVersion", value="7.0.0"), "ociVersion"),
    (at("ociVersion", value=1), "ociVersion"),
    (at("root", value=...), "root"),
    (at("root", value={}), "root.path"),
    (at("root", "path", value="/no/such/root"), "root.path.*/no/such/root.*No such file"),
    (at("root", "path", value="config.json"), "root.path.*Not a directory"),
    (at("root", "path", value=7), "root.path.*string"),
    (at("root", "readonly", value="yes"), "root.readonly"),
    (at("process", value=...), "process"),
    (at("process", "args", value=[]), "process.args"),
    (at("process", "args", value=...), "process.args"),
    (at("process", "args", value=["sh", 1]), r"process.args\[1\]"),
    (at("process", "args", value="sh"), "process.args"),
    (at("process", "args", value=["a\u0000b"]), "config.json: line 1, column \\d+: NUL"),
    (at("process", "args", value=["/no/such/program"]), '"/no/such/program".*no such file or directory'),
    (at("process", "args", value=["no-such-program"]), '"no-such-program".*not found in \\$PATH'),
    (at("process", "args", value=["/etc"]), '"/etc"'),
    (at("process", "env", value=["A\u0000=b"]), "NUL character"),
    (at("process", "cwd", value="relative"), "process.cwd.*absolute"),
    (at("process", "cwd", value=""), "process.cwd"),
    (at("process", "cwd", value="/bin/busybox"), "process.cwd.*Not a directory"),
    (at("process", "user", "uid", value=-1), "process.user.uid"),
    (at("process", "user", "uid", value=4294967295), "process.user.uid"),
    (at("process", "user", "uid", value=4294967296), "process.user.uid"),
    (at("process", "user", "uid", value=1.5), "process.user.uid"),
    (at("process", "user", "uid", value=70000), "70000"),
    (at("process", "capabilities", "bounding", value=["CAP_NO_SUCH"]), "process.capabilities.*CAP_NO_SUCH"),
    (at("process", "capabilities", "effective", value=["chown"]), "process.capabilities.*chown"),
    (at("process", "capabilities", "ambient", value={}), "process.capabilities.ambient"),
    (at("process", "rlimits", value=[{"type": "RLIMIT_X", "soft": 1, "hard": 1}]), "process.rlimits.*RLIMIT_X"),
    (at("process", "rlimits", value=[{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}]), r"process.rlimits\[0\].*soft limit 2"),
    (at("process", "rlimits", value=[{"type": "RLIMIT_CPU", "soft": 1, "hard": 1}] * 2), "RLIMIT_CPU.*twice"),
    (at("process", "oomScoreAdj", value="low"), "process.oomScoreAdj"),
    (at("process", "oomScoreAdj", value=5000), "process.oomScoreAdj"),
    (at("process", "terminal", value=True), "process.terminal.*--console-socket"),
    (at("process", "scheduler", value={"policy": "SCHED_X"}), "process.scheduler.policy.*SCHED_X"),
    (at("process", "ioPriority", value={"class": "IOPRIO_CLASS_X", "priority": 1}), "process.ioPriority"),
    (at("hostname", value="x" * 100), "hostname"),
    (at("hostname", value=7), "hostname"),
    (at("mounts", value={}), "mounts"),
    (at("mounts", "+", value={"type": "tmpfs"}), r"mounts\[\d+\].destination"),
    (mount(type="ext4"), '"ext4" of /x is not supported'),
    (mount(destination="/"), "destination / "),
    (mount(destination="/proc/sys"), "/proc/sys.*inside /proc"),
    (mount(options=["size=lots"]), "/x.*size"),
    (mount(options=["no-such-option"]), "/x.*no-such-option"),
    (mount(options="ro"), r"mounts\[\d+\].options"),
    (mount(type="bind", source="/no/such/source", options=["rbind"]), "/no/such/source.*No such file"),
    (mount(type="bind", source="/etc/shadow", options=["rbind"]), "can't mount /etc/shadow because it's configured"),
    (mount(type="bind", source="/", options=["rbind", "ro"]), "can't mount / because"),
    (mount(destination="/etc/hosts/below"), "/etc/hosts/below.*Not a directory"),
    (at("linux", "namespaces", value=[]), r"share namespaces \[pid ipc uts mount network\]"),
    (at("linux", "namespaces", "+", value={"type": "nonsense"}), "linux.namespaces.*nonsense"),
    (at("linux", "namespaces", "+", value={"type": "pid"}), "linux.namespaces.*pid"),
    (at("linux", "namespaces", 1, "path", value="/no/such/ns"), "linux.namespaces.*/no/such/ns"),
    (at("linux", "namespaces", 1, "path", value="/etc/passwd"), "/etc/passwd.*namespace"),
    (at("linux", "namespaces", 1, "path", value="/proc/self/ns/net"), "can't share a network namespace with the host"),
    (at("linux", "uidMappings", value=[{"containerID": 0, "hostID": 0, "size": 65536}]), "error in the container spec"),
    (at("linux", "uidMappings", value=[{"containerID": 0, "hostID": 500000, "size": 10}]), "error in the container spec"),
    (at("linux", "sysctl", value={"kernel.core_pattern": "|/x"}), "kernel.core_pattern"),
    (at("linux", "sysctl", value={"net/../kernel/core_pattern": "|/x"}), "malformed"),
    (at("linux", "sysctl", value={"net.ipv4.no_such": "1"}), "net.ipv4.no_such.*No such file"),
    (at("linux", "sysctl", value={"net.ipv4.ip_forward": "1+kernel.core_pattern=x"}), "net.ipv4.ip_forward.*Invalid"),
    (at("linux", "devices", "+", value={"path": "/dev/sda", "type": "b", "major": 8, "minor": 0}), "/dev/sda|not allowed"),
    (at("linux", "devices", "+", value={"path": "/dev/fuse", "type": "c", "major": 1, "minor": 1}), "not allowed"),
    (at("linux", "devices", "+", value={"path": "/dev/x", "type": "q", "major": 1, "minor": 1}), "type"),
    (at("linux", "resources", "memory", value={"limit": "1g"}), "linux.resources.memory.limit"),
    (at("linux", "resources", "memory", value={"limit": 1}), "killed by signal 9.*out of memory|memory"),
    (at("linux", "resources", "pids", value={"limit": {}}), "linux.resources.pids.limit"),
    (at("linux", "resources", "cpu", value={"cpus": "900-999"}), "cpu"),
    (at("linux", "cgroupsPath", value="/a/../../b"), "cgroupsPath"),
    (at("linux", "cgroupsPath", value=7), "linux.cgroupsPath"),
    (at("linux", "seccomp", "defaultAction", value="SCMP_ACT_X"), "linux.seccomp.*SCMP_ACT_X"),
    (at("linux", "seccomp", "architectures", value=["SCMP_ARCH_X"]), "linux.seccomp.*SCMP_ARCH_X"),
    (at("linux", "seccomp", "syscalls", value=[{"names": ["read"], "action": "SCMP_ACT_X"}]), "linux.seccomp.*SCMP_ACT_X"),
    (at("linux", "rootfsPropagation", value="wild"), "linux.rootfsPropagation.*wild"),
    (at("linux", "personality", value={"domain": "BSD"}), "linux.personality.domain.*BSD"),
    (at("linux", "intelRdt", value={"closID": "x"}), "linux.intelRdt is not supported"),
    (at("linux", "timeOffsets", value={"lunar": {"secs": 1}}), "linux.timeOffsets.*lunar"),
    (at("linux", "maskedPaths", value=["relative"]), "linux.maskedPaths"),
    (at("hooks", "createRuntime", value=[{"path": "relative"}]), r"hooks.createRuntime\[0\].path"),
    (at("hooks", "createRuntime", value=[{"path": "/no/such/hook"}]), "/no/such/hook.*No such file"),
    (at("hooks", "prestart", value=[{"path": "/bin/false"}]), "/bin/false: exit status 1"),
    (at("hooks", "createContainer", value=[{"path": "/bin/false"}]), "/bin/false: exit status 1"),
    (at("hooks", "createRuntime", value=[{"path": "/bin/sleep", "args": ["sleep", "60"], "timeout": 1}]), "timeout of 1 s"),
    (at("hooks", "prestart", value=[{"path": "/bin/true", "timeout": 0}]), "hooks.prestart.*timeout"),
]

TEXTS = {
    "empty": ("", "config.json"),
    "cut": ('{"ociVersion":', "config.json"),
    "array": ("[]", "config.json"),
    "null": ("null", "config.json"),
    "trailing": ("{} {}", "config.json"),
    "not json": ("ociVersion: 1.0", "config.json"),
    "nul": ('{"ociVersion":"1.0.2"}\0', "config.json"),
    "utf-8": (b'{"ociVersion":"\xff\xfe"}', "config.json"),
    "duplicate": ('{"ociVersion":"1.0.2","ociVersion":"1.0.2"}', "ociVersion"),
    "case": ('{"ociVersion":"1.0.2","OCIVERSION":"1.0.2"}', "OCIVERSION"),
    "deep": ('{"x":' + "[" * 100000 + "]" * 100000 + "}", "config.json"),
    "many": ('{"x":[' + "0," * 200000 + "0]}", "config.json"),
    "huge": ('{"x":"' + "x" * (17 << 20) + '"}', "config.json.*larger than the limit"),
    "number": ('{"ociVersion":1e999}', "config.json"),
}

SETTINGS = {
    "malformed": ("{", "settings"),
    "unknown key": ('{"bulkhead": {"restrictedMount": {}}}', "bulkhead.restrictedMount"),
    "mistyped": ('{"bulkhead": {"idPool": {"start": "100000"}}}', "bulkhead.idPool.start"),
    "wrong value": ('{"bulkhead": {"restrictedMounts": {"parents": "allow"}}}', "parents"),
    "not absolute": ('{"bulkhead": {"dataRoots": ["docker"]}}', r"dataRoots\[0\]"),
    "mistyped switch": ('{"enhancedContainerIsolation": {"value": "true"}}', "enhancedContainerIsolation.value"),
    "empty": ("", "settings"),
    "huge": (" " * (2 << 20) + "{}", "limit"),
}


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = world.missing()
        if reason:
            raise unittest.SkipTest(reason)
        cls.lab = world.lab()
        cls.lab.must("run", "--bundle", cls.lab.bundle, cls.lab.id)
        cls.lab.expect_nothing_more()

    def tearDown(self):
        self.lab.run("delete", "--force", self.lab.id)
        self.lab.write_config(self.lab.bundle)

    def refuse(self, message, *words, options=(), **more):
        """The command fails with this message, in one line, and changes nothing."""
        result = self.lab.run(*words, options=options, **more)
        self.assertEqual(result.code, 1, result.err + result.out)
        errors = [line for line in result.err.splitlines() if "level=error" in line]
        self.assertEqual(len(errors), 1, result.err)
        self.assertRegex(errors[0].replace('\\"', '"'), message)
        self.assertNotRegex(errors[0], "Success|Unknown error")
        self.assertEqual(self.lab.left(1), [], "changed something")

    def create_words(self):
        return ("create", "--bundle", self.lab.bundle, "--pid-file", self.lab.root / "pid", self.lab.id)

    def test_configurations(self):
        for change, message in CHANGES:
            with self.subTest(change.text):
                self.lab.write_config(self.lab.bundle, change)
                self.refuse(message, *self.create_words())

    def test_texts(self):
        for name, (text, message) in TEXTS.items():
            with self.subTest(name):
                (self.lab.bundle / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
                self.refuse(message, *self.create_words())

    def test_unknown_keys_are_ignored(self):
        """As the specification demands of config.json (not of our own settings)."""
        self.lab.write_config(self.lab.bundle, at("org.example.extension", value={"a": 1}))
        self.assertEqual(self.lab.create().code, 0)

    def test_files(self):
        config, pid = self.lab.bundle / "config.json", self.lab.root / "pid"
        text = config.read_text()
        config.unlink()
        self.refuse("config.json.*No such file", *self.create_words())
        config.mkdir()
        self.refuse("config.json.*directory", *self.create_words())
        config.rmdir()
        config.write_text(text)
        self.refuse("/no/such/bundle.*No such file", "create", "--bundle", "/no/such/bundle", self.lab.id)
        self.refuse("/no/such.*No such file", "create", "--bundle", self.lab.bundle, "--pid-file", "/no/such/pid",
                    self.lab.id)
        self.refuse("/no/such/log", *self.create_words(), options=("--log", "/no/such/log"))
        self.refuse("--root", *self.create_words(), options=("--root", config))
        self.assertFalse(pid.exists() and self.lab.left(0))

    def test_consoles(self):
        self.refuse("--console-socket.*process.terminal", "create", "--bundle", self.lab.bundle, "--console-socket",
                    "/x", self.lab.id)
        self.lab.write_config(self.lab.bundle, at("process", "terminal", value=True))
        self.refuse("/no/such/socket.*No such file", "create", "--bundle", self.lab.bundle, "--console-socket",
                    "/no/such/socket", self.lab.id)
        self.refuse("x{20}|sun_path|107|long", "create", "--bundle", self.lab.bundle, "--console-socket",
                    "/" + "x" * 200, self.lab.id)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.lab.root / "socket"))
        self.refuse("Connection refused", "create", "--bundle", self.lab.bundle, "--console-socket",
                    self.lab.root / "socket", self.lab.id)
        listener.close()
        os.unlink(self.lab.root / "socket")

    def test_command_lines(self):
        for words, message in ((("nonsense",), 'unknown command "nonsense"'),
                               (("create",), "create: expected arguments"),
                               (("create", "a", "b"), "create: expected arguments"),
                               (("create", "--nonsense", "a"), "unknown option --nonsense"),
                               (("create", "--bundle"), "--bundle needs DIR"),
                               (("create", "--preserve-fds", "-1", "a"), "--preserve-fds"),
                               (("create", "--bundle", self.lab.bundle, "../../x"), "invalid container id"),
                               (("create", "--bundle", self.lab.bundle, ""), "invalid container id"),
                               (("start", "no-such"), '"no-such" does not exist'),
                               (("state", "no-such"), "does not exist"),
                               (("kill", "no-such", "KILL"), "does not exist"),
                               (("kill", "no-such", "SIGNONSENSE"), 'unknown signal "SIGNONSENSE"'),
                               (("exec", "no-such", "sh"), "does not exist"),
                               (("delete", "no-such"), "does not exist"),
                               (("pause", "no-such"), "does not exist"),
                               (("events", "no-such"), "does not exist"),
                               (("checkpoint", "x"), "checkpoint is not supported"),
                               (("restore", "x"), "restore is not supported")):
            with self.subTest(words):
                self.refuse(message, *words)
        self.refuse("--log-format", "list", options=("--log-format", "xml"))
        self.assertEqual(self.lab.run("delete", "--force", "no-such").code, 0)

    def test_wrong_moments(self):
        self.lab.must_create()
        before = self.lab.world()
        for words, message in ((self.create_words(), "exists already"), (("resume", self.lab.id), "cannot resume")):
            result = self.lab.run(*words)
            self.assertEqual(result.code, 1)
            self.assertRegex(result.err, message)
        self.assertEqual(self.lab.world() - before, set())
        self.lab.must("start", self.lab.id)
        result = self.lab.run("start", self.lab.id)
        self.assertEqual(result.code, 1)
        self.assertRegex(result.err, "cannot start a container that (is running|has stopped|has started already)")

    def test_exec_of_bad_input(self):
        self.lab.write_config(self.lab.bundle, at("process", "args", value=["/bin/sleep", "100"]))
        self.lab.must_create()
        self.lab.must("start", self.lab.id)
        before = self.lab.must("ps", "--format", "json", self.lab.id).out
        for words, message in ((("--user", "x", self.lab.id, "sh"), "--user x"),
                               (("--user", "4294967295", self.lab.id, "sh"), "--user"),
                               (("--cap", "CAP_X", self.lab.id, "sh"), "CAP_X"),
                               (("--cwd", "rel", self.lab.id, "sh"), "--cwd"),
                               (("--cwd", "/no/such", self.lab.id, "sh"), "/no/such"),
                               (("--process", "/no/such", self.lab.id), "/no/such"),
                               (("--preserve-fds", "-1", self.lab.id, "sh"), "--preserve-fds"),
                               ((self.lab.id,), "no command"),
                               ((self.lab.id, "no-such-program"), "not found in")):
            with self.subTest(words):
                result = self.lab.run("exec", *words)
                self.assertNotEqual(result.code, 0)
                self.assertRegex(result.err, message)
                self.assertEqual(self.lab.must("ps", "--format", "json", self.lab.id).out, before)

    def test_settings(self):
        """Fails closed; what runs can still be looked at and ended."""
        path = self.lab.root / "settings.json"
        self.lab.must_create()
        for name, (text, message) in SETTINGS.items():
            with self.subTest(name):
                path.write_text(text)
                options = ("--settings", path)
                result = self.lab.run("create", "--bundle", self.lab.bundle, "another", options=options)
                self.assertEqual(result.code, 1, result.err)
                self.assertRegex(result.err, message)
                self.assertIn(str(path), result.err, "the file's name")
                self.assertEqual(self.lab.run("state", self.lab.id, options=options).code, 0)
        result = self.lab.run("create", "--bundle", self.lab.bundle, "another", options=("--settings", "/no/such"))
        self.assertEqual(result.code, 1)
        self.assertRegex(result.err, "settings.*/no/such.*No such file")
        self.assertEqual(self.lab.run("delete", "--force", self.lab.id, options=("--settings", path)).code, 0)
        self.assertEqual(self.lab.left(), [])

    def test_id_pool(self):
        path = self.lab.root / "settings.json"
        path.write_text('{"bulkhead": {"idPool": {"start": 1000000, "ranges": 2}}}')
        options = ("--settings", path)

        def create(name):
            folder = self.lab.root / name
            if not folder.exists():
                self.lab.make_bundle(name)
            return self.lab.run("create", "--bundle", folder, name, options=options)
        try:
            self.assertEqual(create("pool0").code, 0)
            self.assertEqual(create("pool1").code, 0)
            held = self.lab.held_ids()
            third = create("pool2")
            self.assertEqual(third.code, 1)
            self.assertRegex(third.err, r"(?i)pool.*(exhausted|no free|all)")
            self.assertEqual(self.lab.held_ids(), held)
            self.assertFalse((self.lab.state / "pool2").exists())
            self.lab.must("delete", "--force", "pool0")
            self.assertEqual(create("pool2").code, 0)
        finally:
            for name in ("pool0", "pool1", "pool2"):
                self.lab.run("delete", "--force", name)
                subprocess.run(["umount", self.lab.root / name / "merged"], check=False)

    def test_full_disk(self):
        """The state directory's file system has no room, at every size between none and enough."""
        full = self.lab.root / "full"
        full.mkdir()
        failures = 0
        for kilobytes in (4, 8, 12, 16, 20, 24, 28, 32, 48, 64):
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "full", full], check=True)
            with self.subTest(f"{kilobytes} KiB"):
                options = ("--root", full)
                result = self.lab.run(*self.create_words(), options=options)
                if result.code != 0:
                    failures += 1
                    self.assertEqual(result.code, 1)
                    self.assertRegex(result.err, "level=error.*No space left on device")
                    self.assertEqual(os.listdir(full), [])
                deleted = self.lab.run("delete", "--force", self.lab.id, options=options)
                self.assertEqual(deleted.code, 0, deleted.err)
                subprocess.run(["umount", full], check=True)
                self.assertEqual(self.lab.left(), [])
            if os.path.ismount(full):
                subprocess.run(["umount", "-l", full], check=True)
        full.rmdir()
        self.assertGreater(failures, 1)

    def test_full_run_directory(self):
        """Nothing can be made below /run/bulkhead: no range, no state."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=2", "full", "/run/bulkhead"], check=True)
        try:
            result = self.lab.run(*self.create_words())
            self.assertEqual(result.code, 1)
            self.assertRegex(result.err, "level=error.*(No space left on device|Cannot allocate)")
        finally:
            subprocess.run(["umount", "/run/bulkhead"], check=True)
        self.assertEqual(self.lab.left(), [])

    def test_read_only_run_directory(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "full", "/run/bulkhead"], check=True)
        try:
            result = self.lab.run(*self.create_words())
            self.assertEqual(result.code, 1)
            self.assertRegex(result.err, "level=error.*Read-only file system")
        finally:
            subprocess.run(["umount", "/run/bulkhead"], check=True)

    def test_id_pool_that_others_could_write(self):
        ids = Path("/run/bulkhead/ids")
        mode = ids.stat().st_mode
        ids.chmod(0o777)
        try:
            result = self.lab.run(*self.create_words())
            self.assertEqual(result.code, 1)
            self.assertRegex(result.err, "/run/bulkhead/ids|ids")
        finally:
            ids.chmod(mode)
        self.assertEqual(self.lab.left(), [])

    def test_few_descriptors(self):
        """RLIMIT_NOFILE from nothing to enough: a clear error or a container."""
        codes = set()
        for limit in (*range(3, 64, 4), *range(64, 200, 8)):
            with self.subTest(limit):
                result = self.lab.run(*self.create_words(), prepare=lambda most=limit: resource.setrlimit(
                    resource.RLIMIT_NOFILE, (most, most)))
                codes.add(result.code)
                if result.code != 0:
                    self.assertRegex(result.err, "level=error.*Too many open files")
                self.lab.delete()
                self.assertEqual(self.lab.left(), [])
        self.assertEqual(codes, {0, 1})

    def test_damaged_state(self):
        """delete --force takes a container whose state file cannot be read, its processes included."""
        for text in ("", "{", "[]", '{"pid":'):
            with self.subTest(text):
                self.lab.write_config(self.lab.bundle, at("process", "args", value=["/bin/sleep", "1000"]))
                self.lab.must_create()
                self.lab.must("start", self.lab.id)
                (self.lab.state / self.lab.id / "state.json").write_text(text)
                result = self.lab.run("delete", self.lab.id)
                self.assertEqual(result.code, 1)
                self.assertRegex(result.err, "state.json")
                self.lab.delete()
                self.assertEqual(self.lab.left(), [])


class Logs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = world.missing()
        if reason:
            raise unittest.SkipTest(reason)
        cls.lab = world.lab()
        cls.lab.must("run", "--bundle", cls.lab.bundle, cls.lab.id)
        cls.lab.expect_nothing_more()

    def tearDown(self):
        self.lab.run("delete", "--force", self.lab.id)
        self.lab.write_config(self.lab.bundle)

    def test_json_lines(self):
        """What containerd's shim reads: the last line with level error is shown to the user."""
        log = self.lab.root / "log.json"
        for args in (["/no/such"], ['quote " back \\ slash'], ["tab\tnewline\nbell\x07"], ["ümläut ✓"], ["\x7f\x1b[31m"]):
            log.unlink(missing_ok=True)
            self.lab.write_config(self.lab.bundle, at("process", "args", value=args))
            result = self.lab.run("create", "--bundle", self.lab.bundle, self.lab.id,
                                  options=("--log", log, "--log-format", "json"))
            with self.subTest(args):
                self.assertEqual(result.code, 1)
                lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
                self.assertTrue(all(set(line) == {"level", "msg", "time"} for line in lines))
                self.assertEqual(lines[-1]["level"], "error")
                self.assertIn(args[0], lines[-1]["msg"])
                self.assertRegex(lines[-1]["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
                self.assertIn(args[0].splitlines()[0], result.err, "people see it too")
        self.assertEqual(log.stat().st_mode & 0o777, 0o600)

    def test_log_is_appended(self):
        log = self.lab.root / "log.text"
        log.write_text("before\n")
        self.lab.run("start", "no-such", options=("--log", log))
        self.assertRegex(log.read_text(), r'^before\ntime="[^"]+" level=error msg="container \\"no-such\\" does not exist"\n$')


class Surroundings(unittest.TestCase):
    """What the caller may have done to the process before."""

    @classmethod
    def setUpClass(cls):
        reason = world.missing()
        if reason:
            raise unittest.SkipTest(reason)
        cls.lab = world.lab()
        cls.usual = cls.lab.must("run", "--bundle", cls.lab.bundle, cls.lab.id).out

    def test_usual(self):
        """The fingerprint that the fault tests compare with is that of a confined container."""
        for line in ("Seccomp:\t2", "SigIgn:\t0000000000000000", "SigBlk:\t0000000000000000", "CapEff:\t00000000a80425fb",
                     "uptime is its own", "LOOPBACK,UP", "/proc/sys is read-only", "bind is read-only", "9000", "512"):
            self.assertIn(line, self.usual)
        self.assertRegex(self.usual, r"(?m)^ +0 +\d{6} +65536$")
        self.assertEqual(re.findall(r"(?m)^fd \d+$", self.usual), ["fd 0", "fd 1", "fd 2"])
        inside = dict(re.findall(r"(?m)^(\w+):(\[\d+\])$", self.usual))
        self.assertEqual(len(inside), 8)
        for name, inode in inside.items():
            self.assertNotEqual(f"{name}:{inode}", NS_OF_HOST[name])

    def test_closed_stdio(self):
        """What the runtime opens must not become the container's stdin, stdout or stderr."""
        def script(config):
            config["process"]["args"] = ["/bin/sh", "-c", "for f in 0 1 2; do readlink /proc/self/fd/$f; done >/volume/fds"]
        self.lab.write_config(self.lab.bundle, script)
        for closed in ("<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"):
            with self.subTest(closed):
                result = subprocess.run(["sh", "-c", f"exec {world.BULKHEAD} run --bundle {self.lab.bundle} closed {closed}"],
                                        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                                        env=world.ENVIRONMENT)
                self.assertEqual(result.returncode, 0, result.stderr)
                targets = (self.lab.bundle / "volume/fds").read_text().split("\n")[:3]
                self.assertTrue(all(re.match(r"/dev/null|pipe:|/volume/fds", target) for target in targets), targets)
        self.lab.write_config(self.lab.bundle)

    def test_ignored_signals(self):
        def ignore():
            for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGUSR1, signal.SIGINT})
        result = subprocess.run([world.BULKHEAD, "run", "--bundle", self.lab.bundle, "signals"], stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, check=False, timeout=30, env=world.ENVIRONMENT,
                                preexec_fn=ignore)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("SigBlk:\t0000000000000000", result.stdout)
        self.assertIn("SigIgn:\t0000000000000000", result.stdout)

    def test_odd_environment(self):
        for environment in ({}, {"PATH": ""}, {"LD_PRELOAD": "/no/such", "TMPDIR": "/no/such", "HOME": "/no/such"},
                            {"_LIBCONTAINER_INITPIPE": "3", "NOTIFY_SOCKET": "/no/such", "LISTEN_FDS": "3"}):
            with self.subTest(environment):
                result = self.lab.run("run", "--bundle", self.lab.bundle, self.lab.id, environment=environment)
                self.assertEqual(result.code, 0, result.err)

    def test_working_directory_that_is_gone(self):
        folder = self.lab.root / "gone"
        folder.mkdir()
        result = subprocess.run(["sh", "-c", f"rmdir {folder}; exec {world.BULKHEAD} run --bundle {self.lab.bundle} gone"],
                                cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                                env=world.ENVIRONMENT)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_relative_paths(self):
        result = subprocess.run([world.BULKHEAD, "run", "--bundle", ".", "--pid-file", "../pid-relative", "relative"],
                                cwd=self.lab.bundle, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                check=False, env=world.ENVIRONMENT)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex((self.lab.root / "pid-relative").read_text(), r"^\d+$")


if __name__ == "__main__":
    unittest.main()
