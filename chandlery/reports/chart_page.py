"""A coin's chart as a page: the picture, and in words what it shows as missing and odd."""

from chandlery.model import utc_text
from chandlery.reports.coin_chart import heading, summary, svg
from chandlery.reports.coin_facts import Facts
from chandlery.reports.html import document, rendered
from chandlery.reports.markdown import bullets, page, plain, section, table
from chandlery.store import NOT_MISSING

ROWS = 200  # of a table that is read


def of_coin(facts: Facts) -> str:
    """An HTML file, whole in itself."""
    title = heading(facts)
    words = page(
        section("Missing hours", _reasons(facts), _gaps(facts)),
        section("What is odd", _marks(facts)),
    )
    head = rendered(page(f"# {plain(title)}", plain(summary(facts))))
    return document(title, [head, svg(facts, is_headed=False), rendered(words)])


def _reasons(facts: Facts) -> str:
    """Gaps and hours by reason, the most hours first."""
    reasons = {gap.reason for gap in facts.gaps}
    found = {name: [gap for gap in facts.gaps if gap.reason == name] for name in reasons}
    hours = {name: sum(gap.window.hours for gap in gaps) for name, gaps in found.items()}
    rows = [
        (
            f"{name} (no gap)" if name in NOT_MISSING else name,
            f"{len(found[name]):,}",
            f"{hours[name]:,}",
        )
        for name in sorted(hours, key=lambda name: (-hours[name], name))
    ]
    return table(("reason", "times", "hours"), rows, numbers=[1, 2]) if rows else "None."


def _gaps(facts: Facts) -> str:
    """Each gap, the longest first where there are too many to read."""
    shown = sorted(facts.gaps, key=lambda gap: -gap.window.hours)[:ROWS]
    rows = [
        (
            utc_text(gap.window.start),
            utc_text(gap.window.end),
            f"{gap.window.hours:,}",
            gap.reason,
        )
        for gap in sorted(shown, key=lambda gap: gap.window.start)
    ]
    rest = len(facts.gaps) - len(shown)
    more = f"The {ROWS} longest of {len(facts.gaps):,} gaps." if rest else ""
    header = ("start", "end", "hours", "reason")
    return page(more, table(header, rows, numbers=[2])).rstrip() if rows else ""


def _marks(facts: Facts) -> str:
    told = [plain(mark.words) for mark in facts.marks[-ROWS:]]
    rest = len(facts.marks) - len(told)
    return bullets([*told, f"and {rest:,} earlier"] if rest else told)
