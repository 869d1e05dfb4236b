import native


def test_it_counts():
    assert native.next(41) == 42
