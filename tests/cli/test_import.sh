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
printf '1 2\n3 4\n' >"$DIR/numbers.txt"
"$SIFD" import "$DIR/numbers.txt" --format glove -o "$DIR/m.safetensors" 2>"$DIR/said"
check "GloVe's form when asked for" grep -q '2 words x 1' "$DIR/said"
fails "another format than asked for" 1 "not fasttext but looks like glove" "$SIFD" import "$DIR/glove.txt" --format fasttext -o "$DIR/x.safetensors"
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
"$SIFD" import tests/data/tiny-fasttext.bin -o "$DIR/m.safetensors" 2>"$DIR/said"
check "fastText's .bin" grep -q '^fasttext: 12 words x 4' "$DIR/said"
same "as print-word-vectors has it" "2.4699 0.54805 0.5987 0.67716" "$(vector Wolken | awk '{printf "%.5g %.5g %.5g %.5g", $1, $2, $3, $4}')"
gzip -c tests/data/tiny-fasttext.bin >"$DIR/packed"
check "fastText's .bin through gzip" into packed
mkdir "$DIR/listed" "$DIR/pieces"
python3 - "$DIR" <<'END'
import json, struct, sys
def save(path, *tensors):
    header, data = {}, b""
    for name, kind, shape, code, values in tensors:
        raw = struct.pack("<%d%s" % (len(values), code), *values)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)
DIR = sys.argv[1]
rows = (1, 2, -0.5, 0.25, 7, 8)
save(DIR + "/listed/x.safetensors", ("table", "F32", [3, 2], "f", rows))
open(DIR + "/listed/vocab.txt", "w").write("the\ncat\ndog\n")
save(DIR + "/pieces/model.safetensors", ("embeddings", "F16", [3, 2], "e", rows), ("weights", "F32", [3], "f", (1, 2, 1)))
json.dump({"model": {"type": "WordPiece", "continuing_subword_prefix": "##", "vocab": {"the": 0, "cat": 1, "##s": 2}}},
          open(DIR + "/pieces/tokenizer.json", "w"))
save(DIR + "/bare.safetensors", ("table", "F32", [3, 2], "f", rows))
save(DIR + "/twice.safetensors", ("embeddings", "I64", [3, 2], "q", (1, 2, 3, 4, 5, 6)))
END
check "safetensors with vocab.txt" into listed/x.safetensors
same "its numbers" "-0.5 0.25" "$(vector cat)"
check "safetensors with tokenizer.json" into pieces/model.safetensors
same "pieces, weights and f16 rows" "6 8.5" "$(vector CATS)"
cp "$DIR/m.safetensors" "$DIR/own.safetensors"
"$SIFD" import "$DIR/own.safetensors" --dtype bf16 -o "$DIR/m.safetensors" 2>"$DIR/said"
check "a model of our own, in another number format" grep -q '3 words x 2' "$DIR/said"
same "keeps its tokenizer" "6 8.5" "$(vector cats)"
fails "safetensors without words" 1 "tokenizer.json or vocab.txt" "$SIFD" import "$DIR/bare.safetensors" -o "$DIR/x.safetensors"
fails "safetensors of whole numbers" 1 "is I64" "$SIFD" import "$DIR/twice.safetensors" -o "$DIR/x.safetensors"
printf 'the\n' >"$DIR/listed/vocab.txt"
fails "a word list that does not fit" 1 "1 lines for 3 rows" "$SIFD" import "$DIR/listed/x.safetensors" -o "$DIR/x.safetensors"
finish
