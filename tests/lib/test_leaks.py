"""The oracle itself: each kind of leak is planted and must be seen, and an idle host must show none."""

import os
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import leaks  # noqa: E402

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
# A test that mounts or adopts does so in a process of its own.
IN_PRIVATE = "import os, sys; sys.path.insert(0, sys.argv[1]); import leaks, ns; ns.private_mounts()\n"


def run_private(code, *arguments):
    return subprocess.run([sys.executable, "-c", IN_PRIVATE + code, os.path.dirname(os.path.abspath(__file__)),
                           *arguments], text=True, capture_output=True, check=True).stdout


def test_nothing_happened():
    before = leaks.snapshot(scope="mine", cgroup_match="bulkhead-leaks-test")
    assert leaks.more(before, leaks.snapshot(scope="mine", cgroup_match="bulkhead-leaks-test")) == []


def test_a_process_a_file_and_an_fd_are_seen(tmp_path):
    before = leaks.snapshot(dirs=(str(tmp_path),), scope="mine", cgroup_match="none")
    child = subprocess.Popen(["sleep", "100"])
    (tmp_path / "state").write_text("x")
    with open("/dev/zero", "rb"):
        lines = leaks.more(before, leaks.snapshot(dirs=(str(tmp_path),), scope="mine", cgroup_match="none"))
    child.kill()
    child.wait()
    assert sorted(line.split(":")[0] for line in lines) == ["fd left", "file left", "process left"]
    assert leaks.settled(before, lambda: leaks.snapshot(dirs=(), scope="mine", cgroup_match="none")) == []


@needs_root
def test_a_mount_is_seen_also_on_top_of_another(tmp_path):
    code = """
target = sys.argv[2]
ns.sh("mount", "-t", "tmpfs", "a", target)
before = {"mount": leaks.mounts()}
ns.sh("mount", "-t", "tmpfs", "b", target)
print(leaks.more(before, {"mount": leaks.mounts()}))
"""
    assert f"mount left: {tmp_path} #2 tmpfs b" in run_private(code, str(tmp_path))


@needs_root
def test_orphans_stay_below_and_are_ended():
    code = """
leaks.adopt_orphans()
ns.sh("sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &")
print(len(leaks.processes("mine")))
leaks.kill_descendants()
print(leaks.processes("mine"))
"""
    assert run_private(code).splitlines() == ["1", "{}"]


@needs_root
def test_a_chowned_device_and_a_changed_sysctl_are_seen(tmp_path):
    code = """
ns.private_dev(sys.argv[2])
before = leaks.host_state()
os.chown("/dev/null", 100000, 100000)
os.chmod("/dev/zero", 0o600)
print("\\n".join(leaks.changed(before, leaks.host_state())))
"""
    lines = run_private(code, str(tmp_path)).splitlines()
    assert any("device changed: /dev/null: '0:0" in line and "100000:100000" in line for line in lines)
    assert any("device changed: /dev/zero" in line and "crw-------" in line for line in lines)
    before = {"sysctl": {"kernel/panic": "0"}}
    assert leaks.changed(before, {"sysctl": {"kernel/panic": "9"}}) == ["sysctl changed: kernel/panic: '0' -> '9'"]
    assert leaks.changed(before, {"sysctl": {}}) == ["sysctl gone: kernel/panic 0"]


def test_the_host_does_not_change_by_itself():
    before = leaks.host_state()["sysctl"]
    assert len(before) > 300
    time.sleep(0.3)
    subprocess.run(["true"], check=True)
    assert leaks.changed({"sysctl": before}, {"sysctl": leaks.sysctls()}) == []


def test_a_listener_is_seen():
    import socket
    before = {"listening": leaks.listening_sockets()}
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = f"{server.getsockname()[1]:04X}"
        lines = leaks.more(before, {"listening": leaks.listening_sockets()})
    assert any(port in line for line in lines)


def test_sigterm_runs_finally():
    code = "import leaks, time\nleaks.adopt_orphans()\ntry:\n  print('up', flush=True); time.sleep(60)\nfinally:\n  print('down')"
    child = subprocess.Popen([sys.executable, "-c", code], cwd=os.path.dirname(os.path.abspath(__file__)),
                             stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "up\n"
    child.send_signal(signal.SIGTERM)
    assert child.communicate(timeout=10)[0] == "down\n"
