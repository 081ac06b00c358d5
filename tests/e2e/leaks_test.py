"""The looking for leaks itself: it finds what is planted."""

import unittest

import leaks
import wechat


class Planted:
    apps = [{"name": "shop", "keys": [{"name": "new", "token": "nested-token"}], "token": "tokenOfShop"}]
    handlers = [{"name": "backend", "secrets": ["whsec_0123"], "headers": {"authorization": "Bearer letmein"}, "password": "short"}]


class LeaksTest(unittest.TestCase):
    def test_each_kind_is_found(self):
        for private in ("tokenOfShop", "nested-token", "whsec_0123", "Bearer letmein", *leaks.PRIVATE):
            with self.subTest(private), self.assertRaises(AssertionError) as found:
                leaks.look(Planted, f'{{"error": "{private}"}}', "the log")
            self.assertNotIn(private, str(found.exception))

    def test_also_as_json_writes_it(self):
        with self.assertRaises(AssertionError):
            leaks.look(Planted, wechat.RIDER_NAME.encode("unicode_escape"), "the log")

    def test_what_is_public_is_not(self):
        leaks.look(Planted, "the app shop, handler backend, order order-1, password short", "the log")


if __name__ == "__main__":
    unittest.main()
