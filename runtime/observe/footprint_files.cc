#include "runtime/observe/footprint_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab {

namespace {

namespace fs = std::filesystem;

constexpr size_t longest_value = 4096;

/// A path below /proc/sys/net; "*" stands for one name.
struct LeftOut {
  std::string_view path;
  std::string_view why;
};
constexpr std::array changing{
    LeftOut{"netfilter/nf_conntrack_count", "counts the computer's own connections"},
    LeftOut{"ipv4/tcp_available_congestion_control", "a list of loaded modules"},
    LeftOut{"ipv4/tcp_available_ulp", "a list of loaded modules"},
    LeftOut{"mptcp/available_schedulers", "a list of loaded modules"},
    LeftOut{"sunrpc/transports", "a list of loaded modules"},
    LeftOut{"core/netdev_rss_key", "drawn when the first driver asks for it"},
    LeftOut{"ipv6/conf/*/hop_limit", "set by router advertisements"},
    LeftOut{"ipv6/conf/*/mtu", "set by router advertisements"},
    LeftOut{"ipv6/neigh/*/base_reachable_time", "set by router advertisements"},
    LeftOut{"ipv6/neigh/*/base_reachable_time_ms", "set by router advertisements"},
    LeftOut{"ipv6/neigh/*/retrans_time", "set by router advertisements"},
    LeftOut{"ipv6/neigh/*/retrans_time_ms", "set by router advertisements"},
};

bool fits(std::string_view pattern, std::string_view path) {
  const auto wanted = split(pattern, '/');
  const auto found = split(path, '/');
  return std::equal(wanted.begin(), wanted.end(), found.begin(), found.end(),
                    [](auto want, auto is) { return want == "*" || want == is; });
}

bool changes_by_itself(std::string_view path) {
  return std::any_of(changing.begin(), changing.end(),
                     [&](const LeftOut& one) { return fits(one.path, path); });
}

/// Calls `visit(entry)` for everything below `root`; a folder that goes away meanwhile is over.
template <typename Visit>
void walk(const std::string& root, Visit visit) {
  std::error_code code;
  fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, code);
  for (; !code && at != fs::recursive_directory_iterator(); at.increment(code)) visit(*at);
}

}  // namespace

std::vector<std::string> sysctl_lines(const std::string& root) {
  std::vector<std::string> out;
  walk(root, [&](const fs::directory_entry& entry) {
    std::error_code code;
    if (!entry.is_regular_file(code)) return;
    const std::string path = entry.path().string();
    if (changes_by_itself(std::string_view(path).substr(root.size() + 1))) return;
    // Write-only ones and those for root alone are refused.
    auto text = read_file(path, longest_value);
    if (text) out.push_back(str("sysctl ", path, " = ", trim(*text)));
  });
  return out;
}

std::vector<std::string> cgroup_lines(const std::string& root) {
  std::vector<std::string> out;
  walk(root, [&](const fs::directory_entry& entry) {
    std::error_code code;
    // By the directory's name only: nothing else in a hierarchy starts with it.
    if (!entry.path().filename().string().starts_with("hoplab-")) return;
    if (entry.is_directory(code)) out.push_back("cgroup " + entry.path().string());
  });
  return out;
}

}  // namespace hoplab
