"""Runs the desk on one machine: PostgreSQL, Airflow, and the supervisor that keeps both up."""
