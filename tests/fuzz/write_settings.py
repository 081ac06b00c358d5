#!/usr/bin/env python3
"""Writes configurations put together at random, for the fuzz target `config` to begin with.

The target finds TOML's syntax by itself, but hardly which settings go together, and which of the values that each may have it
does not take. `FOLDER` is to be kept apart from the corpus: `config_fuzz -merge=1 CORPUS FOLDER` takes over what says anything new.
"""

import argparse
import pathlib
import random

import campaign

SECRET = '"S3CR3T"'
KEY = '"S3CR3Tghijklmnopqrstuvwxyz0123456789ABCDEFG"'
SIGNING = '"whsec_S3CR3TQQQQQQQQQQQQQQQQQQQQQQQQQQ"'
# What any setting may be given.
ANYTHING = ('""', '"x"', "0", "1", "-1", "9223372036854775807", "1e400", "-0.0", "1.5", "inf", "nan", "true", "false", "[]", "{}",
            '[""]', '["x", "x"]', "[1]", "[[]]", "[{}]", "{ x = 1 }", '{ x = "y" }', "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z",
            '"\\u0000"', '"\\n\\u007f\\""', "'''\nx'''", '"%s"' % ("y" * 130), '"ü😀"', '" "', '"a b"', '"*"', '"#"', '"/"', '"."', '".."')
DURATIONS = ('"0s"', '"1ms"', '"100ms"', '"1500ms"', '"1s"', '"1.5s"', '"5s"', '"59s"', '"1m30s"', '"1h"', '"1d"', '"7d"', '"365d"',
             '"366d"', '"99999999999d"', '"1"', '"s"', '"1x"', '"1s1s"', '"-1s"', '"1 s"', "5", '"4900ms"', '"4901ms"')
SIZES = ('"0"', '"1B"', '"1KiB"', '"64KiB"', '"1MiB"', '"16MiB"', '"64MiB"', '"1GiB"', '"16GiB"', '"17TiB"', '"1TB"', '"1KB"', '"1MB"',
         '"1GB"', '"99999999999999TiB"', '"80%"', '"0%"', '"100%"', '"101%"', '"%"', '"1"', "1024", "65536", "-1", '"1.5MiB"')
NUMBERS = ("0", "1", "2", "3", "16", "64", "256", "1000", "8192", "100000", "1000001", "4294967295", "4294967296", "-1", "0x10", "1_0")
ADDRESSES = ('"127.0.0.1:0"', '"127.0.0.1:1"', '"0.0.0.0:1"', '"[::]:1"', '"[::1]:1"', '"::1:1"', '"[127.0.0.1]:1"', '"1.2.3:4"', '"x:1"',
             '"127.0.0.1:65535"', '"127.0.0.1:65536"', '"127.0.0.1:01"', '"127.0.0.1:"', '"unix:a"', '"unix:/a"', '"unix:"', '"off"',
             '"unix:%s"' % ("z" * 108), '["127.0.0.1:1", "0.0.0.0:1"]', '["unix:a", "unix:./a"]', '["[::]:1", "0.0.0.0:1"]', '["off"]')
NETWORKS = ('"10.0.0.0/8"', '"10.1.2.3"', '"10.1.2.3/33"', '"::1"', '"::/0"', '"fd00::1/7"', '"::ffff:10.0.0.1/96"', '"::/129"', '"x/8"',
            '"10.0.0.0/"', '"10.0.0.0/08"', '["10.0.0.0/8", "10.0.0.0/8"]', '["::1/128", "0.0.0.0/0"]', '"0.0.0.0/0"')
PATHS = ('"a"', '"/a"', '"./a/../b"', '"/dev/null"', '"/dev/zero"', '"/"', '"/etc/hostname"', '"/etc/passwd"', '"%s"' % ("p" * 110))
FLAGS = ("true", "false")
EVENTS = ('"*"', '["*"]', '["a", "A"]', '["a*", "b"]', '["**"]', '["a*b"]', '["message.*"]', '["update_waybill_status", "transport_*"]',
          '["wxpush.order_silent"]', '["wxpush.*"]', '["a b"]', '["é"]', '"a,b"')
