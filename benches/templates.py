#!/usr/bin/env python3
"""How right the learned path templates are, over real API descriptions, beside three other rules.

usage: templates.py [--n 20000] [--scan 0.05] [--seed 1] [--binary PATH] [SPEC ...]

Draws traffic with known templates from every OpenAPI document of the shared corpus (TAPLINE_CORPUS,
default ../shared/corpus) with the shared tools (TAPLINE_TOOLS, default ../shared/tools), replays it,
and prints precision, recall, F1, inflation and grouping accuracy per document, with the ceiling: an
operation with a parameter that showed one value cannot be told from a literal. Beside it stands the
F1 of a regular expression, of APIClarity's rule and of Drain3 (if it is installed) on the same
requests.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = pathlib.Path(os.environ.get("TAPLINE_CORPUS", ROOT / "../shared/corpus"))
TOOLS = pathlib.Path(os.environ.get("TAPLINE_TOOLS", ROOT / "../shared/tools"))
VALUE = re.compile(
    r"-?\d+|[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}|[0-9a-f]{12,}|[^@]+@[^@]+|\d{4}-\d\d-\d\d.*", re.I
)


def called(transactions):
    """Method and path of every request that was answered below 400."""
    for line in open(transactions):
        sent = json.loads(line)
        if sent["status"] < 400:
            yield sent["method"], sent["target"].split("?")[0]


def by_segments(requests, is_value):
    """Templates in which every segment that looks like a value is one."""
    rule = lambda path: "/".join("{}" if is_value(part) else part for part in path.split("/"))
    return {(method, rule(path)) for method, path in requests}


def naive(part):
    return bool(VALUE.fullmatch(part))


def apiclarity(part):
    """speculator/pkg/spec/path_params.go: numbers, UUIDs, and at least eight characters with three digits."""
    if re.fullmatch(r"\d+|[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", part):
        return True
    return len(part) >= 8 and sum(letter.isdigit() for letter in part) > 2


def drain(requests):
    """Drain3 with its values masked as the regular expression would."""
    from drain3 import TemplateMiner
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.drain_sim_th, config.drain_depth, config.drain_extra_delimiters = 0.7, 6, ["/"]
    miner = TemplateMiner(config=config)
    lines = []
    for method, path in requests:
        masked = " ".join("<*>" if naive(part) else part for part in path.strip("/").split("/"))
        lines.append((method, miner.add_log_message(method + " " + masked)["cluster_id"]))
    shown = {cluster.cluster_id: cluster.get_template() for cluster in miner.drain.clusters}
    templates = set()
    for _, cluster in set(lines):
        method, *parts = shown[cluster].split(" ")
        templates.add((method, "/" + "/".join("{}" if part == "<*>" else part for part in parts)))
    return templates


def scorer():
    spec = importlib.util.spec_from_file_location("score_templates", TOOLS / "score_templates.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measure(spec, arguments, score, folder):
    sent, truth = folder / "sent.jsonl", folder / "truth.tsv"
    run = lambda *command, **more: subprocess.run(command, check=True, **more)
    run(sys.executable, TOOLS / "spec_traffic.py", spec, sent, truth, "--n", str(arguments.n),
        "--scan", str(arguments.scan), "--seed", str(arguments.seed), stdout=subprocess.DEVNULL)
    with open(sent) as lines:
        run(sys.executable, TOOLS / "txpcap.py", folder / "sent.pcap", stdin=lines, stdout=subprocess.DEVNULL)
    run(arguments.binary, "replay", "--out", folder / "out", folder / "sent.pcap", stderr=subprocess.DEVNULL)
    ours = json.loads(subprocess.check_output([
        sys.executable, TOOLS / "score_templates.py", folder / "out/inventory.json", truth,
        folder / "out/transactions.jsonl",
    ]))
    known, requests = score.Truth(truth), list(called(sent))
    rivals = {"regex": by_segments(requests, naive), "apiclarity": by_segments(requests, apiclarity)}
    if importlib.util.find_spec("drain3"):
        rivals["drain3"] = drain(requests)
    return ours, {name: score.score(listed, known)["f1"] for name, listed in rivals.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("specs", nargs="*")
    parser.add_argument("--n", type=int, default=20000)
    parser.add_argument("--scan", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", default=str(ROOT / "target/release/tapline"))
    arguments = parser.parse_args()
    specs = arguments.specs or sorted(str(path) for path in (CORPUS / "openapi").glob("*.json.gz"))
    if not specs or not (TOOLS / "spec_traffic.py").exists():
        sys.exit(f"no documents in {CORPUS}/openapi or no tools in {TOOLS}: set TAPLINE_CORPUS and TAPLINE_TOOLS")
    if not importlib.util.find_spec("drain3"):
        print("drain3 is not installed: left out", file=sys.stderr)
    score, rows = scorer(), []
    names = ["called", "listed", "precision", "recall", "f1", "inflation", "grouping"]
    print("%-34s %6s %6s %9s %7s %6s %9s %8s %7s  beside" % ("", *names, "ceiling"))
    for spec in specs:
        with tempfile.TemporaryDirectory() as folder:
            ours, rivals = measure(spec, arguments, score, pathlib.Path(folder))
        rows.append((ours, rivals))
        name = os.path.basename(spec).split(".json")[0]
        print("%-34s %6d %6d %9.3f %7.3f %6.3f %9.3f %8.3f %7.3f  %s" % (
            name[:34], *(ours[key] for key in names), 1 - ours["one_value"],
            " ".join(f"{key} {value:.3f}" for key, value in rivals.items())), flush=True)
    mean = lambda values: sum(values) / len(values)
    print("%-34s %13s %9.3f %7.3f %6.3f %9.3f %8.3f %7.3f  %s" % (
        "mean", "", *(mean([ours[key] for ours, _ in rows]) for key in names[2:]),
        mean([1 - ours["one_value"] for ours, _ in rows]),
        " ".join(f"{key} {mean([rivals[key] for _, rivals in rows]):.3f}" for key in rows[0][1])))


if __name__ == "__main__":
    main()
