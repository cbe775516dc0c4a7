#!/usr/bin/python3
"""
Draws the program's icon: three screens on one cable, on a blue tile. Writes an .ico with the sizes that
Windows asks for at 100 to 200 %.

    icon.py OUTPUT.ico
"""

import struct
import sys
import zlib

SIZES = (16, 20, 24, 32, 40, 48, 64, 256)
SAMPLES = 4  # along each side of a pixel
BLUE = (11, 95, 194)
WHITE = (255, 255, 255)


def in_round(x, y, left, top, right, bottom, radius):
    """Within a rectangle with round corners; the tile is 16 by 16."""
    if not (left <= x < right and top <= y < bottom):
        return False
    dx = max(left + radius - x, 0, x - (right - radius))
    dy = max(top + radius - y, 0, y - (bottom - radius))
    return dx * dx + dy * dy <= radius * radius


def colour_at(x, y):
    """None outside of the tile."""
    if not in_round(x, y, 0, 0, 16, 16, 3.2):
        return None
    screens = ((5.5, 2.6, 10.5, 6.4), (1.8, 9.4, 6.8, 13.2), (9.2, 9.4, 14.2, 13.2))
    cables = ((7.5, 6.4, 8.5, 8.4), (3.8, 7.4, 12.2, 8.4), (3.8, 7.4, 4.8, 9.4), (11.2, 7.4, 12.2, 9.4))
    if any(in_round(x, y, *screen, 0.8) for screen in screens):
        return WHITE
    if any(left <= x < right and top <= y < bottom for left, top, right, bottom in cables):
        return WHITE
    return BLUE


def pixel(column, row, size):
    red = green = blue = hits = 0
    for i in range(SAMPLES):
        for j in range(SAMPLES):
            found = colour_at((column + (i + 0.5) / SAMPLES) * 16 / size, (row + (j + 0.5) / SAMPLES) * 16 / size)
            if found:
                red, green, blue, hits = red + found[0], green + found[1], blue + found[2], hits + 1
    if not hits:
        return b'\0\0\0\0'
    return bytes((red // hits, green // hits, blue // hits, 255 * hits // SAMPLES ** 2))


def png(size):
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    rows = b''.join(b'\0' + b''.join(pixel(x, y, size) for x in range(size)) for y in range(size))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', size, size, 8, 6, 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(rows, 9)) + chunk(b'IEND', b''))


def bitmap(size):
    """What an .ico has for small sizes: 32 bits a pixel, from the bottom up, and an empty mask."""
    head = struct.pack('<IiiHHIIiiII', 40, size, 2 * size, 1, 32, 0, 0, 0, 0, 0, 0)
    rows = []
    for y in reversed(range(size)):
        for x in range(size):
            red, green, blue, alpha = pixel(x, y, size)
            rows.append(bytes((blue, green, red, alpha)))
    return head + b''.join(rows) + b'\0' * ((size + 31) // 32 * 4 * size)


def main():
    images = [png(size) if size == 256 else bitmap(size) for size in SIZES]
    offset = 6 + 16 * len(images)
    entries = b''
    for size, image in zip(SIZES, images):
        entries += struct.pack('<BBBBHHII', size % 256, size % 256, 0, 0, 1, 32, len(image), offset)
        offset += len(image)
    with open(sys.argv[1], 'wb') as out:
        out.write(struct.pack('<HHH', 0, 1, len(images)) + entries + b''.join(images))


if __name__ == '__main__':
    main()
