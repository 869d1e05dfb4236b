"""Runs a hook of a build back end (PEP 517). Works on every Python 3.

Reads a request (JSON) from the file that its argument names, and writes the answer beside it:
what the hook says that it requires, and, if all of that is known to be installed, the file that it built.
Each hook runs in a process of its own, as PEP 517 asks for; forking saves starting Python again.
"""

import importlib
import json
import os
import sys


def backend(request):
    for path in reversed(request["backend_path"]):
        sys.path.insert(0, os.path.abspath(path))
    module, _, names = request["backend"].partition(":")
    found = importlib.import_module(module)
    for name in filter(None, names.split(".")):
        found = getattr(found, name)
    return found


def in_own_process(call):
    """What `call` gives, as JSON knows it; ends this process as the other one ended if that failed."""
    sys.stdout.flush()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        result = json.dumps(call())
        with os.fdopen(writer, "w") as pipe:
            pipe.write(result)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        result = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)
    return json.loads(result)


def main(path):
    with open(path) as file:
        request = json.load(file)
    # The directory of this script must not shadow anything.
    sys.path.pop(0)
    os.umask(0o022)
    hook = request["hook"]

    def requires():
        return getattr(backend(request), "get_requires_for_" + hook, lambda settings: [])({})

    def build():
        return getattr(backend(request), hook)(request["directory"], {})

    answer = {"requires": in_own_process(requires), "file": None}
    if set(answer["requires"]) <= set(request["installed"]):
        answer["file"] = in_own_process(build)
    with open(path + ".answer", "w") as file:
        json.dump(answer, file)


main(sys.argv[1])
