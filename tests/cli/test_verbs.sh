#!/bin/sh
# The verbs as a user types them: what they print, how they refuse, and that they agree with each other.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/lib.sh

# -- the program itself
check "--help" "$SIFD" --help
check "--version" "$SIFD" --version
for verb in import fit train embed similarity explain search eval info verify serve; do
	check "$verb --help" "$SIFD" $verb --help
done
fails "no verb" 2 "Usage" "$SIFD"
fails "unknown verb" 2 "no verb 'embbed'" "$SIFD" embbed
fails "unknown option" 2 "no option 'colour'" "$SIFD" embed --colour
fails "missing value" 2 "value is missing" "$SIFD" embed --output
fails "bad number" 2 "--workers must be a whole number from 1 to 1024" "$SIFD" embed --workers two
fails "no such model" 1 "no model 'nosuch'" "$SIFD" embed -m nosuch

# -- embed
printf 'a cat sat on the mat\n\nstocks fell sharply\n\346\227\245\346\234\254 \350\252\236\n' >"$DIR/texts"
"$SIFD" embed "$DIR/texts" >"$DIR/a.txt"
"$SIFD" embed --method disc "$DIR/texts" >"$DIR/disc.txt"
same "a line a text" 4 "$(wc -l <"$DIR/a.txt")"
same "empty text is the zero vector" 1 "$(sed -n 2p "$DIR/a.txt" | tr ' ' '\n' | sort -u | wc -l)"
"$SIFD" embed --workers 3 - <"$DIR/texts" >"$DIR/b.txt"
check "workers and pipes change nothing" cmp "$DIR/a.txt" "$DIR/b.txt"
"$SIFD" embed --output jsonl "$DIR/texts" >"$DIR/a.jsonl"
check "jsonl parses and agrees" python3 - "$DIR/a.txt" "$DIR/a.jsonl" <<'END'
import json, sys
rows = [[float(x) for x in line.split()] for line in open(sys.argv[1])]
objects = [json.loads(line) for line in open(sys.argv[2])]
assert [o["index"] for o in objects] == [0, 1, 2, 3]
assert [o["embedding"] for o in objects] == rows
assert [o["coverage"] for o in objects][1::2] == [0, 0]
assert all(abs(sum(x * x for x in r) - 1) < 1e-5 for r in rows[::2])
END
"$SIFD" embed --output f32 "$DIR/texts" >"$DIR/a.f32"
"$SIFD" embed --output npy -o "$DIR/a.npy" "$DIR/texts"
check "npy is a header and the f32 rows" sh -c "tail -c +129 '$DIR/a.npy' | cmp - '$DIR/a.f32'"
check "npy header" python3 - "$DIR/a.npy" <<'END'
import ast, sys
b = open(sys.argv[1], "rb").read()
assert b[:8] == b"\x93NUMPY\x01\x00" and int.from_bytes(b[8:10], "little") == 118
h = ast.literal_eval(b[10:128].decode())
assert h["descr"] == "<f4" and not h["fortran_order"] and h["shape"][0] == 4, h
assert len(b) == 128 + 4 * h["shape"][0] * h["shape"][1]
END
for kernels in plain avx2 avx512; do
	SIFD_KERNELS=$kernels "$SIFD" embed "$DIR/texts" >"$DIR/k.txt" 2>/dev/null || continue
	check "kernels $kernels give the same bits" cmp "$DIR/a.txt" "$DIR/k.txt"
	SIFD_KERNELS=$kernels "$SIFD" embed --method disc "$DIR/texts" >"$DIR/k.txt" 2>/dev/null
	check "kernels $kernels give the same bits under disc" cmp "$DIR/disc.txt" "$DIR/k.txt"
done
printf 'good\nbad \377 byte\n' >"$DIR/latin1"
fails "not UTF-8 names the line and byte" 1 "line 2: byte 5 is not UTF-8" "$SIFD" embed "$DIR/latin1"
check "--lossy mends it" "$SIFD" embed --lossy "$DIR/latin1"
fails "unknown method lists those held" 1 "mean" "$SIFD" embed --method magic "$DIR/texts"
fails "missing file" 1 "nosuchfile" "$SIFD" embed "$DIR/nosuchfile"
gzip -c "$DIR/texts" >"$DIR/texts.gz"
"$SIFD" embed "$DIR/texts.gz" >"$DIR/c.txt"
check "compressed texts" cmp "$DIR/a.txt" "$DIR/c.txt"

