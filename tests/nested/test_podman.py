"""R8: Podman (with crun, Debian's default) inside."""

from nested import Nested, wait_for


class Podman(Nested):
    @classmethod
    def setUpClass(cls):
        cls.outer = cls.start("--privileged")
        cls.sh(cls.outer, "podman load -qi /small.tar")

    def inner(self, script: str) -> str:
        return self.sh(self.outer, script)

    def test_storage_is_native_overlay(self):
        self.assertEqual(self.inner("podman info -f '{{.Store.GraphDriverName}}'"), "overlay")
        self.assertNotIn("overlayfs", self.inner("podman info | grep 'Backing Filesystem'"))

    def test_run_and_privileged(self):
        self.assertEqual(self.inner("podman run --rm small:1 id -u"), "0")
        self.assertEqual(self.inner("podman run --rm --privileged small:1 sh -c 'mount -t tmpfs t /tmp && echo ok'"),
                         "ok")

    def test_build_and_port(self):
        self.inner("mkdir -p /tmp/build; printf 'FROM small:1\\nRUN echo built >/built\\nCMD cat /built\\n' "
                   ">/tmp/build/Dockerfile; podman build -q -t built /tmp/build")
        self.assertEqual(self.inner("podman run --rm built"), "built")
        self.inner("podman run -d --name web -p 8082:80 small:1 sh -c "
                   "'mkdir /w; echo published >/w/index.html; exec httpd -f -h /w -p 80'")
        wait_for(lambda: self.inner("curl -s 127.0.0.1:8082 || :") == "published", "the published port")
        self.inner("podman rm -f -t 0 web")

    def test_pod(self):
        """Containers that share an inner container's namespaces."""
        self.inner("podman run -d --name holder small:1 sleep 1000")
        shared = self.inner("podman run --rm --network container:holder --ipc container:holder small:1 "
                            "readlink /proc/self/ns/net; podman exec holder readlink /proc/self/ns/net").split()
        self.assertEqual(shared[0], shared[1])
        self.inner("podman rm -f -t 0 holder")
