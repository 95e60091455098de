#!/usr/bin/env python3
"""The daemon's life: slow clients, big requests beside small ones, reloads, sockets of all kinds, the drain."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from daemon import DIMENSIONS, SIFD, WORDS, Daemon, check, finish, make_model, parse, read_all, request_bytes, same

SMALL = {"input": "the cat sat"}


def embed_once(s):
    """On a kept connection: one request, its whole reply."""
    s.sendall(request_bytes("POST", "/v1/embeddings", SMALL))
    data = b""
    while b"\r\n\r\n" not in data:
        part = s.recv(65536)
        if not part:
            return None
        data += part
    reply = parse(data)
    missing = int(reply.headers["content-length"]) - len(reply.body)
    while missing > 0:
        part = s.recv(65536)
        if not part:
            return None
        missing -= len(part)
    return reply.status


def slow_clients(d):
    """Of each kind some; all must be cut by the daemon's clocks, and nobody else may notice."""
    kinds = {
        "silent": (b"", b""),
        "slow line": (b"GET /li", b"v"),
        "slow headers": (b"GET /live HTTP/1.1\r\nHost: h\r\n", b"X: y\r\n"),
        "slow body": (b"POST /v1/embeddings HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n", b"{"),
    }
    open_ones = []
    for name, (first, drip) in kinds.items():
        for _ in range(8):
            s = d.connect()
            s.sendall(first)
            open_ones.append([name, drip, s])
    start = time.monotonic()
    while open_ones and time.monotonic() - start < 24:
        check("answers beside slow clients", d.get("/live").status == 200)
        for one in list(open_ones):
            _, drip, s = one
            try:
                s.sendall(drip)
                s.settimeout(0.01)
                if s.recv(4096) == b"":
                    raise ConnectionResetError
            except socket.timeout:
                continue
            except OSError:
                s.close()
                open_ones.remove(one)
        time.sleep(0.7)
    check("slow clients are cut", not open_ones, sorted({name for name, _, _ in open_ones}))


