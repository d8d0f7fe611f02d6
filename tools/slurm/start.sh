#!/bin/sh
# Starts a Slurm of one node on this machine, for trials and tests: Debian's slurm-wlm and munge, no systemd, no cgroups.
# Usage: tools/slurm/start.sh [FOLDER]   (default /tmp/psoft-slurm). As root, or as the user that the jobs shall run as.
# It prints the line to evaluate:  export SLURM_CONF=FOLDER/slurm.conf
# tools/slurm/stop.sh FOLDER ends it.
set -eu
folder=${1:-/tmp/psoft-slurm}
for program in munged mungekey slurmctld slurmd sinfo; do
  command -v "$program" >/dev/null || PATH=$PATH:/usr/sbin:/sbin
  command -v "$program" >/dev/null || {
    echo "start.sh: $program is missing: apt-get install slurm-wlm munge" >&2
    exit 1
  }
done
user=$(id -un)
host=$(hostname -s)
mkdir -p "$folder/state" "$folder/spool" "$folder/log" "$folder/munge"
folder=$(cd "$folder" && pwd)
chmod 700 "$folder/munge"

# A key and a socket of its own: a munge of the machine is left alone.
[ -f "$folder/munge/key" ] || mungekey --create --keyfile="$folder/munge/key"
munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" \
  --log-file="$folder/log/munged.log" --seed-file="$folder/munge/seed"

cores=$(nproc)
memory=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
cat >"$folder/slurm.conf" <<END
ClusterName=psoft
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
SlurmctldPort=${PSOFT_SLURMCTLD_PORT:-16817}
SlurmdPort=${PSOFT_SLURMD_PORT:-16818}
AuthType=auth/munge
# The second also is how long a job that is queued again waits.
AuthInfo=socket=$folder/munge/socket,cred_expire=20
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
ReturnToService=2
KillWait=10
MinJobAge=3600
SchedulerParameters=sched_interval=5,bf_interval=10,batch_sched_delay=1
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=trial Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
# No plugin above uses cgroups, but slurmd opens them all the same, and before 23.02 cannot be told not to.
if [ "$(slurmd -V | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -ge 23 ]; then
  echo 'CgroupPlugin=disabled' >"$folder/cgroup.conf"
else
  printf 'CgroupPlugin=autodetect\nIgnoreSystemd=yes\n' >"$folder/cgroup.conf"
fi

SLURM_CONF=$folder/slurm.conf
export SLURM_CONF
slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF" -N "$host"
tries=0
until [ "$(sinfo -h -o %T 2>/dev/null)" = idle ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || {
    echo "start.sh: the node is not idle after 60 s; look into $folder/log" >&2
    tail -n 5 "$folder"/log/*.log >&2
    exit 1
  }
  sleep 1
done
echo "export SLURM_CONF=$SLURM_CONF"
