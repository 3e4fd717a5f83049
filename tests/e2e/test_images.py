"""R8, R10: images as the engine builds, saves and loads them; every build step runs under the runtime."""

import unittest
from pathlib import Path

from support import CLIENTS, IMAGE, TOOLS, Case, import_tools, start_engine, stop_engine

tearDownModule = stop_engine

DOCKERFILE = f"""FROM {TOOLS}
RUN cat /proc/self/uid_map > /map && mkdir /made && chown 1000:1000 /made
RUN echo user2:x:2000:2000::/made:/bin/sh >> /etc/passwd && chmod 4755 /usr/bin/id
COPY --chown=33:44 file /copied
ADD file /added
RUN ["/bin/sh", "-c", "cp /bin/busybox /made/cat && setcap cap_dac_override+ep /made/cat && ln /copied /linked"]
USER user2
WORKDIR /work/deep
RUN id -u > /tmp/who
USER 0
RUN mknod /tmp/pipe p && ln -s /copied /tmp/link
CMD cat /tmp/who
"""


def setUpModule():
    import_tools(start_engine())


class Builds(Case):
    def build(self, dockerfile: str, *options, **settings) -> str:
        context = self.directory()
        (context / "Dockerfile").write_text(dockerfile)
        (context / "file").write_text("content\n")
        tag = f"built:{self.id().rsplit('.', 1)[1].lower()}"
        self.docker("build", "-t", tag, *options, context, timeout=300, **settings)
        self.addCleanup(self.docker, "rmi", "-f", tag, check=False)
        return tag

    def check(self, image: str):
        inside, outside, size = self.run_out("", "cat", "/map", image=image).split()
        self.assertEqual((inside, size), ("0", "65536"))
        self.assertGreaterEqual(int(outside), 65536)  # the step ran in a user namespace: not the host's 0
        self.assertEqual(self.run_out("", image=image), "2000")
        out = self.run_out("", "stat", "-c", "%n:%u:%g:%a:%h", "/copied", "/added", "/linked", "/usr/bin/id", image=image)
        self.assertEqual(out.splitlines(), ["/copied:33:44:644:2", "/added:0:0:644:1", "/linked:33:44:644:2", "/usr/bin/id:0:0:4755:1"])
        self.assertEqual(self.run_out("", "stat", "-c", "%u:%g:%a", "/made", "/work/deep", image=image), "1000:1000:755\n" + ("2000:2000:755" if "buildkit" in image else "0:0:755"))
        self.assertEqual(self.run_out("--user 2000", "/made/cat", "/etc/passwd", image=image).splitlines()[0][:5], "root:")
        self.assertIn("cap_dac_override=ep", self.run_out("", "getcap", "/made/cat", image=image))

    def test_classic_builder(self):
        self.check(self.build(DOCKERFILE, env={"DOCKER_BUILDKIT": "0"}))

    @unittest.skipUnless("/usr/bin/docker" in CLIENTS, "no /usr/bin/docker, whose 20.10 has BuildKit built in")
    def test_buildkit(self):
        self.check(self.build(DOCKERFILE, cli="/usr/bin/docker", env={"DOCKER_BUILDKIT": "1"}))

    def test_failing_step_fails_the_build(self):
        with self.assertRaisesRegex(AssertionError, "returned a non-zero code: 7"):
            self.build(f"FROM {IMAGE}\nRUN exit 7\n", env={"DOCKER_BUILDKIT": "0"})

    def test_build_with_limits(self):
        self.build(f"FROM {IMAGE}\nRUN cat /proc/self/cgroup\n", "--memory", "100m", "--ulimit", "nofile=99:99", env={"DOCKER_BUILDKIT": "0"})

    def test_host_network_is_refused(self):
        """G7, by the runtime: the classic builder makes an ordinary container of it."""
        with self.assertRaisesRegex(AssertionError, "share a network namespace with the host"):
            self.build(f"FROM {IMAGE}\nRUN true\n", "--network", "host", env={"DOCKER_BUILDKIT": "0"})


class Images(Case):
    def test_save_and_load(self):
        container = self.start((), "sh", "-c", "echo x > /f; chown 33:44 /f")
        self.docker("wait", container)
        self.docker("commit", container, "saved:test")
        file = self.directory() / "saved.tar"
        self.docker("save", "-o", file, "saved:test")
        self.docker("rmi", "-f", "saved:test")
        self.docker("load", "-i", file)
        self.addCleanup(self.docker, "rmi", "-f", "saved:test", check=False)
        self.assertEqual(self.run_out("", "stat", "-c", "%u:%g", "/f", image="saved:test"), "33:44")

    def test_export_and_import(self):
        container = self.start((), "sh", "-c", "echo x > /f; chown 33:44 /f")
        self.docker("wait", container)
        file = self.directory() / "exported.tar"
        self.docker("export", "-o", file, container)
        self.docker("import", file, "imported:test")
        self.addCleanup(self.docker, "rmi", "-f", "imported:test", check=False)
        self.assertEqual(self.run_out("", "stat", "-c", "%u:%g", "/f", image="imported:test"), "33:44")

    def test_many_layers(self):
        """More layers than fit into a page of mount options."""
        steps = "".join(f"RUN echo {n} > /layer{n}\n" for n in range(60))
        context = self.directory()
        (context / "Dockerfile").write_text(f"FROM {IMAGE}\n{steps}RUN rm /layer7\n")
        self.docker("build", "-t", "layers:test", context, timeout=600, env={"DOCKER_BUILDKIT": "0"})
        self.addCleanup(self.docker, "rmi", "-f", "layers:test", check=False)
        self.assertEqual(self.run_out("", "sh", "-c", "ls / | grep -c layer; cat /layer0 /layer59", image="layers:test"), "59\n0\n59")

    def test_layers_on_disk_have_natural_owners(self):
        """R6: nothing is chowned."""
        container = self.start()
        self.sh(container, "echo x > /f; chown 33:44 /f; echo y > /root-file")
        upper = Path(self.inspect(container, "{{.GraphDriver.Data.UpperDir}}"))
        self.assertEqual(((upper / "f").stat().st_uid, (upper / "root-file").stat().st_uid), (33, 0))
        lower = Path(self.docker("image", "inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", IMAGE).stdout.strip())
        self.assertEqual((lower / "bin/busybox").stat().st_uid, 0)


if __name__ == "__main__":
    unittest.main()
