#include "keeper/nodes.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "keeper/resolve.h"

namespace bulkhead::keeper {
namespace {

constexpr std::uint64_t kRootNumber = 1;  // FUSE_ROOT_ID
constexpr int kDepth = PATH_MAX / 2;      // directories that one path can have

}  // namespace

NodeTable::NodeTable(UniqueFd root, const struct stat& st, std::size_t held)
    : root_{.fd = std::move(root),
            .identity = sys::identity(st),
            .type = S_IFDIR,
            .number = kRootNumber,
            .lookups = 1},
      limit_(held) {}

std::uint64_t NodeTable::number_of(const struct stat& st) const {
  auto identity = sys::identity(st);
  if (identity == root_.identity) return kRootNumber;
  constexpr std::uint64_t kElsewhere = 1ull << 63, kReserved = 1ull << 62;
  if (identity.device != root_.identity.device)
    return identity.inode ^ identity.device << 40 ^ kElsewhere;
  return identity.inode > kRootNumber ? identity.inode : identity.inode | kReserved;
}

// The most recent goes to the end. Open nodes and the root are not in the list.
void NodeTable::touch(Node& node) {
  if (&node != &root_ && node.opens == 0) recent_.splice(recent_.end(), recent_, node.recent);
}

void NodeTable::drop(Node& node) {
  if (node.fd && node.opens == 0) recent_.erase(node.recent);
  std::uint64_t number = node.number;  // erase() must not be given what it destroys
  nodes_.erase(number);
}

void NodeTable::let_go_oldest() {
  Node& node = *recent_.front();
  if (node.type != S_IFDIR) return drop(node);
  recent_.pop_front();
  node.fd.reset();
}

// By the names of the directories above it. The container may have moved things: what is there now
// must be the same directory.
bool NodeTable::bring_back(Node& directory, int depth) {
  auto above = nodes_.find(directory.parent);
  Node* parent = directory.parent == kRootNumber ? &root_
                 : above != nodes_.end()         ? &above->second
                                                 : nullptr;
  if (!parent || depth == 0 || (!parent->fd && !bring_back(*parent, depth - 1))) return false;
  UniqueFd fd = open_name(parent->fd.get(), directory.name.c_str());
  struct stat st {};
  if (!fd || ::fstatat(fd.get(), "", &st, AT_EMPTY_PATH) < 0 ||
      sys::identity(st) != directory.identity)
    return false;
  directory.fd = std::move(fd);
  directory.recent = recent_.insert(recent_.end(), &directory);
  return true;
}

Node* NodeTable::use(std::uint64_t number) {
  if (number == kRootNumber) return &root_;
  while (recent_.size() > limit_) let_go_oldest();
  auto found = nodes_.find(number);
  if (found == nodes_.end() || (!found->second.fd && !bring_back(found->second, kDepth))) {
    errno = ESTALE;
    return nullptr;
  }
  touch(found->second);
  return &found->second;
}

Node& NodeTable::count(Node& node, const Node& directory, const char* name) {
  ++node.lookups;
  if (node.type == S_IFDIR && (node.parent != directory.number || node.name != name)) {
    node.parent = directory.number;
    node.name = name;
  }
  touch(node);
  return node;
}

Node* NodeTable::hold_again(const struct stat& st, const Node& directory, const char* name) {
  auto found = nodes_.find(number_of(st));
  if (found == nodes_.end()) return nullptr;
  Node& node = found->second;
  bool same = node.fd && node.identity == sys::identity(st);
  return same ? &count(node, directory, name) : nullptr;
}

Node& NodeTable::hold(UniqueFd fd, const struct stat& st, const Node& directory, const char* name) {
  if (Node* held = hold_again(st, directory, name)) return *held;
  std::uint64_t number = number_of(st);
  if (number == kRootNumber) return root_;
  Node& node = nodes_[number];
  bool was_held = static_cast<bool>(node.fd);
  node.fd = std::move(fd);
  node.identity = sys::identity(st);
  node.type = st.st_mode & S_IFMT;
  node.number = number;
  if (!was_held) node.recent = recent_.insert(recent_.end(), &node);
  return count(node, directory, name);
}

void NodeTable::forget(std::uint64_t number, std::uint64_t lookups) {
  auto found = nodes_.find(number);
  if (found == nodes_.end()) return;
  Node& node = found->second;
  if (node.lookups > lookups) {
    node.lookups -= lookups;
  } else {
    drop(node);
  }
}

void NodeTable::opened(Node& node) {
  if (&node == &root_ || node.opens++ > 0) return;
  recent_.erase(node.recent);
}

void NodeTable::released(std::uint64_t number) {
  auto found = nodes_.find(number);
  if (found == nodes_.end() || found->second.opens == 0 || --found->second.opens > 0) return;
  Node& node = found->second;
  node.recent = recent_.insert(recent_.end(), &node);
}

}  // namespace bulkhead::keeper
