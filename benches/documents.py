#!/usr/bin/env python3
"""Whether exported documents tell the truth: an export held against the document that drew the traffic.

usage: documents.py [--n 20000] [--seed 1] [--binary PATH] [--keep FOLDER] [--explain] [--plant]
                    [--judge PYTHON] [SPEC ...]

Draws traffic from every OpenAPI document of the shared corpus (TAPLINE_CORPUS, default
../shared/corpus) with the shared tools (TAPLINE_TOOLS, default ../shared/tools), replays it, and
compares the exported document with the one that it was drawn from. What `tapline compare` reports is
judged by another program: the transactions as they were sent, and `jsonschema`. The traffic does not
keep to its document in all things (statuses that are not described, a parameter `limit`, parameters
and fields left out, examples of another type), so a difference is

  confirmed  when a transaction shows it and the document does say otherwise
  false      when none does

Prints per document: operations that the document describes and those seen, differences of a class
(breaking, additive, notice), confirmed and false ones; and of those that rest on too little to be told
without being asked (thin), the false ones. Ends with 1 when one is false. --explain lists the false
ones, --keep holds on to traffic and exports between runs and reads them again.

--plant changes the document and compares again: a field or a status less, another type, a parameter
that is required, an operation less, a value of an enumeration less, another media type. What is told
more must be the change, once, in its class. Prints planted and rightly told of each.

--judge validates every export with openapi-spec-validator and loads it with schemathesis in that
interpreter (`target/python/bin/python`).
"""
import argparse
import collections
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import documents_planted
from documents_oracle import Oracle

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = pathlib.Path(os.environ.get("TAPLINE_CORPUS", ROOT / "../shared/corpus"))
TOOLS = pathlib.Path(os.environ.get("TAPLINE_TOOLS", ROOT / "../shared/tools"))
NAMES = ["operations", "seen", "unclear", "breaking", "additive", "notice", "confirmed", "false", "thin", "thin false"]
JUDGE = """
import json, sys
import schemathesis
from openapi_spec_validator import validate
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
for name in sys.argv[1:]:
    document = json.load(open(name))
    validate(document)
    schema = schemathesis.openapi.from_dict(document)
    loaded = sum(1 for found in schema.get_all_operations() if found.ok())
    expected = sum(1 for item in document["paths"].values() for key in item if key in METHODS)
    assert loaded == expected, (name, loaded, expected)
"""


def run(*command, **more):
    return subprocess.run(command, check=True, **more)


def read(spec):
    return json.loads(gzip.open(spec).read() if spec.endswith(".gz") else open(spec, "rb").read())


def draw(spec, arguments, folder):
    """Traffic of a document, unless it is there."""
    if (folder / "sent.pcap").exists():
        return
    run(sys.executable, TOOLS / "spec_traffic.py", spec, folder / "sent.jsonl", folder / "truth.tsv", "--n",
        str(arguments.n), "--seed", str(arguments.seed), stdout=subprocess.DEVNULL)
    with open(folder / "sent.jsonl") as lines:
        run(sys.executable, TOOLS / "txpcap.py", folder / "part.pcap", stdin=lines, stdout=subprocess.DEVNULL)
    os.rename(folder / "part.pcap", folder / "sent.pcap")


def compare(binary, documented, export):
    told = run(binary, "compare", "--json", "--fail-on", "never", documented, export, stdout=subprocess.PIPE).stdout
    return json.loads(told)


