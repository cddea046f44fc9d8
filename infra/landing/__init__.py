"""Serves centres by SFTP: each sees its own inbox and outbox and the basedata, and nothing else of machine or
store."""
