-- Where prices or volumes of these coins were lately (after %(since)s) found to make a step, newest first; and since when each coin is
-- wanted, which bounds how far back it is asked for again.
select coin.id, finding.open_time, wanted.starts_at
from finding
join coin on coin.key = finding.coin
join wanted on wanted.coin = finding.coin
where finding.coin = any (%(coins)s::integer[]) and kind in ('step', 'volume') and ended_at is null and found_at > %(since)s
    and finding.open_time > wanted.starts_at
order by finding.open_time desc, coin.rank nulls last, coin.key
