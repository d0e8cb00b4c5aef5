"""Starts Autobahn|Testsuite's fuzzing server on a free port of 127.0.0.1. For Python 2.7, like the suite.

    suite.py OUTDIR CASES
"""

import json
import os
import socket
import sys
import threading

from autobahntestsuite import choosereactor  # noqa: F401; installs epoll, so it comes first
from autobahntestsuite.fuzzing import FuzzingServerFactory
from twisted.internet import reactor


def byte_strings(value):
    """The suite expects byte strings instead of unicode."""
    if isinstance(value, type(u"")):
        return value.encode("utf8")
    if isinstance(value, list):
        return [byte_strings(item) for item in value]
    return value


def main(outdir, cases):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    listener.setblocking(False)
    port = listener.getsockname()[1]
    spec = {
        "url": "ws://127.0.0.1:%d" % port,
        "outdir": outdir,
        "cases": byte_strings(json.loads(cases)),
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    # The suite prints all its cases on standard output, which is reserved for the line with the
    # port.
    output, sys.stdout = sys.stdout, open(os.devnull, "w")
    # The suite's own start-up listens on all addresses, on a port that must be known in advance.
    factory = FuzzingServerFactory(spec)
    reactor.adoptStreamPort(listener.fileno(), socket.AF_INET, factory)
    reactor.callWhenRunning(announce, output, port)
    reactor.run()


def announce(output, port):
    output.write('{"ws": %d}\n' % port)
    output.flush()
    waiter = threading.Thread(target=stop_with_input)
    waiter.daemon = True
    waiter.start()


def stop_with_input():
    sys.stdin.read()
    reactor.callFromThread(reactor.stop)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