NAMES = ('"a"', '"b"', '"shop"', '"default"', '"a-1"', '"1a"', '"A"', '"a_b"', '"%s"' % ("n" * 32), '"%s"' % ("n" * 33), '"env"')
TEMPLATES = ('"t"', '"t.{app}"', '"{app}.{type}.{appid}.{partition}"', '"{x}"', '"{"', '"}"', '"{app"', '"a/b"', '"t:{partition}"', '"a b"',
             '"%s"' % ("t" * 256), '"é"', '"{partition}{partition}"')
HOSTS = ('["a"]', '["a:1", "b"]', '"a:1"', '[]', '["a:0"]', '["a:65536"]', '["[::1]:1"]', '["[::1]"]', '["::1"]', '["unix:/r"]', '["unix:r"]',
         '["a", "a"]', '["a:1", "A:1"]', '["a b"]', '["http://a"]', '["1.2.3.4:5"]', '["-a"]', '["a..b"]', '["unix:/r", "a"]', '"a,b"',
         '["unix:%s"]' % ("z" * 108), "[%s]" % ", ".join(f'"h{i}"' for i in range(17)))
URLS = ('"http://h/"', '"http://h"', '"https://h:1/p?q"', '"unix:/run/b.sock:/p"', '"unix:/run/b.sock"', '"unix:b:/p"', '"ftp://h/"', '"http://"',
        '"http://u:p@h/"', '"http://h/#f"', '"http://[::1]:1/"', '"http://[::1/"', '"http://10.0.0.1/"', '"http://h:0/"', '"http://h:99999/"',
        '"HTTP://H/"', '"http://h/ "', '"http://h\\r/"', '"http://é/"', '"h"', '"https://"', '"http://h:/"')
STATUSES = ("[410, 422]", "[410, 410]", "[399]", "[400]", "[499]", "[500]", "[200]", '["410"]', "410")
CHOICES = {"tls": ('"on"', '"off"', '"On"', "true"), "level": ('"debug"', '"info"', '"warning"', '"error"', '"Info"'),
           "format": ('"json"', '"text"', '"jsno"'), "quarantine": ('"unopened"', '"all"', '"off"'),
           "ack_after": ('"local"', '"broker"', '"both"'), "from": ('"auto"', '"now"', '"beginning"', '"oldest"', '"nwo"'),
           "on_dead": ('"go-on"', '"hold"'), "dedupe": ('"event_id"', '"business"', '"business_key"'),
           "sasl": ('"none"', '"plain"', '"scram-sha-256"', '"scram-sha-512"'), "mode": ('"forward"', '"x"')}
REPLIES = ('"auto"', '"success"', '"empty"', '{ default = "empty" }', '{ a = "success", default = "auto" }', '{ A = "auto" }', '{ a = "x" }',
           '{ "a*" = "auto" }', "{ a = 1 }")
SILENCES = ('{ 101 = "10m" }', '{ "301" = "1s", 302 = "2s" }', '{ 305 = "7d" }', '{ 303 = "8d" }', '{ x = "1s" }', '{ 101 = 5 }',
            '{ 304 = "1500ms" }', '{ 101 = "0s" }', '{ 201 = "2d", 202 = "3h" }')
HEADERS = ('{ a = "b" }', '{ "a b" = "c" }', '{ a = "b\\r\\n" }', '{ host = "x" }', '{ content-length = "1" }', '{ a = "b", A = "c" }',
           '{ authorization = "x" }', "{ a = 1 }", '{ "" = "x" }', '{ webhook-id = "x" }', '{ a = "é" }')
SECRETS = (SIGNING, f"[{SIGNING}]", f"[{SIGNING}, {SIGNING}]", '"whsec_"', '["whsec_%%"]', '["whsec_QQ=="]', '["x"]',
           "[%s]" % ", ".join(f'"whsec_{"Q" * 30}{i:02}"' for i in range(9)))
TOKENS = (SECRET, '"t"', '"t t"', '"é"', '"%s"' % ("t" * 129), '"replaceThisByYourToken"')
AES_KEYS = (KEY, '"short"', '"%s"' % ("a" * 43), '"%s="' % ("a" * 43), '"ReplaceThisByYourOwnEncodingAESKeyFromWeCha"', '"%s!"' % ("a" * 42))
FILES = tuple(f"[{path}]" for path in PATHS) + ('["a", "a"]',) + PATHS

