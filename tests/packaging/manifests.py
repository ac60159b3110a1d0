#!/usr/bin/python3
"""The manifests for Kubernetes: by the API's own models, by what they refer to, and by what the page shows.

manifests.py BUILD_DIRECTORY
The models are those of python3-kubernetes, version 1.22 of the API in Debian 12: names of fields, their types, and
what is required. Values that only a server refuses are not seen.
"""
import os
import re
import subprocess
import sys

import yaml

build = os.path.abspath(sys.argv[1])
source = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "../.."))
failures = []

try:
    from kubernetes import client
    from kubernetes.client import models
except ImportError:
    client = None
    print("skipped: the manifests by the models of the API; python3-kubernetes is not there")


def check(claim, text):
    if not claim:
        failures.append(text)


def report():
    for failure in failures:
        print(f"manifests.py: {failure}", file=sys.stderr)
    if failures:
        sys.exit(1)


def read(path):
    with open(os.path.join(source, path), encoding="utf-8") as file:
        return file.read()


def valid(value, kind, path):
    """Each field is one of the model, has its type, and what is required is there."""
    if listed := re.fullmatch(r"list\[(.*)\]", kind):
        check(isinstance(value, list), f"{path} is no list")
        for number, item in enumerate(value if isinstance(value, list) else []):
            valid(item, listed.group(1), f"{path}[{number}]")
    elif mapped := re.fullmatch(r"dict\(str, (.*)\)", kind):
        check(isinstance(value, dict), f"{path} is no map")
        for key, item in (value if isinstance(value, dict) else {}).items():
            valid(item, mapped.group(1), f"{path}.{key}")
    elif kind in ("str", "int", "bool"):
        check(type(value).__name__ == kind, f"{path} is {value!r}, not of type {kind}")
    elif kind == "object":  # a quantity, or a port by name or number
        check(isinstance(value, (str, int)), f"{path} is {value!r}")
    elif not isinstance(value, dict):
        check(False, f"{path} is no object")
    else:
        model = getattr(models, kind)
        names = {of_api: own for own, of_api in model.attribute_map.items()}
        for key, item in value.items():
            if key in names:
                valid(item, model.openapi_types[names[key]], f"{path}.{key}")
            else:
                check(False, f"{path}.{key} is no field of {kind}")
        given = {names[key]: item for key, item in value.items() if key in names}
        try:
            model(**given)
        except ValueError as error:
            check(False, f"{path}: {error}")


def seconds(text):
    return float(re.fullmatch(r"([0-9.]+)s", text).group(1))


def bytes_of(text):
    number, unit = re.fullmatch(r"(\d+)(Ki?|Mi?|Gi?|)", text).groups()
    return int(number) * {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[unit[:1]]


def check_pods(workload):
    name = workload["kind"]
    spec = workload["spec"]
    pod = spec["template"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    check(spec["selector"]["matchLabels"].items() <= labels.items(), f"{name}: the selector is not the pods'")
    container = pod["containers"][0]

    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    volumes.update({claim["metadata"]["name"]: claim for claim in spec.get("volumeClaimTemplates", [])})
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    check(set(mounts.values()) == set(volumes), f"{name}: mounts {sorted(mounts.values())}, volumes {sorted(volumes)}")
    check({"/dev/shm", "/tmp", "/var/log/drainpipe"} <= set(mounts), f"{name}: mounts {sorted(mounts)}")
    segment = volumes[mounts["/dev/shm"]]["emptyDir"]
    check(segment.get("medium") == "Memory", f"{name}: /dev/shm is not memory")

    ports = {port["name"] for port in container["ports"]}
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        check(container[probe]["httpGet"] | {"path": path} == {"path": path, "port": "metrics"}, f"{name}: {probe}")
        check(container[probe]["httpGet"]["path"] == path, f"{name}: {probe} asks for another path")
        check(container[probe]["httpGet"]["port"] in ports, f"{name}: {probe} has no such port")
    check(pod["securityContext"]["runAsNonRoot"] is True, f"{name}: may run as root")
    for own in ("runAsUser", "runAsGroup", "fsGroup"):
        check(f"USER {pod['securityContext'][own]}:" in read("Containerfile"), f"{name}: {own} is not the image's")
    rights = container["securityContext"]
    check(rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"]
          and rights["capabilities"] == {"drop": ["ALL"]}, f"{name}: has rights that it needs not")

    # The options, as the program itself takes them.
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    check(container["args"][0] == "run", f"{name}: does not run")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("DRAINPIPE_")}
    said = subprocess.run([f"{build}/drainpipe", "config", *container["args"][1:]], env=clean | environment,
                          capture_output=True, text=True, check=False)
    check(said.returncode == 0, f"{name}: {said.stderr}")
    if said.returncode != 0:
        return pod
    config = dict(re.findall(r"^([a-z-]+) += (.*?) +# (?!default)", said.stdout, re.M))
    check(len(config) == len(container["args"]) - 1 + len(environment), f"{name}: not all options are in {config}")
    check(pod["terminationGracePeriodSeconds"] >= seconds(config["grace"]) + 5, f"{name}: its grace is too short")
    need = bytes_of(config["buffer-size"]) + 12 * int(config["capacity"]) + 2**20
    limit = bytes_of(container["resources"]["limits"]["memory"])
    check(need <= bytes_of(segment["sizeLimit"]) < limit, f"{name}: the segment does not fit its memory")
    port = int(config["http"].rsplit(":", 1)[1])
    check(port == container["ports"][0]["containerPort"], f"{name}: another port is served")
    check(spec["template"]["metadata"]["annotations"]["prometheus.io/port"] == str(port), f"{name}: scraped elsewhere")
    check(environment["DRAINPIPE_NATS_CREDS"].startswith("/etc/drainpipe/nats/"), f"{name}: the credentials lie elsewhere")
    return pod


text = read("packaging/kubernetes.yaml")
service, stateful = yaml.safe_load_all(text)
deployment, = yaml.safe_load_all(read("packaging/kubernetes-deployment.yaml"))
kinds = [object["kind"] for object in (service, stateful, deployment)]
check(kinds == ["Service", "StatefulSet", "Deployment"], f"the kinds are {kinds}")
if client:
    for object in (service, stateful, deployment):
        valid(object, "V1" + object["kind"], object["kind"])
    before = len(failures)
    valid({"spec": {"replica": 1, "template": {}}, "kind": 1}, "V1Deployment", "wrong")
    found = failures[before:]
    del failures[before:]
    check(len(found) == 3, f"the check of the models has found {found}")
    report()

check(service["spec"]["selector"].items() <= stateful["spec"]["template"]["metadata"]["labels"].items(),
      "the service selects other pods")
check(stateful["spec"]["serviceName"] == service["metadata"]["name"], "the StatefulSet has another service")
of_stateful, of_deployment = check_pods(stateful), check_pods(deployment)
of_deployment["volumes"] = [volume for volume in of_deployment["volumes"] if volume["name"] != "log"]
check(of_stateful == of_deployment, "the Deployment's pods differ from the StatefulSet's in more than the log")

page = re.search(r"^```yaml\n(.*?)^```$", read("docs/kubernetes.md"), re.S | re.M)
check(page and page.group(1) == text, "docs/kubernetes.md shows another packaging/kubernetes.yaml")

report()
