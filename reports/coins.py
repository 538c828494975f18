"""What was learnt of coins and listings."""

from collect import Universe
from reports.markdown import bullets, page, plain, section, table, words


def of_coins(title: str, universe: Universe) -> str:
    """A page about what CoinGecko and the venues list."""
    rows = [(name, f"{listed:,}") for name, listed in universe.listings.items()]
    failed = [f"**{name}**: {words(why)}" for name, why in universe.failures.items()]
    unmapped = (
        f"{universe.unmapped:,} coins are known by a venue's word only: CoinGecko did not answer."
    )
    return page(
        f"# {plain(title)}",
        section("Could not be learnt", bullets(failed)),
        section(
            "Who lists how many of them",
            table(("source", "coins"), rows, numbers=[1]) if rows else "",
            unmapped if universe.unmapped else "",
        ),
    )
