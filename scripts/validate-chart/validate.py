"""Validates the renders of the chart: validate.py FOLDER, see `make lint-chart`.

Each object of Kubernetes itself in FOLDER/*.yaml must be valid for the last three versions of Kubernetes that kubernetes-validate knows.
The boards must be those that the mixin makes with the same settings. Alert rules are left in FOLDER/rules, for promtool.
"""

import json
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import yaml
from kubernetes_validate.utils import all_versions

ROOT = Path(__file__).parent.parent.parent
# Each is in the list twice, for there are strict schemas, too.
VERSIONS = list(dict.fromkeys(all_versions()))[-3:]
# Its types are not among the schemas; scripts/decode-chart has them.
OPERATOR = "monitoring.coreos.com/"


def invalid(where, item):
    """What is wrong with an object, a line for each version."""
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as fault:
            path = ".".join(str(part) for part in fault.path)
            yield f"{where}: Kubernetes {version}: {path}: {fault.message}"
        except kubernetes_validate.SchemaNotFoundError as fault:
            yield f"{where}: {fault.message}"


def mixin_boards(values):
    """The boards of the mixin, with the thresholds and links of these values."""
    rule = values.get("prometheusRule", {})
    settings = f"{{ nectarThresholds+: {json.dumps(rule.get('thresholds', {}))} }}"
    if "runbookUrl" in rule:
        settings += f" + {{ nectarRunbookUrl: {json.dumps(rule['runbookUrl'])} }}"
    expression = f"((import 'mixin.libsonnet') + {{ _config+:: {settings} }}).grafanaDashboards"
    made = subprocess.run(["scripts/jsonnet", "-e", expression], cwd=ROOT, check=True, capture_output=True)
    return json.loads(made.stdout)


def faults_of(file):
    """What is wrong with a render."""
    items = [item for item in yaml.load_all(file.read_text(), yaml.CSafeLoader) if item]
    boards = {}
    for item in items:
        where = f"{file.stem}: {item['kind']} {item['metadata']['name']}"
        if item["kind"] == "PrometheusRule":
            (file.parent / "rules").mkdir(exist_ok=True)
            (file.parent / "rules" / f"{file.stem}.yml").write_text(json.dumps(item["spec"]))
        if item["kind"] == "ConfigMap":
            boards |= {name: json.loads(text) for name, text in item["data"].items() if name.endswith(".json")}
        if not item["apiVersion"].startswith(OPERATOR):
            yield from invalid(where, item)
    values = yaml.safe_load((ROOT / "charts/nectar-exporter/ci" / file.name).read_text())
    if values.get("dashboards", {}).get("enabled") and boards != mixin_boards(values):
        yield f"{file.stem}: the boards are not those of the mixin"


found = [fault for file in sorted(Path(sys.argv[1]).glob("*.yaml")) for fault in faults_of(file)]
print("\n".join(found), end="\n" if found else "")
sys.exit(1 if found else 0)
