"""Production rehearsed as it is documented (`make rehearsal`): every process of the compose file on loopback, with the
settings, secrets and commands that stand in the pages, up to a small results day."""
