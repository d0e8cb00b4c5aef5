"""Parses OpenMetrics from standard input with the reference parser, PyPI's `prometheus_client`,
which refuses invalid input.

The output is JSON: for each family its type, its help and its samples, each as
[name, labels, value].
"""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

families = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    samples = [[sample.name, sample.labels, sample.value] for sample in family.samples]
    families[family.name] = {"type": family.type, "help": family.documentation, "samples": samples}
json.dump(families, sys.stdout)
