#!/bin/sh
# Installs npm's jenkins, a client that the simulator's Jenkins is tried with, and
# prints the line that tells the tests where it is:
#
#   eval "$(sh tools/node-jenkins/install.sh)"
#
# Without ONCALL_NODE_JENKINS the test that needs it is skipped with a word.
set -eu
dir=${1:-$(cd "$(dirname "$0")/../.." && pwd)/bin/node-jenkins}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
cp "$here/package.json" "$here/package-lock.json" "$dir/"
(cd "$dir" && npm ci --no-audit --no-fund --ignore-scripts >&2)
echo "export ONCALL_NODE_JENKINS=$dir/node_modules"
