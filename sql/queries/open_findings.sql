-- What is odd about these coins and still holds, or ceased to at this check, newest first; and whether it is news
-- since the coin's last check.
select
    coin.symbol, finding.kind, finding.open_time, finding.detail, finding.found_at,
    finding.found_at > coalesce(
        (
            select at from quality
            where coin = finding.coin and timeframe = '1h' and at < %(at)s::timestamptz
            order by at desc
            limit 1
        ),
        '-infinity'
    ) as new,
    finding.ended_at
from finding
join coin on coin.key = finding.coin
where finding.coin = any (%(coins)s::integer[]) and (finding.ended_at is null or finding.ended_at = %(at)s::timestamptz)
order by finding.found_at desc, finding.open_time desc, coin.rank nulls last, finding.kind
