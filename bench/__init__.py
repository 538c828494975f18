"""Measured claims: each script prints ratios against something a user would use instead."""