def measure(spec, arguments, folder):
    """The score of a document, its false differences, and its exports."""
    folder.mkdir(parents=True, exist_ok=True)
    draw(spec, arguments, folder)
    if not (folder / "out/summary.json").exists():
        run(arguments.binary, "replay", "--workers", "1", "--out", folder / "out", folder / "sent.pcap",
            stderr=subprocess.DEVNULL)
    exports = sorted((folder / "out/openapi").glob("*.json"))
    document = read(spec)
    (folder / "spec.json").write_text(json.dumps(document))
    oracle, score, wrong = Oracle(document, folder), collections.Counter(), []
    # The generator calls one host, by the document's title.
    [export] = exports
    told = compare(arguments.binary, folder / "spec.json", export)
    score["operations"], score["seen"] = told["operations"], told["operations_seen"]
    score["unclear"] = told["operations_unclear"]
    for one, is_shown in oracle.judge(told["differences"]):
        score[one["class"]] += 1
        score["confirmed" if is_shown else "false"] += 1
        wrong += [] if is_shown else [one]
    for one, is_shown in oracle.judge(told["thin"]):
        score["thin"] += 1
        score["thin false"] += not is_shown
        wrong += [] if is_shown else [one]
    if arguments.plant:
        def again(changed):
            (folder / "changed.json").write_text(json.dumps(changed))
            return compare(arguments.binary, folder / "changed.json", export)
        planter = documents_planted.Planter(oracle, json.load(open(export)), told)
        planted, mistold = documents_planted.check(planter, again)
        for what, (many, right) in planted.items():
            score["planted " + what] += many
            score["right " + what] += right
        for what, where, fresh in mistold:
            print("    planted %s at %s %s: told %s" % (what, *where, [str(explained(one)) for one in fresh]), flush=True)
    return score, wrong, exports


def judge(python, exports):
    """Whether programs that are not ours take the exports; never below the checkout, they leave traces."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([python, "-c", JUDGE, *map(str, exports)], cwd=folder, capture_output=True, text=True)
    return done.returncode == 0, done.stderr[-600:]


def explained(one):
    where = "%s %s" % (one["operations"][0]["method"], one["operations"][0]["path"]) if one["operations"] else ""
    return "    %s %s %s %s: documented %s, seen %s (%d of %d) %s" % (
        one["class"], one["kind"], one["side"] or "", one["place"], one["documented"], one["observed"], one["seen"],
        one["of"], where)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("specs", nargs="*")
    parser.add_argument("--n", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", default=str(ROOT / "target/release/tapline"))
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--plant", action="store_true")
    parser.add_argument("--judge")
    arguments = parser.parse_args()
    specs = arguments.specs or sorted(str(path) for path in (CORPUS / "openapi").glob("*.json.gz"))
    if not specs or not (TOOLS / "spec_traffic.py").exists():
        sys.exit(f"no documents in {CORPUS}/openapi or no tools in {TOOLS}: set TAPLINE_CORPUS and TAPLINE_TOOLS")
    total, refused = collections.Counter(), 0
    print("%-30s" % "" + "".join("%11s" % name for name in NAMES))
    for spec in specs:
        name = os.path.basename(spec).split(".json")[0]
        with tempfile.TemporaryDirectory() as passing:
            folder = (arguments.keep or pathlib.Path(passing)) / name
            score, wrong, exports = measure(spec, arguments, folder.resolve())
            total += score
            print("%-30s" % name[:30] + "".join("%11d" % score[key] for key in NAMES), flush=True)
            if arguments.explain:
                print("".join(explained(one) + "\n" for one in wrong), end="", flush=True)
            if arguments.judge:
                is_taken, said = judge(os.path.abspath(arguments.judge), exports)
                refused += not is_taken
                print("" if is_taken else f"    refused: {said}\n", end="", flush=True)
    print("%-30s" % "all" + "".join("%11d" % total[key] for key in NAMES))
    missed = 0
    for what in documents_planted.KINDS if arguments.plant else ():
        planted, right = total["planted " + what], total["right " + what]
        missed += planted - right
        print("planted %-10s %4d, told once and rightly %4d" % (what, planted, right))
    if arguments.judge:
        print(f"exports refused by openapi-spec-validator or schemathesis: {refused}")
    sys.exit(total["false"] + refused + missed > 0)


if __name__ == "__main__":
    main()
