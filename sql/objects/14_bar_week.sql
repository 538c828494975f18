-- Weeks from Monday, UTC.
select view_bars_of_days('week');
