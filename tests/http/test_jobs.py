#!/usr/bin/env python3
"""Corpora and jobs as clients use them: uploads of every form, fits served at once, cancels, limits, kill -9."""

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from daemon import SIFD, WORDS, Daemon, check, finish, make_model, parse, run_job, same, wait

PAIRS = {"pairs": [["stock market fell", "share price rose"]]}


def corpus(sentences, seed=1):
    numbers = random.Random(seed)
    return "".join(" ".join(numbers.choice(WORDS) for _ in range(9)).capitalize() + ".\n"
                   for _ in range(sentences)).encode()


def chunked(path, parts, headers=""):
    head = f"PUT {path} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n{headers}\r\n"
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


def uploads(d):
    text = corpus(500)
    reply = d.call("PUT", "/v1/corpora/plain", text)
    same("a corpus", reply.status, 201)
    record = reply.json()
    same("its bytes and lines", (record["bytes"], record["lines"]), (len(text), 500))
    same("chunked", parse(d.raw(chunked("/v1/corpora/chunked", [text[:1000], text[1000:]]))).status, 201)
    packed = gzip.compress(text)
    same("gzip", d.call("PUT", "/v1/corpora/packed", packed, {"Content-Encoding": "gzip"}).status, 201)
    for name in ("chunked", "packed"):
        same(f"{name}: the same corpus", d.get(f"/v1/corpora/{name}").json()["sha256"], record["sha256"])
    same("all are listed", {c["name"] for c in d.get("/v1/corpora").json()["data"]}, {"plain", "chunked", "packed"})
    again = d.call("PUT", "/v1/corpora/plain", text[:4000])
    same("another under the name", (again.status, d.get("/v1/corpora/plain").json()["bytes"]), (201, 4000))
    d.call("PUT", "/v1/corpora/plain", text)


