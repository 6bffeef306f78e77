"""Archives of data sets: fetched, held against their checksums, and unpacked into new folders."""
