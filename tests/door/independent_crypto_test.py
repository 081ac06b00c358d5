"""Our crypto against two libraries that others wrote (npm: @wecom/crypto, wechat-crypto) and the tests' own: random keys, random
messages. What one seals the others open, signatures are equal, and so is the ciphertext where the random bytes are.

WXPUSH_ROUNDS=100000 for more than a short look, WXPUSH_SEED for one that is to be repeated.
"""

import base64
import os
import pathlib
import random
import shutil
import string
import subprocess
import tempfile
import unittest

import node_modules
import wechat

DRIVER = os.environ.get("WXPUSH_CRYPTO_DRIVER", "")
ROUNDS = int(os.environ.get("WXPUSH_ROUNDS", "3000"))
SEED = int(os.environ.get("WXPUSH_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
SOURCE = pathlib.Path(__file__).resolve().parent / "independent"
LIBRARIES = ("@wecom/crypto", "wechat-crypto")
LETTERS = string.ascii_letters + string.digits
TEXTS = ("a", '{"Event":"update_waybill_status"}', "骑手张三丰", "🛵", "\n", "\0", "=")


def base64_of(data):
    return base64.b64encode(data).decode() or "="


class Round:
    """One app and one message, as they may be."""

    def __init__(self, chance):
        word = lambda alphabet, least, most: "".join(chance.choices(alphabet, k=chance.randint(least, most)))
        self.token = word(LETTERS, 3, 32)
        self.key = word(LETTERS + "+/", 43, 43)
        self.appid = "wx" + word("0123456789abcdef", 16, 16)
        self.timestamp, self.nonce = str(chance.randrange(2**33)), word(LETTERS, 1, 16)
        self.random16 = chance.randbytes(16)
        # Every length modulo 32 counts; most are short, some are long.
        size = chance.randrange(100) if chance.random() < 0.9 else chance.randrange(20_000)
        self.message = "".join(chance.choices(TEXTS, k=size)).encode()[:size].decode(errors="ignore").encode()

    def app(self):
        return f"{self.token} {self.key} {self.appid} {self.timestamp} {self.nonce}"

    def seal(self):
        return f"seal {self.app()} {base64_of(self.random16)} {base64_of(self.message)}"

    def open(self, encrypt, signature):
        return f"open {self.app()} {signature} {encrypt}"

    def opened(self):
        return f"ok {base64_of(self.message)}"

    def signed(self, encrypt):
        return wechat.signature(self.token, self.timestamp, self.nonce, encrypt)

    def frame(self):
        return wechat.full_text(self.message, self.appid, self.random16)

    def locked(self, padded):
        """The task to open a frame that was padded by hand."""
        encrypt = wechat.encrypt(self.key, padded)
        return self.open(encrypt, self.signed(encrypt))


def wrong_frames(one):
    """Frames that nobody should open: name → padded bytes."""
    frame = one.frame()
    aligned = lambda tail: frame + b"x" * (-(len(frame) + len(tail)) % 32) + tail
    return {
        "padding 0": aligned(b"\0"),
        "padding 33": aligned(b"\x21" * 33),
        "torn padding": frame + b"x" * (31 - len(frame) % 32) + bytes([32 - len(frame) % 32]) if len(frame) % 32 < 31 else aligned(b"\x07\x02"),
        "no padding": wechat.full_text(one.message + b" " * (-len(frame) % 32), one.appid, one.random16),
        "a length beyond the end": wechat.pkcs7(frame[:16] + b"\x7f" + frame[17:]),
        "another appid": wechat.pkcs7(frame[:-1] + b"!"),
    }


class IndependentCryptoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not DRIVER:
            raise unittest.SkipTest("WXPUSH_CRYPTO_DRIVER does not name the program to compare")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wxpush-crypto-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        (cls.folder / "node_modules").symlink_to(node_modules.of(SOURCE))
        shutil.copy(SOURCE / "driver.js", cls.folder)
        chance = random.Random(SEED)
        cls.rounds = [Round(chance) for _ in range(ROUNDS)]
        print(f"seed {SEED}, {ROUNDS} rounds", flush=True)

    def ask(self, who, tasks):
        """The answers, one for each task."""
        command = [DRIVER] if who == "wxpush" else ["node", "--no-deprecation", "driver.js", who]
        text = "".join(f"{task}\n" for task in tasks)
        result = subprocess.run(command, input=text, capture_output=True, text=True, cwd=self.folder, timeout=600)
        self.assertEqual(result.returncode, 0, result.stderr)
        answers = result.stdout.splitlines()
        self.assertEqual(len(answers), len(tasks), f"seed {SEED}")
        return answers

    def compare(self, found, expected):
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            self.assertEqual(one, other, f"seed {SEED}, round {number}")

    def test_what_one_seals_all_others_open_and_signatures_are_equal(self):
        everybody = ("wxpush", *LIBRARIES)
        sealed = {who: [answer.split(" ") for answer in self.ask(who, [one.seal() for one in self.rounds])] for who in everybody}
        for who in everybody:
            self.compare([signature for _, signature in sealed[who]],
                         [one.signed(encrypt) for one, (encrypt, _) in zip(self.rounds, sealed[who])])
            for other in everybody:
                tasks = [one.open(*result) for one, result in zip(self.rounds, sealed[who])]
                self.compare(self.ask(other, tasks), [one.opened() for one in self.rounds])
        # wechat-crypto takes no random bytes from outside.
        self.compare(sealed["wxpush"], sealed["@wecom/crypto"])
        ours = [wechat.seal(one.key, one.appid, one.message, one.random16) for one in self.rounds]
        self.compare([encrypt for encrypt, _ in sealed["wxpush"]], ours)

    def test_a_changed_bit_is_refused_by_all(self):
        chance = random.Random(SEED)
        tasks = []
        for one, answer in zip(self.rounds, self.ask("wxpush", [one.seal() for one in self.rounds])):
            encrypt, signature = answer.split(" ")
            at = chance.randrange(len(encrypt) - 2)
            changed = encrypt[:at] + chance.choice([c for c in LETTERS if c != encrypt[at]]) + encrypt[at + 1 :]
            tasks.append(one.open(changed, signature))
        for who in ("wxpush", *LIBRARIES):
            self.compare(self.ask(who, tasks), ["no"] * len(tasks))

    def test_wrong_frames_are_refused_here_whatever_others_do(self):
        names = list(wrong_frames(self.rounds[0]))
        tasks = [one.locked(frame) for one in self.rounds[:500] for frame in wrong_frames(one).values()]
        self.compare(self.ask("wxpush", tasks), ["no"] * len(tasks))
        for who in LIBRARIES:  # told, not judged: they are not ours
            answers = self.ask(who, tasks)
            for number, name in enumerate(names):
                taken = sum(answer != "no" for answer in answers[number :: len(names)])
                print(f"{who} opens {taken} of {len(answers) // len(names)} with {name}", flush=True)


if __name__ == "__main__":
    unittest.main()
