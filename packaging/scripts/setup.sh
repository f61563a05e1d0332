#!/bin/sh
# Everything that is needed on Debian 12 or later: what is missing of Debian's packages, a Node that is new enough, and the npm
# packages of package-lock.json. Says what it does; a repeat does nothing.
#   setup.sh build     for the programs and the examples
#   setup.sh package   for the Debian package as well
#   setup.sh test      for the tests as well
set -eu

cd -- "$(dirname -- "$0")/../.."
scripts=packaging/scripts

say() { printf '==> %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

purpose=${1:-build}
case $purpose in build | package | test) ;; *) fail "build, package or test? not $purpose" ;; esac

# ------------------------------------------------------------------ Debian's packages, only those that are missing
missing=
need() { # PROGRAM PACKAGE
  PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
there() { # FILE PACKAGE
  [ -e "$1" ] || missing="$missing $2"
}
need npm npm
need cc gcc # the exec helper, src/native/exec.c
there /usr/include/unistd.h libc6-dev
need openssl openssl # the example that looks at certificates
need make make # sd-notify is built here: a C++ compiler, what node-gyp runs, and libsystemd
need g++ g++
need python3 python3
there /usr/include/systemd/sd-daemon.h libsystemd-dev
there /usr/share/zoneinfo/Europe/Berlin tzdata
there /etc/ssl/certs/ca-certificates.crt ca-certificates

if [ "$purpose" != build ]; then
  need dpkg-buildpackage dpkg-dev # the Debian package
  need dh debhelper
  need lintian lintian
fi

if [ "$purpose" = test ]; then
  need ps procps # tests look at the processes that runs leave
  need setsid util-linux
  need mount mount # the tests of a full disk
  need chattr e2fsprogs # and of a folder that lets nothing be renamed
  need faketime faketime # a system time that tests set
  need bzip2 bzip2 # results in bz2, xz and zst
  need xz xz-utils
  need zstd zstd
  need zdump libc-bin # the oracle of the time zone tests
  need systemd-analyze systemd # looks at the units; it need not run here
  need systemd-nspawn systemd-container # boots one for test/system, in a Debian that debootstrap makes
  need debootstrap debootstrap
  [ "$(uname -m)" != x86_64 ] || need linux.uml user-mode-linux # and one with every controller of control groups
  there /usr/share/bash-completion/bash_completion bash-completion # the shells that completions are for
  need zsh zsh
  need fish fish
  need tcsh tcsh
  need shellcheck shellcheck
  need mandoc mandoc # look at the man pages
  need groff groff-base
  need lexgrog man-db
  # The npm package has the exec helper of both kinds of machine.
  [ "$(uname -m)" != x86_64 ] || need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
  [ "$(uname -m)" != x86_64 ] || there /usr/aarch64-linux-gnu/include/unistd.h libc6-dev-arm64-cross
fi

if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || fail "please install these packages (as Debian names them):$missing"
  if [ "$(id -u)" -eq 0 ]; then
    as_root=
  elif command -v sudo >/dev/null; then
    as_root=sudo
  else
    fail "no sudo here; as root, run: apt-get update && apt-get install --no-install-recommends$missing"
  fi
  say "Installing Debian packages${as_root:+ through sudo}:$missing"
  # Only standard error is shown. $missing is a list of words.
  $as_root apt-get update -qq
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

# ------------------------------------------------------------------ Node
if ! node=$($scripts/with-node.sh 2>/dev/null); then
  case $(uname -m) in
    x86_64 | aarch64) ;;
    *) fail "the machine's Node is older than 20.19, and there is no official binary for $(uname -m): install Node yourself" ;;
  esac
  found=$(node --version 2>/dev/null) || found='no Node'
  say "This machine has $found, Fate needs 20.19 or later: getting the official binary into .node/"
  rm -rf .node
  mkdir .node
  cp $scripts/node/package.json $scripts/node/package-lock.json .node/
  # npm checks what it gets against the integrity in the lock file.
  (cd .node && npm ci --loglevel=error --no-audit --no-fund --no-update-notifier)
  # A link of our own: npm 9 makes none for a program that is called node.
  mkdir .node/bin
  (cd .node/bin && ln -s ../node_modules/node-linux-*/bin/node node)
  node=$($scripts/with-node.sh) || fail 'the private Node does not run'
fi
say "Node: $node ($("$node" --version))"

# ------------------------------------------------------------------ npm packages
# Installed once for a lock file and a kind of Node. Node's version matters, since some packages hold machine code.
stamp=node_modules/.fate-setup
wanted="$(cat package.json package-lock.json | sha256sum | cut -d' ' -f1) $("$node" -p 'process.arch + process.versions.modules')"
if [ "$(cat $stamp 2>/dev/null)" != "$wanted" ]; then
  say 'Installing the npm packages of package-lock.json'
  # sd-notify is built against the headers of the very Node that runs it, where they lie beside it: node-gyp would fetch
  # them. Without them, or without a network, npm leaves it out, and the daemon speaks to systemd by other means.
  headers=$(dirname -- "$(dirname -- "$(readlink -f -- "$node")")")
  [ -e "$headers/include/node/node_version.h" ] || headers=
  # Debian's node-gyp links with Debian's libnode, and two Nodes in one process crash: the private one gets an empty one.
  no_library=$(mktemp -d)
  trap 'rm -rf "$no_library"' EXIT
  case $node in "$PWD"/.node/*) ar rc "$no_library/libnode.a" || : ;; esac
  # --include: also where NODE_ENV=production is set. No warnings: Debian 12's npm 9 uses what Node 24 calls deprecated.
  env NODE_NO_WARNINGS=1 LDFLAGS="-L$no_library ${LDFLAGS:-}" ${headers:+npm_config_nodedir="$headers"} \
    $scripts/with-node.sh npm ci --include=dev --include=optional --loglevel=error --no-audit --no-fund --no-update-notifier
  if ! "$node" -e "require('sd-notify')" >/dev/null 2>&1; then
    rm -rf node_modules/sd-notify
    say 'sd-notify could not be built for this Node, and is not needed: libsystemd is called without it'
  fi
  printf '%s\n' "$wanted" >$stamp
fi
