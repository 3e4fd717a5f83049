systemd-analyze 2>&1; systemd-analyze blame | head -20
