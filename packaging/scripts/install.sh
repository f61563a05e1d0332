#!/bin/sh
# make install: install.sh DESTDIR PREFIX, after a build, run through with-node.sh. Puts
#   PREFIX/lib/fate            the programs, the packages they need at run time, and Node where it is the private one
#   PREFIX/bin                 fate, fated, fates
#   PREFIX/lib/systemd         units for the system and for users
#   PREFIX/share/man           man pages
#   PREFIX/share               completions for bash, zsh, fish and tcsh, where each looks for them
#   PREFIX/share/doc/fate      documents, examples, a drop-in for the unit
#   /etc/needrestart/conf.d    one line that keeps fated from being restarted; where all of it is for the system
# below DESTDIR, in place of what an earlier one put there. The new lib/fate is made beside the old one and tried out before
# anything is replaced, so that one that does not work leaves everything as it was.
set -eu

cd -- "$(dirname -- "$0")/../.."
umask 022
destdir=$1
prefix=$2
case $prefix in /*) ;; *) echo "PREFIX must be absolute: $prefix" >&2; exit 2 ;; esac
# It stands in the units and in the programs' own lines, which would read these as something else.
case $prefix in
  *[[:space:]\"\'\`\\\$\%\#\&]*) echo "PREFIX must have no blank and none of \"'\`\\\$%#&: $prefix" >&2; exit 2 ;;
esac
lib=$destdir$prefix/lib/fate
new=$lib.new
old=$lib.old
bin=$destdir$prefix/bin
doc=$destdir$prefix/share/doc/fate

echo "==> Installing into $destdir$prefix"
scratch=$(mktemp -d)
# One that was cut off between the two renames below has left the old tree aside.
clear_away() {
  if [ -e "$old" ] && [ ! -e "$lib" ]; then mv -T "$old" "$lib" || return; fi
  rm -rf "$new" "$old"
}
trap 'rm -rf "$scratch"; clear_away' EXIT
trap 'exit 1' HUP INT TERM
clear_away
mkdir -p "$new" "$bin"
cp -R dist package.json LICENSE "$new/"
# What `fate init` writes from.
mkdir -p "$new/packaging" "$new/systemd"
cp -R packaging/init "$new/packaging/"
cp -R systemd/fated.service systemd/user "$new/systemd/"
# Of the exec helpers those that `npm pack` made for other machines are of no use here.
find "$new/dist" -name "fate-exec-*" ! -name "fate-exec-$(node -p process.arch)" -delete
node packaging/scripts/runtime-modules.mjs "$new"

# The machine's Node by its place, so that a task's or a user's PATH has no say in it; the private one goes along.
node=$(command -v node)
trial=$node
case $node in
  "$PWD"/.node/*)
    mkdir -p "$new/node/bin"
    cp -L "$node" "$new/node/bin/node"
    cp .node/node_modules/node-linux-*/LICENSE "$new/node/"
    node=$prefix/lib/fate/node/bin/node
    trial=$new/node/bin/node
    ;;
esac
[ "$(id -u)" -ne 0 ] || chown -R 0:0 "$new"
chmod -R u=rwX,go=rX "$new"

