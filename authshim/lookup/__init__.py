"""The chain, and the questions that are put to it."""
