#include "spec/tables.h"

namespace bulkhead::spec {

Result<> ReadId::operator()(std::uint32_t& out, const json::Value& value,
                            const json::Path& path) const {
  constexpr std::uint32_t kHighestId = 4294967294;
  out = static_cast<std::uint32_t>(TRY(json::read_unsigned(value, path, kHighestId)));
  return {};
}

Result<> ReadId::operator()(std::optional<std::uint32_t>& out, const json::Value& value,
                            const json::Path& path) const {
  return (*this)(out.emplace(), value, path);
}

Result<> ReadId::operator()(std::vector<std::uint32_t>& out, const json::Value& value,
                            const json::Path& path) const {
  const auto* array = TRY(json::array_in(value, path, limits::kGroups));
  out.resize(array->size());
  for (std::size_t i = 0; i < out.size(); ++i)
    TRY((*this)(out[i], (*array)[i], json::Path(path, i)));
  return {};
}

Result<> ReadAbsolutePath::operator()(std::string& out, const json::Value& value,
                                      const json::Path& path) const {
  TRY(json::read_value(out, value, path));
  if (!out.starts_with('/')) return json::fail_at(path, "must be an absolute path");
  return {};
}

Result<> ReadAbsolutePath::operator()(std::vector<std::string>& out, const json::Value& value,
                                      const json::Path& path) const {
  const auto* array = TRY(json::array_in(value, path));
  out.resize(array->size());
  for (std::size_t i = 0; i < out.size(); ++i)
    TRY((*this)(out[i], (*array)[i], json::Path(path, i)));
  return {};
}

}  // namespace bulkhead::spec
