-- Hours whose candles a file gave.
insert into imported (coin, source, symbol, starts_at, ends_at, file, sha256, imported_at)
select
    %(coin)s, %(source)s, %(symbol)s, starts_at, ends_at, %(file)s, %(sha256)s, %(imported_at)s
from unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) as hours (starts_at, ends_at)
