#include "cmd/options.h"

#include <boost/program_options.hpp>
#include <iostream>

#include "cmd/command.h"
#include "cmd/nearest.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace po = boost::program_options;

struct Options::Impl {
  struct Example {
    std::string command;
    std::string what;
  };

  std::string verb;
  std::string usage;
  std::string about;
  po::options_description described{"Flags"};
  std::vector<Example> examples;
  po::variables_map parsed;
  std::vector<std::string> rest;
  std::string positional_name;
  size_t least = 0;
  size_t most = 0;
  bool stop_early = false;
  std::map<std::string, std::string> fallbacks;
  std::map<std::string, bool> takes_value;  ///< "--file" and "-f", for stop_early.

  static std::string spelled(const std::string& name, char short_name) {
    return short_name == 0 ? name : name + "," + short_name;
  }

  void remember(const std::string& name, char short_name, bool with_value) {
    takes_value["--" + name] = with_value;
    if (short_name != 0) takes_value[std::string("-") + short_name] = with_value;
  }

  /// The message about a flag that is not there, with the one that was probably meant.
  [[nodiscard]] std::string unknown_flag(const std::string& typed) const {
    std::vector<std::string_view> names;
    for (const auto& [name, with_value] : takes_value) {
      if (name.starts_with("--")) names.emplace_back(name);
    }
    names.emplace_back("--help");
    const std::string_view meant = nearest(typed, names);
    return str("unknown flag \"", typed, "\"",
               meant.empty() ? "" : str("; did you mean \"", meant, "\"?"));
  }

  /// Splits args at the first plain argument or "--"; the tail is not parsed.
  [[nodiscard]] std::vector<std::string> take_leading_flags(const std::vector<std::string>& args) {
    std::vector<std::string> leading;
    size_t i = 0;
    for (; i < args.size() && args[i].size() > 1 && args[i][0] == '-' && args[i] != "--"; ++i) {
      leading.push_back(args[i]);
      auto known = takes_value.find(args[i]);
      if (known != takes_value.end() && known->second && i + 1 < args.size()) {
        leading.push_back(args[++i]);
      }
    }
    rest.assign(args.begin() + static_cast<long>(i), args.end());
    return leading;
  }
};

Options::Options(std::string_view verb, std::string_view usage, std::string_view about)
    : impl_(std::make_unique<Impl>()) {
  impl_->verb = verb;
  impl_->usage = usage;
  impl_->about = about;
  flag("help", 'h', "show this help");
}

Options::Options(Options&&) noexcept = default;
Options& Options::operator=(Options&&) noexcept = default;
Options::~Options() = default;

Options& Options::flag(const std::string& name, char short_name, const std::string& help) {
  impl_->described.add_options()(Impl::spelled(name, short_name).c_str(), help.c_str());
  impl_->remember(name, short_name, false);
  return *this;
}

Options& Options::value(const std::string& name, char short_name, const std::string& placeholder,
                        const std::string& help, const std::string& fallback) {
  std::string text = fallback.empty() ? help : help + " (default " + fallback + ")";
  impl_->described.add_options()(Impl::spelled(name, short_name).c_str(),
                                 po::value<std::vector<std::string>>()->value_name(placeholder),
                                 text.c_str());
  impl_->fallbacks[name] = fallback;
  impl_->remember(name, short_name, true);
  return *this;
}

Options& Options::positionals(const std::string& placeholder, size_t least, size_t most) {
  impl_->positional_name = placeholder;
  impl_->least = least;
  impl_->most = most;
  return *this;
}

Options& Options::example(const std::string& command, const std::string& what) {
  impl_->examples.push_back({command, what});
  return *this;
}

Options& Options::stop_at_first_positional() {
  impl_->stop_early = true;
  return *this;
}

std::optional<int> Options::parse(const std::vector<std::string>& args) {
  try {
    po::options_description all;
    all.add(impl_->described);
    all.add_options()("positional argument", po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add("positional argument", -1);
    std::vector<std::string> parsed = impl_->stop_early ? impl_->take_leading_flags(args) : args;
    using Style = po::command_line_style::style_t;
    auto style = static_cast<Style>(Style::unix_style & ~Style::allow_guessing);
    po::store(
        po::command_line_parser(parsed).options(all).positional(positional).style(style).run(),
        impl_->parsed);
    if (!impl_->stop_early && impl_->parsed.count("positional argument") > 0) {
      impl_->rest = impl_->parsed["positional argument"].as<std::vector<std::string>>();
    }
  } catch (const po::unknown_option& e) {
    return usage_error(impl_->unknown_flag(e.get_option_name()));
  } catch (const po::error& e) {
    return usage_error(e.what());
  }
  if (has("help")) {
    std::cout << help();
    return exit_ok;
  }
  if (!impl_->stop_early && impl_->rest.size() > impl_->most) {
    return usage_error("unexpected argument \"" + impl_->rest[impl_->most] + "\"");
  }
  if (impl_->rest.size() < impl_->least) {
    return usage_error("missing argument " + impl_->positional_name);
  }
  return std::nullopt;
}

bool Options::has(const std::string& name) const {
  return impl_->parsed.count(name) > 0;
}

std::string Options::get(const std::string& name) const {
  if (!has(name)) return impl_->fallbacks.at(name);
  return impl_->parsed[name].as<std::vector<std::string>>().back();
}

std::vector<std::string> Options::all(const std::string& name) const {
  if (!has(name)) return {};
  return impl_->parsed[name].as<std::vector<std::string>>();
}

const std::vector<std::string>& Options::rest() const {
  return impl_->rest;
}

std::string Options::help() const {
  std::ostringstream out;
  out << impl_->about << "\n\nUsage:\n  hoplab " << impl_->verb;
  if (!impl_->usage.empty()) out << " " << impl_->usage;
  out << "\n\n" << impl_->described;
  if (!impl_->examples.empty()) out << "\nExamples:\n";
  for (const auto& example : impl_->examples) {
    out << "  " << example.command << "\n      " << example.what << "\n";
  }
  return out.str();
}

int Options::usage_error(std::string_view message) const {
  std::cerr << "hoplab " << impl_->verb << ": " << message << "\nSee \"hoplab " << impl_->verb
            << " --help\".\n";
  return exit_usage;
}

int fail(const Error& error) {
  std::cerr << "hoplab: " << error.message() << "\n";
  return exit_failure;
}

}  // namespace hoplab::cmd
