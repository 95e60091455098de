#!/usr/bin/env python3
"""The words of the shipped model, and their file for `sifd import`.

    words.py list texts.txt --pieces vocab.txt -n 50000 -o words.txt
    words.py pack words.txt vectors.npy -o words/model.safetensors

list: the most frequent words of the texts, then the ASCII ## pieces of the teacher's vocabulary.
pack: the teacher's vectors of those (teacher.py words.txt) as safetensors, and next to it the tokenizer.json that
says how texts are tokenized.
"""
import argparse, ast, collections, json, os, re, struct, unicodedata

TOKEN = re.compile(r"[^\W_]+(?=n['\u2019]t\b)|n['\u2019]t\b|['\u2019](?:s|re|ve|ll|d|m)\b|[^\W_]+|[^\w\s]|_")


def tokens(line):
    plain = unicodedata.normalize("NFKD", line.lower())
    plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
    return (t.replace("\u2019", "'") for t in TOKEN.findall(plain))


def make_list(options):
    counts = collections.Counter()
    with open(options.texts, encoding="utf-8") as f:
        for line in f:
            counts.update(tokens(line))
    words = [w for w, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:options.n]]
    with open(options.pieces, encoding="utf-8") as f:
        pieces = [p for p in f.read().split("\n") if p.startswith("##") and len(p) > 2 and p.isascii()]
    with open(options.output, "w", encoding="utf-8") as f:
        f.writelines(w + "\n" for w in words + pieces)
    share = sum(counts[w] for w in words) / sum(counts.values())
    print("%d words (%.2f %% of the texts), %d pieces" % (len(words), 100 * share, len(pieces)))


def pack(options):
    with open(options.vectors, "rb") as f:
        version, n = struct.unpack("<6xBxH", f.read(10))
        header = ast.literal_eval(f.read(n).decode())
        data = f.read()
    words = open(options.texts, encoding="utf-8").read().split("\n")[:-1]
    if version != 1 or header["descr"] != "<f2" or header["shape"][0] != len(words):
        raise SystemExit("%s does not hold a float16 vector for each word" % options.vectors)
    text = json.dumps({"embeddings": {"dtype": "F16", "shape": header["shape"], "data_offsets": [0, len(data)]}}).encode()
    os.makedirs(os.path.dirname(os.path.abspath(options.output)), exist_ok=True)
    with open(options.output, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)
    with open(os.path.join(os.path.dirname(os.path.abspath(options.output)), "tokenizer.json"), "w") as f:
        json.dump({"model": {"type": "WordPiece", "continuing_subword_prefix": "##",
                             "vocab": {w: i for i, w in enumerate(words)}}}, f)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
verbs = parser.add_subparsers(required=True)
one = verbs.add_parser("list")
one.add_argument("texts")
one.add_argument("--pieces", required=True, help="vocab.txt of the teacher")
one.add_argument("-n", type=int, default=50000)
one.add_argument("-o", "--output", required=True)
one.set_defaults(run=make_list)
one = verbs.add_parser("pack")
one.add_argument("texts", metavar="words")
one.add_argument("vectors")
one.add_argument("-o", "--output", required=True)
one.set_defaults(run=pack)
options = parser.parse_args()
options.run(options)
