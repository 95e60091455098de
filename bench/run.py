#!/usr/bin/env python3
"""make bench: sifd beside what the machine allows and what others reach, in one run.

Ratios count, absolute figures do not travel: limits and sifd are measured one after the other, on
loopback, bounded in time.  What needs a program that is not here (wrk, gensim) says so and is left out.

Data is made once by bench/synthetic and kept in build/bench (2.5 GB; a fifth of it with --quick).
BENCH_PYTHON names a Python that has gensim, where the one of this script has not.
"""
import argparse, json, os, re, shutil, signal, socket, subprocess, sys, time, urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
B = os.path.join(ROOT, "build/release")
DATA = os.path.join(ROOT, "build/bench")
SIFD = os.path.join(B, "sifd")
PARTS = ("sentence", "lstm", "http", "import", "fit", "train", "ready")


def parts(text):
    chosen = text.split(",")
    for name in chosen:
        if name not in PARTS:
            raise argparse.ArgumentTypeError("'%s' is none of %s" % (name, ", ".join(PARTS)))
    return chosen


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="100,000 words instead of 400,000, shorter loads")
parser.add_argument("--only", type=parts, default=PARTS, metavar="PART,...", help="of " + ", ".join(PARTS))
OPTIONS = parser.parse_args()
QUICK = OPTIONS.quick
WORDS, DIM = (100_000, 300) if QUICK else (400_000, 300)
CORPUS_BYTES = 20_000_000 if QUICK else 100_000_000
SECONDS = 2 if QUICK else 5


def row(what, figure, beside=""):
    print("%-58s %18s   %s" % (what, figure, beside), flush=True)


def make(name, *arguments):
    path = os.path.join(DATA, name)
    if not os.path.exists(path):
        os.makedirs(DATA, exist_ok=True)
        with open(path + ".part", "wb") as f:
            subprocess.run([os.path.join(B, "bench/synthetic"), *map(str, arguments)], stdout=f, check=True)
        os.rename(path + ".part", path)
    return path


def vectors():
    return make("vectors-%d.txt" % WORDS, "vectors", WORDS, DIM)


