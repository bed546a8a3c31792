#include "labs/say.h"

#include <cstdlib>

namespace hoplab::labs {

std::string Say::operator()(std::string_view english, std::string_view korean,
                            std::initializer_list<std::string_view> values) const {
  std::string_view pattern = language_ == "ko" ? korean : english;
  std::string out;
  while (!pattern.empty()) {
    const bool place = pattern.size() >= 3 && pattern[0] == '{' && pattern[2] == '}' &&
                       pattern[1] >= '0' && pattern[1] <= '9';
    const size_t index = place ? static_cast<size_t>(pattern[1] - '0') : 0;
    if (place && index < values.size()) {
      out += values.begin()[index];
      pattern.remove_prefix(3);
    } else {
      out += pattern.front();
      pattern.remove_prefix(1);
    }
  }
  return out;
}

std::string language_of_locale() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string_view locale = value;
    if (locale.starts_with("C") || locale == "POSIX") return "en";
    return std::string(locale.substr(0, locale.find_first_of("_.@")));
  }
  return "en";
}

}  // namespace hoplab::labs
