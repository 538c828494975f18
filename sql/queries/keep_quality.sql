-- Keep how complete coins were at a moment; measured at the same moment again, the last word counts.
insert into quality (coin, timeframe, at, expected, present, total, hours_by_source)
select coin, timeframe, %(at)s, expected, present, total, hours_by_source
from unnest(
    %(coins)s::integer[], %(timeframes)s::text[], %(expected)s::integer[], %(present)s::integer[],
    %(totals)s::integer[], %(shares)s::jsonb[]
) as measured (coin, timeframe, expected, present, total, hours_by_source)
on conflict (coin, timeframe, at) do update
set expected = excluded.expected, present = excluded.present, total = excluded.total,
    hours_by_source = excluded.hours_by_source
