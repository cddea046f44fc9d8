"""Takes in what centres and staff send: reads it, judges it, books it once, and answers."""
