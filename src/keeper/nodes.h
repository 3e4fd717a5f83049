// The inodes that the kernel's FUSE knows, by number.
//
// With timeouts of 0 the kernel asks for every name again on every use, but it forgets an inode
// only under memory pressure (seen on 6.18; `delete_stale` is virtiofs's alone): a `docker export`
// of 50,000 files would leave 50,000 file descriptors here. So only the most recent are held, by
// O_PATH fds, and the rest is let go: a file entirely, since every use by path looks its name up
// first, which brings it back; a directory keeps its place (parent and name), because a process
// that works below it goes on without looking it up. What cannot be brought back is ESTALE, on which
// the kernel walks the path again by itself.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

#include "base/unique_fd.h"
#include "sys/file.h"

namespace bulkhead::keeper {

struct Node {
  UniqueFd fd;               // O_PATH; empty: let go
  sys::Identity identity;    // as long as fd is open no other inode's
  mode_t type = 0;           // S_IFMT; never changes
  std::uint64_t number = 0;
  std::uint64_t lookups = 0;  // that the kernel has not given back
  std::uint32_t opens = 0;    // by the kernel; an open node is held
  std::uint64_t parent = 0;   // of a directory: where it was last seen
  std::string name;
  std::list<Node*>::iterator recent;  // while held and not open, in recency order
};

class NodeTable {
 public:
  // `root`: an O_PATH directory and what fstat says of it. At most `held` other fds are kept.
  NodeTable(UniqueFd root, const struct stat& st, std::size_t held);

  // A node whose fd is there. nullptr with errno (ESTALE) set: the kernel must look it up again.
  // The nodes used last are never the ones that are let go.
  Node* use(std::uint64_t number);

  // The node of the inode that `fd` (O_PATH) names, found under `name` in `directory`, looked up
  // once more. `st`: what fstat says of it.
  Node& hold(UniqueFd fd, const struct stat& st, const Node& directory, const char* name);
  // The same for an inode that is held already; nullptr: it is not.
  Node* hold_again(const struct stat& st, const Node& directory, const char* name);
  void forget(std::uint64_t number, std::uint64_t lookups);

  void opened(Node& node);
  void released(std::uint64_t number);

  // The number of an inode, which is also the inode number that the view shows: the overlay's own.
  // Layers on different file systems have numbers of their own behind device numbers that FUSE
  // cannot show; equal ones of different files would look like hard links.
  std::uint64_t number_of(const struct stat& st) const;

  std::size_t held() const { return recent_.size(); }

 private:
  void touch(Node& node);
  Node& count(Node& node, const Node& directory, const char* name);
  void drop(Node& node);
  void let_go_oldest();
  bool bring_back(Node& directory, int depth);

  Node root_;
  std::size_t limit_;
  std::unordered_map<std::uint64_t, Node> nodes_;  // nodes keep their address
  std::list<Node*> recent_;                        // oldest first
};

}  // namespace bulkhead::keeper
