"""R4, B04, C21, C22: binds of restricted host paths, by every spelling; and what must work."""

import os
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import support
from support import docker, engine, refused

RESTRICTED = "error in the container spec: can't mount {} because it's configured as a restricted host mount"


class HostMounts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = engine()
        # Not below /tmp or /home: the directories of this test must be no parents of anything.
        cls.base = Path(tempfile.mkdtemp(prefix="bulkhead-user-", dir="/var/tmp"))
        cls.base.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.base, ignore_errors=True)
        cls.made = []
        cls.daemon_json = f"/etc/docker/bulkhead-test-{os.getpid()}.json"  # suites may run side by side
        for path, is_directory in (("/etc/docker", True), (cls.daemon_json, False)):
            if not os.path.exists(path):
                os.mkdir(path) if is_directory else Path(path).write_text("{}")
                cls.made.append(path)
        cls.addClassCleanup(cls.remove_made)

    @classmethod
    def remove_made(cls):
        for path in reversed(cls.made):
            os.rmdir(path) if os.path.isdir(path) else os.unlink(path)

    def run_with(self, *options):
        return refused("run", "--rm", *options, support.IMAGE, "true")

    def assert_restricted(self, path, *options):
        error = self.run_with(*(options or ("-v", f"{path}:/x")))
        self.assertIn(RESTRICTED.format(path), error)
        self.assertNotIn("x", os.listdir("/"))

    def assert_works(self, *options, command=("true",)):
        return docker("run", "--rm", *options, support.IMAGE, *command).stdout

    # ---- spellings -----------------------------------------------------------------------------

    def test_R4_by_v_and_mount(self):
        for path in ("/etc/docker", self.daemon_json, "/etc/shadow", "/proc", "/sys", "/dev", "/boot"):
            for options in ("-v", f"{path}:/x"), ("-v", f"{path}:/x:ro"), ("--mount", f"type=bind,src={path},dst=/x"), \
                    ("--mount", f"type=bind,src={path},dst=/x,readonly,bind-nonrecursive"):
                with self.subTest(path=path, options=options):
                    self.assert_restricted(path, *options)

    def test_R4_privileged_does_not_help(self):
        self.assert_restricted("/etc/shadow", "--privileged", "-v", "/etc/shadow:/x")
        self.assert_restricted("/proc", "--privileged", "-v", "/proc:/x")

    def test_R4_dots_slashes_and_proc_self_root(self):
        for path in ("/usr/../etc/docker", "//etc//docker/", "/etc/./docker", f"{self.base}/../../../etc/docker",
                     "/proc/self/root/etc/docker", "/proc/1/root/etc/docker", "/proc/1/cwd/etc/docker"):
            with self.subTest(path=path):
                error = self.run_with("--mount", f"type=bind,src={path},dst=/x")
                # Docker cleans some of these itself, and cannot look at others.
                self.assertRegex(error, "restricted host mount|another mount namespace|mount source path|"
                                        "bind source path does not exist|permission denied")

    def test_R4_symbolic_links(self):
        (self.base / "link").symlink_to("/etc/docker")
        (self.base / "twice").symlink_to("link")
        (self.base / "to_etc").symlink_to("/etc")
        for name in ("link", "twice", f"link/{os.path.basename(self.daemon_json)}", "to_etc/docker", "to_etc/shadow"):
            with self.subTest(name=name):
                self.assert_restricted(f"{self.base}/{name}")

    def test_R4_hard_links(self):
        for target in ("/etc/shadow", self.daemon_json):
            with self.subTest(target=target):
                link = self.base / f"hard-{os.path.basename(target)}"
                try:
                    os.link(target, link)
                except OSError as error:
                    self.skipTest(f"no hard link from {target} to {link}: {error}")
                self.assertIn("restricted host mount", self.run_with("-v", f"{link}:/x"))

    def test_R4_bind_aliases_made_on_the_host(self):
        alias = self.base / "alias"
        alias.mkdir()
        for source, inside in (("/etc/docker", ""), ("/etc", "/docker"), ("/etc", "/shadow")):
            with self.subTest(source=source, inside=inside):
                subprocess.run(["mount", "--bind", source, alias], check=True)
                try:
                    self.assert_restricted(f"{alias}{inside}")
                    if inside == "":
                        self.assertIn("restricted host mount", self.run_with("-v", f"{self.base}:/x"))
                finally:
                    subprocess.run(["umount", alias], check=True)

    def test_R4_volumes_with_o_bind(self):
        for device in ("/etc/docker", "/etc/shadow", "/", "/proc", str(self.engine.socket)):
            with self.subTest(device=device):
                docker("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={device}", "evil")
                try:
                    error = self.run_with("-v", "evil:/x")
                    # A file cannot be mounted on the volume's directory: the engine fails.
                    self.assertRegex(error, "restricted host mount|not a directory")
                    self.assertRegex(self.run_with("-v", "evil:/x:ro"), "restricted host mount|not a directory")
                finally:
                    docker("volume", "rm", "evil")

    def test_R4_parents(self):
        for path in ("/", "/etc", "/run", "/var", "/var/lib", "/usr"):
            with self.subTest(path=path):
                self.assertIn("restricted host mount", self.run_with("-v", f"{path}:/x"))
                if path != "/usr":  # reading programs tells nothing
                    self.assertIn("restricted host mount", self.run_with("-v", f"{path}:/x:ro"))

    def test_R4_programs_and_jobs_unless_read_only(self):
        for path in ("/usr/bin", "/etc/cron.d", "/etc/passwd", "/etc/ld.so.cache"):
            if os.path.exists(path):
                with self.subTest(path=path):
                    self.assert_restricted(path)
                    self.assert_works("-v", f"{path}:/x:ro")

    # ---- the engine's own ------------------------------------------------------------------------

    def test_R4_B04_the_engines_socket_under_any_name(self):
        one = self.engine.socket
        link, hard, alias = self.base / "innocent", self.base / "hard.sock", self.base / "bound.sock"
        link.symlink_to(one)
        os.link(one, hard)
        alias.write_text("")
        subprocess.run(["mount", "--bind", one, alias], check=True)
        try:
            for path in (one, link, hard, alias):
                for options in ("-v", f"{path}:/var/run/docker.sock"), ("-v", f"{path}:/x:ro"), \
                        ("--privileged", "-v", f"{path}:/x"):
                    with self.subTest(path=path, options=options):
                        self.assertIn("restricted host mount", self.run_with(*options))
            hard.unlink()  # in a directory only a walk could find it; only root can make one of a socket
            # The directory that an alias lies in.
            self.assertIn("restricted host mount", self.run_with("-v", f"{self.base}:/x"))
        finally:
            subprocess.run(["umount", alias], check=True)
            hard.unlink(missing_ok=True)
            link.unlink()
            alias.unlink()

    def test_R4_B04_a_directory_with_an_engines_socket(self):
        """An engine that listens in a directory that no list knows."""
        place = Path(tempfile.mkdtemp(prefix="bulkhead-listen-", dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        (place / "inner").mkdir()
        # A listener by an engine's name: what the runtime sees of one.
        code = ("import socket,sys,time\nopen('/proc/self/comm','w').write('dockerd')\n"
                f"s=socket.socket(socket.AF_UNIX)\ns.bind('{place}/inner/any.sock')\ns.listen()\n"
                "print('ready',flush=True)\ntime.sleep(600)")
        # In the engine's network namespace, as an engine of the same host is: the kernel's table of
        # sockets is of one.
        listener = subprocess.Popen([*self.engine.in_network, "python3", "-c", code], stdout=subprocess.PIPE)
        self.addCleanup(lambda: (listener.kill(), listener.wait(), listener.stdout.close()))
        listener.stdout.readline()
        for path in (place / "inner", place, place / "inner/any.sock"):
            with self.subTest(path=path):
                error = self.run_with("-v", f"{path}:/x")
                self.assertIn(RESTRICTED.format(path), error)
                self.assertIn("dockerd", error)

    def test_R4_R12_a_socket_that_takes_no_connection_does_not_hang(self):
        path = self.base / "full.sock"
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(path))
        server.listen(0)
        clients = []
        for _ in range(4):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            self.addCleanup(client.close)
            try:
                client.connect(str(path))
            except BlockingIOError:
                break
            clients.append(client)
        error = docker("run", "--rm", "-v", f"{path}:/x", support.IMAGE, "true", check=False, timeout=30).stderr
        self.assertIn("restricted host mount", error)

    def test_R4_R1_other_containers_roots_and_layers(self):
        name = support.running("plain")
        data = docker("inspect", "-f", "{{.GraphDriver.Data.MergedDir}} {{.GraphDriver.Data.UpperDir}}", name).stdout.split()
        alias = self.base / "merged"
        alias.mkdir()
        subprocess.run(["mount", "--bind", data[0], alias], check=True)
        try:
            for path in (*data, f"{data[0]}/etc", alias, f"{alias}/etc"):
                for suffix in ("", ":ro"):
                    with self.subTest(path=path, suffix=suffix):
                        self.assertIn("restricted host mount", self.run_with("-v", f"{path}:/x{suffix}"))
        finally:
            subprocess.run(["umount", alias], check=True)
        pid = support.pid_of(name)
        self.assertIn("another mount namespace",
                      self.run_with("--mount", f"type=bind,src=/proc/{pid}/root,dst=/x"))

    def test_R4_D14_block_devices(self):
        for path in ("/dev/vda", "/dev/loop0", "/dev/sda"):
            if os.path.exists(path):
                with self.subTest(path=path):
                    self.assertIn("restricted host mount", self.run_with("-v", f"{path}:/x"))
        # A disk's node in a place that the policy excepts: an engine's volume.
        node = self.engine.root / "data/volumes/fixture/_data/disk"
        os.mknod(node, 0o60666, os.makedev(7, 0))
        node.chmod(0o666)
        self.addCleanup(node.unlink)
        self.assertIn("restricted host mount", self.run_with("-v", f"{node}:/dev/disk"))
        opened = docker("run", "--rm", "--privileged", "-v", "fixture:/v", support.IMAGE, "/escape/nodes", "/v").stdout
        self.assertEqual(opened, "open:/v/disk EACCES\n")

    # ---- what must work ----------------------------------------------------------------------------

    def test_R4_what_must_work(self):
        project = self.base / "project"
        project.mkdir()
        (project / "file").write_text("hello")
        for target in ("/mnt", "/root/deep/er"):
            self.assertEqual(self.assert_works("-v", f"{project}:{target}", command=("cat", f"{target}/file")), "hello")
        self.assertEqual(self.assert_works("-v", f"{project}/file:/x:ro", command=("cat", "/x")), "hello")
        home = Path(tempfile.mkdtemp(prefix="bulkhead-home-", dir="/home"))
        tmp = Path(tempfile.mkdtemp(prefix="bulkhead-tmp-", dir="/tmp"))
        for directory in (home, tmp):
            self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
            self.assert_works("-v", f"{directory}:/mnt", command=("touch", "/mnt/made"))
            self.assertEqual(os.stat(directory / "made").st_uid, 0)
        self.assert_works("-v", "named:/data", command=("touch", "/data/x"))
        self.assert_works("-v", "named:/data:ro", command=("test", "-e", "/data/x"))
        docker("volume", "rm", "named")
        self.assert_works("--tmpfs", "/scratch", "--mount", "type=tmpfs,dst=/more", command=("touch", "/scratch/a", "/more/b"))
        if os.path.isdir("/lib/modules"):
            self.assert_works("-v", "/lib/modules:/lib/modules:ro")
        self.assert_works("-v", "/etc/localtime:/etc/localtime:ro")
        self.assert_works("-v", "/dev/null:/x", command=("sh", "-c", "echo 1 > /x"))
        docker("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={project}", "good")
        self.assertEqual(self.assert_works("-v", "good:/mnt", command=("cat", "/mnt/file")), "hello")
        # The directory behind such a volume, and its parent, stay usable by their own names.
        self.assert_works("-v", f"{project}:/mnt")
        docker("volume", "rm", "good")
        user_socket = project / "app.sock"
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(user_socket))
        server.listen()
        self.assert_works("-v", f"{user_socket}:/app.sock", command=("test", "-S", "/app.sock"))

    def test_R4_what_the_engine_mounts(self):
        seen = self.assert_works(command=("cat", "/proc/self/mountinfo"))
        for path in ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/shm"):
            self.assertIn(f" {path} ", seen)


if __name__ == "__main__":
    unittest.main()
