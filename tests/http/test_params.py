#!/usr/bin/env python3
"""The options of jobs and verbs: the command line and REST take and refuse the same values, in the same words.

Walks the schemas in /openapi.json.  What a value is sent with names an input that does not exist, so nothing runs:
an option that is taken fails later, with exit status 1 or 404, and one that is refused at once, with 2 or 400."""

import os
import re
import subprocess
import tempfile

from daemon import SIFD, Daemon, check, finish, make_model, same

# For each schema, by its title: the verb with an input that is not there, and the request with one.
ABSENT = ["-o", "/nonexistent/x.safetensors", "-m", "nosuch"]
CALLS = {
    "fit": (["fit", "nosuch.txt", *ABSENT], {"corpus": "nosuch", "output": "x"}),
    "import": (["import", "nosuch.txt", *ABSENT[:2]], {"corpus": "nosuch", "output": "x"}),
    "embed": (["embed", "nosuch.txt", *ABSENT[2:]], {"corpus": "nosuch"}),
    "eval": (["eval", "nosuch.tsv", *ABSENT[2:]], {"sets": "nosuch"}),
}
for learn, names in ("weights", "weights"), ("vectors", "vectors"), ("an lstm", "lstm"):
    for data, title in ("pairs", ""), ("scored", ", scored pairs"):
        CALLS[f"train {learn}{title}"] = (["train", "--learn", names, f"--{data}", "nosuch.tsv", *ABSENT],
                                          {"learn": names, data: "nosuch", "output": "x"})
CALLS["train alacarte"] = (["train", "--learn", "alacarte", "nosuch.txt", *ABSENT],
                           {"learn": "alacarte", "corpus": "nosuch", "output": "x"})
# Limits on several members together: with these the bounds of one can be reached.
BESIDE = {("lstm", "batch"): {"states": 8}, ("fit", "overlay"): {}}


def command_line(arguments, member, value):
    """(taken?, message)"""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    option = f"--{member.replace('_', '-')}"
    ran = subprocess.run([SIFD, *arguments, f"{option}={text}"], capture_output=True, text=True,
                         env={**os.environ, "SIFD_NO_REEXEC": "1"})
    said = ran.stderr.split("\n")[0].split(": ", 1)[-1]
    check(f"{arguments[0]} {option}={text} does not run", ran.returncode in (1, 2), said)
    return ran.returncode == 1, said.replace(option, f"`{member}`")


def rest(d, request, member, value):
    reply = d.post("/v1/jobs", {**request, member: value})
    error = reply.json()["error"]
    check(f"{request} {member}={value} does not run", reply.status in (400, 404), error["message"])
    if reply.status == 400:
        same(f"{member}={value}: the param", error["param"], member)
    return reply.status == 404, error["message"]


def values_of(schema):
    """(value, taken?) at and beyond the bounds, and of a wrong type."""
    if "minimum" in schema:
        low, high = schema["minimum"], schema["maximum"]
        step = 1 if schema["type"] == "integer" else max(1, abs(high)) / 2
        yield from ((low - step, False), (low, True), (high, True))
        if high < 2**63 - 1:
            yield high + step, False
        if schema["type"] == "integer":
            yield 1.5, False
    elif "enum" in schema:
        yield from ((name, True) for name in schema["enum"])
    elif schema["type"] == "boolean":
        yield from ((True, True), (False, True))
    else:
        return
    yield "two", False


def compare(d, title, member, schema):
    arguments, request = CALLS[title]
    beside = BESIDE.get((request.get("learn", title), member), {})
    arguments = [*arguments, *(f"--{k}={v}" for k, v in beside.items())]
    request = {"type": title.split()[0], **request, **beside}
    for value, taken in values_of(schema):
        cli, cli_said = command_line(arguments, member, value)
        job, job_said = rest(d, request, member, value)
        same(f"{title}: {member}={value} on the command line ({cli_said})", cli, taken)
        same(f"{title}: {member}={value} over REST ({job_said})", job, taken)
        if not taken:
            same(f"{title}: {member}={value}, the words", cli_said, job_said)


def foreign(d, title, member):
    """An option that another kind of learning has."""
    arguments, request = CALLS[title]
    cli, cli_said = command_line(arguments, member, 1)
    job, job_said = rest(d, {"type": "train", **request}, member, 1)
    same(f"{title}: {member} is refused", (cli, job), (False, False))
    pattern = rf"`{member}` is not for (.*), but for (.*)"
    found = [re.fullmatch(pattern, said) for said in (cli_said, job_said)]
    check(f"{title}: {member} is said to be another's", all(found), f"{cli_said} / {job_said}")
    if all(found):
        same(f"{title}: whose is {member}", found[0][1].split()[0], found[1][1].split()[0])


def known_disagreements():
    """Each was taken by the command line once, in silence."""
    base = CALLS["train an lstm"][0]
    for option in "epochs", "batch", "states", "layers", "directions", "scores", "workers":
        taken, said = command_line(base, option, 0)
        check(f"--{option} 0 is no default", not taken and "must be a whole number from" in said, said)
    vectors = CALLS["train vectors"][0]
    same("--lr 7", command_line(vectors, "lr", 7), (False, "`lr` must be a number from 0 to 5"))
    same("--l2 200000", command_line(vectors, "l2", 200000), (False, "`l2` must be a number from 0 to 100000"))
    same("--epochs 100001", command_line(vectors, "epochs", 100001),
         (False, "`epochs` must be a whole number from 1 to 100000"))
    help_text = subprocess.run([SIFD, "train", "--help"], capture_output=True, text=True, check=True).stdout
    for option, default in (("static-share", "default 0.2"), ("scores", "default 4"),
                            ("temperature", "default 0.05; 0.3 for --scored")):
        line = next(x for x in help_text.split("\n") if f"--{option} " in x)
        check(f"--{option}: {default}", line.endswith(default), line)


def main():
    with tempfile.TemporaryDirectory() as folder:
        with Daemon("-m", "default=" + make_model(folder), "--state", folder + "/state") as d:
            body = d.get("/openapi.json").json()["paths"]["/v1/jobs"]["post"]["requestBody"]
            schemas = {x["title"]: x["properties"] for x in body["content"]["application/json"]["schema"]["oneOf"]}
            same("every schema has a call here", sorted(schemas), sorted(CALLS))
            # Members with a description are options; the others are what there is to work on.
            options = {t: {m: s for m, s in x.items() if "description" in s} for t, x in schemas.items()}
            options["embed"].pop("format")  # the verb's --output has forms of its own
            for title, members in options.items():
                for member, schema in members.items():
                    compare(d, title, member, schema)
            trained = {m for t, x in options.items() if t.startswith("train") for m in x}
            for title in options:
                if title.startswith("train"):
                    for member in sorted(trained - set(options[title])):
                        foreign(d, title, member)
            known_disagreements()
            check("jobs know bf16", "bf16" in options["import"]["dtype"]["enum"])
    finish()


main()
