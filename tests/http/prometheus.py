#!/usr/bin/env python3
"""Has a real Prometheus scrape what is served at an address, and asks it.

    prometheus.py [--rules FILE] [--dashboard FILE] ADDRESS [QUERY VALUE]...

Each query has to give its value, as one sample, within the limit. The rules have to be taken, and every
query of the dashboard to be answered.
"""
import argparse
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

LIMIT = 60  # seconds, of a machine that is busy


def fail(what):
    sys.exit(f"prometheus.py: {what}")


def wait_for(what, condition):
    """The first answer of the condition that is something."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    fail(f"{what} within {LIMIT} s")


class Prometheus:
    """One of its own: its port, its data and its end."""

    def __init__(self, directory, address, rules):
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(pathlib.Path(rules).resolve())] if rules else [],
            "scrape_configs": [{"job_name": "drainpipe", "static_configs": [{"targets": [address]}]}],
        }
        config_file = directory / "prometheus.yml"
        config_file.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
        self.log = directory / "log"
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL"),  # also where this is killed
                    "prometheus",
                    f"--config.file={config_file}",
                    f"--storage.tsdb.path={directory / 'data'}",
                    "--web.listen-address=127.0.0.1:0",
                ],
                stdout=log,
                stderr=log,
                cwd=directory,
            )

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def find_address(self):
        if self.process.poll() is not None:
            fail("it has ended: " + self.log.read_text(encoding="utf-8"))
        text = self.log.read_text(encoding="utf-8")
        found = re.search(r'msg="Listening on" address=(\S+)', text)
        is_ready = "Server is ready" in text
        return found.group(1) if found and is_ready else None

    def start(self):
        self.address = wait_for("Prometheus is not ready", self.find_address)

    def ask(self, what, **parameters):
        url = f"http://{self.address}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=LIMIT) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            fail(f"{parameters}: {error.read().decode()}")

    def value_of(self, query):
        samples = self.ask("query", query=query)["result"]
        return samples[0]["value"][1] if len(samples) == 1 else None


def check_values(prometheus, pairs):
    for query, value in pairs:
        seen = set()

        def is_there():
            seen.add(prometheus.value_of(query))
            return value in seen

        wait_for(f"{query} is not {value}, but {seen},", is_there)


def check_dashboard(prometheus, file):
    dashboard = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            prometheus.ask("query", query=target["expr"].replace("$__rate_interval", "10s").replace("$name", ".*"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rules")
    parser.add_argument("--dashboard")
    parser.add_argument("address")
    parser.add_argument("pairs", nargs="*")
    arguments = parser.parse_args()
    pairs = list(zip(arguments.pairs[::2], arguments.pairs[1::2]))

    with tempfile.TemporaryDirectory() as directory:
        prometheus = Prometheus(pathlib.Path(directory), arguments.address, arguments.rules)
        with contextlib.closing(prometheus):
            prometheus.start()
            check_values(prometheus, pairs)
            if arguments.rules and not prometheus.ask("rules")["groups"]:
                fail("it has no rules")
            if arguments.dashboard:
                check_dashboard(prometheus, arguments.dashboard)


main()
