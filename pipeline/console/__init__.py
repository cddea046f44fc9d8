"""Shows operators the season, its files and what needs a decision, as pages in Airflow's own UI."""
