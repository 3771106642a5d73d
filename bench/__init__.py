"""Speed and accuracy of the worker beside other ways to read the same cards; `make bench` runs it."""
