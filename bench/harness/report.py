"""Medians of the rounds, ratios, what was to be reached; as text, Markdown and JSON."""

import statistics
from pathlib import Path

BEGIN = '<!-- results: written by make bench, not by hand -->'
END = '<!-- end of results -->'
REFERENCES = (('naive', 'naive'), ('vxlan', 'VXLAN'))
# What is added up over the rounds rather than taken in the middle: rare events.
POOLED = {'lost': 'sent', 'lossy_lost': 'lossy_sent', 'clean_lost': 'clean_sent'}


def medians(runs: list) -> dict:
    """{(scenario, tunnel): {figure: median}} of the runs that went well."""
    collected = {}
    for one in runs:
        if one.get('figures'):
            row = collected.setdefault((one['scenario'], one['tunnel']), {})
            for key, value in one['figures'].items():
                if value is not None:
                    row.setdefault(key, []).append(value)
    result = {}
    for where, row in collected.items():
        result[where] = {key: statistics.median(values) for key, values in row.items()}
        for key in POOLED:
            if key in row:  # every round sends the same number, so that the mean is the share of all
                result[where][key] = statistics.fmean(row[key])
        for key in POOLED.values():
            if key in row:
                result[where][key] = sum(row[key])
    return result


def ratio(found: dict, scenario: str, key: str, other: str):
    """SoftLAN's figure over the other's; None when there is none."""
    ours = found.get((scenario, 'softlan'), {}).get(key)
    theirs = found.get((scenario, other), {}).get(key)
    return ours / theirs if ours is not None and theirs else None


def best_other(found: dict, scenario: str, figure, tunnels: list):
    ratios = [r for name in tunnels if name != 'softlan'
              and (r := ratio(found, scenario, figure.key, name)) is not None]
    if not ratios:
        return None
    return min(ratios) if figure.more_is_better else max(ratios)


# ---- what is to be reached ----


def goals(found: dict, tunnels: list) -> list:
    """(what, bound as text, value or None, reached or None)"""
    rows = []

    def ours(scenario, key):
        return found.get((scenario, 'softlan'), {}).get(key)

    def add(what, value, bound, at_least):
        reached = None if value is None else value >= bound if at_least else value <= bound
        rows.append((what, f'{"at least" if at_least else "at most"} {bound:g}', value, reached))

    for way in 'up', 'down':
        add(f'TCP, 1 stream {way}, times the naive forwarder', ratio(found, 'tcp', f'{way}1', 'naive'),
            2.0, True)
        add(f'TCP, 1 stream {way}, times the VXLAN hub', ratio(found, 'tcp', f'{way}1', 'vxlan'), 1.0,
            True)
        add(f'100-byte packets {way}, times the naive forwarder', ratio(found, 'pps', way, 'naive'),
            1.5, True)
        add(f"CPU of the tunnel {way}, times the naive forwarder's",
            ratio(found, 'tcp', f'cpu_{way}', 'naive'), 0.5, False)
    add("idle round trip p50, times the naive forwarder's", ratio(found, 'idle', 'p50', 'naive'), 1.2,
        False)
    for delay_ms, p50, p99 in (0, 10, 30), (10, 15, 50):
        for way in 'up', 'down', 'both':
            name = f'load{delay_ms}-{way}'
            add(f'{name}: p50 above idle, ms', ours(name, 'p50_added'), p50, False)
            add(f'{name}: p99 above idle, ms', ours(name, 'p99_added'), p99, False)
            add(f'{name}: lost, %', ours(name, 'lost'), 0, False)
            add(f"{name}: bulk's share of the link, %", ours(name, 'share'), 85, True)
    for way in 'up', 'down':
        others = [r for name in tunnels if name != 'softlan'
                  and (r := ratio(found, 'loss', f'tcp_{way}', name)) is not None]
        add(f"TCP {way} at 1 % loss, times the best other's", min(others) if others else None, 5, True)
    add('game at 1 % loss: packets measured', ours('loss', 'lossy_sent'), 10000, True)
    add('game at 1 % loss: lost, %', ours('loss', 'lossy_lost'), 0.1, False)
    add('game at 1 % loss: p50 above the loss-free run, ms', ours('loss', 'p50_added'), 2, False)
    add('game at 1 % loss: p99 above the loss-free run, ms', ours('loss', 'p99_added'), 2, False)
    add('game at 1 % loss: wire bytes against the loss-free run', ours('loss', 'wire_ratio'), 2.2,
        False)
    for what in 'slow', 'stalled':
        add(f"other player {what}: p99 against without", ours('stall', f'{what}_ratio'), 1.5, False)
    for kind in 'small', 'bulk':
        for role in 'player', 'hub', 'gateway':
            add(f'allocations per 100k frames, {kind}, {role}', ours('alloc', f'{kind}_{role}'), 0,
                False)
    return [row for row in rows if row[2] is not None]


