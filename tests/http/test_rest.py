#!/usr/bin/env python3
"""The native REST interface from outside: every route, every form of answer, every kind of refusal."""

import base64
import concurrent.futures
import math
import random
import struct
import subprocess
import tempfile

from daemon import DIMENSIONS, SIFD, WORDS, Daemon, check, finish, make_model, same

TEXTS = ["the cat sat on the mat", "a dog ran", "stock market price fell", "zebra", ""]


def close(name, a, b, by=2e-6):
    check(name, len(a) == len(b) and all(math.isclose(x, y, abs_tol=by) for x, y in zip(a, b)), f"{a} {b}")


def norm(v):
    return math.sqrt(sum(x * x for x in v))


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def embeddings(d, model):
    whole = d.post("/v1/embeddings", {"input": TEXTS, "details": True})
    same("embeddings", whole.status, 200)
    answer = whole.json()
    vectors = [x["embedding"] for x in answer["data"]]
    same("in order", [x["index"] for x in answer["data"]], list(range(len(TEXTS))))
    same("of one length", {len(v) for v in vectors}, {DIMENSIONS})
    same("says the model", answer["model"], "default")
    check("and the method", answer["method"] in ("sum", "mean", "weighted"), answer["method"])
    check("counts words", answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] > 0)
    close("unit vectors", [norm(v) for v in vectors], [1, 1, 1, 0, 0])
    close("coverage", [x["coverage"] for x in answer["data"]], [1, 1, 1, 0, 0])
    single = d.post("/v1/embeddings", {"input": TEXTS[0]}).json()["data"][0]["embedding"]
    same("one text alone gives the same bits", single, vectors[0])
    printed = subprocess.run([SIFD, "embed", "-m", model, "--output", "f32"], input=(TEXTS[0] + "\n").encode(),
                             capture_output=True, check=True).stdout
    raw = d.post("/v1/embeddings", {"input": TEXTS}, {"Accept": "application/octet-stream"})
    same("raw rows", raw.headers["content-type"], "application/octet-stream")
    same("the command line gives the same bits", printed, raw.body[:4 * DIMENSIONS])
    rows = struct.unpack(f"<{len(TEXTS) * DIMENSIONS}f", raw.body)
    close("raw is what JSON says", rows, [x for v in vectors for x in v], 1e-8)
    npy = d.post("/v1/embeddings", {"input": TEXTS}, {"Accept": "application/x-npy"}).body
    check("npy", npy[:8] == b"\x93NUMPY\x01\x00" and npy.endswith(raw.body) and (len(npy) - len(raw.body)) % 64 == 0)
    check("npy's shape", f"({len(TEXTS)}, {DIMENSIONS})".encode() in npy[:128])
    coded = d.post("/v1/embeddings", {"input": TEXTS, "encoding_format": "base64"}).json()
    same("base64", b"".join(base64.b64decode(x["embedding"], validate=True) for x in coded["data"]), raw.body)
    short = d.post("/v1/embeddings", {"input": TEXTS[0], "dimensions": 5}).json()["data"][0]["embedding"]
    close("dimensions", short, [x / norm(single[:5]) for x in single[:5]])
    loose = d.post("/v1/embeddings", {"input": TEXTS[0], "normalize": False, "method": "sum"}).json()["data"][0]
    check("normalize false", abs(norm(loose["embedding"]) - 1) > 1e-3)
    named = d.post("/v1/embeddings", {"input": TEXTS[0], "model": "default:sum"}).json()
    same("NAME:METHOD", named["method"], "sum")
    features = d.post("/v1/embeddings", {"input": TEXTS[0], "model": "default:features"}).json()
    same("features", (features["method"], len(features["data"][0]["embedding"])), ("features", 2 * DIMENSIONS))
    return vectors


def similarity(d, vectors):
    a, b, c = TEXTS[:3]
    ab, ac, bc = dot(vectors[0], vectors[1]), dot(vectors[0], vectors[2]), dot(vectors[1], vectors[2])
    pairs = d.post("/v1/similarity", {"pairs": [[a, b], [a, c], [a, ""]]}).json()
    close("pairs", pairs["scores"], [ab, ac, 0])
    same("pairs say the model", pairs["model"], "default")
    close("source", d.post("/v1/similarity", {"source": a, "sentences": [b, c]}).json()["scores"], [ab, ac])
    matrix = d.post("/v1/similarity", {"left": [a, b], "right": [b, c, a]}).json()["scores"]
    close("left with right", [x for row in matrix for x in row], [ab, ac, 1, 1, bc, ab])


def search(d, vectors):
    answer = d.post("/v1/search", {"query": "cat on mat", "texts": TEXTS, "top": 2}).json()
    same("results of one query", [len(r) for r in answer["results"]], [2])
    same("the best", answer["results"][0][0]["index"], 0)
    many = d.post("/v1/search", {"queries": TEXTS[:3], "texts": TEXTS[:3]}).json()["results"]
    same("each finds itself", [r[0]["index"] for r in many], [0, 1, 2])
    check("best first", all(r[0]["score"] >= r[1]["score"] >= r[2]["score"] for r in many))
    close("scores are cosines", [many[0][0]["score"]], [dot(vectors[0], vectors[0])])


