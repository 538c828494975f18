-- What was found odd about these coins since a moment.
select coin.symbol, finding.kind, finding.open_time, finding.detail
from finding
join coin on coin.key = finding.coin
where finding.coin = any (%(coins)s::integer[]) and finding.found_at >= %(since)s::timestamptz
order by finding.open_time, coin.symbol
