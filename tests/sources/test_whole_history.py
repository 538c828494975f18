"""The budget of the most traded market, used up: 592 contracts against the venue's meter."""

from bench import rate


def test_the_whole_history_of_all_contracts_takes_hardly_longer_than_the_budget_must() -> None:
    share, venue = rate.backfill(rate.CONTRACTS)
    assert len(rate.ASKS) == 122
    assert venue.refused == 0
    assert max(venue.minutes.values()) <= rate.BUDGET.most
    assert share >= 0.97
