#!/bin/sh
# Every long option that a verb's --help lists is in the manual page under that verb,
# and the other way round.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/lib.sh

page=docs/man/sifd.1
for verb in import fit train embed similarity explain search eval info verify serve; do
	"$SIFD" "$verb" --help | sed -n '/^Options:/,/^$/s/^  \(-.,\|  \) *--\([a-z0-9-]*\).*/\2/p' |
		grep -vx 'help\|config' | sort >"$DIR/help"
	sed -n "/^\.SS sifd $verb\$/,/^\.S[SH] /p" "$page" | sed 's/\\-/-/g' |
		sed -n '/^\.B /s/.*--\([a-z0-9-]*\).*/\1/p' | sort >"$DIR/manual"
	check "$verb has options" test -s "$DIR/help"
	check "sifd $verb --help and $page have the same options" diff "$DIR/help" "$DIR/manual"
done
finish
