"""The cost of authshim, each figure beside a peer's that was measured in the same run.

See README.rst.
"""
