"""What no line of the code does: SQL put together from text, certificates taken on trust."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("chandlery", "flows", "sandbox", "sources")
SENDS_SQL = {"execute", "executemany", "copy"}
# Whole files of sql/, as they lie there: nothing is put into them.
REVIEWED = {
    ("chandlery/store/migrate.py", "text.encode()"),
    ("chandlery/store/roles.py", "(ROLES / f'{name}.sql').read_bytes()"),
}
# What httpx trusts by itself, read once for all threads: `create_ssl_context()` without a word.
READ_ONCE = {("chandlery/venues/transport.py", "verify=trusted")}
TAKES_TRUST = {"HTTPTransport", "AsyncHTTPTransport", "Client", "AsyncClient"}
TRUSTING = ("CERT_NONE", "_create_unverified_context", "check_hostname", "InsecureRequestWarning")


def parsed() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def statements(tree: ast.Module) -> Iterator[ast.expr]:
    """What is sent, and each piece that is said to be SQL."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr in SENDS_SQL:
                yield node.args[0]
            elif ast.unparse(node.func) == "sql.SQL":
                yield node


def values(name: str, tree: ast.Module) -> list[ast.expr]:
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(isinstance(to, ast.Name) and to.id == name for to in node.targets)
    ]


def is_composed(given: ast.expr, tree: ast.Module, *, text: bool = True) -> bool:
    """Psycopg's own, a file of sql/queries by name, a name for either; or a literal, if `text`."""
    match given:
        case ast.Constant():
            good = text
        case ast.Call(ast.Name("query")):
            good = True
        case ast.Call(ast.Attribute(ast.Name("sql"), "SQL"), [piece]):
            good = isinstance(piece, ast.Constant)
        case ast.Call(ast.Attribute(form, "format")):
            good = is_composed(form, tree, text=False)
        case ast.Name(name):
            found = values(name, tree)
            good = bool(found) and all(is_composed(each, tree, text=text) for each in found)
        case _:
            good = False
    return good


def refused(source: str) -> list[str]:
    tree = ast.parse(source)
    return [ast.unparse(each) for each in statements(tree) if not is_composed(each, tree)]


def test_sql_is_composed_by_psycopg_or_lies_in_a_file() -> None:
    found = {
        (name, ast.unparse(given))
        for name, tree in parsed()
        for given in statements(tree)
        if not is_composed(given, tree)
    }
    assert found == REVIEWED
    assert sum(len(list(statements(tree))) for _, tree in parsed()) > 80


@pytest.mark.parametrize(
    "line",
    [
        "c.execute(f'select {x}')",
        "c.execute('select ' + x)",
        "c.execute('select %s' % x)",
        "c.execute('select {}'.format(x))",
        "c.execute(' '.join(x))",
        "c.execute(text)",
        "text = f'select {x}'; c.execute(text)",
        "c.copy(f'copy {x} to stdout')",
        "c.executemany(b'select ' + x, y)",
        "c.execute(sql.SQL(f'select {x}'))",
        "c.execute(sql.SQL(f'select {x}').format(y))",
        "c.execute(x.encode())",
        "text = 'select {}'; c.execute(text.format(x))",
    ],
)
def test_sql_from_text_is_seen(line: str) -> None:
    assert refused(line)


@pytest.mark.parametrize(
    "line",
    [
        "c.execute('select 1')",
        "c.execute(query('gaps'), asked)",
        "c.execute(sql.SQL('select {}').format(sql.Identifier(x)))",
        "text = sql.SQL('select {}').format(x); c.execute(text)",
    ],
)
def test_sql_that_is_composed_is_let_through(line: str) -> None:
    assert refused(line) == []


def test_certificates_are_taken_on_trust_nowhere() -> None:
    for name, tree in parsed():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and (name, ast.unparse(node)) not in READ_ONCE:
                assert node.arg not in {"verify", "ssl_context", "trust_env_ssl"}, name
            if isinstance(node, ast.Attribute | ast.Name):
                word = node.attr if isinstance(node, ast.Attribute) else node.id
                assert word not in TRUSTING, name
            if isinstance(node, ast.Call) and _called(node) in TAKES_TRUST:
                assert node.args == [], name  # the first would be what is trusted
            if isinstance(node, ast.Call) and _called(node) == "create_ssl_context":
                assert (node.args, node.keywords) == ([], []), name  # as httpx makes it by itself


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
