#!/bin/sh
# Python's own reader of the format opens the shipped model and an overlay, and finds in them what
# docs/model-format.md says; its rows and words give the vectors that sifd gives.
# SAFETENSORS_PYTHON names a Python that has safetensors and numpy, where python3 has not.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/lib.sh
python=${SAFETENSORS_PYTHON:-python3}
if ! "$python" -c 'import numpy, safetensors.numpy' 2>/dev/null; then
	echo "skipped: $python has no numpy and safetensors (pip install numpy safetensors; SAFETENSORS_PYTHON names another Python)"
	exit 77
fi

cp models/default.safetensors "$DIR/base.safetensors"
head -n 200 tests/data/enwiki-lines.txt >"$DIR/corpus"
check "fit an overlay" "$SIFD" fit -m "$DIR/base.safetensors" --overlay --method sif -o "$DIR/overlay.safetensors" "$DIR/corpus"
printf 'cat\n' >"$DIR/texts"
check "embed a word" "$SIFD" embed -m "$DIR/base.safetensors" --method sum -o "$DIR/cat.txt" "$DIR/texts"
# The reader of docs/model-format.md, word for word.
sed -n '/^```python$/,/^```$/p' docs/model-format.md | sed '/^```/d' >"$DIR/reader.py"
check "the manual has a reader" test -s "$DIR/reader.py"

check "the base, by safetensors" "$python" - "$DIR" <<'END'
import hashlib, sys
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file
for file in ("base", "overlay"):
    path = "%s/%s.safetensors" % (sys.argv[1], file)
    tensors = load_file(path)
    meta = safe_open(path, "np").metadata()
    assert meta["format"] == "sifd" and meta["format_version"] == "1", meta
    for name, tensor in tensors.items():
        assert hashlib.sha256(tensor.tobytes()).hexdigest() == meta["sha256." + name], name
base, overlay = (load_file("%s/%s.safetensors" % (sys.argv[1], f)) for f in ("base", "overlay"))
n, d = base["vectors"].shape
assert base["word_offsets"].shape == (n + 1,) and base["scales"].shape == (n,)
assert base["word_offsets"][-1] == base["words"].size
assert "vectors" not in overlay and overlay["weights"].shape == (n,) and overlay["components"].shape[1] == d
END

check "the manual's reader" "$python" - "$DIR" <<'END'
import sys
import numpy as np
scope = {}
source = open(sys.argv[1] + "/reader.py").read().replace("models/default.safetensors", sys.argv[1] + "/base.safetensors")
exec(source, scope)
ours = np.array(open(sys.argv[1] + "/cat.txt").read().split(), dtype=np.float32)
theirs = scope["vector"]("cat")
theirs = theirs / np.linalg.norm(theirs)
assert np.abs(ours / np.linalg.norm(ours) - theirs).max() < 1e-6
assert all(scope["number"](w) == i for w, i in list(scope["words"].items())[::50])
assert scope["number"]("no such word") is None
assert scope["fingerprint"]() == scope["meta"]["fingerprint"]
assert scope["header_digest"]() == scope["meta"]["sha256.header"]
END
finish
