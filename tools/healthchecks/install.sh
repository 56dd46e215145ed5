#!/bin/sh
# Installs a client of Healthchecks.io that the demo's server is tried with, and
# prints the line that tells the tests where it is:
#
#   eval "$(sh tools/healthchecks/install.sh)"
#
# Without ONCALL_HEALTHCHECKS_JUDGE the test that needs it is skipped with a word.
set -eu
dir=${1:-$(cd "$(dirname "$0")/../.." && pwd)/bin/healthchecks}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
cp "$here/package.json" "$here/package-lock.json" "$dir/"
(cd "$dir" && npm ci --no-audit --no-fund --ignore-scripts >&2)
echo "export ONCALL_HEALTHCHECKS_JUDGE=$dir"
