"""The layers hold: run as `include_direction_test.py ROOT`. First that the check itself can fail, then on this tree."""
import pathlib
import sys
import tempfile
import unittest

import include_rules

ROOT = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]


def violations_of(files: dict[str, str]) -> list[str]:
    """The check's findings on a small tree made of `files` (path → content)."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content, encoding="utf-8")
        return include_rules.violations(root)


class TheCheckItself(unittest.TestCase):
    def test_downwards_is_right_and_upwards_is_wrong(self):
        tree = {
            "crypto/primitives/hash.h": "",
            "handlers/event/message.h": '#include "crypto/primitives/hash.h"\n',
            "server/session.h": '#include "handlers/event/message.h"\n#include <vector>\n',
        }
        self.assertEqual(violations_of(tree), [])
        tree["crypto/primitives/hash.h"] = '  #  include "handlers/event/message.h"\n'
        self.assertEqual(violations_of(tree), [
            "crypto/primitives/hash.h: includes handlers/event/message.h: crypto/primitives may not know handlers/event"])

    def test_the_server_does_not_know_its_command_line_except_in_main(self):
        tree = {"server/cli/cli.h": "", "server/main.cpp": '#include "server/cli/cli.h"\n'}
        self.assertEqual(violations_of(tree), [])
        tree["server/service.cpp"] = '#include "server/cli/cli.h"\n'
        self.assertEqual(len(violations_of(tree)), 1)

    def test_only_the_push_endpoint_and_the_command_line_open_pushes(self):
        codec = {"crypto/wechat/push_codec.h": ""}
        use = '#include "crypto/wechat/push_codec.h"\n'
        for user in ("server/push_endpoint.cpp", "server/cli/decrypt.cpp"):
            self.assertEqual(violations_of({**codec, user: use}), [])
        for user in ("server/session.cpp", "handlers/event/json.cpp", "examples/receiver.cpp"):
            self.assertEqual(len(violations_of({**codec, user: use})), 1, user)

    def test_libraries_stay_in_their_files(self):
        for library, right, wrong in [
            ("rapidjson/reader.h", "handlers/event/json.cpp", "handlers/event/message.cpp"),
            ("sqlite3.h", "handlers/queue/sqlite.cpp", "server/service.cpp"),
            ("openssl/evp.h", "crypto/primitives/hash.cpp", "crypto/primitives/hash.h"),
            ("boost/beast/http/parser.hpp", "server/session.cpp", "server/session.h"),
            ("boost/asio/ssl/stream.hpp", "server/session.cpp", "handlers/dispatch/dispatcher.cpp"),
        ]:
            text = f"#include <{library}>\n"
            self.assertEqual(violations_of({right: text}), [], right)
            self.assertEqual(len(violations_of({wrong: text})), 1, wrong)

    def test_public_headers_bring_nothing_along_and_only_server_and_examples_know_them(self):
        tree = {
            "include/wxpush/event.h": "#include <string>\n",
            "include/wxpush/coroutine.h": "#include <wxpush/event.h>\n\n#include <boost/asio/awaitable.hpp>\n",
            "server/receiver.cpp": "#include <wxpush/event.h>\n",
            "examples/own/main.cpp": "#include <wxpush/event.h>\n",
        }
        self.assertEqual(violations_of(tree), [])
        for path, text in [
            ("include/wxpush/event.h", "#include <boost/asio/awaitable.hpp>\n"),
            ("include/wxpush/coroutine.h", "#include <boost/asio/co_spawn.hpp>\n"),
            ("include/wxpush/event.h", '#include "server/service.h"\n'),
            ("handlers/sink/sink.h", "#include <wxpush/event.h>\n"),
            ("examples/own/main.cpp", '#include "server/service.h"\n'),
            ("server/receiver.cpp", "#include <wxpush/nothing.h>\n"),
        ]:
            self.assertEqual(len(violations_of({**tree, "server/service.h": "", path: text})), 1, path + text)

    def test_no_file_escapes(self):
        self.assertEqual(violations_of({"handlers/stray.h": ""}), ["handlers/stray.h: lies in no layer"])
        self.assertEqual(len(violations_of({"tests/support/fake.h": "", "server/a.cpp": '#include "tests/support/fake.h"\n'})), 1)
        self.assertEqual(len(violations_of({"server/a.h": "", "server/b.cpp": '#include "a.h"\n'})), 1)


class ThisTree(unittest.TestCase):
    def test_it_keeps_the_rules(self):
        found = include_rules.violations(ROOT)
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_it_was_looked_at(self):
        looked_at = set(include_rules.sources(ROOT))
        self.assertTrue({"handlers/queue/queue.h", "server/service.h", "crypto/tls/context.h"} <= looked_at)


if __name__ == "__main__":
    unittest.main()
