"""Chandlery: every crypto coin's hourly candles, complete, in TimescaleDB."""