SERVER = {"listen": ADDRESSES, "threads": NUMBERS, "tls": CHOICES["tls"], "certificate": PATHS, "private_key": PATHS,
          "trusted_proxies": NETWORKS, "max_connections": NUMBERS, "max_connections_per_address": NUMBERS,
          "handshake_timeout": DURATIONS, "header_timeout": DURATIONS, "idle_timeout": DURATIONS, "request_deadline": DURATIONS,
          "max_header": SIZES, "max_body": SIZES, "max_bodies": SIZES, "drain": DURATIONS, "max_push_age": DURATIONS}
ADMIN = {"listen": ADDRESSES, "socket": PATHS}
STORE = {"path": PATHS, "retention": DURATIONS, "min_retention": DURATIONS, "max_size": SIZES, "min_free": SIZES,
         "append_queue": NUMBERS, "append_queue_bytes": SIZES, "encryption_key_file": PATHS, "old_encryption_key_files": FILES}
LOG = {"level": CHOICES["level"], "format": CHOICES["format"]}
APP = {"name": NAMES, "appid": ('"wx1"', '"wx 1"', '"wx0123456789abcdef"', '"%s"' % ("w" * 129)), "token": TOKENS, "encoding_aes_key": AES_KEYS,
       "token_file": PATHS, "encoding_aes_key_file": PATHS, "paths": ('["/a"]', '["/a", "/a"]', '["a"]', '["/wx"]', '["/api/x"]', '["/a/"]',
       '["/a?b"]', '["/healthz"]', '["//"]', '["/a/../b"]'), "reply": REPLIES, "quarantine": CHOICES["quarantine"],
       "ack_after": CHOICES["ack_after"], "ack_handler": NAMES,
       "keys": ('[{ name = "n", token = "t", encoding_aes_key = "%s" }]' % ("a" * 43), '[{ name = "n" }, { name = "n" }]', "[{}]", '["x"]',
                '[{ token_file = "/dev/null", encoding_aes_key_file = "/dev/null" }]', '[{ name = "default" }]')}
KEYS = {"name": NAMES, "token": TOKENS, "encoding_aes_key": AES_KEYS, "token_file": PATHS, "encoding_aes_key_file": PATHS}
BACK_END = {"url": URLS, "ca_file": PATHS, "allow_private": FLAGS}
ROUTE = {"events": EVENTS, "mode": CHOICES["mode"], "store": FLAGS, **BACK_END}
HANDLER = {"apps": ('["shop"]', '["nobody"]', '["shop", "shop"]', '"shop"', '"a,shop"', '["*"]'), "events": EVENTS, "from": CHOICES["from"],
           "renamed_from": NAMES, "concurrency": NUMBERS, "retry_min": DURATIONS, "retry_max": DURATIONS, "max_attempts": NUMBERS,
           "give_up_after": DURATIONS, "on_dead": CHOICES["on_dead"], "dedupe": CHOICES["dedupe"], "max_backlog_age": DURATIONS}
CLIENT = {"ca_file": PATHS, "certificate": PATHS, "private_key": PATHS}
SIGNED = {"secrets": SECRETS, "secret_files": FILES, "timeout": DURATIONS}
BROKER = {"hosts": HOSTS, "user": ('"u"', '"u:v"', '"é"'), "password": (SECRET, '"p p"'), "password_file": PATHS, "tls": FLAGS, **CLIENT, **SIGNED}
TYPES = {"log": {}, "http": {**BACK_END, **CLIENT, **SIGNED, "headers": HEADERS, "permanent": STATUSES},
         "amqp": {**BROKER, "vhost": TEMPLATES, "queue": TEMPLATES, "exchange": TEMPLATES, "routing_key": TEMPLATES, "partitions": NUMBERS,
                  "heartbeat": DURATIONS},
         "redis": {**BROKER, "database": NUMBERS, "stream": TEMPLATES, "partitions": NUMBERS, "seen_for": DURATIONS, "replicas": NUMBERS},
         "kafka": {**BROKER, "topic": TEMPLATES, "sasl": CHOICES["sasl"]}, "lgo": {}}
