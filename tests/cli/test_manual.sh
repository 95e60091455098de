#!/bin/sh
# The manual page lists the options of every verb as --help does: names, defaults, ranges, all of it.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/lib.sh

page=docs/man/sifd.1
for verb in import fit train embed similarity explain search eval info verify serve; do
	check "$verb has options" sh -c "'$SIFD' $verb --help | grep -q '^  .* --'"
	check "$verb is in the manual" grep -q "^\.SS sifd $verb\$" "$page"
done
cp "$page" "$DIR/page"
check "the options are written into the page" scripts/man-options "$SIFD" "$DIR/page"
check "the page is up to date: else run scripts/man-options build/release/sifd $page" diff "$page" "$DIR/page"
finish
