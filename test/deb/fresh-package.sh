#!/bin/sh
# make deb, unless release/ has the package of exactly these sources for this machine: what goes into it is listed with its
# sums beside it. After a build of dist/, run through with-node.sh.
set -eu

cd -- "$(dirname -- "$0")/../.."
arch=$(dpkg --print-architecture)
package=release/fate_$(dpkg-parsechangelog --show-field Version)_$arch.deb
list=.deb/$arch.sources

sources() {
  find debian dist docs packaging src/native systemd README.md CHANGELOG.md package.json package-lock.json \
    -path debian/tests -prune -o -path packaging/scripts/node -prune -o -type f -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum
  sha256sum "$package"
}

if [ -e "$package" ] && [ -e "$list" ] && sources | cmp -s - "$list"; then
  echo "==> $package is of these sources"
  exit 0
fi
rm -f "$list"
packaging/scripts/deb.sh
sources >"$list"
