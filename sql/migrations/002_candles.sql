-- One candle per coin and hour. The two references are kept by the writer: a foreign key would be
-- looked up for every row of a COPY.

create table candle_1h (
    open_time timestamptz not null,
    open double precision not null,
    high double precision not null,
    low double precision not null,
    close double precision not null,
    volume double precision,       -- base units; null: unknown (an indicative candle)
    quote_volume double precision,
    trades bigint,
    coin integer not null,
    source smallint not null,
    primary key (coin, open_time)
);

-- 90 days: a backfill from 2020 touches 28 chunks, a thousand coins fill one with 2 million rows.
select create_hypertable('candle_1h', by_range('open_time', interval '90 days'), create_default_indexes => false);

-- Whole days whose 4h and 1d candles wait for a refresh. Written with the rows that made them so, in
-- one transaction: whoever dies before refreshing leaves a note for the next.
create table stale (
    key bigint generated always as identity primary key,
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at)
);

