// A docker command line as the CLI reads it, as far as policy is concerned: which command, which
// options with which values, which image.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead::ctl {

struct DockerWords {
  std::string command;  // as written, groups with a blank: "run", "container run", "push"
  // Long names without dashes; short ones of run and create are translated. A flag has "true".
  std::map<std::string, std::vector<std::string>, std::less<>> options;
  std::vector<std::string> arguments;  // run: the image, then the container's command

  // Whether it makes a container.
  bool makes_container() const;
  std::string_view image() const;  // of run and create; empty without one
  std::vector<std::string> all(std::string_view option) const;
  bool is_set(std::string_view option) const;  // a flag, not "=false"
};

// `words` with or without "docker" in front. Options that are not known are taken to have a value,
// as nearly all of docker run's have. Errors: no command, one that the CLI does not have, an option
// without its value, run and create without an image.
Result<DockerWords> read_docker_words(std::span<const std::string> words);

}  // namespace bulkhead::ctl