def model():
    path = os.path.join(DATA, "model-%d.safetensors" % WORDS)
    if not os.path.exists(path):
        raw = path + ".raw"
        subprocess.run([SIFD, "import", vectors(), "-o", raw], check=True, stderr=subprocess.DEVNULL)
        corpus = make("small-corpus-%d.txt" % WORDS, "corpus", WORDS, 5_000_000)
        subprocess.run([SIFD, "fit", "-m", raw, corpus, "-o", path], check=True, stderr=subprocess.DEVNULL)
        os.remove(raw)
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, command, port, path="/ready"):
        self.port = port
        start = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 0.5) as s:
                    if not path:
                        break
                    s.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
                    if b" 200 " in s.recv(200):
                        break
            except OSError:
                pass
            if time.monotonic() - start > 20:
                raise SystemExit("the server did not start: %s" % " ".join(command))
            time.sleep(0.002)
        self.seconds = time.monotonic() - start

    def resident(self):
        """(anonymous, all) resident kilobytes"""
        text = open("/proc/%d/status" % self.process.pid).read()
        return tuple(int(re.search(name + r":\s+(\d+)", text).group(1)) for name in ("RssAnon", "VmRSS"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def sifd_server(path):
    port = free_port()
    state = os.path.join(DATA, "state")
    shutil.rmtree(state, ignore_errors=True)
    return Server([SIFD, "serve", "-m", "default=" + path, "--listen", "127.0.0.1:%d" % port, "--state", state], port)


def wrk(port, connections, body, path="/v1/embeddings"):
    script = os.path.join(DATA, "wrk.lua")
    with open(script, "w") as f:
        f.write('wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [==[%s]==]\n' % body)
    out = subprocess.run(["wrk", "-t2", "-c%d" % connections, "-d%ds" % SECONDS, "--latency", "-s", script,
                          "http://127.0.0.1:%d%s" % (port, path)], capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    ms = float(p99.group(1)) * {"us": 1e-3, "ms": 1, "s": 1e3}[p99.group(2)]
    if "Non-2xx" in out:
        raise SystemExit("the server refused requests:\n" + out)
    return rate, ms


def sentences(n):
    with open(make("sentences-%d.txt" % WORDS, "sentences", WORDS, 10000)) as f:
        return [next(f).strip() for _ in range(n)]


def bench_sentence():
    out = subprocess.run([os.path.join(B, "bench/bench_sentence")], capture_output=True, text=True, check=True).stdout
    print(out.rstrip())


def bench_lstm():
    for part in ("bench_lstm", "bench_layer"):
        out = subprocess.run([os.path.join(B, "bench", part)], capture_output=True, text=True, check=True).stdout
        print(out.rstrip())


def bench_http():
    if not shutil.which("wrk"):
        row("http", "left out", "no wrk here (apt-get install wrk)")
        return
    one = json.dumps({"model": "default", "input": sentences(1)[0]})
    many = json.dumps({"model": "default", "input": sentences(32)})
    server = sifd_server(model())
    try:
        url = "http://127.0.0.1:%d/v1/embeddings" % server.port
        length = len(urllib.request.urlopen(urllib.request.Request(url, one.encode()), timeout=5).read())
        raw = Server([os.path.join(B, "bench/raw_epoll"), str(free := free_port()), str(length)], free, None)
        ratios = []
        for _ in range(1 if QUICK else 3):
            limit, _ = wrk(raw.port, 64, one)
            rate, _ = wrk(server.port, 64, one)
            ratios.append((rate / limit, rate, limit))
        raw.stop()
        ratio, rate, limit = sorted(ratios)[len(ratios) // 2]
        row("/v1/embeddings, 1 sentence, 64 connections", "%.0f req/s" % rate,
            "%.2f of a server that parses nothing (%.0f)" % (ratio, limit))
        rate, p99 = wrk(server.port, 8, one)
        row("the same, 8 connections", "%.0f req/s" % rate, "p99 %.2f ms" % p99)
        rate, _ = wrk(server.port, 8, many)
        row("32 sentences a request, 8 connections", "%.0f sentences/s" % (32 * rate))
        base64 = json.dumps({"model": "default", "input": sentences(32), "encoding_format": "base64"})
        rate, _ = wrk(server.port, 8, base64)
        row("the same, base64", "%.0f sentences/s" % (32 * rate))
        wrk(server.port, 64, one)
        anonymous, every = server.resident()
        row("resident after load, 64 connections", "%.1f MB" % (anonymous / 1e3),
            "beyond the mapped model (all: %.0f MB)" % (every / 1e3))
    finally:
        server.stop()


def timed(command):
    start = time.monotonic()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def bench_import():
    path = vectors()
    size = os.path.getsize(path)
    ours = min(timed([SIFD, "import", path, "-o", os.path.join(DATA, "import.safetensors")]) for _ in range(2))
    os.remove(os.path.join(DATA, "import.safetensors"))
    code = "import sys; from gensim.models import KeyedVectors as K; K.load_word2vec_format(sys.argv[1], no_header=True)"
    beside = "gensim is not here (pip install gensim)"
    python = os.environ.get("BENCH_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import gensim"], stderr=subprocess.DEVNULL).returncode == 0:
        theirs = timed([python, "-c", code, path])
        beside = "%.1f x gensim's text loader (%.1f s)" % (theirs / ours, theirs)
    row("import of %.2f GB of GloVe text (%dk x %d), written" % (size / 1e9, WORDS // 1000, DIM), "%.2f s" % ours, beside)


def bench_fit():
    corpus = make("corpus-%d.txt" % WORDS, "corpus", WORDS, CORPUS_BYTES)
    out = os.path.join(DATA, "fit.safetensors")
    base = model()
    for workers in (1, 2):
        seconds = min(timed([SIFD, "fit", "-m", base, corpus, "-o", out, "--overlay", "--workers", str(workers)])
                      for _ in range(2))
        row("fit, %d-d, %d MB of text, %d workers" % (DIM, os.path.getsize(corpus) // 10**6, workers),
            "%.1f MB/s" % (os.path.getsize(corpus) / 1e6 / seconds), "both passes")


def bench_train():
    """Pairs of texts of 11 words."""
    words, pairs = 30_000, 100_000 if QUICK else 250_000
    text = open(make("train-corpus-%d.txt" % words, "corpus", words, 30 * pairs * 5)).read().split()
    path = os.path.join(DATA, "pairs-%d.tsv" % pairs)
    with open(path, "w") as f:
        for i in range(0, min(len(text) - 22, 22 * pairs), 22):
            f.write(" ".join(text[i:i + 11]) + "\t" + " ".join(text[i + 11:i + 22]) + "\n")
    base = os.path.join(DATA, "train-base.safetensors")
    out = os.path.join(DATA, "train.safetensors")
    subprocess.run([SIFD, "import", make("train-vectors.txt", "vectors", words, 100), "-o", base], check=True,
                   stderr=subprocess.DEVNULL)
    for workers in (1, 2):
        best = 0
        for _ in range(2):
            said = subprocess.run([SIFD, "train", "--learn", "vectors", "-m", base, path, "-o", out, "--epochs", "1",
                                   "--curve", "none", "--workers", str(workers)], check=True, capture_output=True,
                                  text=True).stderr
            best = max(best, int(re.search(r"(\d+) pairs/s", said).group(1)))
        row("train vectors, InfoNCE, 100-d, batches of 256, %d workers" % workers, "%d pairs/s" % best)


def bench_ready():
    path = model()
    seconds = []
    for _ in range(5):
        server = sifd_server(path)
        seconds.append(server.seconds)
        server.stop()
    row("ready to serve, %.0f MB model, warm cache" % (os.path.getsize(path) / 1e6), "%.3f s" % sorted(seconds)[2])


if __name__ == "__main__":
    print("kernels: " + subprocess.run([SIFD, "--version"], capture_output=True, text=True).stdout.strip())
    for name in OPTIONS.only:
        globals()["bench_" + name]()
