-- What a candle was before another took its place: a venue restated it, or a better source had it. Coin and source
-- are kept by the writer, as in candle_1h.
create table restated (
    coin integer not null,
    open_time timestamptz not null,
    open double precision not null,
    high double precision not null,
    low double precision not null,
    close double precision not null,
    volume double precision,
    quote_volume double precision,
    trades bigint,
    source smallint not null,  -- whose candle it was
    replaced_at timestamptz not null,
    primary key (coin, open_time, replaced_at)
);
create index on restated (replaced_at);
