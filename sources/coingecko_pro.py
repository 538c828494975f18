"""CoinGecko for those who pay: the same prices from another host, without the free year's end.

docs.coingecko.com (authentication): host pro-api.coingecko.com, header x-cg-pro-api-key. Its
listings are CoinGecko's own. Hourly points begin on 2018-01-30, says the changelog of 2025-01-09;
250 requests a minute are what the smallest paid plan is believed to allow [U].
"""

from dataclasses import replace

from chandlery.rate_limit.budget import Budget, Metering
from sources import coingecko
from sources._coingecko import VENUE

SOURCE = replace(
    coingecko.SOURCE,
    venue=replace(
        VENUE,
        name="coingecko_pro",
        url="https://pro-api.coingecko.com/api/v3",
        metering=Metering((Budget(250, 60),)),
        key_header="x-cg-pro-api-key",
        key_required=True,
    ),
    place=None,
    colour="#b8ad1d",
    reach=None,
    ranking=None,
    serves="coingecko",
)
