// Runs a fuzz target over files and directories of files, without libFuzzer. Fails when there was
// nothing to run, so that a lost corpus is noticed.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "fuzz.h"

namespace {

std::vector<std::filesystem::path> inputs(int argc, char** argv) {
  namespace fs = std::filesystem;
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i) {
    if (!fs::is_directory(argv[i])) {
      files.emplace_back(argv[i]);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(argv[i]))
      if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

bool run(const std::filesystem::path& path) {
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (!file) {
    std::fprintf(stderr, "cannot open %s\n", path.c_str());
    return false;
  }
  std::string text;
  char buffer[65536];
  while (std::size_t size = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, size);
  std::fclose(file);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  auto files = inputs(argc, argv);
  for (const auto& file : files)
    if (!run(file)) return 1;
  std::printf("%zu inputs\n", files.size());
  return files.empty() ? 1 : 0;
}
