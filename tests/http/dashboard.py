#!/usr/bin/env python3
"""Checks packaging/grafana.json: against the schema beside this file, that no two panels overlap, and
that its queries are PromQL over metrics that are served, all of them.

    dashboard.py DASHBOARD <metrics

Standard input is what /metrics serves.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema


def fail(what):
    sys.exit(f"dashboard.py: {what}")


def served_metrics(text):
    """The names of all samples, by family: a histogram has three."""
    families = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE "))
    suffixes = {"histogram": ("_bucket", "_sum", "_count")}
    return {name: {name + suffix for suffix in suffixes.get(kind, ("",))} for name, kind in families.items()}


def check_places(panels):
    taken = set()
    ids = [panel["id"] for panel in panels]
    if len(ids) != len(set(ids)):
        fail("two panels have the same id")
    for panel in panels:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            fail(f"'{panel['title']}' is wider than the page")
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        if cells & taken:
            fail(f"'{panel['title']}' lies over another panel")
        taken |= cells


def check_metrics(queries, families):
    used = set(re.findall(r"\bdrainpipe_\w+", "\n".join(queries)))
    served = set().union(*families.values())
    if used - served:
        fail(f"these metrics are not served: {sorted(used - served)}")
    for family, names in families.items():
        if not names & used:
            fail(f"{family} is on no panel")


def check_syntax(queries):
    """As recording rules, with a value for each of Grafana's variables."""
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "1m").replace("$name", ".*")}
        for number, query in enumerate(queries)
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump({"groups": [{"name": "queries", "rules": rules}]}, file)  # JSON is YAML
        file.flush()
        checked = subprocess.run(
            ["promtool", "check", "rules", file.name], capture_output=True, text=True, check=False
        )
    if checked.returncode != 0:
        fail(checked.stdout + checked.stderr)


def main():
    dashboard = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    schema = json.loads(pathlib.Path(__file__).with_name("dashboard.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(dashboard, schema)

    panels = dashboard["panels"]
    check_places(panels)
    queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    if not all('name=~"$name"' in query for query in queries):
        fail("a query passes over the choice of the pipeline")
    check_metrics(queries, served_metrics(sys.stdin.read()))
    check_syntax(queries)


main()
