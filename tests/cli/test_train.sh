#!/bin/sh
# sifd train as a user types it: it learns, repeats itself, goes on after Ctrl-C and kill -9, and refuses.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/lib.sh

# A narrow language: things and verbs with synonyms that the model does not know to be such.
awk 'BEGIN {
	split("river boat king winter market doctor garden letter", thing)
	split("stone paper engine summer castle teacher forest ticket", same)
	split("breaks sells finds paints", verb)
	split("carries burns loses counts", other)
	for (i = 1; i <= 8; i++) for (j = 1; j <= 4; j++) for (k = 1; k <= 8; k++)
		print "the " thing[i] " " verb[j] " a " thing[k] "\tthe " same[i] " " other[j] " a " same[k]
}' >"$DIR/pairs.tsv"
awk -F'\t' 'NR % 3 { print $1 "\t" $2 "\t" 5; next } { print $1 "\t" last "\t" 1 } { last = $2 }' \
	"$DIR/pairs.tsv" >"$DIR/scored.tsv"

train() {
	"$SIFD" train --workers 2 --batch 64 "$@"
}
score() {
	"$SIFD" similarity -m "$1" "the river breaks a boat" "the stone carries a paper"
}

check "vectors" train --learn vectors "$DIR/pairs.tsv" -o "$DIR/a.safetensors" --dev "$DIR/scored.tsv"
check "verify" "$SIFD" verify "$DIR/a.safetensors"
check "it learnt" sh -c "[ $(score default | tr -d .) -lt $(score "$DIR/a.safetensors" | tr -d .) ]"
check "the curve" test -s "$DIR/a.curve.tsv" -a -s "$DIR/a.curve.svg"
check "svg parses" python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$DIR/a.curve.svg"
check "no checkpoint stays" test ! -e "$DIR/a.checkpoint"
check "again" train --learn vectors --pairs "$DIR/pairs.tsv" -o "$DIR/b.safetensors" --dev "$DIR/scored.tsv"
check "the same bytes" cmp "$DIR/a.safetensors" "$DIR/b.safetensors"
check "from what is more than a sum" train --learn vectors "$DIR/pairs.tsv" -o "$DIR/b.safetensors" \
	--dev "$DIR/scored.tsv" --method features
check "it starts from the sum" cmp "$DIR/a.safetensors" "$DIR/b.safetensors"
check "disc is no start" sh -c "! '$SIFD' train --learn vectors '$DIR/pairs.tsv' -o '$DIR/b2.safetensors' \
	--method disc 2>'$DIR/said' && grep -q 'disc multiplies' '$DIR/said'"
check "seed" train --learn vectors --pairs "$DIR/pairs.tsv" -o "$DIR/b.safetensors" --seed 2 --curve none
check "other bytes" sh -c "! cmp -s '$DIR/a.safetensors' '$DIR/b.safetensors'"
xz -k "$DIR/pairs.tsv"
check "scores, from what was trained, compressed pairs" train --learn weights --scored "$DIR/scored.tsv" \
	-m "$DIR/a.safetensors" -o "$DIR/c.safetensors" --objective cosent --overlay
check "an overlay is served" score "$DIR/c.safetensors"
check "an overlay is small" sh -c "[ $(wc -c <"$DIR/c.safetensors") -lt $(($(wc -c <"$DIR/a.safetensors") / 8)) ]"
check "margin" train --learn vectors "$DIR/pairs.tsv.xz" -o "$DIR/d.safetensors" --objective margin \
	--negatives mix --l2 1e-6 --lr 0.005 --curve none