def explain(d, vectors):
    one = d.post("/v1/explain", {"text": "the cat zebra"}).json()["text"]
    same("words", [w["token"] for w in one["words"]], ["the", "cat", "zebra"])
    same("known", [w["known"] for w in one["words"]], [True, True, False])
    close("shares sum to 1", [sum(w["share"] for w in one["words"] if w["known"])], [1], 1e-5)
    pair = d.post("/v1/explain", {"pair": TEXTS[:2]}).json()
    close("the score", [pair["score"]], [dot(vectors[0], vectors[1])])
    close("parts sum to it", [sum(sum(row) for row in pair["parts"])], [pair["score"]], 1e-5)
    tokens = d.post("/v1/tokenize", {"text": "Café the CAT"}).json()["tokens"]
    same("bytes of tokens", [(t["start"], t["stop"]) for t in tokens], [(0, 5), (6, 9), (10, 13)])
    same("ids", [t["known"] for t in tokens], [False, True, True])


def refusals(d):
    def refused(name, status, path, body, param=None, part=None):
        reply = d.post(path, body)
        error = reply.error()
        same(name, reply.status, status)
        same(name + ": the fields", sorted(error), ["code", "message", "param", "type"])
        same(name + ": param", error["param"], param)
        check(name + ": the message", part is None or part in error["message"], error["message"])
        check(name + ": a request id", reply.headers.get("x-request-id"), reply.headers)

    url = "/v1/embeddings"
    refused("no JSON", 400, url, b"{nope")
    refused("no UTF-8", 400, url, b'{"input":"\xff"}')
    refused("no object", 400, url, b"[1]")
    refused("deep", 413, url, b'{"input":' + b"[" * 100 + b"]" * 100 + b"}")
    refused("no input", 400, url, {}, "input")
    refused("input of another type", 400, url, {"input": {"a": 1}}, "input")
    refused("token numbers", 400, url, {"input": [[1, 2]]}, "input", "check_embedding_ctx_length")
    refused("too many", 400, url, {"input": ["a"] * 2049}, "input")
    refused("an unknown model", 404, url, {"input": "a", "model": "nope"}, "model", "default")
    refused("an unknown method", 400, url, {"input": "a", "method": "nope"}, "method", "sum")
    refused("a method not held", 400, url, {"input": "a", "method": "learned"}, "method")
    refused("features explained", 400, "/v1/explain", {"text": "a", "method": "features"}, "method", "features")
    refused("dimensions 0", 400, url, {"input": "a", "dimensions": 0}, "dimensions")
    refused("dimensions too large", 400, url, {"input": "a", "dimensions": DIMENSIONS + 1}, "dimensions")
    refused("an odd format", 400, url, {"input": "a", "encoding_format": "hex"}, "encoding_format")
    refused("no texts", 400, "/v1/search", {"query": "a"}, "texts")
    refused("half a pair", 400, "/v1/similarity", {"pairs": [["a"]]}, "pairs")
    refused("no form", 400, "/v1/similarity", {})
    refused("nothing to explain", 400, "/v1/explain", {})
    wrong = d.get("/v1/embeddings")
    same("a wrong verb", wrong.status, 405)
    check("Allow", "POST" in wrong.headers["allow"], wrong.headers)
    same("an unknown path", d.get("/v1/nothing").status, 404)
    same("an unknown model", d.get("/v1/models/nope").status, 404)


def about(d):
    models = d.get("/v1/models").json()
    same("models", [m["id"] for m in models["data"]], ["default"])
    one = d.get("/v1/models/default").json()
    same("one model", (one["dim"], one["words"], one["owned_by"]), (DIMENSIONS, len(WORDS), "sifd"))
    check("its methods", "sum" in one["methods"] and "features" in one["methods"], one)
    same("live, ready, health", [d.get(p).status for p in ("/live", "/ready", "/health")], [200] * 3)
    check("the page", d.get("/").body.lstrip().lower().startswith(b"<!doctype html>"))
    openapi = d.get("/openapi.json").json()
    check("openapi", openapi["openapi"].startswith("3.") and "/v1/embeddings" in openapi["paths"])
    metrics = d.get("/metrics").body.decode()
    check("metrics", 'route="/v1/embeddings"' in metrics and "sifd_model_info{" in metrics)
    same("a request id is repeated", d.get("/live", {"X-Request-Id": "abc-1"}).headers["x-request-id"], "abc-1")
    check("an odd one is not", d.get("/live", {"X-Request-Id": "a b"}).headers["x-request-id"] != "a b")
    same("HEAD has no body", d.call("HEAD", "/live").body, b"")


def together():
    """Clients of an LSTM at the same time, whose texts run together: each has the bits of its text alone."""
    draw = random.Random(1)
    texts = [" ".join(draw.choices(WORDS, k=i % 9)) for i in range(48)]
    bodies = [{"input": t, "model": "default:" + m, "encoding_format": "base64"}
              for t in texts for m in ("lstm", "features", "lstm+static")]
    with Daemon("--models", "models") as d:
        def ask(body):
            r = d.post("/v1/embeddings", body)
            return r.status, r.json()["data"][0]["embedding"] if r.status == 200 else r.body

        alone = [ask(b) for b in bodies]
        with concurrent.futures.ThreadPoolExecutor(24) as clients:
            same("many at a time", list(clients.map(ask, bodies)), alone)
            wrong = list(clients.map(lambda _: d.post("/v1/explain", {"text": "a", "method": "lstm"}).status, range(24)))
        same("refused at a time", set(wrong), {400})
        check("not all alike", len(set(alone)) > len(texts))
    same("of status 200", {status for status, _ in alone}, {200})


def main():
    with tempfile.TemporaryDirectory() as models:
        model = make_model(models)
        with Daemon("--models", models) as d:
            vectors = embeddings(d, model)
            similarity(d, vectors)
            search(d, vectors)
            explain(d, vectors)
            refusals(d)
            about(d)
            check("no text of a user in the log", "zebra" not in d.log() and "cat sat" not in d.log())
            same("ends with 0", d.stop(), 0)
    together()
    finish()


main()
