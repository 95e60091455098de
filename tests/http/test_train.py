#!/usr/bin/env python3
"""Train jobs as clients use them: pairs of the request or of uploads, served at once, cancelled, stopped, killed."""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

from daemon import SIFD, WORDS, Daemon, check, finish, make_model, run_job, same, wait

# Words of a group mean the same in these pairs; the model's vectors are random numbers.
GROUPS = [WORDS[i:i + 4] for i in range(5, 21, 4)]


def texts(numbers):
    """Two that mean the same."""
    groups = [numbers.choice(GROUPS) for _ in range(4)]
    return [" ".join(numbers.choice(g) for g in groups) for _ in range(2)]


def pairs_of(n, seed=1):
    numbers = random.Random(seed)
    return [texts(numbers) for _ in range(n)]


def scored_of(n, seed=2):
    numbers = random.Random(seed)
    return [[*texts(numbers), 5] if i % 2 else [texts(numbers)[0], texts(numbers)[1], 0] for i in range(n)]


def lines(rows):
    return "".join("\t".join(map(str, row)) + "\n" for row in rows).encode()


def margin(d, model):
    """How much more alike texts that mean the same are than others."""
    fresh = pairs_of(100, seed=9)
    others = [[a, b] for (a, _), (_, b) in zip(fresh, fresh[1:])]
    means = []
    for pairs in (fresh, others):
        reply = d.post("/v1/similarity", {"model": model, "pairs": pairs})
        same(f"{model} answers", reply.status, 200)
        means.append(sum(reply.json()["scores"]) / len(pairs))
    return means[0] - means[1]


def learns(d):
    start = margin(d, "default")
    d.call("PUT", "/v1/corpora/pairs", lines(pairs_of(400)))
    d.call("PUT", "/v1/corpora/scored", lines(scored_of(400)))
    d.call("PUT", "/v1/corpora/dev", lines(scored_of(60, seed=3)))
    for name, body in (
            ("inline", {"learn": "vectors", "pairs": pairs_of(400), "epochs": 40, "batch": 16}),
            ("uploaded", {"learn": "vectors", "pairs": "pairs", "epochs": 40, "batch": 16}),
            ("weighed", {"learn": "weights", "pairs": ["pairs"], "matrix": True, "epochs": 40, "batch": 16, "dev": "dev"}),
            ("ranked", {"learn": "vectors", "scored": "scored", "objective": "cosent", "dev": ["dev"], "epochs": 40, "batch": 16}),
            ("judged", {"learn": "vectors", "scored": scored_of(400), "dimensions": 8, "epochs": 40, "batch": 16}),
            ("layer", {"learn": "lstm", "pairs": "pairs", "states": 8, "batch": 16, "epochs": 40, "lr": 0.01}),
            ("deep", {"learn": "lstm", "pairs": "pairs", "states": 8, "batch": 16, "epochs": 40, "lr": 0.01, "layers": 2,
                      "directions": 1, "pooling": "max"}),
            ("bytes", {"learn": "lstm", "pairs": "pairs", "states": 8, "batch": 16, "epochs": 40, "lr": 0.01, "layers": 2,
                       "dtype": "i8"})):
        job = run_job(d, type="train", model="default", output=name, **body)
        same(f"{name}: succeeds", (job["state"], job["error"]), ("succeeded", None))
        result = job["result"]
        same(f"{name}: its name and pairs", (result["model"], result["learn"]), (name, body["learn"]))
        check(f"{name}: pairs and steps", result["pairs"] > 100 and result["steps"] > 0, result)
        check(f"{name}: loss", isinstance(result["loss"], float), result)
        if "dev" in body:
            score = result["score"]
            check(f"{name}: a better dev score", score["after"] > score["before"] and score["best_step"] > 0, score)
        else:
            same(f"{name}: no dev score", result["score"], None)
        same(f"{name}: all is done", job["progress"]["done"], job["progress"]["total"])
        models = {m["id"]: m for m in d.get("/v1/models").json()["data"]}
        same(f"{name}: served", models[name]["fingerprint"], result["fingerprint"])
        same(f"{name}: its dimension", models[name]["dim"], result["dim"])
        check(f"{name}: has learnt", margin(d, name) > start + 0.1, (margin(d, name), start))
    kept = d.get("/v1/jobs/1").json()["request"]["pairs"]
    same("the record keeps the number of pairs", kept, 400)
    prints = {m["id"]: m["fingerprint"] for m in d.get("/v1/models").json()["data"]}
    same("the same pairs, the same vectors", prints["inline"], prints["uploaded"])


