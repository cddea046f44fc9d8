"""Takes in what centres and staff send: archives, reads, judges and books each file once, and answers it."""
