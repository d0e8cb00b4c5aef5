"""Starts kosoku's fuzzing server on a free port of 127.0.0.1, for machines without Autobahn|Testsuite.

    kosoku.py OUTDIR CASES
"""

import json
import pathlib
import socket
import subprocess
import sys
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, server):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("kosoku does not listen")


def main(outdir, cases):
    port = free_port()
    program = pathlib.Path(sys.executable).with_name("kosoku")
    command = [program, "-m", "fuzzingserver", f"127.0.0.1:{port}", "-o", outdir]
    for case in json.loads(cases):
        command += ["-i", case]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(port, server)
            print(json.dumps({"ws": port}), flush=True)
            sys.stdin.read()
        finally:
            server.terminate()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
