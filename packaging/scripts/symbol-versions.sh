#!/bin/sh
# symbol-versions.sh FOLDER NAME_VERSION...: fails where machine code below FOLDER needs a symbol of a later version than these
# (GLIBC_2.34), or of a library that is not among them.
set -eu
export LC_ALL=C

folder=$1
shift
needed=$(find "$folder" -type f \( -name '*.node' -o -perm -100 \) -exec readelf --version-info --wide {} + 2>/dev/null |
  sed -n 's/.* Name: \([A-Z_]*_[0-9.]*\)  *Flags: .*/\1/p' | sort -u)
[ -n "$needed" ] || { echo "there is no machine code in $folder" >&2; exit 1; }

status=0
for symbol in $needed; do
  known=no
  for limit in "$@"; do
    [ "${symbol%_*}" = "${limit%_*}" ] || continue
    known=yes
    [ "$(printf '%s\n' "$symbol" "$limit" | sort -V | tail -n 1)" = "$limit" ] || known=late
  done
  case $known in
    no) echo "$folder needs $symbol, of a library that debian/shlibs.local does not name" >&2; status=1 ;;
    late) echo "$folder needs $symbol, which is later than what debian/shlibs.local asks for" >&2; status=1 ;;
  esac
done
exit $status
