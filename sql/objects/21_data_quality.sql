-- How complete it is, by symbol and timeframe. Its columns up to `has_gaps` are promised.
create or replace view data_quality as
select
    coin.symbol, timeframe,
    case when expected = 0 then 100 else round(100.0 * least(whole, expected) / expected, 4) end as completeness_percentage,
    greatest(expected - whole, 0) as missing_records,
    whole < expected as has_gaps,
    expected as expected_records, total as total_records,
    coin.id as coin_id
from coverage
join coin on coin.key = coverage.coin;
