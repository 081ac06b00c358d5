"""Configuration files and certificates for the servers under test."""

import json
import pathlib
import subprocess


def toml(value):
    """A TOML value. JSON's strings, numbers and booleans are TOML's as well."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return json.dumps(str(value) if isinstance(value, pathlib.Path) else value, ensure_ascii=False)


def text(sections, apps, handlers):
    lines = ""
    for name, entries in sections.items():
        lines += f"[{name}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in entries.items())
    for name, tables in (("app", apps), ("handler", handlers)):
        for table in tables:
            lines += f"[[{name}]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in table.items())
    return lines


def make_certificate(directory, names="DNS:localhost,IP:127.0.0.1", authority=None):
    """A pair, by openssl; returns (certificate, private key). Signed by `authority`, such a pair, or else by itself."""
    certificate, key = directory / "cert.pem", directory / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += [
        "-days",
        "2",
        "-subj",
        "/CN=" + names.split(",")[0].partition(":")[2],
        "-addext",
        "subjectAltName=" + names,
    ]
    if authority:
        command += ["-CA", str(authority[0]), "-CAkey", str(authority[1]), "-addext", "basicConstraints=critical,CA:FALSE"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return certificate, key
