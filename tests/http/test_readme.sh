#!/bin/sh
# Every curl line of README.md, as written there, against a live daemon.  Only the address is led to the test's own
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
sed -n '/^```sh$/,/^```$/p' "$readme" | grep '^curl ' >"$DIR/lines"
while IFS= read -r line; do
	n=$((n + 1))
	if (cd "$DIR" && sh -c "$line") >"$DIR/answer" 2>&1 && python3 -m json.tool "$DIR/answer" >/dev/null; then
		good
	else
		bad "$line: $(cat "$DIR/answer")"
	fi
	cp "$DIR/answer" "$DIR/answer.$n"
done <"$DIR/lines"
check "README has curl lines" test "$n" -ge 4
check "the answers are what README says" python3 - "$DIR" "$n" <<'END'
import json, sys
answers = [json.load(open("%s/answer.%d" % (sys.argv[1], i + 1))) for i in range(int(sys.argv[2]))]
similarity, explained, embeddings, found = answers[:4]
assert 0 < similarity["scores"][0] <= 1
assert len(embeddings["data"]) == 2 and len(embeddings["data"][0]["embedding"]) > 10
assert found["results"][0][0]["index"] == 0
END
kill "$server"
wait "$server"
same "SIGTERM ends it in order" 0 $?
server=
finish
