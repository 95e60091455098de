#!/usr/bin/env python3
"""Every vector of every fixture as gensim reads it; fastText's as fastText itself prints them.

Runs where gensim, safetensors and ../shared/data/vectors-fixtures are (PYTHON of a venv that has them:
BENCH_PYTHON); says so and is skipped elsewhere.
"""
import os, shutil, subprocess, sys, tempfile

FIXTURES = "../shared/data/vectors-fixtures/"
TEXT = ("EN.1-10.cbow1_wind5_hs0_neg10_size300_smpl1e-05.txt", "IT.1-10.cbow1_wind5_hs0_neg10_size300_smpl1e-05.txt",
        "crime-and-punishment.vec", "lee_fasttext.vec", "toy-model.vec", "high_precision.kv.txt")
BINARY = ("euclidean_vectors.bin", "high_precision.kv.bin")
FASTTEXT = {"cp852_fasttext.bin": "cp852", "crime-and-punishment.bin": "utf8", "lee_fasttext.bin": "utf8",
            "lee_fasttext_new.bin": "utf8", "non_ascii_fasttext.bin": "utf8", "toy-model.bin": "utf8",
            "toy-model-pretrained.bin": "utf8"}


def skip(why):
    print("SKIP " + why)
    sys.exit(77)


if not os.path.isdir(FIXTURES):
    skip("no " + FIXTURES)
try:
    import numpy as np
    from gensim.models import KeyedVectors
    from gensim.models.fasttext import load_facebook_vectors
    from safetensors.numpy import load_file
except ImportError as e:
    python = os.environ.get("BENCH_PYTHON")
    if python and "AGAIN" not in os.environ:
        os.execve(python, [python] + sys.argv, dict(os.environ, AGAIN="1"))
    skip(str(e))

failed = 0
folder = tempfile.TemporaryDirectory()


def say(ok, name, what):
    global failed
    failed += not ok
    print("%s %s: %s" % ("ok" if ok else "FAILED", name, what))


def imported(name):
    out = os.path.join(folder.name, "m.safetensors")
    subprocess.run([os.environ.get("SIFD", "build/release/sifd"), "import", FIXTURES + name, "-o", out], check=True,
                   stderr=subprocess.DEVNULL)
    t = load_file(out)
    at, letters = t["word_offsets"], bytes(t["words"])
    return [letters[at[i]:at[i + 1]].decode() for i in range(len(at) - 1)], t["vectors"]


def compare(name, theirs, limit, utf8=True):
    """gensim gives </s> n-grams, which fastText does not; words not UTF-8 are mended here."""
    words, rows = imported(name)
    ours = dict(zip(words, rows))
    missing = [w for w in theirs.index_to_key if w and w not in ours and (utf8 or w.isascii())]
    apart = max(abs(theirs[w] - ours[w]).max() for w in theirs.index_to_key if w in ours and (not utf8 or w != "</s>"))
    say(not missing and apart <= limit, name, "%d words, %.1e apart at most, missing %s" % (len(ours), apart, missing[:3]))


def compare_printed(name):
    words, rows = imported(name)
    printed = subprocess.run(["fasttext", "print-word-vectors", FIXTURES + name], input="\n".join(words) + "\n",
                             capture_output=True, text=True)
    if printed.returncode != 0:
        print("SKIP %s: this fasttext does not read it" % name)
        return
    lines = printed.stdout.split("\n")
    other = [w for w, row, line in zip(words, rows, lines)
             if line.strip() != w + " " + " ".join("%.5g" % x for x in row)]
    say(not other, name, "%d words as fasttext prints them, other: %s" % (len(words), other[:3]))


for name in TEXT:
    compare(name, KeyedVectors.load_word2vec_format(FIXTURES + name), 0)
compare("test_glove.txt", KeyedVectors.load_word2vec_format(FIXTURES + "test_glove.txt", no_header=True), 0)
for name in BINARY:
    compare(name, KeyedVectors.load_word2vec_format(FIXTURES + name, binary=True), 0)
for name, encoding in FASTTEXT.items():
    compare(name, load_facebook_vectors(FIXTURES + name, encoding=encoding), 1e-6, encoding == "utf8")
    if shutil.which("fasttext"):
        compare_printed(name)
sys.exit(failed > 0)
