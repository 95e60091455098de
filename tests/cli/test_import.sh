#!/bin/sh
# Vector files as people have them, and as they should not be: what sifd import makes of each.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/lib.sh

# import NAME: the file $DIR/NAME into $DIR/m.safetensors
into() { "$SIFD" import "$DIR/$1" -o "$DIR/m.safetensors"; }
# The vector of a word, as imported.
vector() { printf '%s\n' "$1" | "$SIFD" embed -m "$DIR/m.safetensors" --method sum --no-normalize; }

printf 'the 1 2 3\ncat -0.5 25e-2 4\nNew York 7 8 9\n' >"$DIR/glove.txt"
check "GloVe text" into glove.txt
same "its numbers" "-0.5 0.25 4" "$(vector cat)"
same "its words" 3 "$("$SIFD" info -m "$DIR/m.safetensors" --json | sed 's/.*"words": *\([0-9]*\).*/\1/')"
printf 'the 1 2 3\r\ncat -0.5 25e-2 4\r\n' >"$DIR/crlf.txt"
check "CRLF" into crlf.txt
same "reads the same" "-0.5 0.25 4" "$(vector cat)"
printf 'the 1 2 3\ncat -0.5 25e-2 4' >"$DIR/open.txt"
check "no last newline" into open.txt
same "loses nothing" "-0.5 0.25 4" "$(vector cat)"
printf '5 3\nthe 1 2 3\ncat 1 1 1\nthe 9 9 9\n' >"$DIR/twice.txt"
check "a header that promises more, a word twice" into twice.txt
into twice.txt 2>"$DIR/said"
check "the header is said" grep -q 'promised 5 rows, there were 3' "$DIR/said"
check "the repeated word is said" grep -q '1 repeated words' "$DIR/said"
same "the first row of a word is kept" "1 2 3" "$(vector the)"
for form in gzip xz "zstd -q"; do
	$form -c <"$DIR/glove.txt" >"$DIR/packed"
	check "through $form" into packed
	same "through $form the same" "-0.5 0.25 4" "$(vector cat)"
done
python3 - "$DIR" <<'END'
import struct, sys
rows = {b"the": (1, 2, 3), b"cat": (-0.5, 0.25, 4)}
data = b"2 3\n" + b"".join(w + b" " + struct.pack("<3f", *v) + b"\n" for w, v in rows.items())
open(sys.argv[1] + "/w2v.bin", "wb").write(data)
open(sys.argv[1] + "/short.bin", "wb").write(data[:-6])
open(sys.argv[1] + "/joined.bin", "wb").write(data[:4] + data[4:].replace(b"\n", b""))
END
check "word2vec binary" into w2v.bin
same "its numbers" "-0.5 0.25 4" "$(vector cat)"
check "word2vec binary without newlines" into joined.bin
same "its numbers too" "-0.5 0.25 4" "$(vector cat)"
fails "a binary file that ends early" 1 "row 2 of the 2" "$SIFD" import "$DIR/short.bin" -o "$DIR/x.safetensors"
printf 'the 1 2 3\ncat 1 2\n' >"$DIR/short.txt"
fails "a short row names its line" 1 "line 2" "$SIFD" import "$DIR/short.txt" -o "$DIR/x.safetensors"
printf 'the 1 2 3\ncat 1 nan 2\n' >"$DIR/nan.txt"
fails "NaN names its line" 1 "line 2: number 2 is not finite" "$SIFD" import "$DIR/nan.txt" -o "$DIR/x.safetensors"
printf 'some text that holds no vectors\n' >"$DIR/text.txt"
fails "no vectors" 1 "is no number" "$SIFD" import "$DIR/text.txt" -o "$DIR/x.safetensors"
: >"$DIR/empty"
fails "an empty file" 1 "empty" "$SIFD" import "$DIR/empty" -o "$DIR/x.safetensors"
same "nothing is left of a refused import" 0 "$(find "$DIR" -name 'x.safetensors*' | wc -l)"
printf 'the 10\ncat 1\ndog 9\n' >"$DIR/counts"
"$SIFD" import "$DIR/glove.txt" --counts "$DIR/counts" -o "$DIR/m.safetensors" 2>"$DIR/said"
check "a counts file" grep -q 'knows 2 of the words' "$DIR/said"
"$SIFD" import "$DIR/glove.txt" --dtype i8 --max-words 2 -o "$DIR/m.safetensors" 2>"$DIR/said"
check "i8 rows, two words" grep -q '2 words x 3' "$DIR/said"
same "i8 numbers" 4 "$(vector cat | cut -d ' ' -f 3)"
finish
