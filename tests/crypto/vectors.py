"""Turns vectors.json into the C++ table that vectors.h declares: vectors.py INPUT OUTPUT."""

import json
import sys

TEXT_FIELDS = [
    "id", "category", "kind", "token", "encoding_aes_key", "appid", "timestamp", "nonce",
    "encrypt", "msg_signature", "signature", "plaintext", "receive_id",
]
FLAGS = ["decrypt_verified", "signature_verified", "reencrypt_verified"]


def literal(data: bytes) -> str:
    """A std::string_view of exactly these bytes; octal escapes, since a hexadecimal one has no end."""
    if not data:
        return "{}"
    pieces = []
    for start in range(0, len(data), 80):
        text = "".join(
            chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}"
            for b in data[start:start + 80])
        pieces.append(f'"{text}"')
    return "{" + "\n     ".join(pieces) + f", {len(data)}}}"


def entry(vector: dict) -> str:
    fields = [literal((vector.get(name) or "").encode()) for name in TEXT_FIELDS]
    fields.append(literal(bytes.fromhex(vector.get("random16_hex") or "")))
    fields.append(str(vector.get("pad") or 0))
    fields += ["true" if vector.get(name) else "false" for name in FLAGS]
    return "    {" + ",\n     ".join(fields) + "},\n"


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as source:
        vectors = json.load(source)
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write('#include "tests/crypto/vectors.h"\n\nnamespace wxpush::tests {\nnamespace {\n\n')
        out.write("constexpr Vector table[] = {\n")
        out.writelines(entry(vector) for vector in vectors)
        out.write("};\n\n}  // namespace\n\n")
        out.write("std::span<const Vector> vectors() { return table; }\n\n")
        out.write("}  // namespace wxpush::tests\n")


main()
