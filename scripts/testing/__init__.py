"""The layers of `make test`: each builds what it needs, runs it, and counts."""
