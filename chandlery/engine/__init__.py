"""The engine: plan, ask, write, refresh, and keep the evidence.

Backfill, hourly collection and gap filling are its three windows. Nothing is imported here: a
command that only looks at the database starts without what asks venues.
"""
