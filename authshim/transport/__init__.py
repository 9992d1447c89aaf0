"""The requests transport: all that knows the insides of requests."""
