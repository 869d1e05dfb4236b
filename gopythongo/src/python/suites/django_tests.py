"""Runs `manage.py test` with the project's own runner, and writes what unittest says of each test as JUnit XML.

Arguments: the report, `manage.py`, then those of `manage.py` itself. Tests that run in other processes (`--parallel`) are
told to the result of this one, so that nothing is missed.
"""

import atexit
import os
import runpy
import sys
import time
import traceback
import unittest
from xml.etree import ElementTree

REPORT, PROGRAM, *ARGUMENTS = sys.argv[1:]
SUITE = ElementTree.Element("testsuite", name="django")
OWNER = os.getpid()
CASES = {}
STARTS = {}


def case(test):
    """The element of a test: a class that could not be set up is one too, and so is a module that cannot be imported."""
    name = test.id()
    if name not in CASES:
        head, _, last = name.rpartition(".")
        found = ElementTree.SubElement(SUITE, "testcase", classname=head, name=last)
        if type(test).__name__ == "_FailedTest":
            found.set("classname", "")
            found.set("name", test._testMethodName)
        CASES[name] = found
    return CASES[name]


def told(method, tag):
    """Adds a method's outcome to the report, then does what it did."""
    plain = getattr(unittest.TestResult, method)

    def tells(self, test, *rest):
        found = case(test)
        if tag == "skipped":
            ElementTree.SubElement(found, tag, message=str(rest[0]) if isinstance(rest[0], str) else "expected failure")
        elif tag:
            failed = type(test).__name__ == "_FailedTest"
            message = "collection failure" if failed else str(rest[0][1]) if rest else "unexpected success"
            text = "".join(traceback.format_exception(*rest[0])) if rest and rest[0][1] is not None else message
            ElementTree.SubElement(found, tag, message=printable(message)).text = printable(text)
        return plain(self, test, *rest)

    setattr(unittest.TestResult, method, tells)


def told_subtests():
    plain = unittest.TestResult.addSubTest

    def tells(self, test, subtest, err):
        if err is not None and case(test).find("failure") is None:
            text = "".join(traceback.format_exception(*err)) if err[1] is not None else str(subtest)
            ElementTree.SubElement(case(test), "failure", message=printable(str(subtest))).text = printable(text)
        return plain(self, test, subtest, err)

    unittest.TestResult.addSubTest = tells


def timed():
    start, stop = unittest.TestResult.startTest, unittest.TestResult.stopTest

    def starts(self, test):
        STARTS[test.id()] = time.perf_counter()
        case(test)
        return start(self, test)

    def stops(self, test):
        begin = STARTS.pop(test.id(), None)
        if begin is not None:
            case(test).set("time", "%.3f" % (time.perf_counter() - begin))
        return stop(self, test)

    unittest.TestResult.startTest, unittest.TestResult.stopTest = starts, stops


def printable(text):
    """XML 1.0 has no control characters but tab, line feed and carriage return."""
    return "".join(char if char >= " " or char in "\t\n\r" else "\ufffd" for char in text)


def write():
    # forked workers end here too
    if os.getpid() == OWNER:
        ElementTree.ElementTree(SUITE).write(REPORT, encoding="utf-8", xml_declaration=True)


told("addError", "error")
told("addFailure", "failure")
told("addSkip", "skipped")
told("addExpectedFailure", "skipped")
told("addUnexpectedSuccess", "failure")
told_subtests()
timed()
atexit.register(write)
sys.argv = [PROGRAM, *ARGUMENTS]
sys.path.insert(0, os.path.dirname(os.path.abspath(PROGRAM)))
runpy.run_path(PROGRAM, run_name="__main__")
