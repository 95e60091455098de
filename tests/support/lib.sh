# Shared by the shell tests: source it first.
#
# $SIFD is the program (scripts/run-tests sets it), $DIR a folder of the test's own, removed at the end.
# check NAME COMMAND... runs a command and counts it; finish prints cmocka's closing lines.

SIFD=${SIFD:-$PWD/build/release/sifd}
DIR=$(mktemp -d)
passed=0 failed=0 server=

cleanup() {
	[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null
	rm -rf "$DIR"
}
trap cleanup EXIT

good() { passed=$((passed + 1)); }
bad() {
	failed=$((failed + 1))
	echo "not as expected: $*"
}

# The command must succeed.
check() {
	name=$1
	shift
	if "$@" >"$DIR/out" 2>"$DIR/err"; then
		good
	else
		bad "$name"
		cat "$DIR/out" "$DIR/err"
	fi
}

# same NAME EXPECTED ACTUAL
same() {
	if [ "$2" = "$3" ]; then
		good
	else
		bad "$1: expected '$2', got '$3'"
	fi
}

# fails NAME STATUS PATTERN COMMAND...: must exit with STATUS and say PATTERN on standard error.
fails() {
	name=$1 status=$2 pattern=$3
	shift 3
	"$@" >"$DIR/out" 2>"$DIR/err" </dev/null
	got=$?
	if [ "$got" -eq "$status" ] && grep -q -- "$pattern" "$DIR/err"; then
		good
	else
		bad "$name: status $got (expected $status), said: $(cat "$DIR/err")"
	fi
}

# Starts a daemon on a free port: sets $server (pid) and $PORT.  Arguments go to `sifd serve`.
start_server() {
	"$SIFD" serve --listen 127.0.0.1:0 --state "$DIR/state" "$@" >"$DIR/serve.log" 2>&1 &
	server=$!
	PORT=
	for _ in $(seq 100); do
		PORT=$(sed -n 's/.*"event":"listening".*"port":\([0-9]*\).*/\1/p' "$DIR/serve.log" | head -n 1)
		[ -z "$PORT" ] || return 0
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	echo "the daemon did not start:"
	cat "$DIR/serve.log"
	exit 1
}

finish() {
	echo "[  PASSED  ] $passed test(s)."
	[ "$failed" -eq 0 ] || echo "[  FAILED  ] $failed test(s), listed above:"
	[ "$failed" -eq 0 ]
}
