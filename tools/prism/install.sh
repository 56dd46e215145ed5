#!/bin/sh
# Installs Prism, the mock server that `oncall status` is tried against, and
# prints the line that tells the tests where it is:
#
#   eval "$(sh tools/prism/install.sh)"
#
# Without ONCALL_PRISM the test that needs it is skipped with a word.
set -eu
dir=${1:-$(cd "$(dirname "$0")/../.." && pwd)/bin/prism}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir"
cp "$here/package.json" "$here/package-lock.json" "$dir/"
(cd "$dir" && npm ci --no-audit --no-fund --ignore-scripts >&2)
echo "export ONCALL_PRISM=$dir/node_modules/.bin/prism"
