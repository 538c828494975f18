-- Who is who over time: ranks a day, coins and listings that are gone, and what was found out on the way.

alter table coin
    add column active boolean not null default true,  -- seen when coins were last learnt
    add column crypto boolean not null default true,  -- false: a token on a stock, a metal, an index
    add column mapped boolean not null default true;  -- false: only a venue's word for it, no CoinGecko id

-- Membership by rank at any past day: the coins of the newest day at or before it.
create table coin_rank (
    day date not null,
    coin integer not null references coin,
    rank integer not null,
    primary key (day, coin)
);

-- What was asked for lately is not asked for again.
create table learnt (
    what text primary key,
    at timestamptz not null
);

-- What is odd about a coin's candles, and stays to be read: kinds are named by the queries that find them.
create table finding (
    kind text not null,
    coin integer not null references coin,
    open_time timestamptz not null,   -- of the candle at which it shows
    detail text not null,
    found_at timestamptz not null default now(),
    primary key (kind, coin, open_time)
);
