#!/bin/sh
# Every curl line of README.md and then docs/rest.md, as written there, against a live daemon.  Only the address is led to the test's own
# port, by curl's connect-to.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/lib.sh
command -v curl >/dev/null || { echo "SKIP: no curl"; exit 77; }

start_server --models models
printf 'silent\nshow-error\nfail-with-body\nconnect-to = "localhost:8080:127.0.0.1:%s"\n' "$PORT" >"$DIR/.curlrc"
export CURL_HOME="$DIR"

readme=$PWD/README.md
awk '/^Stocks/ { next } /^[A-Z]/ && length($0) > 20 { print }' "$readme" >"$DIR/corpus.txt"
n=0
for page in "$readme" docs/rest.md; do
	sed -n '/^```sh$/,/^```$/p' "$page" | grep '^curl '
done >"$DIR/lines"
while IFS= read -r line; do
	n=$((n + 1))
	if (cd "$DIR" && sh -c "$line") >"$DIR/answer" 2>&1 && python3 -m json.tool "$DIR/answer" >/dev/null; then
		good
	else
		bad "$line: $(cat "$DIR/answer")"
	fi
	cp "$DIR/answer" "$DIR/answer.$n"
done <"$DIR/lines"
check "the pages have curl lines" test "$n" -ge 31
check "the answers are what the pages say" python3 - "$DIR" "$n" <<'END'
import json, sys
answers = [json.load(open("%s/answer.%d" % (sys.argv[1], i + 1))) for i in range(int(sys.argv[2]))]
similarity, explained, embeddings, found = answers[:4]
assert 0 < similarity["scores"][0] <= 1
assert len(embeddings["data"]) == 2 and len(embeddings["data"][0]["embedding"]) > 10
assert found["results"][0][0]["index"] == 0
corpus, accepted, job, fitted = answers[4:8]
assert corpus["name"] == "news" and corpus["lines"] > 10
assert accepted["id"] == 1
assert job["state"] == "succeeded" and job["result"]["model"] == "news", job
assert fitted["model"] == "news" and fitted["method"] == "sif" and -1 <= fitted["scores"][0] <= 1, fitted
cut, base64, pairs, one, matrix, top = answers[8:14]
assert [len(item["embedding"]) for item in cut["data"]] == [8, 8] and "coverage" in cut["data"][0]
assert abs(sum(x * x for x in cut["data"][0]["embedding"]) - 1) < 1e-5, "cut, then unit length again"
assert isinstance(base64["data"][0]["embedding"], str) and base64["method"]
assert [len(c) for c in pairs["coverage"]] == [2, 2] and [len(c) for c in one["coverage"]] == [2, 2]
assert len(matrix["scores"]) == 2 and len(matrix["coverage"]["right"]) == 2
assert top["results"][0][0]["index"] == 1 and "text" not in top["results"][0][0]
fit, embedded, listed = answers[23], answers[25], answers[26]
assert fit["state"] == "succeeded" and fit["result"]["overlay"] is True, fit
assert embedded["state"] == "succeeded" and embedded["result"]["rows"] == 2, embedded
assert [job["id"] for job in listed["data"]] == [3, 2]
trained, asked = answers[29], answers[30]
assert trained["state"] == "succeeded" and trained["result"]["model"] == asked["model"] == "trained", trained
END
kill "$server"
wait "$server"
same "SIGTERM ends it in order" 0 $?
server=
finish
