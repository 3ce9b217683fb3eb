#!/usr/bin/env python3
"""How well attacks in values are told from what people write: labelled values, and texts.

usage: payloads.py [--captures TAPLINE] [--binary VERDICTS] [--missed SET] [--alarms SET] [--half dev|held|all] [--texts DIR ...]

Runs `cargo run --release -p tapline-payload --example verdicts` (or VERDICTS) over the labelled sets
of the shared corpus (TAPLINE_CORPUS, default ../shared/corpus) and prints for each the share of
attacks that were found and of harmless values that passed. gotestwaf is weighed as it weighs itself:
a payload counts once for each encoder and placeholder. `texts` are descriptions in API documents
(the documents are split into halves: rules are made by looking at `dev` alone) and paragraphs of
whatever texts lie in the folders given. --missed and --alarms print the values of one set that are
judged wrongly.

With --captures the values go the whole way: each is sent by a client of its own, in the query, a form,
a JSON body or a header in turn, through the shared tools (TAPLINE_TOOLS, default ../shared/tools) into a
capture that TAPLINE replays; a value is found when a finding names its client. Needs PyYAML.
"""
import argparse
import base64
import collections
import csv
import glob
import gzip
import html
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse
import zlib

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = pathlib.Path(os.environ.get("TAPLINE_CORPUS", ROOT / "../shared/corpus"))
TOOLS = pathlib.Path(os.environ.get("TAPLINE_TOOLS", ROOT / "../shared/tools"))
LABELLED = CORPUS / "http-labelled"
DETECTIONS = ("injection", "server_request_forgery")
HEADER_BYTES = set(range(0x20, 0x7F))
TEXT_BYTES_MAX = 4_000

csv.field_size_limit(1 << 24)


def httpparams():
    text = gzip.open(LABELLED / "httpparams/payload_train.csv.gz", "rt", encoding="utf-8", errors="surrogateescape")
    for row in csv.DictReader(text):
        yield row["attack_type"], row["label"] == "anom", row["payload"], "query", 1


def gotestwaf():
    for name in sorted(glob.glob(str(LABELLED / "gotestwaf/*/*.yml"))):
        raw = open(name, encoding="utf-8").read().replace("\\'", "'")
        case = yaml.safe_load(raw)
        is_attack = "false-pos" not in name
        kind = pathlib.Path(name).stem
        for payload in case["payload"]:
            payload = str(payload)
            for encoder in case["encoder"]:
                value = base64.b64encode(payload.encode()).decode() if encoder == "Base64Flat" else payload
                for placeholder in case["placeholder"]:
                    label = placeholder if isinstance(placeholder, str) else next(iter(placeholder))
                    place = {"URLPath": "path", "URLParam": "query", "Header": "header"}.get(label, "body")
                    yield kind, is_attack, value, place, 1


def unquoted(text):
    return urllib.parse.unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def parameters(text):
    """Names and values of a query or form."""
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        yield unquoted((value or name).replace("+", " "))


def waf_bypass():
    for name in sorted(glob.glob(str(LABELLED / "waf-bypass/*/*.json"))):
        kind = pathlib.Path(name).parent.name
        for payload in json.load(open(name, encoding="utf-8", errors="replace"))["payload"]:
            for zone in ("URL", "ARGS", "BODY", "COOKIE", "USER-AGENT", "REFERER", "HEADER"):
                value = payload.get(zone)
                if not isinstance(value, str):
                    continue
                place = {"URL": "path", "ARGS": "query", "BODY": "body", "COOKIE": "cookie"}.get(zone, "header")
                values = [value] if zone != "ARGS" else list(parameters(value)) + [unquoted(value)]
                yield kind, bool(payload.get("BLOCKED")), values, place, 1


