-- Per coin and timeframe: how many bars there could be, how many are there and whole, and how many at all.
select coin, timeframe, expected::integer, least(whole, expected)::integer as present, total::integer
from coverage
where coin = any (%(coins)s::integer[])