check "an LSTM of bytes" train --learn lstm "$DIR/pairs.tsv" --states 64 -o "$DIR/lstm8.safetensors" --dtype i8 --overlay --curve none
check "of floats" train --learn lstm "$DIR/pairs.tsv" --states 64 -o "$DIR/lstm32.safetensors" --overlay --curve none
train --learn lstm "$DIR/pairs.tsv" --states 8 --epochs 1 -o "$DIR/lstm.safetensors" --overlay --curve none 2>"$DIR/said"
check "says how many words it touched" grep -q " per epoch, [1-9][0-9]* words -> " "$DIR/said"
check "takes less room" sh -c "[ $(($(wc -c <"$DIR/lstm8.safetensors") * 3)) -lt $(wc -c <"$DIR/lstm32.safetensors") ]"
check "and says nearly the same" sh -c "[ $(score "$DIR/lstm8.safetensors" | cut -c1-3) = $(score "$DIR/lstm32.safetensors" | cut -c1-3) ]"
check "weights have no type" sh -c "! '$SIFD' train --learn weights '$DIR/pairs.tsv' -o '$DIR/e.safetensors' --dtype i8 2>'$DIR/said' \
	&& grep -q -e --dtype '$DIR/said'"

# Ctrl-C in the middle, kill -9 in the middle of what went on: the end is that of a run in one go.
long="--learn vectors --pairs $DIR/pairs.tsv --epochs 3000 --curve none -o"
check "in one go" train $long "$DIR/whole.safetensors"
"$SIFD" train --workers 2 --batch 64 $long "$DIR/part.safetensors" 2>"$DIR/said" &
run=$!
sleep 0.5
kill -INT $run
wait $run
same "Ctrl-C ends with 1" 1 $?
check "and says so" grep -q "cancelled; --resume goes on" "$DIR/said"
check "its checkpoint is there" test -s "$DIR/part.checkpoint"
"$SIFD" train --workers 2 --batch 64 --resume $long "$DIR/part.safetensors" 2>"$DIR/said" &
run=$!
sleep 0.3
kill -KILL $run
wait $run 2>/dev/null
check "its checkpoint is still there" test -s "$DIR/part.checkpoint"
fails "another run's checkpoint" 1 "another run" "$SIFD" train --workers 2 --batch 32 --resume $long \
	"$DIR/part.safetensors"
check "resumed" train --resume $long "$DIR/part.safetensors"
check "the same bytes as in one go" cmp "$DIR/whole.safetensors" "$DIR/part.safetensors"

fails "no output" 2 "-o TRAINED" "$SIFD" train --learn vectors "$DIR/pairs.tsv"
fails "no files" 2 "no file to learn from" "$SIFD" train --learn vectors -o "$DIR/x"
fails "nothing to learn" 2 "--learn is missing" "$SIFD" train "$DIR/pairs.tsv" -o "$DIR/x"
fails "learn what" 2 "--learn must be weights, vectors, lstm or alacarte" "$SIFD" train --learn words "$DIR/pairs.tsv" -o "$DIR/x"
fails "objective" 2 "--objective must be infonce or margin" "$SIFD" train --learn vectors --objective triplet "$DIR/pairs.tsv" -o "$DIR/x"
fails "pearson on pairs" 2 "--objective must be infonce or margin" "$SIFD" train --learn vectors --objective pearson \
	"$DIR/pairs.tsv" -o "$DIR/x"
fails "rows in an overlay" 2 "--overlay is not for vectors from pairs, but for weights" "$SIFD" train --learn vectors --overlay \
	"$DIR/pairs.tsv" -o "$DIR/x"
fails "bad batch" 2 "--batch must be a whole number from 2 to 8192" "$SIFD" train --learn vectors --batch 1 "$DIR/pairs.tsv" -o "$DIR/x"
printf 'a\tb\nonly one\n' >"$DIR/bad.tsv"
fails "bad line" 1 "bad.tsv, line 2: expected .a TAB b., found 1 column" "$SIFD" train --learn vectors \
	"$DIR/bad.tsv" -o "$DIR/x"
fails "no such file" 1 "nosuch.tsv" "$SIFD" train --learn vectors "$DIR/nosuch.tsv" -o "$DIR/x"
finish
