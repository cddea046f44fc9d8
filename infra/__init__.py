"""Deals with the world outside: the store, PostgreSQL, Airflow, SFTP, mail, and the settings of them all."""
