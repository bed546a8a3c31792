#pragma once

#include <string>

#include "labs/check.h"
#include "labs/say.h"
#include "labs/view.h"

namespace hoplab::labs {

struct Verdict {
  bool passed = false;
  std::string looked_at;  ///< "link veth1 in namespace RED"
  std::string found;
  std::string expected;
  std::string read;  ///< The command that shows the same.
};

/// Compares what was found with what the step wants. Pure.
Verdict evaluate(const Check& check, const View& view, const Say& say);

/// "in namespace RED", "on the host", …
std::string place_of(const Check& check, const Say& say);
/// The command that shows what the check looks at.
std::string command_of(const Check& check);

}  // namespace hoplab::labs
