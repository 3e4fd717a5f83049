"""R8: what a Kubernetes node needs: containerd with its CRI plugin, a bridge and iptables by CNI, pods' containers."""

from nested import Nested, wait_for

NETWORK = """{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}"""
IMAGE = "docker.io/library/small:1"


class Node(Nested):
    @classmethod
    def setUpClass(cls):
        cls.outer = cls.start("--privileged", command=("containerd",))
        cls.sh(cls.outer, f"mkdir -p /etc/cni/net.d /opt/cni; ln -s /usr/lib/cni /opt/cni/bin\n"
                          f"cat >/etc/cni/net.d/10-pods.conflist <<'END'\n{NETWORK}\nEND")
        wait_for(lambda: cls.sh(cls.outer, "ctr version >/dev/null 2>&1 && echo up || :") == "up", "containerd inside")
        cls.sh(cls.outer, "ctr -n k8s.io images import /small.tar")

    def ctr(self, words: str) -> str:
        return self.sh(self.outer, f"ctr -n k8s.io {words} </dev/null")

    def test_plugins(self):
        state = {line.split()[1]: line.split()[-1] for line in self.sh(self.outer, "ctr plugin ls").splitlines()}
        self.assertEqual((state["cri"], state["overlayfs"]), ("ok", "ok"))

    def test_run(self):
        self.assertEqual(self.ctr(f"run --rm {IMAGE} plain id -u"), "0")
        self.assertEqual(self.ctr(f"run --rm --privileged {IMAGE} strong sh -c 'mount -t tmpfs t /tmp && echo ok'"), "ok")

    def test_network(self):
        self.ctr(f"run -d --cni {IMAGE} web sh -c 'mkdir /w; echo pod >/w/index.html; exec httpd -f -h /w -p 80'")
        address = self.ctr("task exec --exec-id one web sh -c \"ip addr | grep -o '10[.]88[.0-9]*' | head -n 1\"")
        wait_for(lambda: self.sh(self.outer, f"curl -s {address} || :") == "pod", "the pod's address")
        self.assertIn("MASQUERADE", self.sh(self.outer, "iptables-nft -t nat -S"))
        self.ctr("task kill -s KILL web")
        wait_for(lambda: "STOPPED" in self.ctr("task ls"), "the pod's end")
        self.ctr("container rm web")

    def test_cgroups_for_pods(self):
        """kubelet's layout: a limit on a group of pods and one on a pod, in every hierarchy that it uses."""
        self.sh(self.outer, "cd /sys/fs/cgroup; for c in memory cpu pids cpuset; do mkdir -p $c/kubepods/pod1; done; "
                            "echo 100000000 >memory/kubepods/memory.limit_in_bytes; echo 50000 >cpu/kubepods/cpu.cfs_quota_us; "
                            "echo 64 >pids/kubepods/pod1/pids.max")
        self.assertEqual(self.sh(self.outer, "cd /sys/fs/cgroup; cat cpu/kubepods/cpu.cfs_quota_us "
                                             "pids/kubepods/pod1/pids.max"), "50000\n64")
        self.sh(self.outer, "cd /sys/fs/cgroup; rmdir */kubepods/pod1 */kubepods")
