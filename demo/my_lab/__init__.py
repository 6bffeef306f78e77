"""Parts of your own: any module that Python can import is found by its dotted path."""