# ---- Markdown ----


def number(value, digits: int) -> str:
    return '' if value is None else f'{value:,.{digits}f}'


def table(head: list, rows: list) -> list:
    return ['| ' + ' | '.join(head) + ' |', '|---' * len(head) + '|',
            *('| ' + ' | '.join(row) + ' |' for row in rows)]


def figures_table(found: dict, scenarios: list, tunnels: dict) -> list:
    names = list(tunnels)
    against = [(name, title) for name, title in REFERENCES if name in names and 'softlan' in names]
    best = 'softlan' in names and len(names) > 2
    head = ['', 'unit', *tunnels.values(), *(f'SoftLAN / {title}' for _, title in against)]
    if best:
        head.append('SoftLAN / best other')
    rows = []
    for scenario in scenarios:
        rows.append([f'**{scenario.title}**', *[''] * (len(head) - 1)])
        for figure in scenario.figures:
            values = [found.get((scenario.name, name), {}).get(figure.key) for name in names]
            if all(value is None for value in values):
                continue
            row = [figure.title, figure.unit, *(number(v, figure.digits) for v in values)]
            for name, _ in against:
                shown = ratio(found, scenario.name, figure.key, name) if figure.compare else None
                row.append(number(shown, 2))
            if best:
                shown = best_other(found, scenario.name, figure, names) if figure.compare else None
                row.append(number(shown, 2))
            rows.append(row)
    return table(head, rows)


def conditions(results: dict) -> list:
    machine = results['machine']
    idles = [run['idle'] for run in results['runs'] if run.get('idle') is not None]
    lines = [f'Machine: {machine["processor"]}, {machine["cores"]} cores, {machine["memory_gib"]} GiB; '
             f'{machine["system"]}, Linux {machine["kernel"]}. '
             f'{results["started"]}, rounds: {results["rounds"]}.']
    if results.get('seconds'):
        lines.append(f'Phases of {results["seconds"]:g} s instead of their own length.')
    if idles:
        lines.append(f'Before a run the machine was idle to {min(idles):.0%} at least, '
                     f'{statistics.median(idles):.0%} in the middle.')
    versions = ', '.join(f'{name} ({what})' for name, what in results['versions'].items() if what)
    return [*lines, f'Versions: {versions}.']


def markdown(results: dict, scenarios: list, tunnels: dict) -> str:
    found = medians(results['runs'])
    lines = [*conditions(results), '', *figures_table(found, scenarios, tunnels), '']
    reached = goals(found, list(tunnels))
    if reached:
        lines += [*table(['SoftLAN, goal', 'bound', 'measured', ''],
                         [[what, bound, number(value, 2), 'reached' if good else '**not reached**']
                          for what, bound, value, good in reached]), '']
    failed = [run for run in results['runs'] if run.get('error')]
    if failed:
        lines += ['Runs that failed:', '']
        lines += [f'- {run["scenario"]}, {run["tunnel"]}, round {run["round"]}: {run["error"]}'
                  for run in failed] + ['']
    return '\n'.join(lines)


def publish(page: Path, text: str):
    """Puts the results between the page's two marks."""
    old = page.read_text(encoding='utf-8')
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f'{page} has no place for results: "{BEGIN}" and "{END}"')
    page.write_text(f'{before}{BEGIN}\n\n{text}\n{END}{after}', encoding='utf-8')
