#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace hoplab::labs {

/// The runner's own words. Both languages stand side by side where they are used, so that nobody
/// changes one and forgets the other; a lesson in a third language gets the English ones.
class Say {
 public:
  explicit Say(std::string language) : language_(std::move(language)) {}
  [[nodiscard]] const std::string& language() const { return language_; }

  /// {0}, {1}, … are replaced by `values`.
  std::string operator()(std::string_view english, std::string_view korean,
                         std::initializer_list<std::string_view> values = {}) const;

 private:
  std::string language_;
};

/// The language of LC_ALL, LC_MESSAGES or LANG ("ko_KR.UTF-8" -> "ko"); "en" when none is set.
std::string language_of_locale();

}  // namespace hoplab::labs
