"""C99 text of a program of integers."""
