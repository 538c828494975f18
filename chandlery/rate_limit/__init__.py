"""Limits kept: budgets in a venue's own metering, pauses and bans, across threads and processes."""
