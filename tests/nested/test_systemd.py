"""R8: systemd as process 1, with and without --privileged; journald, services, a clean stop."""

import tempfile
import time
from pathlib import Path

from nested import NODE, Nested, wait_for

WEB = """[Service]
ExecStart=/bin/busybox httpd -f -h /etc/systemd/system -p 80
Restart=always
RestartSec=100ms
[Install]
WantedBy=multi-user.target
"""
TICK = """[Unit]
Requires=web.service
After=web.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo tick of the test'
[Install]
WantedBy=multi-user.target
"""


class Systemd(Nested):
    def boot(self, *arguments, command=("/sbin/init",)) -> str:
        container = self.docker("create", "--stop-signal", "SIGRTMIN+3", *arguments, NODE, *command).stdout.strip()
        self.addCleanup(self.docker, "rm", "-f", container, check=False)
        with tempfile.TemporaryDirectory() as directory:
            for name, text in (("web.service", WEB), ("tick.service", TICK)):
                (Path(directory) / name).write_text(text)
                self.docker("cp", f"{directory}/{name}", f"{container}:/etc/systemd/system/{name}")
            wants = Path(directory) / "multi-user.target.wants"
            wants.mkdir()
            for name in ("web.service", "tick.service"):
                (wants / name).symlink_to(f"../{name}")
            self.docker("cp", wants, f"{container}:/etc/systemd/system/")
            entry = Path(directory) / "entry"
            entry.write_text('#!/bin/sh\nexec "$@"\n')
            entry.chmod(0o755)
            self.docker("cp", entry, f"{container}:/entry")
        self.docker("start", container)
        return container

    def judge(self, container: str, codes: tuple) -> None:
        running = wait_for(lambda: self.sh(container, "systemctl is-system-running || :") in ("running", "degraded"),
                           "systemd's start")
        self.assertTrue(running)
        self.assertEqual(self.sh(container, "systemctl list-units --failed --no-legend --plain"), "")
        self.assertEqual(self.sh(container, "systemctl is-active web tick systemd-journald").split(), ["active"] * 3)
        self.assertIn("tick of the test", self.sh(container, "journalctl -u tick --no-pager"))
        self.assertIn("ExecStart", self.sh(container, "curl -s 127.0.0.1/web.service"))
        old = self.sh(container, "systemctl show -P MainPID web; systemctl kill -s KILL web")
        wait_for(lambda: self.sh(container, "systemctl show -P MainPID web") not in (old, "0"), "web is restarted")
        self.assertEqual(self.sh(container, "tr '\\0' '\\n' </proc/1/environ | grep ^container="), "container=oci")
        self.assertEqual(self.sh(container, "systemd-detect-virt"), "docker")
        start = time.monotonic()
        self.docker("stop", container)
        self.assertLess(time.monotonic() - start, 8, "systemd ended by SIGRTMIN+3, not by SIGKILL after ten seconds")
        code = int(self.docker("inspect", "-f", "{{.State.ExitCode}}", container).stdout)
        self.assertIn(code, codes)

    def test_privileged(self):
        self.judge(self.boot("--privileged"), (0, 130))  # 130: it has called reboot(2), as under any runtime

    def test_plain(self):
        self.judge(self.boot(), (0,))

    def test_in_an_entrypoint(self):
        self.judge(self.boot(command=("/entry", "/sbin/init")), (0,))

    def test_restart(self):
        container = self.boot()
        for _ in range(2):
            wait_for(lambda: self.sh(container, "systemctl is-system-running || :") == "running", "systemd's start")
            self.docker("restart", container)

    def test_others_see_nothing_of_it(self):
        text = self.docker("run", "--rm", NODE, "sh", "-c", "env; grep ' /run ' /proc/mounts || :").stdout
        self.assertNotIn("container=", text)
        self.assertNotIn("/run", text)
