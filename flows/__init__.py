"""Prefect's side: parameters, tasks that wire, names people can read."""
