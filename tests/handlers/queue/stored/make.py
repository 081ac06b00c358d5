#!/usr/bin/env python3
"""Makes one of the stores in this folder (README.md): `make.py TARGET.tar.xz`, with WXPUSH_BINARY naming a program of that
version. What lies in it is pushed over HTTP; the first half is in the database, the second in the log beside it."""

import json
import pathlib
import sys
import tarfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "e2e"))

import backend  # noqa: E402  (found through the line above)
import server  # noqa: E402
import wechat  # noqa: E402

SHOP = wechat.App()
CAFE = wechat.App("cafe", "wx00000000000000ca", "tokenOfCafe", "ABCDEFGabcdefghijklmnopqrstuvwxyz0123456789")
OTHER_KEY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
KEY = b"k".hex() * 32  # of bodies
LASTING = {"retry_min": "10m", "retry_max": "1h", "permanent": [410], "allow_private": True}


def answer(request):
    order = json.loads(request.body).get("shop_order_id", "")
    return 410 if order.startswith("dead") else 503 if order.startswith("held") else 200


def pushes(half):
    """Of one half: orders of two apps, one with a long body, dead letters, an order that is held, an event of no order."""
    for status in (102, 201, 302):
        for order in (f"A{half}", f"held{half}"):
            yield SHOP, wechat.waybill(order, status)
        yield CAFE, wechat.waybill(f"B{half}", status)
    yield SHOP, wechat.waybill(f"dead{half}")
    yield CAFE, wechat.waybill(f"long{half}", shop_no="7" * 9000)
    yield SHOP, json.dumps({"Event": "weapp_audit_success", "CreateTime": 1714112445, "half": half}).encode()


def push(running, half):
    for app, message in pushes(half):
        assert running.post(wechat.push(app, message)).status == 200
    again = wechat.waybill(f"A{half}", 102)
    assert running.post(wechat.push(SHOP, again)).status == 200
    sealed = wechat.seal(OTHER_KEY, SHOP.appid, wechat.waybill(f"unopened{half}"))
    assert running.post(wechat.push(SHOP, b"", encrypted=sealed)).status == 403


def handler(running):
    return next(one for one in running.status()["handlers"] if one["name"] == "backend")


def seal_with_key(running):
    key = running.directory / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    running.sections["store"]["encryption_key_file"] = str(key)


def look(running, *arguments):
    result = running.run(*arguments, "--format", "json")
    assert result.returncode == 0, result.stderr
    return result.stdout


def serve_half(running, half):
    running.start()
    push(running, half)
    waiting = lambda: handler(running)["pending"] == 3 * half and handler(running)["dead_letters"] == half  # noqa: E731
    server.wait_until(waiting, "all that is taken or refused for good to be so")
    replay = running.run("events", "replay", "1", "--handler", "backend")
    print(f"half {half}: replay: exit {replay.returncode} {replay.stdout.strip()}")
    time.sleep(1)  # marks and facts are written a moment later


def main(target):
    one = backend.Backend(answer)
    url = f"http://127.0.0.1:{one.port}/"
    running = server.Server(
        apps=[SHOP, CAFE], handlers=[{"name": "backend", "type": "http", "url": url, **LASTING}], tls=False
    )
    if "--store-key" in running.run("keygen", "--help", configured=False).stdout:  # it can seal bodies
        seal_with_key(running)
    try:
        serve_half(running, 1)
        assert running.stop() == 0
        serve_half(running, 2)
        expected = {
            "events.json": look(running, "events", "list", "--reveal", "--limit", "1000"),
            "dlq.json": look(running, "dlq", "list"),
            "quarantine.json": look(running, "quarantine", "list"),
        }
        running.kill()
        for name, text in expected.items():
            (running.store / name).write_text(text)
        with tarfile.open(target, "w:xz", preset=9) as archive:
            for name in ("queue.db", "queue.db-wal", "LOCK", *expected):
                archive.add(running.store / name, name)
    finally:
        running.remove()
        one.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