def bad_uploads(d):
    text = corpus(500)
    packed = gzip.compress(text)
    for name, reply, status in (
            ("a cut gzip", d.call("PUT", "/v1/corpora/bad", packed[:-9], {"Content-Encoding": "gzip"}), 400),
            ("no gzip", d.call("PUT", "/v1/corpora/bad", text, {"Content-Encoding": "gzip"}), 400),
            ("an unknown encoding", d.call("PUT", "/v1/corpora/bad", text, {"Content-Encoding": "br"}), 400),
            ("not UTF-8", d.call("PUT", "/v1/corpora/bad", b"good line\nbad \xff line\n"), 400),
            ("nothing", d.call("PUT", "/v1/corpora/bad", b""), 400),
            ("a name with dots", d.call("PUT", "/v1/corpora/..", text), 400),
            ("a name with a slash", d.call("PUT", "/v1/corpora/a%2Fb", text), 400),
            ("a name too long", d.call("PUT", "/v1/corpora/" + "x" * 300, text), 400)):
        same(f"{name} is refused", reply.status, status)
        check(f"{name}: a reason", len(reply.error()["message"]) > 10, reply.body)
    bomb = gzip.compress(b"\n" * (200 << 20), 9)
    reply = d.call("PUT", "/v1/corpora/bomb", bomb, {"Content-Encoding": "gzip"})
    same("a gzip bomb is refused", reply.status, 413)
    with d.connect() as s:  # an upload that breaks off
        s.sendall(b"PUT /v1/corpora/broken HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + text[:5000])
    names = {c["name"] for c in d.get("/v1/corpora").json()["data"]}
    same("nothing refused is kept", names, {"plain", "chunked", "packed"})
    kept = True
    for _ in range(100):  # the broken one goes by the clock: its client might only have closed its own half
        kept = [f for _, _, files in os.walk(os.path.join(d.folder.name, "state")) for f in files if "tmp" in f]
        if not kept:
            break
        time.sleep(0.1)
    same("no bytes of them either", kept, [])
    same("of an unknown corpus", d.get("/v1/corpora/bad").status, 404)
    same("deleted", d.call("DELETE", "/v1/corpora/chunked").status, 200)
    same("gone", d.get("/v1/corpora/chunked").status, 404)


def fits(d):
    job = run_job(d, type="fit", model="default", corpus="plain", output="news", method="sif")
    same("a fit succeeds", (job["state"], job["error"]), ("succeeded", None))
    result = job["result"]
    same("its model and sentences", (result["model"], result["sentences"]), ("news", 500))
    for member in ("fingerprint", "tokens", "explained_variance"):
        check(f"its {member}", result.get(member), result)
    size = len(corpus(500))
    same("progress in bytes", (job["progress"]["done"], job["progress"]["total"]), (size, size))
    reply = d.post("/v1/similarity", {"model": "news", **PAIRS})
    same("served under its name", (reply.status, reply.json()["method"]), (200, "sif"))
    check("another answer than before", reply.json()["scores"] != d.post("/v1/similarity", PAIRS).json()["scores"])
    again = run_job(d, type="fit", model="default", corpus="packed", output="twin", method="sif")
    same("the same corpus, the same vectors", again["result"]["fingerprint"], result["fingerprint"])
    texts = corpus(50).decode().splitlines()
    job = run_job(d, type="fit", texts=texts, output="small", method="usif")
    same("a fit over texts of the request", (job["state"], job["result"]["sentences"]), ("succeeded", 50))
    same("the models", {m["id"] for m in d.get("/v1/models").json()["data"]}, {"default", "news", "twin", "small"})


def others(d):
    vectors = "".join(f"{w} {i} 1 {-i}\n" for i, w in enumerate(WORDS))
    d.call("PUT", "/v1/corpora/vectors", vectors.encode())
    job = run_job(d, type="import", corpus="vectors", output="imported")
    same("an import", (job["state"], job["error"]), ("succeeded", None))
    same("is served", len(d.post("/v1/embeddings", {"model": "imported", "input": "cat"}).json()["data"][0]["embedding"]),
         3)
    job = run_job(d, type="embed", model="default", corpus="plain", format="jsonl")
    same("an embed job", (job["state"], job["error"]), ("succeeded", None))
    lines = d.get(f"/v1/jobs/{job['id']}/result").body.decode().splitlines()
    same("a vector a line", len(lines), 500)
    first = d.post("/v1/embeddings", {"input": corpus(500).decode().splitlines()[0]}).json()["data"][0]["embedding"]
    same("the same bits as a request's", json.loads(lines[0])["embedding"], first)
    pairs = "".join(f"{a}\t{b}\t{i % 5}\n" for i, (a, b) in enumerate(zip(WORDS, WORDS[1:])))
    d.call("PUT", "/v1/corpora/pairs", pairs.encode())
    job = run_job(d, type="eval", model="default", sets="pairs", method=["mean", "weighted"])
    same("an eval job", (job["state"], job["error"]), ("succeeded", None))
    check("has figures", "pearson" in json.dumps(job["result"]), job)
    labels = "".join(f"{'ab'[i % 2]}\t{WORDS[i % 2]} {WORDS[2 + i % 5]}\n" for i in range(60))
    d.call("PUT", "/v1/corpora/labels", labels.encode())
    job = run_job(d, type="eval", model="default", sets="labels", method=["mean", "disc"])
    same("an eval job of labels", (job["state"], job["error"]), ("succeeded", None))
    same("which two words tell apart", [(r["task"], r["pairs"], r["accuracy"], r["most_frequent"])
                                        for r in job["result"]["sets"]], [("classification", 60, 100.0, 50.0)] * 2)


def refusals(d):
    fit = {"type": "fit", "corpus": "plain", "output": "x"}
    for name, body, status, param in (
            ("no type", {"corpus": "plain", "output": "x"}, 400, "type"),
            ("an unknown type", {**fit, "type": "dance"}, 400, "type"),
            ("an unknown corpus", {**fit, "corpus": "nowhere"}, 404, "corpus"),
            ("an unknown model", {**fit, "model": "nobody"}, 404, "model"),
            ("an unknown method", {**fit, "method": "magic"}, 400, "method"),
            ("a method that is not fitted", {**fit, "method": "sum"}, 400, "method"),
            ("no output", {"type": "fit", "corpus": "plain"}, 400, "output"),
            ("an output with a slash", {**fit, "output": "../x"}, 400, "output"),
            ("an output that is a file's", {**fit, "output": "default"}, 409, "output"),
            ("no corpus", {"type": "fit", "output": "x"}, 400, "corpus"),
            ("a negative a", {**fit, "a": -1}, 400, "a"),
            ("an unknown member", {**fit, "colour": 1}, 400, "colour")):
        reply = d.post("/v1/jobs", body)
        same(f"{name}: status", reply.status, status)
        same(f"{name}: param", reply.error().get("param"), param)
    same("an unknown job", d.get("/v1/jobs/999").status, 404)
    same("no number", d.get("/v1/jobs/abc").status, 404)
    same("a wait that is too long", d.get("/v1/jobs/1?wait=100000").status, 400)


def wait_running(d, job, seconds=20):
    """The job once it has left the queue: a cancel before that ends it without a run."""
    end = time.monotonic() + seconds
    while job["state"] == "queued" and time.monotonic() < end:
        time.sleep(0.01)
        job = d.get(f"/v1/jobs/{job['id']}").json()
    return job


def cancels(d):
    d.call("PUT", "/v1/corpora/big", corpus(200000) * 6)  # long enough on any machine
    first = d.post("/v1/jobs", {"type": "fit", "corpus": "big", "output": "big"}).json()
    second = d.post("/v1/jobs", {"type": "fit", "corpus": "big", "output": "late"}).json()
    same("a waiting job is cancelled", d.call("DELETE", f"/v1/jobs/{second['id']}").json()["state"], "cancelled")
    same("the first runs", wait_running(d, first)["state"], "running")
    same("a running one", d.call("DELETE", f"/v1/jobs/{first['id']}").status, 200)
    same("ends cancelled", wait(d, first)["state"], "cancelled")
    check("no model of theirs", not {"big", "late"} & {m["id"] for m in d.get("/v1/models").json()["data"]})
    same("again changes nothing", d.call("DELETE", f"/v1/jobs/{first['id']}").json()["state"], "cancelled")


def metrics(d):
    """By the rules of the exposition format: a TYPE before each family, no line twice."""
    lines = d.get("/metrics").body.decode().splitlines()
    types = dict(line.split()[2:4] for line in lines if line.startswith("# TYPE "))
    series = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    values = {name: float(value) for name, value in series}
    same("no series twice", len(values), len(series))
    for name in values:
        family = name.split("{")[0]
        plain = family if family in types else family.rsplit("_", 1)[0]
        check(f"{name} has a type", plain in types, types.keys())
        check(f"{name}: only counters end in _total", (types.get(plain) == "counter") == plain.endswith("_total"))
    check("fits that succeeded", values['sifd_job_duration_seconds_count{type="fit",state="succeeded"}'] == 3)
    check("their seconds", values['sifd_job_duration_seconds_sum{type="fit",state="succeeded"}'] > 0)
    check("cancelled ones", values['sifd_job_duration_seconds_count{type="fit",state="cancelled"}'] == 1)
    check("models that came", values['sifd_model_swaps_total{result="taken"}'] == 5)
    check("since when", 0 <= time.time() - values['sifd_model_loaded_timestamp_seconds{model="news"}'] < 200)


def a_swap_under_load(d):
    """Fits of one name again and again while clients use it: every answer is of one of the models."""
    stop, wrong, asked = threading.Event(), [], [0]

    def client():
        while not stop.is_set():
            reply = d.post("/v1/similarity", {"model": "news", **PAIRS})
            asked[0] += 1
            if reply.status != 200:
                wrong.append(reply.body)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for c in clients:
        c.start()
    prints = {run_job(d, type="fit", texts=corpus(200, seed).decode().splitlines(), output="news")["result"]["fingerprint"]
              for seed in range(5)}
    stop.set()
    for c in clients:
        c.join()
    same("five models under one name", len(prints), 5)
    same("no request failed meanwhile", (wrong[:1], asked[0] > 20), ([], True))


def killed(folder):
    """kill -9 at any moment: an accepted job is there afterwards, and ends."""
    state = os.path.join(folder, "kept")
    for i, pause in enumerate((0.0, 0.05, 0.15, 0.3)):
        with Daemon("--models", folder, "--state", state) as d:
            if i == 0:
                d.call("PUT", "/v1/corpora/c", corpus(60000))
            job = d.post("/v1/jobs", {"type": "fit", "corpus": "c", "output": f"k{i}"}).json()
            time.sleep(pause)
            d.stop(signal.SIGKILL)
        with Daemon("--models", folder, "--state", state) as d:
            after = d.get(f"/v1/jobs/{job['id']}")
            same(f"kill {i}: the job is there", after.status, 200)
            ended = wait(d, job)
            same(f"kill {i}: it ends", (ended["state"], ended["error"]), ("succeeded", None))
            same(f"kill {i}: served", d.post("/v1/similarity", {"model": f"k{i}", **PAIRS}).status, 200)
            other = subprocess.run([SIFD, "serve", "--models", folder, "--state", state, "--listen", "127.0.0.1:0"],
                                   capture_output=True, text=True, timeout=20)
            check(f"kill {i}: no second daemon on the folder", other.returncode != 0 and "in use" in other.stderr,
                  other.stderr)
    shutil.rmtree(state)


with tempfile.TemporaryDirectory() as folder:
    make_model(folder)
    with Daemon("--models", folder) as d:
        for step in (uploads, bad_uploads, fits, others, refusals, cancels, metrics, a_swap_under_load):
            step(d)
        same("it ends in order", d.stop(), 0)
    killed(folder)
finish()
