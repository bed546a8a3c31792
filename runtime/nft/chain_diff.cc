#include "runtime/nft/chain_diff.h"

#include <algorithm>
#include <deque>
#include <set>
#include <unordered_map>

#include "runtime/nft/identity.h"
#include "runtime/nft/render_text.h"

namespace hoplab::nft {

namespace {

constexpr int64_t none = -1;

class ChainDiff {
 public:
  ChainDiff(const ChainDiffInput& input, std::vector<Change>& additions,
            std::vector<Change>& deletions)
      : in_(input), additions_(additions), deletions_(deletions), keep_(rules().size(), false) {
    for (const ObservedRule& rule : rules()) order_.push_back(rule.handle);
  }

  Result<void> run() {
    HOP_TRY(const std::set<std::string> copies, shapes_of_unmarked_copies());
    std::vector<const Rule*> first;
    std::vector<const Rule*> top;
    std::vector<const Rule*> bottom;
    for (const Rule& rule : in_.desired.rules) {
      const Placement placement = in_.desired.base ? rule.placement : Placement::bottom;
      auto& group = placement == Placement::first ? first
                    : placement == Placement::top ? top
                                                  : bottom;
      group.push_back(&rule);
    }
    for (size_t i = 0; i < rules().size(); ++i) {
      if (rules()[i].owner == in_.owner) by_hash_[rules()[i].hash].push_back(i);
    }
    place_first(first);
    place(top, true);
    place(bottom, false);
    for (size_t i = 0; i < rules().size(); ++i) {
      const ObservedRule& rule = rules()[i];
      const bool ours = rule.owner == in_.owner;
      const bool copy = rule.owner.empty() && !rule.shape.empty() && copies.contains(rule.shape);
      if (!keep_[i] && (ours || copy)) remove(rule.handle);
    }
    return {};
  }

 private:
  [[nodiscard]] const std::vector<ObservedRule>& rules() const { return in_.observed.rules; }

  /// Shapes of the desired rules, worked out only when the chain holds rules without a mark.
  Result<std::set<std::string>> shapes_of_unmarked_copies() {
    std::set<std::string> shapes;
    const bool any = std::any_of(rules().begin(), rules().end(),
                                 [](const ObservedRule& rule) { return !rule.shape.empty(); });
    if (!any) return shapes;
    for (const Rule& rule : in_.desired.rules) {
      HOP_TRY(std::string shape, rule_shape(rule, in_.options));
      shapes.insert(std::move(shape));
    }
    return shapes;
  }

  /// The observed rule that each desired one could keep: the k-th equal one for the k-th.
  std::vector<int64_t> candidates(const std::vector<const Rule*>& group) {
    std::vector<int64_t> out;
    for (const Rule* rule : group) {
      auto found = by_hash_.find(rule_hash(rule_spec(*rule)));
      if (found == by_hash_.end() || found->second.empty()) {
        out.push_back(none);
        continue;
      }
      out.push_back(static_cast<int64_t>(found->second.front()));
      found->second.pop_front();
    }
    return out;
  }

  /// Rules that must be the chain's very first: kept when they are, else all made anew in front.
  void place_first(const std::vector<const Rule*>& group) {
    const std::vector<int64_t> found = candidates(group);
    bool in_place = true;
    for (size_t i = 0; i < found.size(); ++i) {
      in_place = in_place && found[i] == static_cast<int64_t>(i);
    }
    const uint64_t front = rules().empty() ? 0 : rules().front().handle;
    for (size_t i = 0; i < group.size(); ++i) {
      if (in_place) {
        keep_[static_cast<size_t>(found[i])] = true;
      } else {
        insert(*group[i], front);
      }
    }
  }

  void place(const std::vector<const Rule*>& group, bool top) {
    const std::vector<int64_t> found = candidates(group);
    std::vector<bool> kept(group.size(), false);
    for (size_t position : longest_increasing(found)) {
      kept[position] = true;
      keep_[static_cast<size_t>(found[position])] = true;
    }
    const std::vector<uint64_t> anchors =
        in_.desired.base ? in_front_of_the_next(kept, found, top) : behind_the_last(kept, found);
    for (size_t i = 0; i < group.size(); ++i) {
      if (!kept[i]) insert(*group[i], anchors[i]);
    }
  }

