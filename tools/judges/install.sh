#!/bin/sh
# Installs the judges that npm has, and prints the line that tells the tests where
# they are:
#
#   eval "$(sh tools/judges/install.sh)"
#
# Without ONCALL_NODE_JUDGES the tests that need them are skipped with a word.
set -eu
dir=${1:-$(cd "$(dirname "$0")/../.." && pwd)/bin/judges}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
cp "$here/package.json" "$here/package-lock.json" "$dir/"
(cd "$dir" && npm ci --no-audit --no-fund --ignore-scripts >&2)
echo "export ONCALL_NODE_JUDGES=$dir/node_modules"
