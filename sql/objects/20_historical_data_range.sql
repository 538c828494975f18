-- From when to when there is something, by symbol and timeframe. Its columns up to `is_complete` are promised.
create or replace view historical_data_range as
select
    coin.symbol, timeframe, earliest as earliest_date, latest as latest_date, total as total_records,
    whole >= expected as is_complete,
    coin.id as coin_id
from coverage
join coin on coin.key = coverage.coin
where total > 0;
