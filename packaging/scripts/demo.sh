#!/bin/sh
# make demo: the example tasks in a private folder, .demo/, from configuration to recorded results. Touches nothing else.
# Needs dist/, and node on PATH (with-node.sh). Starts anew each time.
set -eu

cd -- "$(dirname -- "$0")/../.."
umask 022 # root refuses a configuration that others could write
demo=$PWD/.demo
examples=$PWD/packaging/examples
rm -rf "$demo"
mkdir -p "$demo/examples" "$demo/conf"
export FATE_PREFIX_CONF="$demo/conf" FATE_PREFIX_DATA="$demo/data" FATE_PREFIX_STATE="$demo/state" FATE_PREFIX_RUN="$demo/run"
PATH=$examples/bin:$PATH # where the tasks' programs are

say() { printf '\n==> %s\n' "$*"; }
fate() { node dist/fate.js "$@"; }
fates() { node dist/fates.js --no-banner "$@"; }

say 'The example configuration, packaging/examples/tasks.toml, is checked: fate check'
cp "$examples/tasks.toml" "$examples/defaults.toml" "$demo/examples/"
FATE_PREFIX_CONF="$demo/examples" fate check && echo 'It is right.'
say 'Its tasks would be due at: fate next'
FATE_PREFIX_CONF="$demo/examples" fate next

# A task that is seen for the first time has missed nothing, so a first pass runs nothing; it only takes note of the
# tasks. So that nobody must wait for a night, the demo's copy has all of them due at one moment, a few seconds away.
due=$(($(date +%s) + 7))
moment=$(date -d "@$due" '+%-S %-M %-H * * *')
say "For the demo all tasks get one due time, $(date -d "@$due" +%T), in a copy of the configuration (.demo/conf)"
cp "$examples/defaults.toml" "$demo/conf/"
sed "s/^schedule = .*/schedule = \"$moment\"/" "$examples/tasks.toml" >"$demo/conf/tasks.toml"

say 'First pass, fates: the tasks are new, and nothing is due yet'
fates
say "Waiting until they are due"
left=$((due + 1 - $(date +%s)))
[ "$left" -le 0 ] || sleep "$left"
say 'Second pass, fates: every task runs; archive, with tenancy 1, runs alone'
status=0
fates --fail || status=$?

say 'The results recorded, in .demo/data/result'
ls -l "$demo/data/result"
for result in "$demo"/data/result/*-disk.json "$demo"/data/result/*-log-watch.json; do
  [ -e "$result" ] || continue
  say "The beginning of ${result##*/}"
  head -n 8 "$result" | cut -c -150
done

say 'The state kept: how far log-watch has read (and, of each task, until when its due times are accounted for)'
for folder in "$demo"/state/*-*; do node packaging/scripts/show-state.mjs "$folder"; done

say 'log-watch once more, by hand: it goes on from its state, so only what is new would be told. fate debug run --state'
fate debug run --state log-watch

say 'The log was also kept as JSON, in .demo/data/fate.log; its last line:'
tail -n 1 "$demo/data/fate.log"

say 'Done. Everything is in .demo/; make clean removes it. README.md tells how to write tasks of your own.'
exit "$status"
