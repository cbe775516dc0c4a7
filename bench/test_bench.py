"""
Does the benchmark run? Every scenario with every tunnel, for a moment, all tunnels at once; each must give its
figures. No figure is judged: that is for an idle machine. Root only.
"""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import REPOSITORY, meters, report, scenarios, topology  # noqa: E402
from harness.tunnels import TUNNELS, Vxlan  # noqa: E402
from bed.netns import Deadline, Failed, Port  # noqa: E402
from bed.processes import Process  # noqa: E402
from bed.topology import namespaces  # noqa: E402

BUILD = REPOSITORY / 'build/release'
RUN = REPOSITORY / 'bench/run'
# What the kernel's hub has no process for.
WITHOUT = {'vxlan': {'cpu_up', 'cpu_down', 'memory', 'slow_memory', 'stalled', 'stalled_memory',
                     'stalled_ratio'}}
CASES = [(tunnel, scenario) for tunnel in TUNNELS for scenario in scenarios.SCENARIOS
         if not scenario.only or tunnel in scenario.only]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='network namespaces need root')


def start(name: str, logs: Path, *arguments) -> Process:
    return Process(name, [str(RUN), '--build', str(BUILD), *map(str, arguments)], logs)


def left_of(pid: int) -> list:
    return [ns for ns in namespaces() if ns.startswith(f'slb{pid}-')] + \
        list(topology.ROOT.glob(str(pid)))


@pytest.fixture(scope='module')
def smoke(tmp_path_factory) -> dict:
    """{tunnel: its results}, all run at once: they must not disturb each other either."""
    logs = tmp_path_factory.mktemp('smoke')
    runs = {name: start(name, logs, '--smoke', '--tunnels', name, '--seconds', '0.5', '--out',
                        logs / name) for name in TUNNELS}
    deadline = Deadline(240)
    try:
        for run in runs.values():
            run.wait(deadline.left())
    finally:
        for run in runs.values():
            if run.status is None:
                run.signal(signal.SIGINT)
                run.wait(20)
    results = {}
    for name, run in runs.items():
        path = logs / name / 'results.json'
        results[name] = json.loads(path.read_text()) if path.exists() else {'runs': []}
        results[name].update(status=run.status, said=run.text(), left=left_of(run.pid),
                             page=(logs / name / 'results.md'))
    return results


@needs_root
@pytest.mark.parametrize(('tunnel', 'scenario'), CASES, ids=[f'{t}-{s.name}' for t, s in CASES])
def test_gives_its_figures(smoke, tunnel, scenario):
    rows = [row for row in smoke[tunnel]['runs'] if row['scenario'] in (scenario.name, 'setup')]
    assert len(rows) == 1, smoke[tunnel]['said'][-2000:]
    assert 'error' not in rows[0], f'{rows[0]["error"]}\n{smoke[tunnel]["said"][-4000:]}'
    figures = rows[0]['figures']
    for figure in scenario.figures:
        value = figures.get(figure.key)
        if figure.key in WITHOUT.get(tunnel, ()):
            assert value is None, figure.key
            continue
        assert isinstance(value, (int, float)) and math.isfinite(value), figure.key


@needs_root
@pytest.mark.parametrize('tunnel', list(TUNNELS))
def test_ends_well(smoke, tunnel):
    assert smoke[tunnel]['status'] == 0, smoke[tunnel]['said'][-4000:]
    assert smoke[tunnel]['left'] == []
    assert TUNNELS[tunnel].title in smoke[tunnel]['page'].read_text()


@needs_root
def test_only_wire_sized_packets_cross_the_wires():
    """Super-frames on the wire would measure something that no network does."""
    bed = topology.Bed(False)
    try:
        bed.up()
        tunnel = Vxlan(bed, BUILD)
        tunnel.start()
        iperf = meters.Iperf(bed)
        with Port(bed.ns('router'), 'relay') as hub, Port(bed.ns('gateway'), 'lan0') as lan:
            for way in 'up', 'down':
                iperf.measure(way, 1)
            for port in hub, lan:
                sizes = [len(frame) for frame, _ in port.seen()]
                assert len([size for size in sizes if size > 1400]) > 100
                assert max(sizes) <= 1514
    finally:
        bed.down()


