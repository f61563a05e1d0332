#!/bin/sh
# One run of the crash harness's load: notes its start, works, notes its end. Each line is one write(2) to a file that is
# opened for appending, so that lines of tasks that run at the same time do not mix (open(2), O_APPEND).
# $1 is what to do; $CRASH_JOURNAL is the file, $CRASH_WORK a folder to work in.
say() { printf '%s\n' "$*" >>"$CRASH_JOURNAL"; }
finish() { say E "$FATE_TASK" "$FATE_RUN_ID" "$FATE_ATTEMPT"; exit "${1:-0}"; }

n=-
case $1 in
  count*)
    IFS= read -r state <&3 || :
    n=0
    case $state in *'"n":'*) n=${state#*'"n":'}; n=${n%%[!0-9]*} ;; esac
    ;;
esac
say S "$FATE_TASK" "$FATE_RUN_ID" "$FATE_ATTEMPT" "$FATE_DUE" "$$" "$n"

result() { printf '{"id":"%s","attempt":%s,"pad":"%0*d","end":"%s"}\n' "$FATE_RUN_ID" "$FATE_ATTEMPT" "$1" 0 "$FATE_RUN_ID"; }
count() { printf '{"n":%s,"id":"%s","pad":"%0*d","end":%s}' $((n + 1)) "$FATE_RUN_ID" "$1" 0 $((n + 1)) >&4; }

case $1 in
  quick) ;;
  nap) sleep "$2" ;;
  result) result "$2" ;;
  archive)
    folder=$CRASH_WORK/$FATE_RUN_ID-$FATE_ATTEMPT
    mkdir -p "$folder/.fate" "$folder/sub"
    result 10 >"$folder/small.json"
    result 70000 >"$folder/large.json"
    printf 'run %s attempt %s' "$FATE_RUN_ID" "$FATE_ATTEMPT" >"$folder/sub/text.txt"
    tar -C "$folder" -cf - .fate small.json large.json sub/text.txt
    rm -rf "$folder"
    ;;
  count) count "$2" ;;
  count-nap) sleep "$3"; count "$2" ;;
  # The first attempt asks for another one, and keeps its state (SPEC 7, status Retry).
  count-again) count "$2"; [ "$FATE_ATTEMPT" -gt 1 ] || finish 42 ;;
  fail)
    printf 'out %s %s %0*d end\n' "$FATE_RUN_ID" "$FATE_ATTEMPT" "$2" 0
    printf 'err %s %s end\n' "$FATE_RUN_ID" "$FATE_ATTEMPT" >&2
    [ "$FATE_ATTEMPT" -gt "$3" ] || finish 3
    ;;
  # Leaves a process behind that holds all of its pipes.
  leave) sleep 2 & ;;
  # Does not end by itself.
  hang) sleep 60 ;;
  deaf)
    trap '' TERM
    while :; do sleep 60; done
    ;;
esac
finish 0