# -- similarity
printf 'a cat sat on the mat\ta kitten rests on a rug\nstocks fell\tshares dropped\n\346\227\245\346\234\254\tcat\n' >"$DIR/pairs"
"$SIFD" similarity "$DIR/pairs" >"$DIR/scores"
same "one score a line" 3 "$(wc -l <"$DIR/scores")"
same "an unknown text scores 0" 0 "$(sed -n 3p "$DIR/scores" | sed 's/\.0$//')"
same "two arguments give the same" "$(sed -n 2p "$DIR/scores")" "$("$SIFD" similarity "stocks fell" "shares dropped")"
fails "a line without TAB" 1 "line 1: expected .text TAB text" "$SIFD" similarity "$DIR/texts"

# -- explain: the parts sum to the score, the shares to 1
"$SIFD" explain --json "stocks fell sharply" "shares dropped" >"$DIR/pair.json"
check "parts sum to the score" python3 - "$DIR/pair.json" "$("$SIFD" similarity "stocks fell sharply" "shares dropped")" <<'END'
import json, sys
p = json.load(open(sys.argv[1]))
assert abs(sum(map(sum, p["parts"])) - p["score"]) < 1e-5
assert abs(p["score"] - float(sys.argv[2])) < 1e-6
for side in "left", "right":
    assert abs(sum(w["share"] for w in p[side]) - 1) < 1e-5
END
check "explain as a table" "$SIFD" explain "stocks fell sharply" "shares dropped"

# -- search
printf 'I forgot my password\nopening hours\nbilling address\n' >"$DIR/collection"
same "search finds it" "I forgot my password" \
	"$("$SIFD" search --texts "$DIR/collection" --top 1 "reset my password" | cut -f 3)"
same "a query a line" 5 "$(printf 'password\nbill\n' | "$SIFD" search --texts "$DIR/collection" --top 2 - | wc -l)"

# -- import, fit, info, verify, eval on a small table
python3 - "$DIR" <<'END'
import random, sys
random.seed(1)
words = ["w%d" % i for i in range(300)]
with open(sys.argv[1] + "/v.txt", "w") as f:
    for w in words:
        f.write(w + " " + " ".join("%.5f" % random.gauss(0, 1) for _ in range(16)) + "\n")
with open(sys.argv[1] + "/corpus.txt", "w") as f:
    for _ in range(4000):
        f.write("W" + " ".join("w%d" % min(299, int(random.paretovariate(1)) - 1) for _ in range(random.randint(3, 15)))[1:] + ". ")
        f.write("\n" if random.random() < .4 else "")
with open(sys.argv[1] + "/set.tsv", "w") as f:
    for _ in range(50):
        f.write("w%d w%d\tw%d w%d\t%.2f\n" % (*random.choices(range(300), k=4), random.random() * 5))
END
check "import" "$SIFD" import "$DIR/v.txt" -o "$DIR/v.safetensors"
check "verify" "$SIFD" verify "$DIR/v.safetensors"
for w in 1 3; do
	"$SIFD" fit "$DIR/corpus.txt" -m "$DIR/v.safetensors" -o "$DIR/fit$w.safetensors" --workers $w 2>/dev/null
done
check "a fit is the same for any workers" cmp "$DIR/fit1.safetensors" "$DIR/fit3.safetensors"
gzip -c "$DIR/corpus.txt" | "$SIFD" fit - -m "$DIR/v.safetensors" -o "$DIR/pipe.safetensors" 2>/dev/null
check "and for a compressed pipe" cmp "$DIR/fit1.safetensors" "$DIR/pipe.safetensors"
"$SIFD" fit "$DIR/corpus.txt" -m "$DIR/v.safetensors" -o "$DIR/over.safetensors" --overlay 2>/dev/null
check "an overlay is small" test "$(wc -c <"$DIR/over.safetensors")" -lt "$(wc -c <"$DIR/v.safetensors")"
"$SIFD" embed -m "$DIR/fit1.safetensors" "$DIR/corpus.txt" >"$DIR/full.txt"
"$SIFD" embed -m "$DIR/over.safetensors" "$DIR/corpus.txt" >"$DIR/over.txt"
check "and says the same" cmp "$DIR/full.txt" "$DIR/over.txt"
for method in usif whiten; do
	check "fit by $method" "$SIFD" fit "$DIR/corpus.txt" -m "$DIR/v.safetensors" -o "$DIR/$method.safetensors" --method $method
	check "its self-test and checksums" "$SIFD" verify "$DIR/$method.safetensors"
