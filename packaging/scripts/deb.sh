#!/bin/sh
# make deb: release/fate_<version>_<arch>.deb for Debian 12 and later, after a build of dist/, run through with-node.sh.
#   deb.sh [amd64|arm64]           for the machine's own architecture, or for another, with a cross compiler
#   deb.sh --twice [amd64|arm64]   and once more, from a copy of the checkout elsewhere, and compares the bytes
# What goes into it is copied to .deb/<arch>/fate-<version>/ by name: nothing else of the checkout can get in. The Node that the
# package carries and the packages it needs at run time come from the npm registry, as the two lock files name them; from there
# on nothing is fetched. What was made is tried out before it is put into release/.
set -eu

cd -- "$(dirname -- "$0")/../.."
umask 022
fail() { printf 'deb: %s\n' "$*" >&2; exit 1; }
say() { printf '==> %s\n' "$*"; }

twice=no
if [ "${1:-}" = --twice ]; then
  twice=yes
  shift
fi
own=$(dpkg --print-architecture)
arch=${1:-$own}
case $arch in
  amd64) cpu=x64 machine=x86_64 ;;
  arm64) cpu=arm64 machine=aarch64 ;;
  *) fail "there is a Node for amd64 and arm64, not for $arch" ;;
esac
options=
if [ "$arch" != "$own" ]; then
  for program in gcc g++ strip; do
    command -v "$machine-linux-gnu-$program" >/dev/null ||
      fail "for $arch this takes a cross compiler: apt-get install g++-$(printf '%s' "$machine" | tr _ -)-linux-gnu"
  done
  # -d: what is needed of that architecture comes with the cross compiler, and dpkg knows nothing of it.
  options="-a$arch -d"
fi
version=$(dpkg-parsechangelog --show-field Version)
package=fate_${version}_$arch.deb
work=$PWD/.deb/$arch
tree=$work/fate-$version
modules=$work/modules/node_modules

# ------------------------------------------------------------------ the tree that the package is built from
say "Laying out fate $version for $arch in .deb/$arch"
rm -rf "$work"
mkdir -p "$tree/packaging/scripts" "$tree/src/native" "$tree/licences" release
cp -R debian docs systemd README.md CHANGELOG.md CONTRIBUTING.md package.json "$tree/"
rm -rf "$tree/debian/tests"
cp -R packaging/examples packaging/init packaging/man packaging/needrestart.conf packaging/sysusers.conf "$tree/packaging/"
cp packaging/scripts/exec-helper.mjs packaging/scripts/symbol-versions.sh "$tree/packaging/scripts/"
cp src/native/exec.c "$tree/src/native/"
cp -R dist "$tree/"
rm -f "$tree"/dist/fate-exec*

say 'Fetching its Node, and the packages it needs at run time'
node packaging/scripts/fetch-locked.mjs packaging/runtime/package-lock.json "$cpu" "$work/runtime"
node packaging/scripts/fetch-locked.mjs package-lock.json "$cpu" "$work/modules"
mv "$work/runtime/node_modules/node-linux-$cpu" "$tree/node"
grep '^[^#]' packaging/runtime/modules | sed "s/@CPU@/$cpu/g" | while read -r file; do
  mkdir -p "$tree/node_modules/${file%/*}"
  cp "$modules/$file" "$tree/node_modules/$file" || exit
done

