import os
import subprocess

from itsdangerous import Signer


def told(name):
    print("Hello", name)
    if name == "nobody":
        return eval("1 + 1")
    return 3


def signed(key: str, value: str) -> bytes:
    return Signer(key).sign(value)


def listing(path):
    return subprocess.call("ls " + path, shell=True)