SECTIONS = {"[server]": SERVER, "[admin]": ADMIN, "[store]": STORE, "[orders]": {"silent_after": SILENCES}, "[log]": LOG, "[[app]]": APP,
            "[[app.keys]]": KEYS, "[[app.route]]": ROUTE}
ALL = sorted({key for section in (*SECTIONS.values(), HANDLER, *TYPES.values()) for key in section})
LONGEST = campaign.LONGEST["config"]


def some(choose, settings, most, taken=()):
    """Lines of a section: settings that it has, but for those that are taken, mostly with values that they may have."""
    free = sorted(settings.keys() - set(taken))
    for key in choose.sample(free, min(len(free), choose.randint(0, most))):
        value = choose.choice(settings[key] if choose.random() < 0.85 else ANYTHING)
        if choose.random() < 0.03:
            key = choose.choice((choose.choice(ALL), key[:-1] or "x", key + "s", key + ".x", f'"{key}"', key + "_file"))
        yield f"{key} = {value}"


def section(choose):
    if choose.random() < 0.5:
        kind = choose.choice(sorted(TYPES))
        lines = [f'type = "{kind}"'] if choose.random() < 0.97 else []
        if choose.random() < 0.95:
            lines.insert(0, f"name = {choose.choice(NAMES)}")
        if kind in ("amqp", "redis", "kafka") and choose.random() < 0.7:
            lines.append('hosts = ["a"]')
        if kind == "http" and choose.random() < 0.7:
            lines.append('url = "http://h/"')
        mine = TYPES[kind] if TYPES[kind] and choose.random() < 0.6 else {**HANDLER, **TYPES[kind]}
        taken = {line.split(" ")[0] for line in lines}
        return ["[[handler]]", *lines, *some(choose, mine, 5, taken)]
    name = choose.choice(sorted(SECTIONS))
    return [name, *some(choose, SECTIONS[name], 5)]


def variable(choose):
    kind = choose.choice(("SERVER", "STORE", "ADMIN", "LOG", "ORDERS", "APP__SHOP", "APP__A", "HANDLER__B", "X", "APP", "HANDLER__A_1"))
    settings = {"SERVER": SERVER, "STORE": STORE, "ADMIN": ADMIN, "LOG": LOG, "APP__SHOP": APP}.get(kind, {**HANDLER, **TYPES["http"], **BROKER})
    key = choose.choice(sorted(settings))
    value = choose.choice(settings[key] if choose.random() < 0.8 else ANYTHING)
    return f"WXPUSH__{kind}__{key.upper()}={value if choose.random() < 0.05 else value.strip('[]').replace(chr(34), '')}".replace("\n", " ")


def document(choose):
    lines = []
    if choose.random() < 0.9:
        lines += ["[server]", 'tls = "off"', *some(choose, SERVER, 1, ("tls",))]
    if choose.random() < 0.9:
        lines += ["[[app]]", 'name = "shop"', 'appid = "wx1"', f"token = {SECRET}", f"encoding_aes_key = {KEY}"]
        if choose.random() < 0.3:
            lines += some(choose, APP, 3, ("name", "appid", "token", "encoding_aes_key"))
    for _ in range(choose.randint(0, 3)):
        lines += section(choose)
    text = "\n".join(lines) + "\n"
    if choose.random() < 0.25:
        text += "\0" + "\n".join(variable(choose) for _ in range(choose.randint(1, 3)))
    return text.encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, help="another one each time")
    parser.add_argument("folder", type=pathlib.Path, metavar="FOLDER")
    arguments = parser.parse_args()
    seed = arguments.seed or random.SystemRandom().randrange(1, 2**31)
    choose = random.Random(seed)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    written = 0
    while written < arguments.count:
        text = document(choose)
        if len(text) <= LONGEST:
            (arguments.folder / f"{seed}-{written}").write_bytes(text)
            written += 1
    print(f"seed {seed}: {written} configurations in {arguments.folder}")


if __name__ == "__main__":
    main()
