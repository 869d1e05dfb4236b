import board

if __name__ == "__main__":
    print(board.signed("hello"))