@needs_root
def test_the_box_delays_and_loses():
    bed = topology.Bed(True)
    try:
        bed.up()
        bed.impair(BUILD / 'bench/lp-bench-impair', 20, 10, 1)
        meter = BUILD / 'bench/lp-bench-gameflow'
        where = f'{topology.RELAY_IP}:27000'
        bed.start('echo', 'relay', [meter, 'echo', where]).wait_line('^ready', 5)
        game = bed.start('game', 'player', [meter, 'send', where, '2', '500'])
        assert game.wait(20) == 0
        figures = json.loads(game.out.read_text())
        assert figures['sent'] == 1000
        assert figures['p50_us'] >= 40000  # 20 ms each way
        assert 130 <= figures['lost'] <= 250  # 190 are to be expected: 10 % each way
    finally:
        bed.down()


def test_allocations_are_counted(tmp_path):
    path = tmp_path / 'count'
    subprocess.run(['/usr/bin/env'], check=True, capture_output=True, env={
        'LD_PRELOAD': str(BUILD / 'bench/liblp-malloc-count.so'), 'LP_MALLOC_COUNT': str(path)})
    allocations = int.from_bytes(path.read_bytes()[:8], sys.byteorder)
    assert 0 < allocations < 10000
    assert len(path.read_bytes()) == 24


@needs_root
def test_an_interrupt_leaves_nothing(tmp_path):
    out = tmp_path / 'out'
    run = start('interrupted', tmp_path, '--bench', 'idle', '--tunnels', 'softlan', '--patience', '0',
                '--seconds', '60', '--out', out)
    logs = topology.ROOT / str(run.pid) / 'logs'
    try:
        deadline = Deadline(30)
        while not list(logs.glob('game.*')) and deadline.left() and run.wait(0.1) is None:
            pass
        assert list(logs.glob('game.*')), run.text()
    finally:
        run.signal(signal.SIGINT)
        status = run.wait(20)
    assert status == 130, run.text()
    assert left_of(run.pid) == []
    assert not out.exists()
    assert 'nothing is written' in run.text()


@needs_root
def test_side_by_side_gives_all_and_an_interrupt_leaves_nothing(tmp_path):
    arguments = ['--bench', 'load0-up', '--tunnels', 'softlan naive', '--patience', '0', '--rounds', '1',
                 '--out', tmp_path / 'out']
    whole = start('whole', tmp_path, *arguments, '--seconds', '1')
    assert whole.wait(60) == 0, whole.text()
    runs = json.loads((tmp_path / 'out/results.json').read_text())['runs']
    assert [run['tunnel'] for run in runs] == ['softlan', 'naive']
    assert all('share' in run['figures'] for run in runs)
    cut = start('cut', tmp_path, *arguments, '--seconds', '60')
    deadline = Deadline(30)
    try:
        while len(children := children_of(cut.pid)) < 2 and deadline.left() and cut.wait(0.1) is None:
            pass
        assert len(children) == 2, cut.text()
        while not all(list((topology.ROOT / str(child) / 'logs').glob('game.*')) for child in children) \
                and deadline.left() and cut.wait(0.1) is None:
            pass
    finally:
        cut.signal(signal.SIGTERM)
        status = cut.wait(30)
    assert status == 130, cut.text()
    assert [left_of(pid) for pid in [cut.pid, *children]] == [[], [], []]


def children_of(pid: int) -> list:
    with contextlib.suppress(OSError):
        return list(map(int, Path(f'/proc/{pid}/task/{pid}/children').read_text().split()))
    return []


# ---- the parts that need no network ----


def rows_of(scenario: str, tunnel: str, **figures) -> list:
    """One run for each value."""
    count = len(next(iter(figures.values())))
    return [{'scenario': scenario, 'tunnel': tunnel, 'round': i + 1,
             'figures': {key: values[i] for key, values in figures.items()}} for i in range(count)]


