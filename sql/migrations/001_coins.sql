-- Coins, sources, and which coin is listed where under which native symbol.

create table coin (
    key integer generated always as identity primary key,
    id text not null unique,      -- CoinGecko's: one id per coin, whatever its tickers
    ticker text not null,
    symbol text not null,         -- the ticker, or the id where a better-ranked coin has that ticker
    name text not null,
    rank integer,                 -- by market cap; null: not ranked
    seen_at timestamptz not null
);
create index on coin (symbol);
create index on coin (rank);

-- A source's key is its bit in candle_4h.sources and candle_1d.sources.
create table source (
    key smallint generated always as identity (minvalue 0 maxvalue 30) primary key,
    name text not null unique
);

-- One native symbol can be two coins in turn, so the coin belongs to the key.
create table listing (
    coin integer not null references coin,
    source smallint not null references source,
    symbol text not null,
    multiple integer not null default 1 check (multiple >= 1), -- coins in one unit: 1000 for 1000PEPEUSDT
    starts_at timestamptz,                                     -- null: not known yet
    ends_at timestamptz check (ends_at > starts_at),           -- null: trades on
    primary key (source, symbol, coin)
);
create index on listing (coin);
