-- Months, UTC.
select view_bars_of_days('month');
