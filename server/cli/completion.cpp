#include "server/cli/command.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>
#include <sstream>

namespace wxpush::cli {
namespace {

std::string words_of(const CLI::App& command) {
  std::string words;
  for (const CLI::App* child : command.get_subcommands([](const CLI::App*) { return true; })) {
    words += child->get_name() + ' ';
  }
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + ' ';
    for (const std::string& name : option->get_snames()) words += '-' + name + ' ';
  }
  if (!words.empty()) words.pop_back();
  return words;
}

// One branch of the script's `case` for each command: what may follow it.
void write_branches(std::ostream& out, const CLI::App& command, const std::string& path) {
  for (const CLI::App* child : command.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string child_path =
        path.empty() ? child->get_name() : path + ' ' + child->get_name();
    write_branches(out, *child, child_path);
    out << "    '" << child_path << "'*) words='" << words_of(*child) << "' ;;\n";
  }
}

void write_bash(std::ostream& out, const CLI::App& root) {
  out << "# bash completion of wxpush; load it with:  source <(wxpush completion bash)\n"
         "_wxpush() {\n"
         "  local words current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
         "  case \"${COMP_WORDS[*]:1:COMP_CWORD-1}\" in\n";
  write_branches(out, root, "");
  out << "    *) words='" << words_of(root)
      << "' ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -o default -F _wxpush wxpush\n";
}

void write_zsh(std::ostream& out, const CLI::App& root) {
  out << "#compdef wxpush\n"
         "# zsh completion of wxpush; put it as _wxpush into a directory of $fpath.\n"
         "_wxpush() {\n"
         "  local typed=\"${words[2,CURRENT-1]}\" words\n"
         "  case \"$typed\" in\n";
  write_branches(out, root, "");
  out << "    *) words='" << words_of(root)
      << "' ;;\n"
         "  esac\n"
         "  compadd -- ${=words}\n"
         "  _files\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _wxpush ]; then _wxpush \"$@\"; else compdef _wxpush wxpush; "
         "fi\n";
}

}  // namespace

void add_completion(CLI::App& parent, Command& chosen) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = parent.add_subcommand("completion", "Print a script that completes commands");
  command->add_option("shell", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  command->footer(
      "Examples:\n"
      "  source <(wxpush completion bash)\n"
      "  wxpush completion zsh > ~/.zsh/completions/_wxpush");
  // The parser lives no longer than the parsing, so the script is made at once.
  command->callback([shell, &parent, &chosen] {
    std::ostringstream script;
    *shell == "bash" ? write_bash(script, parent) : write_zsh(script, parent);
    chosen.run = [text = script.str()](Streams& io) {
      io.out << text;
      return exit_ok;
    };
  });
}

}  // namespace wxpush::cli
