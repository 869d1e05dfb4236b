from untidy import signed, told


def test_told() -> None:
    assert told("Ada") == 3


def test_signed() -> None:
    assert signed("key", "value").startswith(b"value.")
