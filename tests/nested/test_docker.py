"""R8: Docker in Docker, the inner engine's data on what the runtime provides and on a volume."""

import os

from nested import Nested, wait_for

LOAD = "docker load -qi /small.tar >/dev/null"
SERVE = "mkdir /w; echo {} >/w/index.html; exec httpd -f -h /w -p 80"


class Inner(Nested):
    """Everyday use. Nothing is asked of the user: no volume, no option but --privileged."""

    @classmethod
    def setUpClass(cls):
        cls.outer = cls.start_docker()
        cls.sh(cls.outer, LOAD)

    def inner(self, script: str, **settings) -> str:
        return self.sh(self.outer, script, **settings)

    def test_storage_is_overlay2(self):
        self.assertEqual(self.inner("docker info -f '{{.Driver}} {{.DriverStatus}}'").split()[0], "overlay2")

    def test_run(self):
        self.assertEqual(self.inner("docker run --rm small:1 id -u"), "0")
        self.assertEqual(self.inner("docker run --rm --user 1000 --cap-drop ALL --security-opt no-new-privileges "
                                    "--read-only small:1 id -u"), "1000")

    def test_limits(self):
        self.assertEqual(self.inner("docker run --rm --memory 64m --cpus 0.5 --pids-limit 50 small:1 echo ok"), "ok")

    def test_privileged_stays_in_the_outer_user_namespace(self):
        text = self.inner("cat /proc/self/uid_map; docker run --rm --privileged small:1 "
                          "sh -c 'cat /proc/self/uid_map; mount -t tmpfs t /tmp && echo mounted'").split("\n")
        self.assertEqual(text[0].split(), text[1].split())
        self.assertEqual(text[2], "mounted")

    def test_proc_and_sys_can_be_mounted(self):
        self.assertEqual(self.inner("docker run --rm --privileged small:1 sh -c "
                                    "'mount -t proc p /tmp && mount -t sysfs s /var && echo mounted'"), "mounted")

    def test_read_only_bind(self):
        self.assertEqual(self.inner("echo text >/tmp/file; docker run --rm -v /tmp/file:/file:ro small:1 "
                                    "sh -c 'cat /file; echo x 2>/dev/null >/file || echo refused'"), "text\nrefused")

    def test_build(self):
        self.inner("mkdir -p /tmp/build; printf 'FROM small:1\\nRUN echo built >/built; rm /etc/group\\nCMD cat /built"
                   "\\n' >/tmp/build/Dockerfile; docker build -qt built /tmp/build")
        self.assertEqual(self.inner("docker run --rm built"), "built")
        self.assertEqual(self.inner("docker run --rm built sh -c 'test -e /etc/group || echo removed'"), "removed")

    def test_build_on_the_host_network_is_the_outer_container(self):
        self.inner("mkdir -p /tmp/net; printf 'FROM small:1\\nRUN readlink /proc/self/ns/net >/net\\nCMD cat /net\\n' "
                   ">/tmp/net/Dockerfile; docker build -q --network=host -t net /tmp/net")
        seen = self.inner("docker run --rm net")
        self.assertEqual(seen, self.inner("readlink /proc/self/ns/net"))
        self.assertNotEqual(seen, os.readlink("/proc/self/ns/net"))

    def test_published_port_and_network(self):
        self.inner(f"docker run -d --name web -p 8080:80 small:1 sh -c '{SERVE.format('published')}'")
        wait_for(lambda: self.inner("curl -s 127.0.0.1:8080 || :") == "published", "the published port")
        self.inner(f"docker network create net1; docker run -d --network net1 --name web1 small:1 "
                   f"sh -c '{SERVE.format('named')}'")
        wait_for(lambda: self.inner("docker run --rm --network net1 small:1 wget -qO- http://web1/ || :") == "named",
                 "the name on a network")
        self.inner("docker rm -f web web1; docker network rm net1")

    def test_compose(self):
        self.inner("""mkdir -p /tmp/app; cat >/tmp/app/docker-compose.yml <<'END'
version: "3"
services:
  web:
    image: small:1
    command: sh -c 'echo composed >/data/index.html; exec httpd -f -h /data -p 80'
    ports: ["8081:80"]
    volumes: ["data:/data"]
volumes: {data: {}}
END
cd /tmp/app; docker-compose up -d""")
        wait_for(lambda: self.inner("curl -s 127.0.0.1:8081 || :") == "composed", "the composed service")
        self.inner("cd /tmp/app; docker-compose down -v")

    def test_exec_logs_stop(self):
        self.inner("docker run -d --name long small:1 sh -c 'echo said; exec sleep 1000'")
        self.assertEqual(self.inner("docker exec long hostname; docker logs long").split("\n")[1], "said")
        self.inner("docker stop -t 0 long; docker rm long")


class OnVolume(Nested):
    def test_overlay2_and_a_new_container(self):
        self.addCleanup(self.docker, "volume", "rm", "-f", "inner-data", check=False)
        first = self.start_docker("-v", "inner-data:/var/lib/docker")
        self.sh(first, LOAD)
        self.docker("rm", "-f", first)
        second = self.start_docker("-v", "inner-data:/var/lib/docker")
        self.assertEqual(self.sh(second, "docker info -f '{{.Driver}}'; docker run --rm small:1 echo ok"),
                         "overlay2\nok")
        self.assertEqual(self.sh(second, "grep -c ' /var/lib/docker ' /proc/self/mountinfo"), "1")
        self.docker("rm", "-f", second)
