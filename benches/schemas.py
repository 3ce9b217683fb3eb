#!/usr/bin/env python3
"""How right the learned schemas are: every body of generated traffic, counted a second time.

usage: schemas.py [--n 6000] [--seed 1] [--binary PATH] [SPEC ...]

Draws traffic from every OpenAPI document of the shared corpus (TAPLINE_CORPUS, default
../shared/corpus) with the shared tools (TAPLINE_TOOLS, default ../shared/tools), replays it with
everything looked into, counts types and members of the very bodies that were sent, and compares
with inventory.json place by place. Prints per document:

  bodies    (endpoint, direction, status) whose documents were all looked into, and compared
  left      bodies left out: not all looked into, longer than the sample, with more values than are
            noted of one, or with fields left out
  moved     bodies that hold another number of documents than their endpoint: of a route that turns
            out to belong elsewhere, only what was told apart goes along
  places    places compared; wrong: those with other types or other presence
  required  members said to be required; falsely: those that were missing once

Ends with 1 when a place is wrong or a member is falsely required.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = pathlib.Path(os.environ.get("TAPLINE_CORPUS", ROOT / "../shared/corpus"))
TOOLS = pathlib.Path(os.environ.get("TAPLINE_TOOLS", ROOT / "../shared/tools"))
SAMPLE_BYTES = 60_000
DEPTH_MAX = 12
EVERYTHING = """discovery:
  body_bytes_per_second: 16GiB
  bodies_read_min: 1000000
  endpoint_fields_max: 16384
  fields_max: 10000000
"""


def kind(value):
    names = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", dict: "object"}
    return names.get(type(value), "array")


def count(value, place, counted, depth=0):
    """Types by place, and by member how often it was there."""
    counted[place]["types"][kind(value)] += 1
    if depth >= DEPTH_MAX:
        return
    if isinstance(value, dict):
        for name, member in value.items():
            counted[place + (name,)]["present"] += 1
            count(member, place + (name,), counted, depth + 1)
    elif isinstance(value, list):
        for index, element in enumerate(value):
            if index < 4 or (index + 1) & index == 0:
                count(element, place + ("[]",), counted, depth + 1)


def flatten(schema, place, flat, maps, member=None):
    flat[place] = (schema, member)
    if "additional" in schema:
        maps.add(place)
    for name, below in schema.get("properties", {}).items():
        flatten(below["schema"], place + (name,), flat, maps, below)
    if "items" in schema:
        flatten(schema["items"], place + ("[]",), flat, maps)


def documents(sent, out):
    """The bodies of each endpoint, direction and status, as sent."""
    seen = collections.defaultdict(list)
    for line in open(out / "transactions.jsonl"):
        line = json.loads(line)
        seen[line["client"].rsplit(":", 1)[0], line["method"]].append(line)
    bodies, at = collections.defaultdict(list), collections.Counter()
    for line in sorted(map(json.loads, open(sent)), key=lambda line: line["ts"]):
        client = line["client"], line["method"]
        known = seen[client][at[client]]
        at[client] += 1
        assert known["status"] == line["status"], "the transactions come in another order"
        if known["endpoint"] and line.get("req_body") and line["status"] < 400:
            bodies[known["endpoint"], "request", None].append(line["req_body"])
        if known["endpoint"] and line.get("resp_body"):
            bodies[known["endpoint"], "response", line["status"]].append(line["resp_body"])
    return bodies


def compare(sent, out):
    score = collections.Counter()
    services = json.load(open(out / "inventory.json"))["services"]
    endpoints = {endpoint["id"]: endpoint for service in services for endpoint in service["endpoints"]}
    for (identity, direction, status), bodies in documents(sent, out).items():
        endpoint = endpoints[identity]
        listed = [body for body in endpoint["bodies"] if (body["direction"], body.get("status")) == (direction, status)]
        if any(len(body) > SAMPLE_BYTES for body in bodies):
            score["left"] += 1
            continue
        if sum(body["n"] for body in listed) != len(bodies) or len(listed) != 1:
            score["left" if endpoint["bodies_read"] < endpoint["requests"] else "moved"] += 1
            continue
        flat, maps = {}, set()
        flatten(listed[0]["schema"], (), flat, maps)
        # An object that was not read to its end holds more than was counted.
        is_cut = lambda schema: schema.get("objects", 0) < schema["types"].get("object", 0)
        if any("left_out" in schema or is_cut(schema) for schema, _ in flat.values()):
            score["left"] += 1
            continue
        score["bodies"] += 1
        counted = collections.defaultdict(lambda: {"types": collections.Counter(), "present": 0})
        for body in bodies:
            count(json.loads(body), (), counted)
        is_below_map = lambda place: any(place[: len(held)] == held for held in maps)
        for place in set(flat) | set(counted):
            if is_below_map(place):
                continue
            score["places"] += 1
            schema, member = flat.get(place, ({"types": {}}, None))
            truth = counted.get(place, {"types": {}, "present": 0})
            is_right = schema["types"] == dict(truth["types"])
            if member:
                of = counted[place[:-1]]["types"]["object"]
                is_right = is_right and (member["present"], member["of"]) == (truth["present"], of)
                if member["presence"] in ("required", "certain"):
                    score["required"] += 1
                    score["falsely"] += truth["present"] < of
            score["wrong"] += not is_right
            score["enums"] += "enum" in schema
    return score


def measure(spec, arguments, folder):
    sent = folder / "sent.jsonl"
    run = lambda *command, **more: subprocess.run(command, check=True, **more)
    run(sys.executable, TOOLS / "spec_traffic.py", spec, sent, folder / "truth.tsv", "--n", str(arguments.n),
        "--seed", str(arguments.seed), stdout=subprocess.DEVNULL)
    with open(sent) as lines:
        run(sys.executable, TOOLS / "txpcap.py", folder / "sent.pcap", stdin=lines, stdout=subprocess.DEVNULL)
    (folder / "everything.yaml").write_text(EVERYTHING)
    run(arguments.binary, "replay", "--config", folder / "everything.yaml", "--out", folder / "out",
        folder / "sent.pcap", stderr=subprocess.DEVNULL)
    return compare(sent, folder / "out")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("specs", nargs="*")
    parser.add_argument("--n", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", default=str(ROOT / "target/release/tapline"))
    arguments = parser.parse_args()
    specs = arguments.specs or sorted(str(path) for path in (CORPUS / "openapi").glob("*.json.gz"))
    if not specs or not (TOOLS / "spec_traffic.py").exists():
        sys.exit(f"no documents in {CORPUS}/openapi or no tools in {TOOLS}: set TAPLINE_CORPUS and TAPLINE_TOOLS")
    names, total = ["bodies", "left", "moved", "places", "wrong", "required", "falsely", "enums"], collections.Counter()
    print("%-34s" % "" + "".join("%9s" % name for name in names))
    for spec in specs:
        with tempfile.TemporaryDirectory() as folder:
            score = measure(spec, arguments, pathlib.Path(folder))
        total += score
        name = os.path.basename(spec).split(".json")[0]
        print("%-34s" % name[:34] + "".join("%9d" % score[key] for key in names), flush=True)
    print("%-34s" % "all" + "".join("%9d" % total[key] for key in names))
    sys.exit(total["wrong"] + total["falsely"] > 0)


if __name__ == "__main__":
    main()
