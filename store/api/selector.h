#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/json.h"
#include "runtime/base/result.h"

namespace hoplab::api {

/// A parsed label selector: "a=b,c in (x,y),!d". An empty one matches everything.
class LabelSelector {
 public:
  static Result<LabelSelector> parse(std::string_view text);
  /// From an object's {matchLabels, matchExpressions}; `null` matches nothing.
  static Result<LabelSelector> from_json(const Json& selector);
  /// From a plain map as in Service.spec.selector; an empty map matches nothing there.
  static LabelSelector from_map(const Json& labels);

  /// `labels` is metadata.labels (an object or null).
  [[nodiscard]] bool matches(const Json& labels) const;
  [[nodiscard]] bool empty() const { return terms_.empty() && !nothing_; }

 private:
  enum class Operator { in, not_in, exists, missing };
  struct Term {
    std::string key;
    Operator op = Operator::in;
    std::vector<std::string> values;
  };
  std::vector<Term> terms_;
  bool nothing_ = false;
};

/// A parsed field selector: "spec.nodeName=k8s-w1,status.phase!=Failed".
class FieldSelector {
 public:
  static Result<FieldSelector> parse(std::string_view text);
  /// Dotted paths compared as text; a missing field is "".
  [[nodiscard]] bool matches(const Json& object) const;
  [[nodiscard]] bool empty() const { return terms_.empty(); }

 private:
  struct Term {
    std::string path;
    bool equal = true;
    std::string value;
  };
  std::vector<Term> terms_;
};

}  // namespace hoplab::api
