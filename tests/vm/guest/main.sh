# First program of the payload, started by bulkhead-vm.service with its output on the second serial line.
# Lines that begin with "@" are records for the host: "@ pass|fail|skip NAME", "@ end".
runtime=$(cat /payload/runtime)
filter=$(cat /payload/filter)
echo "--- guest: Linux $(uname -r), up $(cut -d' ' -f1 /proc/uptime) s, systemd $(systemctl --version | awk 'NR==1 { print $2 }'), LSMs $(cat /sys/kernel/security/lsm)"
if [ -e /payload/script ]; then
  RUNTIME=$runtime /bin/bash /payload/script
  echo "@ end"
  exit
fi
echo "--- kernel facts"
/payload/probe
echo "--- smoke suite, runtime $runtime"
/bin/bash /payload/guest/smoke.sh "$runtime" "$filter"
echo "@ end"
