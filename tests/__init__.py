"""The tests mirror the package; test_architecture.py holds the rules of the source tree."""
