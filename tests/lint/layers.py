#!/usr/bin/python3
"""Who includes what: the layers point one way, libraries stay where they belong, headers have guards."""

import re

from house import LAYERS, PURE, Tap, read_texts, strip_comments

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)

# Headers of a library and the only places that include them.
LIBRARIES = (
    ('OpenSSL', r'openssl/', r'src/transport/'),
    ('ngtcp2', r'ngtcp2/', r'src/transport/'),
    ('jansson', r'jansson', r'src/proto/control\w*\.c$|src/apps/'),
    ('libuv', r'uv(\.h|/)', r'src/(platform|loop|apps)/'),
)

# All that a pure layer needs of C. What else there is belongs to the platform.
PURE_HEADERS = {'assert.h', 'ctype.h', 'inttypes.h', 'limits.h', 'stdarg.h', 'stdbool.h', 'stddef.h',
                'stdint.h', 'stdio.h', 'stdlib.h', 'string.h', 'uthash.h', 'utlist.h'}
PURE_EXCEPTIONS = {
    'src/base/addr.c': {'arpa/inet.h', 'ws2tcpip.h'},  # inet_pton and inet_ntop: text of addresses
}


def includes(texts: dict):
    """(path, line, bracket, header) of every include."""
    for path, text in texts.items():
        code = strip_comments(text)
        for match in INCLUDE.finditer(code):
            yield path, code.count('\n', 0, match.start()) + 1, match[1], match[2]


def layer_of(path: str) -> str:
    return path.split('/')[1]


def check_order(texts: dict) -> list:
    bad = []
    for path, line, bracket, header in includes(texts):
        layer = layer_of(path)
        if bracket == '<':
            continue
        if layer not in LAYERS:
            bad.append(f'{path}:{line}: src/{layer} is no layer')
        elif f'src/{header}' not in texts:
            bad.append(f'{path}:{line}: "{header}" is no header below src/')
        elif header.split('/')[0] not in LAYERS[layer] | {layer}:
            bad.append(f'{path}:{line}: {layer} must not include "{header}"')
    return bad


def check_internal(texts: dict) -> list:
    """A header that opens with "Internal to" is for its own directory."""
    bad = []
    for path, line, bracket, header in includes(texts):
        target = f'src/{header}'
        if bracket == '<' or target not in texts:
            continue
        opening = texts[target].split('*/')[0]
        if re.search(r'\bInternal to\b', opening) and \
                path.rsplit('/', 1)[0] != target.rsplit('/', 1)[0]:
            bad.append(f'{path}:{line}: "{header}" is internal to its directory')
    return bad


def check_libraries(texts: dict) -> list:
    return [f'{path}:{line}: {name} does not belong here'
            for path, line, _bracket, header in includes(texts)
            for name, pattern, places in LIBRARIES
            if re.match(pattern, header) and not re.match(places, path)]


def check_system(texts: dict) -> list:
    elsewhere = '|'.join(pattern for _name, pattern, _places in LIBRARIES)
    return [f'{path}:{line}: <{header}> in a pure layer'
            for path, line, bracket, header in includes(texts)
            if bracket == '<' and layer_of(path) in PURE and not re.match(elsewhere, header)
            and header not in PURE_HEADERS | PURE_EXCEPTIONS.get(path, set())]


def check_guards(texts: dict) -> list:
    bad = []
    for path, text in texts.items():
        if not path.endswith('.h'):
            continue
        guard = 'LP_' + re.sub(r'\W', '_', path[len('src/'):]).upper()
        code = strip_comments(text).strip()
        if not re.match(rf'#ifndef {guard}\n#define {guard}\n', code) or not code.endswith('#endif'):
            bad.append(f'{path}: the guard must be {guard}, around everything')
    return bad


def check_openings(texts: dict) -> list:
    return [f'{path}: a header opens with a comment that says what it is for'
            for path, text in texts.items()
            if path.endswith('.h') and not re.match(r'/\*\s*\w', text.replace('\n *', '\n'))]


def self_test(tap: Tap):
    header = '/* What it is for. */\n#ifndef LP_{0}\n#define LP_{0}\n#endif\n'
    good = {
        'src/base/err.h': header.format('BASE_ERR_H'),
        'src/diag/drop.h': header.format('DIAG_DROP_H'),
        'src/core/pieces.h': header.format('CORE_PIECES_H').replace('What', 'Internal to core: what'),
        'src/relay/relay.h': header.format('RELAY_RELAY_H'),
        'src/core/room.c': '#include "core/pieces.h"\n#include "diag/drop.h"\n#include <string.h>\n',
        'src/apps/relay/main.c': '#include "relay/relay.h"\n#include <time.h>\n#include <uv.h>\n'
                                 '/* #include "core/nothing.h" */\n',
    }

    def findings(path, text):
        texts = {**good, path: text}
        return [finding for check in CHECKS for finding in check[1](texts)]

    def plant(what, path, text, expected):
        tap.planted(what, findings(path, text), expected)

    plant('base includes diag', 'src/base/a.c', '#include "diag/drop.h"\n', 'base must not include')
    plant('proto includes diag', 'src/proto/a.c', '# include "diag/drop.h"\n', 'proto must not')
    plant('node includes relay', 'src/node/a.c', '#include "relay/relay.h"\n', 'node must not')
    plant('platform includes diag', 'src/platform/a.c', '#include "diag/drop.h"\n', 'platform must')
    plant('header that is not there', 'src/core/a.c', '#include "pieces.h"\n', 'is no header')
    plant('folder that is no layer', 'src/util/a.c', '#include "base/err.h"\n', 'is no layer')
    plant('internal header', 'src/relay/a.c', '#include "core/pieces.h"\n', 'is internal')
    plant('OpenSSL in relay', 'src/relay/a.c', '#include <openssl/ssl.h>\n', 'OpenSSL does not')
    plant('ngtcp2 in apps', 'src/apps/a.c', '#include <ngtcp2/ngtcp2.h>\n', 'ngtcp2 does not')
    plant('jansson in node', 'src/node/a.c', '#include <jansson.h>\n', 'jansson does not')
    plant('libuv in relay', 'src/relay/a.c', '#include <uv.h>\n', 'libuv does not')
    plant('clock in core', 'src/core/a.c', '#include <time.h>\n', 'in a pure layer')
    plant('wrong guard', 'src/core/a.h', header.format('A_H'), 'must be LP_CORE_A_H')
    plant('no opening comment', 'src/core/a.h', header.format('CORE_A_H').split('\n', 1)[1],
          'opens with a comment')
    tap.clean('a good tree', findings('src/core/room.h', header.format('CORE_ROOM_H')))


CHECKS = (
    ('includes follow the layers', check_order),
    ('internal headers stay at home', check_internal),
    ('libraries stay in their places', check_libraries),
    ('pure layers include no system header', check_system),
    ('header guards', check_guards),
    ('headers open with a comment', check_openings),
)


def main():
    tap = Tap()
    texts = read_texts('src')
    include_count = sum(1 for _ in includes(texts))
    header_count = sum(path.endswith('.h') for path in texts)
    for title, check in CHECKS:
        of_headers = check in (check_guards, check_openings)
        looked_at = f'{header_count} headers' if of_headers else \
            f'{include_count} includes in {len(texts)} files'
        tap.check(title, check(texts), looked_at, least=header_count if of_headers else include_count)
    self_test(tap)
    tap.finish()


if __name__ == '__main__':
    main()