def core_rule_set():
    """Cases that fit a rule against attacks in values, and those that fit none of them."""
    kinds = ("930", "931", "932", "933", "934", "941", "942", "944")
    for name in sorted(glob.glob(str(LABELLED / "crs/REQUEST-9*/*.yaml"))):
        rule = pathlib.Path(name).stem
        if not rule.startswith(kinds):
            continue
        for test in yaml.safe_load(open(name, encoding="utf-8"))["tests"]:
            for stage in test["stages"]:
                given = stage["input"]
                log = (stage.get("output") or {}).get("log") or {}
                is_attack = bool(log.get("expect_ids"))
                if not is_attack and not log.get("no_expect_ids"):
                    continue
                path, _, query = str(given.get("uri", "/")).partition("?")
                values = [unquoted(path)] + [value for value in parameters(query)] + [unquoted(query)]
                headers = {key.lower(): str(value) for key, value in (given.get("headers") or {}).items()}
                data = given.get("data")
                if data is not None:
                    data = str(data)
                    values += list(parameters(data)) + [data]
                    values += re.findall(r'"((?:[^"\\]|\\.)*)"', data) if data.startswith("{") else []
                values += [value for key, value in headers.items() if key not in ("host", "accept", "content-length")]
                yield rule[:3], is_attack, values, "query", 1


def strings_of(tree, names):
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            for key, value in node.items():
                if isinstance(value, str) and key in names:
                    yield value
                elif isinstance(value, (dict, list)):
                    stack.append(value)
        elif isinstance(node, list):
            stack.extend(node)


def documents(half):
    for name in sorted(glob.glob(str(CORPUS / "openapi/*.json.gz"))):
        is_held = zlib.crc32(os.path.basename(name).encode()) % 2 == 1
        if half != "all" and is_held != (half == "held"):
            continue
        tree = json.load(gzip.open(name))
        seen = set()
        for text in strings_of(tree, {"description", "summary", "title", "example", "default", "pattern"}):
            text = text[:TEXT_BYTES_MAX]
            if text not in seen:
                seen.add(text)
                yield "descriptions", False, text, "body", 1


def folders(names):
    for name in names:
        for path in sorted(pathlib.Path(name).rglob("*")):
            if not path.is_file() or path.stat().st_size > 1 << 20:
                continue
            if path.suffix not in ("", ".md", ".txt", ".rst") or path.suffix == "" and "license" not in path.name.lower() and "common-licenses" not in str(path):
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            for paragraph in re.split(r"\n\s*\n", text):
                if 3 < len(paragraph.strip()):
                    yield "paragraphs", False, paragraph.strip()[:TEXT_BYTES_MAX], "body", 1


def agents():
    path = CORPUS / "signatures/real-browsers.dev.json.gz"
    tree = json.load(gzip.open(path))
    stack = [tree]
    seen = set()
    while stack:
        node = stack.pop()
        if isinstance(node, str) and node not in seen:
            seen.add(node)
            yield "agents", False, node, "header", 1
        elif isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def judge(command, cases):
    """One verdict a case: the attacks and scores of its values."""
    by_place = collections.defaultdict(list)
    for index, (_, _, value, place, _) in enumerate(cases):
        for text in value if isinstance(value, list) else [value]:
            by_place[place].append((index, text))
    verdicts = [dict() for _ in cases]
    for place, values in by_place.items():
        lines = "\n".join(text.encode("utf-8", "surrogateescape").hex() for _, text in values) + "\n"
        done = subprocess.run(command + [place], input=lines.encode(), stdout=subprocess.PIPE, check=True)
        for (index, _), line in zip(values, done.stdout.decode().split("\n")):
            for found in line.split(",") if line != "-" else []:
                attack, _, score = found.partition(":")
                verdicts[index][attack] = max(int(score), verdicts[index].get(attack, 0))
    return verdicts