# What was left out is missed only when it is used: so one real pass with the new files, which needs lmdb and koffi.
# sd-notify fits one version of Node, and can be done without.
(cd "$new" && "$trial" -e "require('./node_modules/sd-notify')" >/dev/null 2>&1) || rm -rf "$new/node_modules/sd-notify"
mkdir "$scratch/conf"
printf '[smoke]\nschedule = "@daily"\nshell = "echo {}; echo new >&4"\n' >"$scratch/conf/tasks.toml"
(
  export FATE_PREFIX_CONF="$scratch/conf" FATE_PREFIX_DATA="$scratch/data" FATE_PREFIX_STATE="$scratch/state"
  export FATE_PREFIX_RUN="$scratch/run"
  cd "$scratch"
  "$trial" "$new/dist/fates.js" --no-banner &&
    "$trial" "$new/dist/fate.js" debug run --record --state smoke &&
    ls data/result/*-smoke.json
) >"$scratch/output" 2>&1 || {
  cat "$scratch/output" >&2
  echo 'What was to be installed does not work, and nothing was replaced.' >&2
  exit 1
}
version=$("$trial" "$new/dist/fate.js" --version)

[ ! -e "$lib" ] || mv -T "$lib" "$old"
mv -T "$new" "$lib"
rm -rf "$old" "$doc"

for program in fate fated fates; do
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$node" "$prefix/lib/fate/dist/$program.js" >"$bin/$program.new"
  chmod 755 "$bin/$program.new"
  mv -T "$bin/$program.new" "$bin/$program"
done
mkdir -p "$doc"
cp README.md CHANGELOG.md CONTRIBUTING.md LICENSE "$doc/"
cp -R docs packaging/examples systemd/hardening.conf "$doc/"
sed -i 's#packaging/examples#examples#g' "$doc/README.md" "$doc/docs/index.md"
[ "$(id -u)" -ne 0 ] || chown -R 0:0 "$doc"
chmod -R u=rwX,go=rX "$doc"

for page in packaging/man/*.[158]; do
  install -D -m 644 "$page" "$destdir$prefix/share/man/man${page##*.}/${page##*/}"
done
complete() { # SHELL FILE LINK...
  file=$destdir$prefix/share/$2
  mkdir -p "${file%/*}"
  rm -f "$file.new"
  "$tried" "$lib/dist/fate.js" init comp --no-prompt --shell "$1" "$file.new" >/dev/null
  chmod 644 "$file.new"
  mv -T "$file.new" "$file"
  shift 2
  for link; do ln -sfT "${file##*/}" "${file%/*}/$link"; done
}
# By the Node that has been tried out, which has moved with the tree where it is the private one.
case $trial in "$new"/*) tried=$lib/${trial#"$new/"} ;; *) tried=$trial ;; esac
complete bash bash-completion/completions/fate fated fates
complete zsh zsh/site-functions/_fate
complete fish fish/vendor_completions.d/fate.fish fated.fish fates.fish
complete tcsh tcsh/fate.tcsh

# Where systemd looks for units (systemd.unit(5)): lib/systemd of /usr and /usr/local, and share/systemd/user of ~/.local.
case $prefix in
  /usr | /usr/local) scope=system ;;
  */.local) scope=user ;;
  *) scope=none ;;
esac
unit() { # FILE FOLDER
  mkdir -p "$destdir$2"
  sed -e "s#@BINDIR@#$prefix/bin#g" -e "s#@DOCDIR@#$prefix/share/doc/fate#g" "systemd/$1" >"$destdir$2/fated.service"
  chmod 644 "$destdir$2/fated.service"
}
if [ "$scope" = user ]; then
  unit user/fated.service "$prefix/share/systemd/user"
else
  unit fated.service "$prefix/lib/systemd/system"
  unit user/fated.service "$prefix/lib/systemd/user"
fi
# One that is there may be the administrator's own.
needrestart=$destdir/etc/needrestart/conf.d
if [ "$scope" = system ] && [ -w "$destdir/" ] && [ ! -e "$needrestart/fate.conf" ]; then
  mkdir -p "$needrestart"
  cp packaging/needrestart.conf "$needrestart/fate.conf"
  chmod 644 "$needrestart/fate.conf"
fi

echo "==> Tried out and installed: $version"

[ -z "$destdir" ] || exit 0
systemctl=systemctl
[ "$scope" != user ] || systemctl='systemctl --user'
[ "$scope" != none ] || echo "systemd does not look for units in $prefix: systemctl link $prefix/lib/systemd/system/fated.service"
echo "Next: $systemctl daemon-reload, then $systemctl enable --now fated. After an upgrade the daemon that runs goes on as it"
echo "was: $systemctl restart fated when it suits you. $prefix/share/doc/fate/docs/systemd.md tells the rest."
