#!/bin/sh
# The one place that chooses the Node of this checkout: the machine's own where it is new enough, else the private
# one that setup.sh put into .node/. It and the programs of node_modules/.bin come first on PATH.
#   with-node.sh COMMAND ARGUMENT...   runs the command
#   with-node.sh                       prints the path of node
# Exit status 69 (EX_UNAVAILABLE of sysexits.h) where there is no Node to use.
set -eu

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
private=$checkout/.node/bin

# Node 20.19 or later, as "engines" in package.json says.
new_enough() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
    >/dev/null 2>&1
}

PATH=$checkout/node_modules/.bin:$PATH
if node=$(command -v node) && new_enough "$node"; then
  :
elif [ -x "$private/node" ] && new_enough "$private/node"; then
  node=$private/node
  PATH=$private:$PATH
else
  echo "There is no Node 20.19 or later here yet: run 'make deps' first." >&2
  exit 69
fi
export PATH

[ $# -gt 0 ] || { printf '%s\n' "$node"; exit 0; }
exec "$@"
