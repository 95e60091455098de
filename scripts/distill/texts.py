#!/usr/bin/env python3
"""The texts that the shipped model is distilled from, one per line, shuffled with a fixed seed.

    texts.py --data DIR --wordnet /usr/share/wordnet --exclude exclude.sha256.txt -o texts.txt

Sources, with licences that allow shipping: Wikipedia extracts (CC BY-SA), Tatoeba's English sentences
(CC BY 2.0), WordNet 3 glosses and examples (WordNet licence), SNLI dev and test (CC BY-SA 4.0).
Keeps unique texts of 2 to 45 words whose digest is not in the list of evaluation texts (the first 16 hex
digits of SHA-256 over the lower-cased, accent-stripped runs of letters and digits joined by blanks).
draws.txt, next to the output, says how often an epoch draws each text: captions (SNLI), which are rare, ten times.
"""
import argparse, glob, hashlib, lzma, os, random, re, unicodedata

LEAST, MOST = 2, 45  # words
CAPTIONS_DRAWN = 10
WORDS = re.compile(r"[^\W_]+")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])")


def lines(path):
    with lzma.open(path, "rt", encoding="utf-8") as f:
        yield from (line.rstrip("\n") for line in f)


def wikipedia(data):
    for line in lines(os.path.join(data, "corpora/enwiki-part.txt.xz")):
        yield from SENTENCE_END.split(line)


def tatoeba(data):
    for path in sorted(glob.glob(os.path.join(data, "pairs/tatoeba.en-*.pairs.tsv.xz"))):
        for line in lines(path):
            yield line.split("\t")[0]
    for line in lines(os.path.join(data, "pairs/tatoeba-pivot.en.pairs.tsv.xz")):
        yield from line.split("\t")[:2]


def wordnet(folder):
    for part in ("noun", "verb", "adj", "adv"):
        with open(os.path.join(folder, "data." + part), encoding="latin-1") as f:
            for line in f:
                if line.startswith("  ") or "|" not in line:
                    continue  # the licence at the top
                gloss = line.split("|", 1)[1].strip()
                yield re.sub(r'[;:,]?\s*"[^"]*"', "", gloss).strip(" ;")
                yield from re.findall(r'"([^"]+)"', gloss)


def captions(data):
    for part in ("dev", "test"):
        for line in lines(os.path.join(data, "pairs/snli.%s.labelled.tsv.xz" % part)):
            yield from line.split("\t")[1:3]


def plain(text):
    letters = unicodedata.normalize("NFKD", text.lower())
    return " ".join(WORDS.findall("".join(c for c in letters if not unicodedata.combining(c))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with corpora/ and pairs/")
    parser.add_argument("--wordnet", default="/usr/share/wordnet", help="of the Debian package wordnet-base")
    parser.add_argument("--exclude", required=True, help="digests of the evaluation texts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()

    excluded = set(open(options.exclude).read().split())
    kept, left_out = {}, 0
    sources = (("captions", captions(options.data)), ("tatoeba", tatoeba(options.data)),
               ("wordnet", wordnet(options.wordnet)), ("wikipedia", wikipedia(options.data)))
    for name, texts in sources:
        before = len(kept)
        for text in texts:
            text = " ".join(text.split())
            key = plain(text)
            if not LEAST <= key.count(" ") + 1 <= MOST or text in kept:
                continue
            if hashlib.sha256(key.encode()).hexdigest()[:16] in excluded:
                left_out += 1
                continue
            kept[text] = name
        print("%s: %d texts" % (name, len(kept) - before))
    print("left out as evaluation texts: %d" % left_out)
    texts = list(kept)
    random.Random(options.seed).shuffle(texts)
    with open(options.output, "w", encoding="utf-8") as f:
        f.writelines(text + "\n" for text in texts)
    with open(os.path.join(os.path.dirname(options.output), "draws.txt"), "w") as f:
        f.writelines("%d\n" % (CAPTIONS_DRAWN if kept[text] == "captions" else 1) for text in texts)


main()
