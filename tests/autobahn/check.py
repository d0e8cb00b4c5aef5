"""Reads the verdicts of a run, and fails unless all are good.

    check.py OUTDIR AGENT CASES      CASES is the required number
"""

import collections
import json
import pathlib
import sys

GOOD = {"OK", "INFORMATIONAL"}


def main(outdir, agent, expected):
    report = json.loads((pathlib.Path(outdir) / "index.json").read_text())
    verdicts = report.get(agent, {})
    bad = {
        case: verdict
        for case, verdict in verdicts.items()
        if not {verdict["behavior"], verdict["behaviorClose"]} <= GOOD
    }
    counts = collections.Counter(verdict["behavior"] for verdict in verdicts.values())
    summary = ", ".join(f"{count} {behavior}" for behavior, count in sorted(counts.items()))
    print(f"autobahn: {agent}: {len(verdicts)} of {expected} cases: {summary or 'none'}")
    for case, verdict in sorted(bad.items()):
        print(f"  {case}: {verdict['behavior']}, close {verdict['behaviorClose']}")
    return 0 if not bad and len(verdicts) == expected else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
