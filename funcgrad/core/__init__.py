"""What a program is: dtypes, avals, jaxprs, traces, primitives, pytrees, source locations."""
