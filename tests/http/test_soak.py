#!/usr/bin/env python3
"""Many clients of all tempers at once, for some seconds: everyone who waits is answered, nothing is left behind.

SOAK_SECONDS makes it longer.
"""

import asyncio
import os
import random
import signal
import tempfile
import time

from daemon import WORDS, Daemon, check, finish, make_model, parse, request_bytes, same

SECONDS = float(os.environ.get("SOAK_SECONDS", "6"))
SMALL = request_bytes("POST", "/v1/embeddings", {"input": "the cat sat"})
BIG = request_bytes("POST", "/v1/similarity", {"left": [" ".join(WORDS)] * 300, "right": [" ".join(WORDS)] * 30})
WRONG = request_bytes("POST", "/v1/embeddings", b"{nope")
counts = {}


def count(what):
    counts[what] = counts.get(what, 0) + 1


async def answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    reply = parse(head)
    await reader.readexactly(int(reply.headers["content-length"]))
    return reply.status, reply.headers.get("connection", "").lower() == "close"


async def one(d, numbers):
    """A connection's life: some requests, sent whole or in pieces, or left in the middle."""
    reader, writer = await asyncio.open_connection("127.0.0.1", d.port)
    try:
        for _ in range(numbers.randint(1, 30)):
            data = numbers.choices([SMALL, BIG, WRONG], [20, 3, 1])[0]
            temper = numbers.random()
            if temper < 0.05:  # goes away in its request
                writer.write(data[:numbers.randrange(1, len(data))])
                count("left")
                return
            if temper < 0.1:  # goes away without its answer
                writer.write(data)
                await asyncio.sleep(numbers.random() * 0.01)
                count("left")
                return
            cut = numbers.randrange(len(data)) if temper < 0.4 else 0
            writer.write(data[:cut])
            if cut:
                await asyncio.sleep(numbers.random() * 0.02)
            writer.write(data[cut:])
            status, closed = await asyncio.wait_for(answer(reader), 20)
            count(status)
            if closed:
                return
    finally:
        writer.transport.abort()


async def client(d, seed, until):
    numbers = random.Random(seed)
    while time.monotonic() < until:
        try:
            await one(d, numbers)
        except (OSError, EOFError, asyncio.TimeoutError) as e:
            count(type(e).__name__)


async def reloader(d, models, until):
    seed = 100
    while time.monotonic() < until:
        await asyncio.to_thread(make_model, models, "default", seed)
        d.process.send_signal(signal.SIGHUP)
        seed += 1
        await asyncio.sleep(0.3)


async def soak(d, models):
    until = time.monotonic() + SECONDS
    await asyncio.gather(*(client(d, seed, until) for seed in range(64)), reloader(d, models, until))
    await asyncio.sleep(0.2)  # the loop closes what was aborted last


def gauge(d, name):
    for line in d.get("/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    return None


def main():
    with tempfile.TemporaryDirectory() as models:
        make_model(models)
        with Daemon("--models", models) as d:
            asyncio.run(soak(d, models))
            print(counts)
            check("only answers", set(counts) <= {200, 400, 429, "left"}, counts)
            check("most are good", counts.get(200, 0) > 50, counts)
            # An end of stream that came together with bytes is not seen by libmicrohttpd 0.9.75 (its epoll is
            # edge-triggered and a short read ends it): the clocks close those, the idle one after 15 s.
            for _ in range(220):
                left = gauge(d, "sifd_http_connections")
                if left == 1:
                    break
                time.sleep(0.1)
            same("connections left but this", left, 1)
            same("requests under way but this", gauge(d, "sifd_http_requests_in_flight"), 1)
            same("heavy ones waiting", gauge(d, "sifd_queue_depth"), 0)
            same("ends with 0", d.stop(), 0)
    finish()


main()
