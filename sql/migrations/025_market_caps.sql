-- Market caps beside the ranks of a day. A chart tells those of past days too, of the coins that are known by now.

alter table coin_rank
    alter column rank drop not null,              -- null: a chart told the market cap later, and no chart has ranks
    add column market_cap double precision,       -- in dollars; told later, of the day's first hour; null: not told
    add column told_on date;                      -- when it was told: that day itself, or later
update coin_rank set told_on = day;
alter table coin_rank
    alter column told_on set not null,
    add constraint rank_or_market_cap check (rank is not null or market_cap is not null);

alter table coin
    add column market_caps_asked_at timestamptz;  -- when its market caps of the past year were asked for; null: never
