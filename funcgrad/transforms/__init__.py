"""The transforms, a verb a file: stage, jvp, linearize, transpose, batch."""
