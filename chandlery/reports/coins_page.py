"""What was learnt of coins and listings."""

from chandlery.reports.markdown import bullets, page, plain, section, table, words
from chandlery.symbology.learn import Universe


def of_coins(title: str, universe: Universe) -> str:
    """A page about what CoinGecko and the venues list."""
    rows = [(name, f"{listed:,}") for name, listed in universe.listings.items()]
    failed, odd = (
        [f"**{name}**: {words(what.removeprefix(f'{name}: '))}" for name, what in told.items()]
        for told in (universe.failures, universe.odd)
    )
    shared = [f"{words(told)}, all {words(it)}" for it, told in universe.shared_contracts.items()]
    renamed = [f"{words(old)} is called {words(new)} now" for old, new in universe.renamed.items()]
    unmapped = (
        f"{universe.unmapped:,} coins are known by a venue's word only: CoinGecko did not answer."
    )
    over = (
        f"{universe.delisted:,} listings were over before they were known, of which"
        f" {universe.delisted_unmapped:,} are of coins that nobody tells:"
        " a backfill with `delisted` takes them in."
    )
    caps = f"The past year's market caps of {universe.market_caps:,} coins were learnt."
    return page(
        f"# {universe.coins:,} coins",
        f"**{plain(title)}**",
        section("Could not be learnt", bullets(failed)),
        section("Left out", bullets(odd)),
        section("Under one contract, and taken for several coins", bullets(shared)),
        section("Renamed", bullets(renamed)),
        section(
            "Who lists how many of them",
            table(("source", "coins"), rows, numbers=[1]) if rows else "",
            unmapped if universe.unmapped else "",
            over if universe.delisted else "",
            caps if universe.market_caps else "",
        ),
    )
