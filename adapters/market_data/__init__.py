"""Market data from outside: vendors, files and the sample, landed in the lake and read from it."""