def test_medians_and_ratios():
    runs = rows_of('tcp', 'softlan', up1=[300, 100, 200], cpu_up=[1.0, None, 3.0]) + \
        rows_of('tcp', 'naive', up1=[50, 60, 70]) + rows_of('tcp', 'vxlan', up1=[400, 400, 400]) + \
        [{'scenario': 'tcp', 'tunnel': 'naive', 'round': 4, 'error': 'broke'}]
    found = report.medians(runs)
    assert found['tcp', 'softlan'] == {'up1': 200, 'cpu_up': 2.0}
    assert report.ratio(found, 'tcp', 'up1', 'naive') == pytest.approx(200 / 60)
    assert report.ratio(found, 'tcp', 'up1', 'tinc') is None
    up1 = next(f for f in scenarios.SCENARIOS[0].figures if f.key == 'up1')
    assert report.best_other(found, 'tcp', up1, list(TUNNELS)) == 0.5


def test_lost_packets_are_added_up_over_the_rounds():
    """A median would forget the one round in which something was lost."""
    found = report.medians(rows_of('loss', 'softlan', lossy_lost=[0, 0.3, 0],
                                   lossy_sent=[3600, 3600, 3600]))
    assert found['loss', 'softlan']['lossy_lost'] == pytest.approx(0.1)
    assert found['loss', 'softlan']['lossy_sent'] == 10800


def test_goals():
    found = report.medians(rows_of('tcp', 'softlan', up1=[200]) + rows_of('tcp', 'naive', up1=[100]) +
                           rows_of('load0-up', 'softlan', p50_added=[10.5], lost=[0]))
    goals = {what: (value, reached) for what, _, value, reached in report.goals(found, list(TUNNELS))}
    assert goals == {'TCP, 1 stream up, times the naive forwarder': (2.0, True),
                     'load0-up: p50 above idle, ms': (10.5, False),
                     'load0-up: lost, %': (0, True)}


def test_a_failed_run_is_told():
    results = {'machine': topology.machine(), 'started': 'now', 'rounds': 1, 'versions': {},
               'runs': [{'scenario': 'tcp', 'tunnel': 'naive', 'round': 1, 'error': 'no answer'}]}
    text = report.markdown(results, scenarios.chosen(['tcp']), {'naive': 'naive forwarder'})
    assert '- tcp, naive, round 1: no answer' in text


def test_results_go_between_the_marks(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text(f'before\n{report.BEGIN}\nold\n{report.END}\nafter\n')
    report.publish(page, 'new')
    report.publish(page, 'newer')
    assert page.read_text() == f'before\n{report.BEGIN}\n\nnewer\n{report.END}\nafter\n'
    page.write_text('no marks')
    with pytest.raises(ValueError, match='no place'):
        report.publish(page, 'new')


def test_the_page_has_a_place_for_results():
    text = (REPOSITORY / 'docs/performance.md').read_text()
    assert text.count(report.BEGIN) == text.count(report.END) == 1


def test_the_search_finds_the_rate():
    asked = []

    def share(rate):
        asked.append(rate)
        return 1.0 if rate <= 100000 else 0.9

    assert meters.highest_rate(share, 20000, 6) == pytest.approx(100000, rel=0.02)
    assert meters.highest_rate(lambda rate: 0, 20000, 3) == 0
    one_miss = iter([0.5, 1.0, 0.5, 0.5])  # a single bad try is tried again
    assert meters.highest_rate(lambda rate: next(one_miss), 100, 0) == 100


def test_scenarios_by_name():
    assert [s.name for s in scenarios.chosen(['idle', 'tcp'])] == ['tcp', 'idle']
    assert [s.name for s in scenarios.chosen(['load10'])] == ['load10-up', 'load10-down', 'load10-both']
    assert len(scenarios.chosen(['load'])) == 6
    assert scenarios.chosen([]) == scenarios.SCENARIOS
    with pytest.raises(Failed, match='no such scenario: nonsense'):
        scenarios.chosen(['tcp', 'nonsense'])


def test_micro():
    said = subprocess.run([BUILD / 'bench/lp-bench-micro', '--json', '3'], capture_output=True,
                          text=True, check=True, timeout=60)
    figures = json.loads(said.stdout)
    assert list(figures) == ['parse', 'classify', 'judge', 'queue', 'encrypt']
    for step in figures.values():
        assert 0 < step['min_ns'] <= step['median_ns']
