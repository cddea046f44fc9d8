"""The jobs of the desk, each a plain function, and its command line."""