def a_fit_keeps_the_lstm(folder):
    """Of the shipped model, which another daemon on the folder serves with the same bits."""
    ask = lambda d, model, method: d.post("/v1/embeddings", {
        "model": f"{model}:{method}", "input": "The market fell on Monday.", "encoding_format": "base64"}).json()
    vector = lambda reply: reply["data"][0]["embedding"]
    state = ("--models", "models", "--state", os.path.join(folder, "fits"))
    with Daemon(*state) as d:
        job = run_job(d, type="fit", model="default", texts=["A dog runs.", "Prices rose again."] * 20, output="own",
                      method="whiten")
        same("the fit", (job["state"], job["error"]), ("succeeded", None))
        before = [vector(ask(d, "own", m)) for m in ("lstm", "features", "lstm+static", "whiten")]
        same("its LSTM", before[:2], [vector(ask(d, "default", m)) for m in ("lstm", "features")])
        check("what stands beside it is its own", before[2] != vector(ask(d, "default", "lstm+static")))
    with Daemon(*state) as d:
        same("the next daemon's", [vector(ask(d, "own", m)) for m in ("lstm", "features", "lstm+static", "whiten")], before)


def the_same_as_by_the_verb(d, folder):
    with open(os.path.join(folder, "pairs.tsv"), "wb") as f:
        f.write(lines(pairs_of(400)))
    trained = os.path.join(folder, "verb", "trained.safetensors")
    os.mkdir(os.path.dirname(trained))
    subprocess.run([SIFD, "train", "-m", os.path.join(folder, "default.safetensors"), "--learn", "vectors", "--pairs",
                    os.path.join(folder, "pairs.tsv"), "-o", trained, "--epochs", "40", "--batch", "16"], check=True, capture_output=True)
    info = subprocess.run([SIFD, "info", "-m", trained, "--json"], check=True, capture_output=True, text=True)
    check("the verb gives the same vectors", d.get("/v1/models/uploaded").json()["fingerprint"] in info.stdout, info)


