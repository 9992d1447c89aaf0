"""What authshim costs, each figure beside a peer's that was measured in the same run; see README.rst."""
