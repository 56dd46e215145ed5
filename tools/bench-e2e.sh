#!/usr/bin/env bash
# Passes a console of a gigabyte from `oncall demo serve` through `e2e logs` and
# `e2e why`, beside curl and grep, and fails when oncall is too slow or too large:
# logs at 0.8 of curl's rate, why at 0.5 of curl | grep -c FAIL, both under 64 MiB.
# Each is run three times and the best counts.
#   tools/bench-e2e.sh [MIB]
set -eu
cd "$(dirname "$0")/.."
mib=${1:-1024}
for tool in curl grep awk; do command -v "$tool" >/dev/null || { echo "bench-e2e: skipped, $tool is missing"; exit 0; }; done
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
go build -o "$work/oncall" ./cmd/oncall
export HOME="$work" XDG_CONFIG_HOME="$work/c" XDG_STATE_HOME="$work/s" XDG_CACHE_HOME="$work/cache" ONCALL_CONTEXT=
"$work/oncall" demo serve --throwaway --no-limits --listen 127.0.0.1:0 >"$work/env" 2>/dev/null &
server=$!
for _ in $(seq 100); do grep -q ONCALL_JENKINS_URL "$work/env" && break; sleep 0.1; done
eval "$(grep '^export ONCALL_JENKINS' "$work/env")"
export ONCALL_JENKINS_E2E_JOB=console-of-many-mib
url="$ONCALL_JENKINS_URL/job/$ONCALL_JENKINS_E2E_JOB/$mib/consoleText"
auth="$ONCALL_JENKINS_USER:$ONCALL_JENKINS_TOKEN"

now() { date +%s.%N; }
# best NAME COMMAND...: the shortest of three runs, in seconds, and the largest memory.
best() {
  local name=$1 i start took peak
  shift
  echo 1e9 >"$work/$name.s"; echo 0 >"$work/$name.kb"
  for i in 1 2 3; do
    rm -rf "$work/cache"
    start=$(now)
    peak=$(watch_memory "$@")
    took=$(awk -v a="$start" -v b="$(now)" 'BEGIN{print b-a}')
    awk -v t="$took" -v o="$(cat "$work/$name.s")" 'BEGIN{print t<o?t:o}' >"$work/$name.t" && mv "$work/$name.t" "$work/$name.s"
    [ "${peak:-0}" -le "$(cat "$work/$name.kb")" ] || echo "$peak" >"$work/$name.kb"
  done
}
# watch_memory COMMAND...: runs it and prints its peak resident memory in KiB, 0
# where that cannot be seen.
watch_memory() {
  "$@" >/dev/null 2>"$work/err" &
  local pid=$! peak=0 hwm
  while kill -0 "$pid" 2>/dev/null; do
    hwm=$(awk '/VmHWM/{print $2}' "/proc/$pid/status" 2>/dev/null || echo 0)
    [ "${hwm:-0}" -le "$peak" ] || peak=$hwm
    sleep 0.02
  done
  wait "$pid" || { cat "$work/err" >&2; exit 1; }
  echo "$peak"
}
pipe() { curl -s -u "$auth" "$url" | grep -c FAIL; }
best curl curl -s -u "$auth" -o /dev/null "$url"
best logs "$work/oncall" e2e logs "$mib"
best grep pipe
best why "$work/oncall" e2e why "$mib" --history 0

rate() { awk -v m="$mib" -v s="$(cat "$work/$1.s")" 'BEGIN{printf "%.0f", m/s}'; }
bad=0
judge() { # NAME AGAINST SHARE
  awk -v n="$1" -v a="$2" -v want="$3" -v r="$(rate "$1")" -v b="$(rate "$2")" -v kb="$(cat "$work/$1.kb")" 'BEGIN{
    printf "e2e %-5s %5d MiB/s, %.2f of %s (%d MiB/s), at most %.0f MiB in memory\n", n, r, r/b, a, b, kb/1024
    exit !(r/b >= want && kb < 64*1024) }' || { echo "  expected $3 or more, and less than 64 MiB"; bad=1; }
}
judge logs curl 0.8
judge why grep 0.5
exit $bad
