"""From jaxprs to NumPy source: passes, emission, compilation."""
