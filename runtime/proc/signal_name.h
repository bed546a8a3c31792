#pragma once

#include <optional>
#include <string_view>

namespace hoplab::proc {

/// The number of a signal as images (STOPSIGNAL) and `docker kill` write it: "SIGQUIT", "quit",
/// "3", "SIGRTMIN+3", "RTMAX-1". Real-time signals count from 34 to 64, as Docker counts them
/// (moby, pkg/signal: the two below belong to libc's threads). Nullopt for anything else. Pure.
std::optional<int> signal_number(std::string_view text);

}  // namespace hoplab::proc
