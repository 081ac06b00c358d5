"""careless_codec.py PUSH_CODEC_CPP OUTPUT: the codec as it is often written. What is wrong first ends the look, and what decrypts well is
copied and searched for the appid. A server with it refuses the same pushes with the same bytes; the measurement of
refusal_time.py has to tell it from the real one."""

import pathlib
import sys

# What stands there; what stands there instead.
CARELESS = [
    ("    if (!constant_time_equal(msg_signature,\n", "    if (!std::equal_to<std::string_view>()(msg_signature,\n"),
    ("    const bool foreign = text && text->frame.sound;\n",
     "    if (text && !text->frame.sound) return CodecError::not_opened;\n"
     "    const bool foreign = text && std::string(text->bytes).find(appid_ + '!') == std::string::npos;\n"),
]


def main():
    source, output = map(pathlib.Path, sys.argv[1:])
    text = source.read_text()
    for right, wrong in CARELESS:
        if text.count(right) != 1:
            sys.exit(f"careless_codec.py: not once in {source}: {right}")
        text = text.replace(right, wrong)
    output.write_text("#include <functional>\n" + text)


main()