  /// In a chain shared with others: each new rule goes in front of the next one that stays.
  [[nodiscard]] std::vector<uint64_t> in_front_of_the_next(const std::vector<bool>& kept,
                                                           const std::vector<int64_t>& found,
                                                           bool top) const {
    std::vector<uint64_t> anchors(kept.size(), 0);
    uint64_t anchor = top ? top_anchor(kept, found) : 0;
    for (size_t i = kept.size(); i-- > 0;) {
      if (kept[i]) anchor = rules()[static_cast<size_t>(found[i])].handle;
      anchors[i] = anchor;
    }
    return anchors;
  }

  /// In a chain of our own: right behind the last one that stays. So a rule that comes back is
  /// ahead of the one that somebody put in its place (iptables -R), and has its effect again.
  [[nodiscard]] std::vector<uint64_t> behind_the_last(const std::vector<bool>& kept,
                                                      const std::vector<int64_t>& found) const {
    std::vector<uint64_t> anchors(kept.size(), 0);
    const auto first = std::find(kept.begin(), kept.end(), true);
    size_t next = 0;
    if (first != kept.end()) next = static_cast<size_t>(found[first - kept.begin()]);
    for (size_t i = 0; i < kept.size(); ++i) {
      if (kept[i]) next = static_cast<size_t>(found[i]) + 1;
      anchors[i] = next < rules().size() ? rules()[next].handle : 0;
    }
    return anchors;
  }

  /// Where new rules of the top group go when none of the group stays behind them: right after the
  /// last one that stays, else in front of the chain.
  [[nodiscard]] uint64_t top_anchor(const std::vector<bool>& kept,
                                    const std::vector<int64_t>& found) const {
    size_t after = 0;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (kept[i]) after = static_cast<size_t>(found[i]) + 1;
    }
    // Rules that must be first stay in front of it.
    while (after < rules().size() && keep_[after]) ++after;
    return after < rules().size() ? rules()[after].handle : 0;
  }

  void insert(const Rule& rule, uint64_t before) {
    size_t number = 0;
    if (before != 0) {
      const auto position = std::find(order_.begin(), order_.end(), before);
      number = static_cast<size_t>(position - order_.begin()) + 1;
      order_.insert(position, 0);
    } else {
      order_.push_back(0);
    }
    additions_.push_back(
        {ChangeKind::add_rule, in_.table, in_.desired.name, {}, rule, before, number});
  }

  void remove(uint64_t handle) {
    deletions_.push_back({ChangeKind::delete_rule, in_.table, in_.desired.name, {}, {}, handle, 0});
  }

  const ChainDiffInput& in_;
  std::vector<Change>& additions_;
  std::vector<Change>& deletions_;
  std::vector<bool> keep_;       ///< By observed position.
  std::vector<uint64_t> order_;  ///< Handles as the chain grows; 0 = a new rule.
  std::unordered_map<uint64_t, std::deque<size_t>> by_hash_;
};

}  // namespace

Result<void> diff_chain(const ChainDiffInput& input, std::vector<Change>& additions,
                        std::vector<Change>& deletions) {
  return ChainDiff(input, additions, deletions).run();
}

std::vector<size_t> longest_increasing(const std::vector<int64_t>& values) {
  std::vector<size_t> tails;  // tails[n]: position where the best subsequence of length n+1 ends.
  std::vector<size_t> previous(values.size(), SIZE_MAX);
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0) continue;
    auto slot = std::lower_bound(tails.begin(), tails.end(), values[i],
                                 [&](size_t tail, int64_t value) { return values[tail] < value; });
    if (slot != tails.begin()) previous[i] = *(slot - 1);
    if (slot == tails.end()) {
      tails.push_back(i);
    } else {
      *slot = i;
    }
  }
  std::vector<size_t> out;
  for (size_t i = tails.empty() ? SIZE_MAX : tails.back(); i != SIZE_MAX; i = previous[i]) {
    out.push_back(i);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace hoplab::nft
