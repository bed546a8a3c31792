#pragma once

#include <span>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "store/api/kind.h"
#include "store/api/table.h"
#include "store/object_store.h"
#include "store/source.h"

/// Objects as the API sends them.
namespace hoplab::web {

/// A list's own metadata.
struct PageInfo {
  int64_t revision = 0;
  std::string next;      ///< The `continue` token, empty on the last page.
  size_t remaining = 0;  ///< Objects after this page.
};

/// The text of a PodList and the like. Built piece by piece: a large list is never copied.
std::string render_list(const api::Kind& kind, std::span<const SharedJson> items,
                        const PageInfo& page);
/// The text of a Table.
std::string render_table(const api::Kind& kind, std::span<const SharedJson> items,
                         const PageInfo& page, const api::TableOptions& options);

/// The lines of one watch. Keeps whether the columns have been sent. One thread.
class EventRenderer {
 public:
  EventRenderer(const api::Kind& kind, bool table, const Clock& clock, api::IncludeObject include);
  std::string line(const WatchEvent& event);
  /// {"type":"ERROR","object":Status}
  static std::string error_line(const Error& error);

 private:
  const api::Kind& kind_;
  bool table_;
  const Clock& clock_;
  api::IncludeObject include_;
  bool columns_sent_ = false;
};

}  // namespace hoplab::web