# One text for each package, of all the licences that it comes with: those of what is compiled into it, too.
(cd "$tree/node_modules" && ls -d [!@]* @*/*) | while read -r name; do
  (cd "$modules" && find "$name" -type f \( -iname 'licen[cs]e*' -o -iname 'notice*' -o -iname 'copy*' \)) |
    LC_ALL=C sort | while read -r file; do printf '==> %s\n\n%s\n\n' "$file" "$(cat "$modules/$file")"; done >"$work/licence"
  flat=$(printf '%s' "${name#@}" | tr / -)
  [ ! -s "$work/licence" ] || mv "$work/licence" "$tree/licences/$flat.txt"
done
mv "$tree/node/LICENSE" "$tree/licences/node.txt"
mv "$tree/dist/LICENSES.txt" "$tree/licences/bundled.txt"

# ------------------------------------------------------------------ the package
say 'Building the package'
# shellcheck disable=SC2086 # words, or none
(cd "$tree" && dpkg-buildpackage -b -us -uc $options) >"$work/build.log" 2>&1 || {
  tail -n 40 "$work/build.log" >&2
  fail "dpkg-buildpackage failed; the whole log is $work/build.log"
}

say 'Trying it out'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
# Away from the checkout, whose node_modules would stand in for what is missing.
cp -R "$tree/debian/fate/usr/lib/fate" "$scratch/"
lib=$scratch/fate
emulator=
[ "$arch" = "$own" ] || emulator="qemu-$machine-static -L /usr/$machine-linux-gnu"
if [ -z "$emulator" ] || command -v "qemu-$machine-static" >/dev/null; then
  mkdir "$scratch/conf"
  printf '[smoke]\nschedule = "@daily"\nshell = "echo {}; echo new >&4"\n' >"$scratch/conf/tasks.toml"
  (
    export FATE_PREFIX_CONF="$scratch/conf" FATE_PREFIX_DATA="$scratch/data" FATE_PREFIX_STATE="$scratch/state"
    export FATE_PREFIX_RUN="$scratch/run"
    cd "$scratch"
    # shellcheck disable=SC2086 # words, or none
    run() { $emulator "$lib/node/bin/node" "$@"; }
    # What a pass loads: lmdb and koffi. All in one list: set -e does not hold here.
    run "$lib/dist/fates.js" --no-banner && run "$lib/dist/fate.js" list && {
      # The emulator cannot start programs of its architecture, nor has it a libsystemd for sd-notify, which a service loads.
      [ -n "$emulator" ] || {
        run "$lib/dist/fate.js" debug run --record --state smoke && ls data/result/*-smoke.json &&
          run -e "require('$lib/node_modules/sd-notify').watchdogInterval()"
      }
    }
  ) >"$scratch/output" 2>&1 || {
    cat "$scratch/output" >&2
    fail 'what was built does not work'
  }
else
  echo "Not tried out: there is no qemu-$machine-static here, of the package qemu-user-static."
fi
if command -v lintian >/dev/null; then
  lintian --profile debian --fail-on error --no-cfg "$work/${package%.deb}.changes" >"$work/lintian.log" 2>&1 || {
    cat "$work/lintian.log" >&2
    fail 'lintian finds errors'
  }
fi
cp "$work/$package" release/
say "release/$package: $(du -k "release/$package" | cut -f1) KiB"
[ $twice = yes ] || exit 0

# ------------------------------------------------------------------ once more
# Another folder, with another length of its name, another time zone, language and umask.
copy=$scratch/somewhere/else/entirely
say "Building it once more, in $copy"
mkdir -p "$copy"
tar -c --exclude=./.git --exclude=./.deb --exclude=./release --exclude=./build --exclude=./dist . | tar -x -C "$copy"
(
  cd "$copy"
  umask 077
  export TZ=Pacific/Chatham LC_ALL=C HOME="${HOME:-/root}" DEB_BUILD_OPTIONS=parallel=7
  packaging/scripts/with-node.sh node packaging/scripts/bundle.mjs
  packaging/scripts/with-node.sh packaging/scripts/deb.sh "$arch"
)
cmp "release/$package" "$copy/release/$package" || {
  cp "$copy/release/$package" "$work/second.deb"
  fail "the two differ: release/$package and $work/second.deb; diffoscope(1) shows in what"
}
say "Both times the same $(wc -c <"release/$package") bytes: $(sha256sum <"release/$package" | cut -d' ' -f1)"
