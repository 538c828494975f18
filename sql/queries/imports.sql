-- The imports that stored a candle of a coin's hour, newest first.
select source.name, symbol, file, sha256, imported_at
from imported
join source on source.key = imported.source
where coin = %(coin)s and starts_at <= %(hour)s::timestamptz and ends_at > %(hour)s::timestamptz
order by imported_at desc
