"""The operators' console: pages inside Airflow's UI, made on the server from the ledger and the store."""