def big_beside_small(d):
    """While big requests are worked on, small ones are answered soon."""
    words = " ".join(WORDS)
    big = {"input": [f"{words} {i} " * 6 for i in range(2000)]}
    data = request_bytes("POST", "/v1/embeddings", big, close=True)
    done = []

    def send():
        with d.connect(60) as s:
            s.sendall(data)
            done.append(parse(read_all(s)).status)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for t in threads:
        t.start()
    times = []
    with d.connect() as s:
        while any(t.is_alive() for t in threads) and len(times) < 3000:
            start = time.monotonic()
            same("small beside big", embed_once(s), 200)
            times.append(time.monotonic() - start)
    for t in threads:
        t.join()
    check("big requests are answered", len(done) == 6 and set(done) <= {200, 429}, done)
    check("small ones were soon", times and sorted(times)[len(times) // 2] < 0.1, sorted(times)[-3:])


def reload(models, d):
    before = d.post("/v1/embeddings", SMALL).json()["data"][0]["embedding"]
    make_model(models, "second", seed=2)
    with open(os.path.join(models, "broken.safetensors"), "wb") as f:
        f.write(b"\xff" * 100)
    d.process.send_signal(signal.SIGHUP)
    for _ in range(100):
        if d.post("/v1/embeddings", {**SMALL, "model": "second"}).status == 200:
            break
        time.sleep(0.05)
    same("a new model is served", d.post("/v1/embeddings", {**SMALL, "model": "second"}).status, 200)
    same("a broken one is not", d.post("/v1/embeddings", {**SMALL, "model": "broken"}).status, 404)
    with tempfile.TemporaryDirectory() as other:
        shutil.move(make_model(other, "default", seed=3), os.path.join(models, "default.safetensors"))
    d.process.send_signal(signal.SIGHUP)
    after = before
    for _ in range(100):
        after = d.post("/v1/embeddings", SMALL).json()["data"][0]["embedding"]
        if after != before:
            break
        time.sleep(0.05)
    check("a changed model is served", after != before)
    same("with as many numbers", len(after), DIMENSIONS)
    check("reloads that failed are counted",
          "sifd_model_swaps_total{result=\"refused\"} 0" not in d.get("/metrics").body.decode())


def drain(models):
    with Daemon("--models", models) as d:
        idle = d.connect()
        same("a kept connection", embed_once(idle), 200)
        under_way = d.connect()
        data = request_bytes("POST", "/v1/embeddings", SMALL)
        under_way.sendall(data[:-5])
        time.sleep(0.3)
        start = time.monotonic()
        d.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        try:
            d.connect(1).close()
            refused = False
        except OSError:
            refused = True
        check("no new connections while draining", refused)
        under_way.sendall(data[-5:])
        same("what was under way is answered", parse(read_all(under_way)).status, 200)
        same("idle connections are closed", idle.recv(10), b"")
        same("ends with 0", d.process.wait(20), 0)
        check("and soon", time.monotonic() - start < 8, time.monotonic() - start)
    with Daemon("--models", models) as d:
        hanging = d.connect()
        hanging.sendall(data[:-5])
        time.sleep(0.2)
        start = time.monotonic()
        d.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        d.process.send_signal(signal.SIGTERM)
        same("a second TERM", d.process.wait(10), 0)
        check("ends at once", time.monotonic() - start < 2, time.monotonic() - start)
        hanging.close()


def drain_under_load(models):
    """Who is connected when TERM comes is answered; who comes later is refused, and nobody is reset."""
    counts = {}
    lock = threading.Lock()

    def count(what):
        with lock:
            counts[what] = counts.get(what, 0) + 1

    def client(d):
        data = request_bytes("POST", "/v1/embeddings", SMALL, close=True)
        while True:
            try:
                s = d.connect(5)
            except ConnectionRefusedError:
                return
            try:
                s.sendall(data)
                count(parse(read_all(s)).status)
            except (OSError, AssertionError) as e:
                count(type(e).__name__)
                return
            finally:
                s.close()

    for _ in range(4):
        with Daemon("--models", models) as d:
            clients = [threading.Thread(target=client, args=[d]) for _ in range(12)]
            for t in clients:
                t.start()
            time.sleep(0.3)
            same("ends with 0 under load", d.stop(), 0)
            for t in clients:
                t.join()
    same("nobody is reset by a drain", set(counts), {200})


def other_sockets(models):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        with Daemon("--models", models, listen="unix:" + path) as d:
            same("over a Unix socket", d.post("/v1/embeddings", SMALL).status, 200)
            same("it ends", d.stop(), 0)
        check("the path is gone", not os.path.exists(path))
        given = socket.create_server(("127.0.0.1", 0))
        note = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        note.bind(os.path.join(folder, "notify"))
        note.settimeout(5)
        # The shell moves the socket to where the protocol has it, and stays the same process.
        shell = ["sh", "-c", f'exec 3<&{given.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh"]
        with Daemon("--models", models, pass_fds=[given.fileno()], prefix=shell,
                    environment={"NOTIFY_SOCKET": note.getsockname()}) as d:
            same("on a socket handed down", d.port, given.getsockname()[1])
            check("says ready", b"READY=1" in note.recv(1000))
            same("answers", d.post("/v1/embeddings", SMALL).status, 200)
            same("ends", d.stop(), 0)
            check("says stopping", b"STOPPING=1" in note.recv(1000))
        waiting = socket.create_connection(given.getsockname(), 2)
        check("and leaves the socket open for the next", waiting is not None)
        waiting.close()
        given.close()


def refused_starts(folder):
    state = os.path.join(folder, "state")
    for name, arguments in {
        "no models": ["--models", folder],
        "a wrong address": ["--models", folder, "--listen", "nonsense"],
        "a missing model": ["-m", os.path.join(folder, "missing.safetensors")],
    }.items():
        got = subprocess.run([SIFD, "serve", "--state", state, "--listen", "127.0.0.1:0", *arguments],
                             capture_output=True, timeout=20, check=False)
        check(name, got.returncode in (1, 2) and b"sifd" in got.stderr, got)


def main():
    with tempfile.TemporaryDirectory() as models, tempfile.TemporaryDirectory() as empty:
        make_model(models)
        with Daemon("--models", models) as d:
            slow = threading.Thread(target=slow_clients, args=[d])
            slow.start()
            big_beside_small(d)
            reload(models, d)
            slow.join()
            same("ends with 0", d.stop(), 0)
        drain(models)
        drain_under_load(models)
        other_sockets(models)
        refused_starts(empty)
    finish()


main()
