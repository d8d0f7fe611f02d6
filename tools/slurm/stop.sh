#!/bin/sh
# Ends what tools/slurm/start.sh started: the processes that its pid files name, and no others.
# Usage: tools/slurm/stop.sh [FOLDER]   (default /tmp/psoft-slurm)
set -eu
folder=${1:-/tmp/psoft-slurm}
end() {
  [ -f "$1" ] || return 0
  pid=$(cat "$1")
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] || return 0
  kill "$pid"
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
}
end "$folder/slurmctld.pid" slurmctld
end "$folder/slurmd.pid" slurmd
end "$folder/munge/pid" munged
