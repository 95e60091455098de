"""What the daemon's tests share: a small model, a daemon on a free port, raw bytes to it and back."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

SIFD = os.environ.get("SIFD", "build/release/sifd")
WORDS = "the of a in to cat dog sat ran on mat house stock market share price fell rose bank money river".split()
DIMENSIONS = 16
_failed = []
_passed = 0


def check(name, condition, what=""):
    global _passed
    if condition:
        _passed += 1
    else:
        _failed.append(name)
        print(f"not as expected: {name}: {what}", flush=True)


def same(name, got, expected):
    check(name, got == expected, f"expected {expected!r}, got {got!r}")


def finish():
    print(f"[  PASSED  ] {_passed} test(s).")
    if _failed:
        print(f"[  FAILED  ] {len(_failed)} test(s), listed above:")
    sys.exit(1 if _failed else 0)


def make_model(folder, name="default", seed=1):
    """Vectors of fixed pseudo-random numbers, by way of `sifd import`."""
    numbers = random.Random(seed)
    vectors = os.path.join(folder, f"{name}.txt")
    with open(vectors, "w", encoding="utf-8") as f:
        for word in WORDS:
            f.write(word + "".join(f" {numbers.gauss(0, 1):.5f}" for _ in range(DIMENSIONS)) + "\n")
    path = os.path.join(folder, f"{name}.safetensors")
    subprocess.run([SIFD, "import", vectors, "-o", path, "--format", "glove"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    os.remove(vectors)
    return path


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def error(self):
        return self.json()["error"]


class Daemon:
    """with Daemon(models) as d: d.post("/v1/embeddings", {...})"""

    def __init__(self, *arguments, listen="127.0.0.1:0", environment=None, pass_fds=(), prefix=()):
        self.folder = tempfile.TemporaryDirectory()
        self.log_path = os.path.join(self.folder.name, "log")
        self.listen = listen
        command = [*prefix, SIFD, "serve", "--listen", listen, "--state", os.path.join(self.folder.name, "state"),
                   *arguments]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=pass_fds, env={**os.environ, **(environment or {})})
        self.port = self._wait()

    def log(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def _wait(self):
        for _ in range(200):
            found = re.search(r'"event":"listening".*"port":(\d+)', self.log())
            if found:
                return int(found.group(1))
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.process.kill()
        raise RuntimeError("the daemon did not start: " + self.log())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.folder.cleanup()

    def stop(self, how=signal.SIGTERM, seconds=40):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def connect(self, seconds=20):
        if self.listen.startswith("unix:"):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(seconds)
            s.connect(self.listen[len("unix:"):])
            return s
        return socket.create_connection(("127.0.0.1", self.port), seconds)

    def raw(self, data, seconds=20, half_close=False):
        """Sends the bytes and returns all that comes until the other side closes (or until `seconds` of silence)."""
        with self.connect(seconds) as s:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            return read_all(s)

    def call(self, verb, path, body=None, headers=None):
        with self.connect() as s:
            s.sendall(request_bytes(verb, path, body, headers, close=True))
            return parse(read_all(s))

    def get(self, path, headers=None):
        return self.call("GET", path, None, headers)

    def post(self, path, body, headers=None):
        return self.call("POST", path, body, headers)


def read_all(s):
    parts = []
    try:
        while True:
            part = s.recv(1 << 16)
            if not part:
                break
            parts.append(part)
    except (socket.timeout, ConnectionResetError):
        pass
    return b"".join(parts)


def request_bytes(verb, path, body=None, headers=None, close=False):
    lines = [f"{verb} {path} HTTP/1.1", "Host: localhost"]
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    if close:
        lines.append("Connection: close")
    lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")


def parse(data):
    while data.startswith(b"HTTP/1.1 100"):
        data = data.split(b"\r\n\r\n", 1)[1]
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if len(lines[0].split()) < 2:
        raise AssertionError(f"no reply: {data[:100]!r}")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
    return Reply(int(lines[0].split()[1]), headers, body)


def statuses(data):
    """Of every reply in a stream of them."""
    return [int(x) for x in re.findall(rb"HTTP/1\.1 (\d{3}) ", data) if x != b"100"]


def wait(d, job, seconds=300):
    """Until it has ended."""
    for _ in range(seconds // 10):
        job = d.get(f"/v1/jobs/{job['id']}?wait=10").json()
        if job["state"] not in ("queued", "running"):
            break
    return job


def run_job(d, **body):
    reply = d.post("/v1/jobs", body)
    same(f"{body['type']} accepted", reply.status, 202)
    job = reply.json()
    same(f"{body['type']}'s place", reply.headers.get("location"), f"/v1/jobs/{job['id']}")
    return wait(d, job)
