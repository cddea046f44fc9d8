"""Does the work of the desk: every job is a plain function, in a wing by capability."""
