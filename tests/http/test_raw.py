#!/usr/bin/env python3
"""Requests as bytes: framing on which two readers could disagree, limits, and what must still work.

Each row: name, bytes, the statuses that may come (every reply in the stream must be one of them), and the
most replies that may come.  After an odd request the connection must close, so that nothing smuggled
behind it is ever read as a request of its own.
"""

import tempfile

from daemon import Daemon, check, finish, make_model, statuses

BODY = b'{"input":"the cat sat"}'
POST = b"POST /v1/embeddings HTTP/1.1\r\nHost: h\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
SMUGGLED = b"GET /live HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
GET = b"GET /live HTTP/1.1\r\nHost: h\r\n"
CLOSE = b"Connection: close\r\n\r\n"

REFUSED = [
    # Two lengths, two codings: all answered once with an error, then closed.
    ("length and chunked", POST + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400}),
    ("chunked and length", POST + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n0\r\n\r\n" + SMUGGLED, {400}),
    ("two lengths", POST + LENGTH + b"Content-Length: 0\r\n\r\n" + SMUGGLED, {400}),
    ("two equal lengths", POST + LENGTH + LENGTH + b"\r\n" + BODY + SMUGGLED, {400}),
    ("a list of lengths", POST + b"Content-Length: 23, 23\r\n\r\n" + BODY + SMUGGLED, {400}),
    ("a signed length", POST + b"Content-Length: +23\r\n\r\n" + BODY + SMUGGLED, {400}),
    ("a negative length", POST + b"Content-Length: -1\r\n\r\n" + SMUGGLED, {400}),
    ("a hexadecimal length", POST + b"Content-Length: 0x17\r\n\r\n" + BODY + SMUGGLED, {400}),
    ("an empty length", POST + b"Content-Length:\r\n\r\n" + SMUGGLED, {400}),
    ("a huge length", POST + b"Content-Length: 99999999999999999999\r\n\r\n", {400, 413}),
    ("a length over the limit", POST + b"Content-Length: 99999999999\r\n\r\n", {413}),
    ("chunked", POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {411}),
    ("gzip, chunked", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, {400, 501}),
    ("chunked twice", POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
     {400}),
    ("an odd coding", POST + b"Transfer-Encoding: xchunked\r\n\r\n" + SMUGGLED, {400, 501}),
    ("chunked in HTTP/1.0", b"POST /v1/embeddings HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
     {400}),
    ("a compressed body", POST + LENGTH + b"Content-Encoding: gzip\r\n\r\n" + BODY, {415}),
    # The request line and the headers.
    ("no Host", b"GET /live HTTP/1.1\r\n\r\n" + SMUGGLED, {400}),
    ("two Hosts", GET + b"Host: other\r\n\r\n" + SMUGGLED, {400}),
    ("a Host that is none", b"GET /live HTTP/1.1\r\nHost: a b\r\n\r\n" + SMUGGLED, {400}),
    ("an odd version", b"GET /live HTTP/9.9\r\nHost: h\r\n\r\n" + SMUGGLED, {400, 505}),
    ("an unknown method", b"BREW /live HTTP/1.1\r\nHost: h\r\n\r\n" + SMUGGLED, {405, 501}),
    ("a long URL", b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: h\r\n\r\n" + SMUGGLED, {414}),
    ("an escaped NUL", b"GET /live%00 HTTP/1.1\r\nHost: h\r\n\r\n" + SMUGGLED, {400}),
    ("a URL without slash", b"GET live HTTP/1.1\r\nHost: h\r\n\r\n" + SMUGGLED, {400}),
    ("many headers", GET + b"".join(b"X%d: 1\r\n" % i for i in range(100)) + b"\r\n" + SMUGGLED, {431}),
    ("large headers", GET + b"X: " + b"a" * 20000 + b"\r\n\r\n" + SMUGGLED, {431}),
    ("an odd header name", GET + b"X y: 1\r\n\r\n" + SMUGGLED, {400}),
    ("a control character", GET + b"X: a\x01b\r\n\r\n" + SMUGGLED, {400}),
    ("an odd expectation", POST + LENGTH + b"Expect: wonders\r\n\r\n" + BODY, {417}),
]

ANSWERED = [
    ("a GET", GET + CLOSE, [200]),
    ("HTTP/1.0", b"GET /live HTTP/1.0\r\n\r\n", [200]),
    ("HEAD", b"HEAD /live HTTP/1.1\r\nHost: h\r\n" + CLOSE, [200]),
    ("a POST", POST + LENGTH + CLOSE + BODY, [200]),
    ("a form type, as curl sends", POST + LENGTH + b"Content-Type: application/x-www-form-urlencoded\r\n" + CLOSE + BODY,
     [200]),
    ("Expect: 100-continue", POST + LENGTH + b"Expect: 100-continue\r\n" + CLOSE + BODY, [200]),
    ("sixteen in one go", (GET + b"\r\n") * 15 + GET + CLOSE, [200] * 16),
    ("POSTs in one go", (POST + LENGTH + b"\r\n" + BODY) * 3 + POST + LENGTH + CLOSE + BODY, [200] * 4),
    ("an unknown path", b"GET /nothing HTTP/1.1\r\nHost: h\r\n" + CLOSE, [404]),
    ("a wrong method", b"DELETE /v1/embeddings HTTP/1.1\r\nHost: h\r\n" + CLOSE, [405]),
    ("no body", POST + b"Content-Length: 0\r\n" + CLOSE, [400]),
]

# libmicrohttpd 0.9.75 writes the head of its own refusals twice for these.
TWICE = {"no Host", "an empty length", "a huge length", "a signed length", "a negative length", "a hexadecimal length",
         "a list of lengths"}


def main():
    with tempfile.TemporaryDirectory() as models:
        make_model(models)
        with Daemon("--models", models) as d:
            for name, data, allowed in REFUSED:
                got = statuses(d.raw(data, 12))
                most = 2 if name in TWICE else 1
                check(name, 1 <= len(got) <= most and set(got) <= allowed, f"{got}, expected one of {sorted(allowed)}")
            for name, data, expected in ANSWERED:
                got = statuses(d.raw(data, 12))
                check(name, got == expected, f"{got}, expected {expected}")
            check("an empty connection", d.raw(b"", 2, half_close=True) == b"")
            check("TLS on the plain port", 200 not in statuses(d.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 3, 7)))
            check("alive after all that", d.get("/live").status == 200)
            metrics = d.get("/metrics").body.decode()
            check("refusals are counted", 'sifd_http_rejected_total{reason="length"}' in metrics)
            check("it ends in order", d.stop() == 0)
    finish()


main()
