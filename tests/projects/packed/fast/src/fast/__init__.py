from ._count import next


def main():
    print(next(41))
