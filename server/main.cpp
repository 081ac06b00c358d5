#include "server/cli/cli.h"

int main(int argc, char** argv) {
  return wxpush::cli::run(argc, argv);
}
