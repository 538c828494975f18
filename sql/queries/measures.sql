-- Per coin and timeframe: how many bars there could be, how many are there and whole, how many at all; and its life.
select
    coin, timeframe, expected::integer, least(whole, expected)::integer as present, total::integer,
    starts_at, ends_at, earliest, latest
from coverage
where coin = any (%(coins)s::integer[])
