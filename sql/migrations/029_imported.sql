-- Hours whose candles came from a file that somebody had, and not from a venue's answer. An import fills hours that have
-- no traded candle. Only what it stored is noted.
create table imported (
    coin integer not null references coin,
    source smallint not null references source,  -- whose candles they are said to be
    symbol text not null,                        -- as the source writes it
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    file text not null,                          -- its name, without its folder
    sha256 text not null,                        -- of its bytes
    imported_at timestamptz not null,
    primary key (coin, starts_at, imported_at),
    constraint imported_ends_after_it_starts check (ends_at > starts_at)
);
