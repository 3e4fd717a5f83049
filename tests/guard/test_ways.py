"""G10: every way through the API to the host (classes A to K of the threat list), one test each, through curl-like
requests; the engine behind is asked what came of it."""

import json
import os
import unittest

import support
from support import IMAGE

engine = guard = None


def setUpModule():
    global engine, guard
    engine, guard = support.start()


def tearDownModule():
    support.stop()


class Ways(unittest.TestCase):
    def create(self, host_config=None, **config):
        body = {"Image": IMAGE, "Cmd": ["sleep", "1000"], **config}
        if host_config is not None:
            body["HostConfig"] = host_config
        return self.post(body)

    def post(self, body, **settings):
        response = guard.request("POST", "/v1.41/containers/create", body, **settings)
        if response.status == 201:
            name = json.loads(response.body)["Id"]
            self.addCleanup(engine.docker, "rm", "-f", "-v", name, check=False)
        return response

    def assert_refused(self, response, *words, status=403):
        self.assertEqual(response.status, status, response.head + response.message)
        for word in words:
            self.assertIn(word, response.message)

    def inspect(self, response):
        return json.loads(engine.docker("inspect", json.loads(response.body)["Id"]).stdout)[0]

    # ---- A: another executor

    def test_a_runtime_in_any_spelling(self):
        for key in ("Runtime", "runtime", "RUNTIME", "Run\u0074ime"):
            made = self.create({key: "runc"})
            self.assertEqual(made.status, 201, made.message)
            self.assertEqual(self.inspect(made)["HostConfig"]["Runtime"], "bulkhead")
        made = self.post({"Image": IMAGE, "Cmd": ["true"], "Runtime": "runc", "Privileged": True})
        self.assertEqual(self.inspect(made)["HostConfig"]["Runtime"], "bulkhead")
        self.assertFalse(self.inspect(made)["HostConfig"]["Privileged"], "legacy members beside HostConfig")

    def test_a_containers_from_before_are_not_started(self):
        """G8."""
        old = engine.docker("create", "--runtime=runc", "--name", "old", IMAGE, "sleep", "5").stdout.strip()
        self.addCleanup(engine.docker, "rm", "-f", old, check=False)
        for method, target in (("POST", "start"), ("POST", "restart"), ("POST", "attach?stream=1"), ("PUT", "archive?path=/")):
            with self.subTest(target=target):
                self.assert_refused(guard.request(method, f"/containers/old/{target}"), "not protected", "runc")
        self.assert_refused(guard.request("POST", "/containers/old/exec", {"Cmd": ["sh"]}), "not protected")
        self.assertEqual(guard.request("GET", "/containers/old/json").status, 200)
        self.assertEqual(guard.request("DELETE", "/containers/old").status, 204)

    # ---- B: namespaces

    def test_b_namespaces_of_the_host(self):
        for key, kind in (("PidMode", "namespaces [pid]"), ("IpcMode", "namespaces [ipc]"), ("UTSMode", "namespaces [uts]"),
                          ("NetworkMode", "a network namespace")):
            self.assert_refused(self.create({key: "host"}), "error in the container spec", kind)
            self.assert_refused(self.create({key.upper(): "host"}), kind)
        host = engine.docker("network", "inspect", "-f", "{{.Id}}", "host").stdout.strip()
        for name in (host, host[:12]):
            self.assert_refused(self.create({"NetworkMode": name}), "a network namespace")
            self.assert_refused(guard.request("POST", f"/networks/{name}/connect", {"Container": "x"}), "network namespace")
        self.assertEqual(self.create({"UsernsMode": "host"}).status, 201)

    def test_b_namespaces_of_unprotected_containers(self):
        old = engine.docker("create", "--runtime=runc", "--name", "unprotected", IMAGE, "sleep", "5").stdout.strip()
        self.addCleanup(engine.docker, "rm", "-f", old, check=False)
        for name in ("unprotected", old, old[:12]):
            self.assert_refused(self.create({"PidMode": f"container:{name}"}), "not protected")

    # ---- C and D: mounts, sockets

    def sources(self):
        """The engine's socket under many names."""
        link, alias = engine.root / "link", engine.root / "hard"
        if not link.is_symlink():
            link.symlink_to(engine.socket)
            os.link(engine.socket, alias)
        return [engine.socket, guard.socket, engine.root, link, alias, f"{engine.root}/../{engine.root.name}/docker.sock",
                f"//{engine.socket}", "/var/tmp", "/var", "/"]

    def test_d_socket_by_every_field_and_name(self):
        for source in map(str, self.sources()):
            with self.subTest(source=source):
                for host_config in ({"Binds": [f"{source}:/x"]}, {"binds": [f"{source}:/x:ro"]},
                                    {"Mounts": [{"Type": "bind", "Source": source, "Target": "/x"}]},
                                    {"mounts": [{"type": "bind", "SOURCE": source, "target": "/x", "ReadOnly": True}]},
                                    {"Mounts": [{"Type": "volume", "Target": "/x", "VolumeOptions": {"DriverConfig": {
                                        "Name": "local", "Options": {"type": "none", "o": "bind", "device": source}}}}]}):
                    self.assert_refused(self.create(host_config), "enhanced container isolation: docker socket mount denied for "
                                        f'container with image "', "image is not in the allowed list", str(guard.settings))
                self.assert_refused(guard.request("POST", "/volumes/create", {"Name": "evil", "DriverOpts": {
                    "type": "none", "o": "bind", "device": source}}), "socket mount denied")

    def test_d_socket_by_volumes_that_exist(self):
        engine.docker("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", f"device={engine.root}", "evil")
        self.addCleanup(engine.docker, "volume", "rm", "-f", "evil", check=False)
        holder = engine.docker("create", "-v", "evil:/x", "-v", f"{engine.socket}:/y", IMAGE).stdout.strip()
        self.addCleanup(engine.docker, "rm", "-f", holder, check=False)
        for host_config in ({"Binds": ["evil:/x"]}, {"Mounts": [{"Type": "volume", "Source": "evil", "Target": "/x"}]},
                            {"VolumesFrom": [holder]}, {"VolumesFrom": [f"{holder[:12]}:ro"]}):
            self.assert_refused(self.create(host_config), "socket mount denied")
        self.assert_refused(guard.request("POST", f"/containers/{holder}/start"), "socket mount denied")

    def test_c_links_swapped_after_create(self):
        target = engine.root.parent / f"{engine.root.name}-swap"
        self.addCleanup(lambda: os.path.islink(target) and target.unlink() or target.is_dir() and target.rmdir())
        target.mkdir()
        made = self.create({"Binds": [f"{target}:/x"]})
        self.assertEqual(made.status, 201, made.message)
        target.rmdir()
        target.symlink_to(engine.root)
        self.assert_refused(guard.request("POST", f"/containers/{json.loads(made.body)['Id']}/start"), "socket mount denied")

    def test_c_restricted_mounts(self):
        for source in ("/etc/shadow", "/etc", "/proc", "/sys/kernel", "/dev", "/dev/mem", "/boot", "/proc/1/root", "/etc/docker/x"):
            self.assert_refused(self.create({"Binds": [f"{source}:/x"]}), f"error in the container spec: can't mount {source} "
                                "because it's configured as a restricted host mount")
        self.assertFalse(os.path.exists("/etc/docker/x"), "a refused bind made a directory on the host")

    def test_c_volumes_with_file_systems(self):
        for options in ({"type": "ext4", "device": "/dev/sda1"}, {"type": "proc", "device": "proc"},
                        {"type": "overlay", "device": "overlay", "o": "lowerdir=/etc,upperdir=/tmp/u,workdir=/tmp/w"},
                        {"type": "cgroup", "device": "cgroup"}, {"type": "9p", "device": "x"}):
            self.assert_refused(guard.request("POST", "/volumes/create", {"DriverOpts": options}), "volume with type=")

    # ---- E, F: knobs and deputies

    def test_e_cgroup_parent(self):
        self.assert_refused(self.create({"CgroupParent": "/../../x"}), "CgroupParent")
        name = json.loads(self.create({}).body)["Id"]
        self.assert_refused(guard.request("POST", f"/containers/{name}/update", {"CgroupParent": "../x"}), "CgroupParent")

    def test_f_log_drivers(self):
        for config in ({"Type": "syslog", "Config": {"syslog-address": f"unix://{engine.socket}"}},
                       {"Type": "fluentd", "Config": {"fluentd-address": f"unix://{engine.socket}"}},
                       {"Type": "syslog", "Config": {"syslog-tls-ca-cert": "/etc/shadow"}}):
            self.assert_refused(self.create({"LogConfig": config}), "log option")

    def test_f_the_engine_fetches_nothing_from_the_host(self):
        self.assert_refused(guard.request("POST", "/images/create?fromSrc=http://127.0.0.1:1/x"), "fetch")
        self.assert_refused(guard.request("POST", "/build?remote=http://localhost:1/x"), "fetch")

    def test_f_no_compressed_archives_into_containers(self):
        """CVE-2026-41567: old engines run the container's own xz for it."""
        name = json.loads(self.create({}).body)["Id"]
        for magic in (b"\xfd7zXZ\0", b"\x1f\x8b\x08\0", b"BZh91AY", b"(\xb5/\xfd"):
            refused = guard.request("PUT", f"/containers/{name}/archive?path=/", raw=magic + b"x" * 2000,
                                    headers={"Content-Type": "application/x-tar"})
            self.assert_refused(refused, "compressed archive")
        chunked = guard.send(f"PUT /containers/{name}/archive?path=/ HTTP/1.1\r\nHost: d\r\nConnection: close\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n".encode() + b"1\r\n\xfd\r\n9\r\n7zXZ\0aaaa\r\n0\r\n\r\n")
        self.assert_refused(chunked, "compressed archive")

    def test_f_plugins_swarm_checkpoints(self):
        name = json.loads(self.create({}).body)["Id"]
        for method, target in (("POST", "/plugins/pull?remote=a"), ("POST", "/plugins/create?name=a"), ("POST", "/plugins/a/set"),
                               ("POST", "/plugins/a/enable"), ("POST", "/swarm/join"), ("POST", f"/containers/{name}/checkpoints"),
                               ("POST", f"/containers/{name}/start?checkpoint-dir=/etc&checkpoint=x"), ("GET", "/debug/pprof/heap"),
                               ("GET", "/debug/vars"), ("POST", "/containers/a/b/c")):
            with self.subTest(target=target):
                self.assert_refused(guard.request(method, target))

    # ---- H: the protocol

    def test_h_duplicate_and_folded_keys(self):
        for text in ('{"Image":"%s","HostConfig":{"Binds":[]},"hostconfig":{"Binds":["/:/x"]}}',
                     '{"Image":"%s","HostConfig":{"Binds":[],"Bind\u017f":["/:/x"]}}',
                     '{"Image":"%s","HostConfig":{},"HostConfig":{"Privileged":true}}'):
            self.assertEqual(self.post(None, raw=(text % IMAGE).encode()).status, 400)

    def test_h_framing(self):
        body = json.dumps({"Image": IMAGE, "HostConfig": {"Binds": ["/:/x"]}}).encode()
        line = b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
        for headers in (b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(body), b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                        b"Transfer-Encoding: gzip, chunked\r\n", b"Content-Length: %d\r\n X: folded\r\n" % len(body),
                        b"Content-Length : %d\r\n" % len(body)):
            response = guard.send(line + headers + b"\r\n" + body)
            self.assertEqual(response.status, 400, headers)
        # Content-Length: 0 with a body behind it (CVE-2024-41110): the body is the next, malformed request.
        response = guard.send(line + b"Content-Length: 0\r\n\r\n" + body + b"\r\n\r\n")
        self.assertNotIn("201 Created", response.head)
        self.assertEqual(engine.docker("ps", "-aq").stdout, "")

    def test_h_oversized_bodies(self):
        """CVE-2026-34040: what is too large to be read is refused, not passed on."""
        body = {"Image": IMAGE, "Cmd": ["true"], "Labels": {"a": "x" * (5 << 20)}, "HostConfig": {"Privileged": True}}
        self.assertEqual(self.post(body).status, 413)
        padded = json.dumps({"Image": IMAGE, "HostConfig": {"PidMode": "host"}}).encode()
        for size in ((1 << 20) - 1, 1 << 20, (1 << 20) + 1):
            self.assert_refused(self.post(None, raw=padded + b" " * (size - len(padded))), "namespaces [pid]")

    def test_h_forms_do_not_override_queries(self):
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            response = guard.request("POST", "/build?networkmode=none", raw=b"networkmode=host", headers={"Content-Type": kind})
            self.assertEqual(response.status, 415)

    def test_h_paths(self):
        for target in ("/containers/../containers/json", "//containers/json", "/%2e%2e/info", "/containers%2fjson", "/info;x", "/info#x",
                       "http://d/info", "/v1.99/info", "/v1.43.0/info", "/v1/info", "/info?a=1&a=2"):
            self.assertEqual(guard.request("GET", target).status, 400, target)
        self.assertEqual(guard.request("GET", "/v1.41/%69nfo").status, 200)

    def test_h_http2(self):
        response = guard.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        self.assertEqual(response.status, 400)
        headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
        response = guard.send(b"GET /info HTTP/1.1\r\nHost: d\r\nConnection: close\r\n"
                              + "".join(f"{k}: {v}\r\n" for k, v in list(headers.items())[1:]).encode() + b"\r\n")
        self.assertEqual(response.status, 200, "an upgrade where there is none is ignored")

    def test_h_nothing_is_smuggled_behind_a_hijack(self):
        """What follows an attach is the stream's: no request, whatever it looks like."""
        name = json.loads(self.create({}, OpenStdin=True, Cmd=["cat"]).body)["Id"]
        self.assertEqual(guard.request("POST", f"/containers/{name}/start").status, 204)
        inner = b"GET /info HTTP/1.1\r\nHost: d\r\n\r\n"
        with guard.connect() as client:
            client.sendall(f"POST /containers/{name}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\n"
                           "Upgrade: tcp\r\nContent-Length: 0\r\n\r\n".encode() + inner)
            client.settimeout(3)
            received = b""
            try:
                while b"GET /info" not in received and (piece := client.recv(65536)):
                    received += piece
            except TimeoutError:
                pass
        self.assertTrue(received.startswith(b"HTTP/1.1 101"), received[:200])
        self.assertIn(inner, received.replace(b"\r\r\n", b"\r\n"), "cat sent it back")
        self.assertNotIn(b"ServerVersion", received)

    # ---- K: builds

    def test_k_builds_have_no_host_network(self):
        for query in ("networkmode=host", "version=2&session=a&networkmode=host", "networkmode=container:none&cgroupparent=../x"):
            self.assertEqual(guard.request("POST", f"/build?{query}").status, 403, query)

    def test_audit_names_the_rule_and_no_secret(self):
        self.create({"PidMode": "host"}, Env=["TOKEN=s3cret"])
        guard.request("POST", "/images/a/push", headers={"X-Registry-Auth": "s3cret"})
        line = [row for row in guard.audit() if row.get("rule") == "host-namespace"][-1]
        self.assertEqual((line["verdict"], line["route"], line["uid"]), ("refuse", "/containers/create", 0))
        self.assertNotIn("s3cret", guard.audit_file.read_text())


if __name__ == "__main__":
    unittest.main()