def new_words(d):
    numbers = random.Random(4)
    words = [f"w{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(60)]
    vectors = "".join(f"{w} " + " ".join(f"{numbers.gauss(0, 1):.4f}" for _ in range(8)) + "\n" for w in words)
    d.call("PUT", "/v1/corpora/vectors", vectors.encode())
    run_job(d, type="import", corpus="vectors", output="narrow")
    body = [" ".join(numbers.choice([*words, "novel"]) for _ in range(10)) for _ in range(4000)]
    for name, source in (("corpus", {"corpus": "news"}), ("texts", {"texts": body})):
        d.call("PUT", "/v1/corpora/news", "\n".join(body).encode())
        job = run_job(d, type="train", learn="alacarte", model="narrow", output=f"grown-{name}", unit="line", **source)
        same(f"alacarte from {name}", (job["state"], job["error"]), ("succeeded", None))
        same("one word more", job["result"]["new_words"], 1)
        check("more is known", job["result"]["coverage"] > job["result"]["coverage_before"], job["result"])
        reply = d.post("/v1/tokenize", {"model": f"grown-{name}", "text": "novel"})
        same("the new word is known", reply.json()["tokens"][0]["known"], True)


def a_fit_grows(d):
    """Four kinds of words, each among its own; `gizmo` is of the first kind."""
    numbers = random.Random(6)
    kinds = [[numbers.gauss(0, 1) for _ in range(16)] for _ in range(4)]
    word = [f"k{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(120)]
    vectors = "".join(f"{w} " + " ".join(f"{x + numbers.gauss(0, .5):.4f}" for x in kinds[i % 4]) + "\n"
                      for i, w in enumerate(word))
    text = lambda kind, n: [word[4 * numbers.randrange(30) + kind] for _ in range(n)]
    body = "".join(" ".join(text(i % 4, 4) + ["gizmo"] * (i % 8 == 0) + text(i % 4, 4)) + "\n" for i in range(4000))
    d.call("PUT", "/v1/corpora/kinds", vectors.encode())
    d.call("PUT", "/v1/corpora/own", body.encode())
    run_job(d, type="import", corpus="kinds", output="kinds")
    run_job(d, type="train", learn="vectors", model="kinds", output="learnt",
            pairs=[[" ".join(text(i % 4, 3)), " ".join(text(i % 4, 3))] for i in range(200)])
    for name, model, members, new, overlay in (
            ("by itself", "learnt", {}, 1, False),
            ("as an overlay", "learnt", {"overlay": True}, 0, True),
            ("not at all", "learnt", {"new_words": 0}, 0, True),
            ("not a model that is not learned", "kinds", {}, 0, True),
            ("such a one on request", "kinds", {"new_words": 5}, 1, False)):
        job = run_job(d, type="fit", model=model, corpus="own", output="own", **members)
        same(f"a fit grows {name}", (job["state"], job["error"]), ("succeeded", None))
        r = job["result"]
        same(f"{name}: new words, overlay", (r["new_words"], r["overlay"], r["no_new_words"]), (new, overlay, None))
        check(f"{name}: coverage", (r["coverage"] > r["coverage_before"]) == bool(new), r)
        token = d.post("/v1/tokenize", {"model": "own", "text": "Gizmo"}).json()["tokens"][0]
        same(f"{name}: known", token["known"], bool(new))
    r = run_job(d, type="fit", model="learnt", texts=body.splitlines()[:9], output="few")["result"]
    same("too small a corpus", (r["new_words"], r["overlay"], r["coverage"]), (0, True, r["coverage_before"]))
    check("says so", "10 times" in r["no_new_words"], r)
    reply = d.post("/v1/jobs", {"type": "fit", "corpus": "own", "output": "x", "overlay": True, "new_words": 5})
    same("words in an overlay", (reply.status, reply.error()["param"]), (400, "new_words"))


def refusals(d):
    job = {"type": "train", "learn": "weights", "pairs": "pairs", "output": "x"}
    for name, body, status, param in (
            ("nothing to learn", {**job, "learn": None}, 400, "learn"),
            ("an unknown corpus", {**job, "pairs": ["pairs", "nowhere"]}, 404, "pairs"),
            ("an unknown dev set", {**job, "dev": "nowhere"}, 404, "dev"),
            ("an unknown model", {**job, "model": "nobody"}, 404, "model"),
            ("an unknown start", {**job, "method": "magic"}, 400, "method"),
            ("an output that is a file's", {**job, "output": "default"}, 409, "output"),
            ("a number of pairs", {**job, "pairs": 3}, 400, "pairs"),
            ("a pair of one", {**job, "pairs": [["a", "b"], ["a"]]}, 400, "pairs"),
            ("a pair of numbers", {**job, "pairs": [[1, 2]]}, 400, "pairs"),
            ("a score that is none", {"type": "train", "learn": "vectors", "scored": [["a", "b", "c"]], "output": "x"},
             400, "scored"),
            ("too many pairs", {**job, "pairs": [["a", "b"]] * 20000}, 400, "pairs"),
            ("another's member", {**job, "states": 64}, 400, "states"),
            ("a teacher", {**job, "teacher": "x.npy"}, 400, "teacher"),
            ("a batch too large", {**job, "batch": 10000}, 400, "batch")):
        reply = d.post("/v1/jobs", body)
        same(f"{name}: status", reply.status, status)
        same(f"{name}: param", reply.error().get("param"), param)
    d.call("PUT", "/v1/corpora/odd", b"cat\tdog\nmouse\n")
    for name, body, message in (
            ("columns", {**job, "pairs": "odd"}, "corpus `odd`, line 2: expected"),
            ("no known word", {**job, "pairs": [["qq", "zz"]]}, "corpus `pairs`: no pair of texts with known words"),
            ("scores for pairs", {"type": "train", "learn": "weights", "scored": "pairs", "output": "x"},
             "corpus `pairs`: this objective learns from scores")):
        ended = run_job(d, **body)
        same(f"{name}: fails", ended["state"], "failed")
        check(f"{name}: says why", message in ended["error"] and "/" not in ended["error"], ended["error"])
    check("no model of theirs", "x" not in {m["id"] for m in d.get("/v1/models").json()["data"]})


SECONDS = 3  # that a training is to take, wherever it runs
ENDLESS = {"type": "train", "learn": "weights", "pairs": "pairs", "dev": "dev", "epochs": 100000, "batch": 16}


def seen_training(d, job, steps=1):
    """Waits until it has learnt something, and gives what is seen of it."""
    for _ in range(200):
        job = d.get(f"/v1/jobs/{job['id']}").json()
        if job["progress"]["phase"] == "training" and job["progress"]["done"] >= steps and job["progress"]["loss"]:
            break
        time.sleep(0.05)
    return job


def cancels(d):
    job = d.post("/v1/jobs", {**ENDLESS, "output": "endless"}).json()
    time.sleep(0.3)
    progress = seen_training(d, job)["progress"]
    same("what is counted", (progress["unit"], progress["total"] > progress["done"] > 0), ("pairs", True))
    check("rate, time left, loss and score", all(progress[m] > 0 for m in ("rate", "eta_s", "loss", "score")), progress)
    same("the service goes on meanwhile", d.post("/v1/similarity", {"pairs": [["cat", "dog"]]}).status, 200)
    began = time.monotonic()
    d.call("DELETE", f"/v1/jobs/{job['id']}")
    same("ends cancelled", wait(d, job)["state"], "cancelled")
    check("within a second or so", time.monotonic() - began < 3, time.monotonic() - began)
    same("leaves no checkpoint", os.listdir(os.path.join(d.folder.name, "state", "checkpoints")), [])
    check("and no model", "endless" not in {m["id"] for m in d.get("/v1/models").json()["data"]})
    return progress["rate"]


def stopped(serve, state, run, epochs):
    """A daemon stopped while it trains: the job and how far it was; a longer one when it was too fast for us."""
    for _ in range(4):
        with Daemon(*serve) as d:
            run = {**run, "epochs": epochs}
            job = d.post("/v1/jobs", {**run, "output": "killed"}).json()
            done = seen_training(d, job, steps=2000)["progress"]["done"]
            same("stopped in order", d.stop(), 0)
        if os.path.exists(os.path.join(state, "checkpoints", str(job["id"]))):
            break
        epochs *= 4
    else:
        check("a checkpoint is left", False)
    return run, job, done


def stopped_and_killed(folder, rate):
    """A stop leaves a checkpoint; killed, the next run starts from it; in the end it is as if nothing had happened."""
    state = os.path.join(folder, "kept")
    serve = ("--models", folder, "--state", state)
    with Daemon(*serve) as d:
        d.call("PUT", "/v1/corpora/pairs", lines(pairs_of(2000)))
        d.call("PUT", "/v1/corpora/dev", lines(scored_of(60, seed=3)))
    run, job, done = stopped(serve, state, {"type": "train", "learn": "vectors", "pairs": "pairs", "dev": "dev",
                                            "workers": 1}, max(20, int(rate * SECONDS / 2000)))
    open(os.path.join(state, "checkpoints", "77"), "w").close()
    with Daemon(*serve) as d:
        check("a checkpoint of no job is not kept", not os.path.exists(os.path.join(state, "checkpoints", "77")))
        progress = seen_training(d, job)["progress"]
        check("goes on where it was", progress["done"] >= done, (progress, done))
        d.stop(signal.SIGKILL)
    with Daemon(*serve) as d:
        ended = wait(d, job)
        same("ends well", (ended["state"], ended["error"]), ("succeeded", None))
        same("resumed, though killed", ended["result"]["resumed"], True)
        same("leaves no checkpoint", os.listdir(os.path.join(state, "checkpoints")), [])
        whole = run_job(d, **run, output="whole")
        same("the same in one go", (whole["result"]["fingerprint"], whole["result"]["steps"], whole["result"]["score"]),
             (ended["result"]["fingerprint"], ended["result"]["steps"], ended["result"]["score"]))
    killed_often(serve, state)
    damaged(serve, state, run)
    shutil.rmtree(state)


def killed_often(serve, state):
    """Two crashes fail a job, but not one that had written a checkpoint before each of them."""
    for writes, tries, ends in ((True, 4, "cancelled"), (False, 2, "failed")):
        with Daemon(*serve) as d:
            job = d.post("/v1/jobs", {**ENDLESS, "output": "endless"}).json()
            seen_training(d, job)
            d.stop()
        for _ in range(tries):
            with Daemon(*serve) as d:
                seen_training(d, job)
                d.stop(signal.SIGKILL)
            if writes:
                os.utime(os.path.join(state, "checkpoints", str(job["id"])))
        with Daemon(*serve) as d:
            d.call("DELETE", f"/v1/jobs/{job['id']}")
            same(f"killed {tries} times, with checkpoints {writes}", wait(d, job)["state"], ends)


def damaged(serve, state, run):
    """A checkpoint that cannot be read costs the time, not the job."""
    with Daemon(*serve) as d:
        first = d.post("/v1/jobs", {**ENDLESS, "output": "endless"}).json()
        job = d.post("/v1/jobs", {**run, "epochs": 2, "output": "anew"}).json()
        d.stop()
    with open(os.path.join(state, "checkpoints", str(job["id"])), "wb") as f:
        f.write(b"x" * 5000)
    with Daemon(*serve) as d:
        d.call("DELETE", f"/v1/jobs/{first['id']}")
        ended = wait(d, job)
        same("begins anew", (ended["state"], ended["error"]), ("succeeded", None))
        check("from nothing", ended["result"] and ended["result"]["resumed"] is False, ended["result"])


with tempfile.TemporaryDirectory() as folder:
    make_model(folder)
    with Daemon("--models", folder) as d:
        learns(d)
        the_same_as_by_the_verb(d, folder)
        new_words(d)
        a_fit_grows(d)
        refusals(d)
        rate = cancels(d)
        same("it ends in order", d.stop(), 0)
    stopped_and_killed(folder, rate)
    a_fit_keeps_the_lstm(folder)
finish()