def request(index, value):
    """A request with a value, by the client of its number."""
    raw = value.encode("utf-8", "surrogateescape")
    quoted = urllib.parse.quote_from_bytes(raw, safe="")
    given = {"ts": 1_740_830_400 + index / 50, "client": f"10.{index >> 16}.{index >> 8 & 255}.{index & 255}",
             "server": "192.0.2.1", "host": "shop.example", "method": "GET", "target": "/search", "status": 400,
             "req_headers": [["User-Agent", "client/1.0"]], "resp_headers": [["Content-Type", "application/json"]],
             "resp_body": "{}"}
    way = index % 4
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = None
    if way == 1 or way == 0 and len(quoted) > 4_000:
        given.update(method="POST", req_body=f"q={quoted}")
        given["req_headers"].append(["Content-Type", "application/x-www-form-urlencoded"])
    elif way == 2 and text is not None:
        given.update(method="POST", req_body=json.dumps({"q": text, "n": 1}))
        given["req_headers"].append(["Content-Type", "application/json"])
    elif way == 3 and set(raw) <= HEADER_BYTES and raw.strip() == raw and len(raw) < 2_000:
        given["req_headers"].append(["X-Query", text])
    else:
        given["target"] = f"/search?q={quoted}"
    return given


def replayed(binary, cases):
    """One verdict a case: the findings that name its client."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        lines, index, owner = [], 0, {}
        for at, (_, _, value, _, _) in enumerate(cases):
            for text in value if isinstance(value, list) else [value]:
                lines.append(json.dumps(request(index, text)))
                owner[json.loads(lines[-1])["client"]] = at
                index += 1
        subprocess.run([sys.executable, TOOLS / "txpcap.py", folder / "in.pcap"], check=True,
                       input="\n".join(lines).encode() + b"\n", stdout=subprocess.DEVNULL)
        (folder / "settings.yaml").write_text("alert:\n  findings_open_max: 1000000\n  findings_resolved_max: 1000000\n")
        subprocess.run([binary, "replay", "--config", folder / "settings.yaml", "--out", folder / "out", folder / "in.pcap"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        verdicts = [dict() for _ in cases]
        for line in open(folder / "out/findings.jsonl"):
            finding = json.loads(line)
            if finding["detection"] in DETECTIONS:
                for client in finding["client_addresses"]:
                    verdicts[owner[client]][finding["detection"]] = 1
        return verdicts


def show(name, cases, verdicts, options):
    tally = collections.defaultdict(lambda: [0, 0])
    for (kind, is_attack, value, _, weight), verdict in zip(cases, verdicts):
        right = bool(verdict) == is_attack
        for key in ((is_attack, ""), (is_attack, kind)):
            tally[key][0] += weight
            tally[key][1] += weight * right
        wanted = options.missed if is_attack else options.alarms
        if not right and wanted in (name, f"{name}/{kind}"):
            text = value if isinstance(value, str) else " || ".join(value)
            print(f"  {kind} {verdict or ''} {text[:400]!r}")
    for is_attack, word in ((True, "found"), (False, "passed")):
        if (is_attack, "") in tally:
            total, right = tally[(is_attack, "")]
            print(f"{name:12} {word:7} {right:7} of {total:7}  {right / total:.4f}")
            if options.kinds:
                for (attack, kind), (total, right) in sorted(tally.items()):
                    if attack == is_attack and kind:
                        print(f"    {kind:36} {right:6} of {total:6}  {right / total:.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary")
    parser.add_argument("--captures")
    parser.add_argument("--missed", default="")
    parser.add_argument("--alarms", default="")
    parser.add_argument("--half", default="all")
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--texts", nargs="*", default=["/usr/share/common-licenses"])
    options = parser.parse_args()
    if not LABELLED.exists():
        print(f"skipped: no corpus at {CORPUS}", file=sys.stderr)
        return 0
    command = [options.binary] if options.binary else [
        "cargo", "run", "-q", "--release", "-p", "tapline-payload", "--example", "verdicts", "--"]
    sets = {
        "httpparams": lambda: httpparams(),
        "gotestwaf": lambda: gotestwaf(),
        "waf-bypass": lambda: waf_bypass(),
        "core-rules": lambda: core_rule_set(),
        "documents": lambda: documents(options.half),
        "texts": lambda: folders(options.texts),
        "agents": lambda: agents(),
    }
    for name, cases in sets.items():
        if options.only and name not in options.only.split(","):
            continue
        cases = list(cases())
        verdicts = replayed(options.captures, cases) if options.captures else judge(command, cases)
        show(name, cases, verdicts, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
