-- Per coin and timeframe: how many bars there could be, how many are there and whole, how many at all; its life; and
-- how many hours before it are listed and were not wanted.
select
    coin, timeframe, expected::integer, least(whole, expected)::integer as present, total::integer,
    starts_at, ends_at, earliest, latest, unwanted::integer
from coverage
where coin = any (%(coins)s::integer[])