done
check "info --json" sh -c "'$SIFD' info -m '$DIR/fit1.safetensors' --json | python3 -c '
import json, sys
o = json.load(sys.stdin)
assert o[\"method\"] == \"sif\" and o[\"fitted\"] and o[\"sentences\"] == 4000 and o[\"dim\"] == 16, o'"
check "eval --json" sh -c "'$SIFD' eval -m '$DIR/fit1.safetensors' --method mean,sif --json '$DIR/set.tsv' | python3 -c '
import json, sys
rows = [json.loads(l) for l in sys.stdin]
assert [r[\"method\"] for r in rows] == [\"mean\", \"sif\"] and all(r[\"pairs\"] == 50 for r in rows), rows'"
python3 - "$DIR" <<'END'
import random, sys
random.seed(2)
text = lambda: " ".join("w%d" % random.randrange(3, 200) for _ in range(4))
with open(sys.argv[1] + "/label.tsv", "w") as f, open(sys.argv[1] + "/entail.tsv", "w") as g:
    for i in range(120):
        f.write("%s\t%s w%d\n" % ("bad" if i % 2 else "good", text(), i % 2))
        g.write("%s\t%s\t%s\n" % (text(), text(), "YES" if i % 2 else "NO"))
END
check "eval of every kind, a method that is not held left out" sh -c "'$SIFD' eval -m '$DIR/fit1.safetensors' \
	--method mean,learned,'$DIR/v.safetensors:sum' --json --svg '$DIR/chart.svg' \
	'$DIR/set.tsv' '$DIR/label.tsv' '$DIR/entail.tsv' '$DIR/label.tsv:$DIR/label.tsv' 2>'$DIR/note' | python3 -c '
import json, sys
rows = [json.loads(l) for l in sys.stdin]
assert [r[\"task\"] for r in rows[::2]] == [\"similarity\", \"classification\", \"entailment\", \"classification\"], rows
assert all(len(r[\"method\"].split(\":\")) <= 2 for r in rows) and len(rows) == 8
assert rows[2][\"accuracy\"] > 75 and rows[2][\"most_frequent\"] == 50, rows'"
same "and said" "sifd: the model has no 'learned': left out" "$(cat "$DIR/note")"
check "the chart is XML with a bar a figure" python3 -c "
import sys, xml.etree.ElementTree as e
root = e.parse(sys.argv[1]).getroot()
assert len([r for r in root.iter() if r.tag.endswith('rect') and r.find('{*}title') is not None]) == 8" "$DIR/chart.svg"
check "eval --markdown" sh -c "'$SIFD' eval -m '$DIR/fit1.safetensors' --markdown '$DIR/label.tsv' | grep -q '^| label | 120 | '"
fails "none of the methods" 1 "none of these" "$SIFD" eval -m "$DIR/v.safetensors" --method learned "$DIR/set.tsv"
fails "--reference of labels" 1 "similarity sets only" "$SIFD" eval -m "$DIR/fit1.safetensors" --reference "$DIR/label.tsv"
python3 - "$DIR" <<'END'
import random, sys
random.seed(3)
with open(sys.argv[1] + "/new.txt", "w") as f:
    for _ in range(3000):
        f.write(" ".join("w%d" % min(299, int(random.paretovariate(.6)) - 1) for _ in range(8)) + " gizmo. ")
END
check "train --learn alacarte" "$SIFD" train --learn alacarte -m "$DIR/fit1.safetensors" "$DIR/new.txt" \
	--fit-count 20 -o "$DIR/grown.safetensors"
check "it is whole" "$SIFD" verify "$DIR/grown.safetensors"
check "and knows the new word" sh -c "printf 'gizmo\tGizmo\n' | '$SIFD' similarity -m '$DIR/grown.safetensors' - | awk '{ exit \$1 < .999 }'"
fails "alacarte without a corpus" 2 "no corpus" "$SIFD" train --learn alacarte -o "$DIR/x.safetensors"
# -- a fit that gives the corpus's own words vectors: four kinds of words, each among its own
python3 - "$DIR" <<'END'
import random, sys
random.seed(4)
kinds = [[random.gauss(0, 1) for _ in range(16)] for _ in range(4)]
with open(sys.argv[1] + "/kinds.txt", "w") as f:
    for i in range(120):
        f.write("k%d " % i + " ".join("%.5f" % (x + random.gauss(0, .5)) for x in kinds[i % 4]) + "\n")
with open(sys.argv[1] + "/own.txt", "w") as f:
    for i in range(4000):
        words = ["k%d" % (random.randrange(30) * 4 + i % 4) for _ in range(8)]
        f.write(" ".join(words[:4] + (["gizmo"] if i % 8 == 0 else []) + words[4:]) + "\n")
with open(sys.argv[1] + "/kinds.tsv", "w") as f:
    for i in range(200):
        f.write(" ".join("k%d" % (random.randrange(30) * 4 + i % 4) for _ in range(3)) + "\t" +
                " ".join("k%d" % (random.randrange(30) * 4 + i % 4) for _ in range(3)) + "\n")
END
check "import" "$SIFD" import "$DIR/kinds.txt" -o "$DIR/kinds.safetensors"
check "train" "$SIFD" train --learn vectors "$DIR/kinds.tsv" -m "$DIR/kinds.safetensors" -o "$DIR/learnt.safetensors" --curve none
fit() {
	model=$1 to=$2
	shift 2
	"$SIFD" fit -m "$DIR/$model.safetensors" "$DIR/own.txt" -o "$DIR/$to.safetensors" "$@" 2>"$DIR/said"
}
for w in 1 3; do
	check "a fit of a learned model" fit learnt own$w --workers $w
	check "says that the model grew" grep -q "1 new word got a vector.* 100.00 % known, before 98" "$DIR/said"
done
check "to the same bytes for any workers" cmp "$DIR/own1.safetensors" "$DIR/own3.safetensors"
check "and whole" "$SIFD" verify "$DIR/own1.safetensors"
alike() {
	printf 'gizmo\t%s\n' "$1" | "$SIFD" similarity -m "$DIR/own1.safetensors" - | cut -c1-4
}
check "the new word is of its kind" sh -c "[ $(alike k4 | tr -d .-) -gt $(alike k5 | tr -d .-) ]"
fails "there is no method alacarte any more" 1 "has no method 'alacarte'; it has: sum" \
	"$SIFD" embed -m "$DIR/own1.safetensors" --method alacarte "$DIR/own.txt"
check "none is wanted" fit learnt none --new-words 0
check "as before" sh -c "! grep -q 'new word' '$DIR/said'"
check "an overlay writes no rows" fit learnt none --overlay
check "and has no new word" sh -c "! grep -q 'new word' '$DIR/said'"
fails "both" 2 "new-words needs rows, --overlay writes none" "$SIFD" fit "$DIR/own.txt" \
	-m "$DIR/learnt.safetensors" -o "$DIR/none.safetensors" --overlay --new-words 5
check "a model that is not learned" fit kinds none
check "grows on request only" sh -c "! grep -q 'new word' '$DIR/said'"
check "on request" fit kinds none --new-words 5
check "it does" grep -q "1 new word got" "$DIR/said"
head -n 9 "$DIR/own.txt" >"$DIR/few.txt"
mv "$DIR/few.txt" "$DIR/own.txt"
check "a corpus too small" fit learnt none
check "says so" grep -q "no new words: no word without a vector is seen 10 times" "$DIR/said"
fails "fit without a corpus" 2 "no corpus" "$SIFD" fit -o "$DIR/x.safetensors"
fails "fit without output" 2 "missing" "$SIFD" fit "$DIR/corpus.txt"
python3 - "$DIR/v.safetensors" "$DIR/flipped.safetensors" <<'END'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[len(b) // 2] ^= 1
open(sys.argv[2], "wb").write(b)
END
fails "verify finds one flipped bit" 1 "flipped" "$SIFD" verify "$DIR/flipped.safetensors"

# -- where options come from: flag over environment over file
printf '# for tests\n[embed]\noutput = jsonl\n' >"$DIR/conf"
same "configuration file" "{" "$("$SIFD" embed --config "$DIR/conf" "$DIR/texts" | cut -c 1 | head -n 1)"
same "environment over file" "$(head -n 1 "$DIR/a.txt" | wc -w)" "$(SIFD_OUTPUT=text "$SIFD" embed --config "$DIR/conf" "$DIR/texts" | head -n 1 | wc -w)"
same "flag over environment" "{" "$(SIFD_OUTPUT=text "$SIFD" embed --output jsonl "$DIR/texts" | cut -c 1 | head -n 1)"
printf '[embed]\noutptu = text\n' >"$DIR/conf"
fails "an unknown name in the file" 2 "line 2.*outptu" "$SIFD" embed --config "$DIR/conf" "$DIR/texts"

finish
