-- A hole between candles of one coin says nothing of its kind: the venue may have been down, or the coin halted. What the
-- venue had of other coins in the same hours tells. So each such stretch in `absence` now says what came of looking:
--
--   others   what the venue had in these hours               other                          so the hours are
--   have     candles of another coin                         null: one in this database     no trades
--   have     candles of bitcoin, asked for only to compare   bitcoin                        no trades
--   lack     a hole of another coin too, and no candle       null, or bitcoin, as above     an outage
--   alone    nothing that is known                           null                           no source has it
--   null     nobody has looked yet, or it is no such hole    null                           no source has it
--
-- Ethereum is held alone, and 2021-08-13 02:00..06:00 of it is a hole. The same venue is asked for bitcoin, 01:00..07:00:
-- candles at 01:00 and 06:00 and none between. The row says `lack`, bitcoin: an outage of two coins, four hours.
-- Had bitcoin's candles of 04:00 and 05:00 come, there would be two rows: 02:00..04:00 `lack`, 04:00..06:00 `have`.

alter table absence
    add column others text,
    add column other integer references coin,
    add constraint others_are_known check (others in ('have', 'lack', 'alone')),
    add constraint who_was_compared_is_known_by_what_came check (other is null or others in ('have', 'lack'));

-- Where nobody has looked yet: the end of each run does.
create index on absence (starts_at) where others is null and outcome in ('hole', 'between');

-- Until now candles that end (a delisting, the reach of a source) made an outage too. Each run tells those of its window
-- anew, and the first one all of them, since nobody has looked yet. What no two coins' holes bear out goes at once.
delete from outage
where 2 > (
    select count(distinct coin)
    from absence
    where absence.source = outage.source and outcome in ('hole', 'between')
        and absence.starts_at < outage.ends_at and absence.ends_at > outage.starts_at
);
