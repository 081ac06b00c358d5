"""Gives the pages of a store's database the checksums that the server's own writes have (docs/store.md, "Checksums"), after something
else wrote to it: Python's sqlite3 knows none. Only while nobody has the store open."""

import ctypes

PAGE = 8192
SUMMED = PAGE - 8

# The same polynomial as ours, but inverted at the beginning and at the end. Ours begins with the page's number.
_crc64 = ctypes.CDLL("liblzma.so.5").lzma_crc64
_crc64.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64)
_crc64.restype = ctypes.c_uint64
ONES = (1 << 64) - 1


def checksum(number, page):
    return (_crc64(page, SUMMED, number ^ ONES) ^ ONES).to_bytes(8, "little")


def write(store):
    """`store`: the directory. Every page whose checksum is not right gets one."""
    with open(store / "queue.db", "r+b") as database:
        number = 0
        while page := database.read(PAGE):
            right = checksum(number + 1, page)
            if page[SUMMED:] != right:
                database.seek(number * PAGE + SUMMED)
                database.write(right)
                database.seek((number + 1) * PAGE)
            number += 1
