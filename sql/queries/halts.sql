-- Where a coin had no candle for %(long)s and more and then went on, as the gaps tell it: hours of which a venue says
-- that it has none of this coin. What was not listed, not tried, not answered or an outage of the venue is no halt.
select
    'halt', gap.coin, gap.ends_at,
    format(
        '%%s hours without a candle from %%s on',
        hours, to_char(gap.starts_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI"Z"')
    )
from run_reason gap
cross join lateral (select extract(epoch from gap.ends_at - gap.starts_at)::bigint / 3600 as hours) length
join candle_1h resumed on resumed.coin = gap.coin and resumed.open_time = gap.ends_at
where gap.coin = any (%(coins)s::integer[]) and gap.reason = 'no trades'
    and gap.run_hours * interval '1 hour' >= %(long)s::interval and hours * interval '1 hour' >= %(long)s::interval
