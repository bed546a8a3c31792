// `hoplab lab validate|new|schema`: for those who write lessons.

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <iostream>

#include "cmd/lab.h"
#include "cmd/options.h"
#include "labs/load.h"
#include "labs/schema.h"
#include "runtime/base/directory.h"
#include "runtime/base/fd.h"
#include "runtime/base/text.h"

namespace hoplab::cmd {

namespace {

/// "04-outside" -> 4, "outside".
std::pair<int, std::string> parse_folder_name(std::string name) {
  int number = 0;
  auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (ec == std::errc() && *end == '-' && number > 0 && number < 1000) {
    return {number, name.substr(static_cast<size_t>(end - name.data()) + 1)};
  }
  return {99, std::move(name)};
}

}  // namespace

int run_lab_validate(const LabRequest& request) {
  auto files = labs::read_lesson_folder(request.args.front());
  if (!files) return fail(files.error());
  auto lessons = labs::load_lessons(*files, true);
  if (!lessons) {
    std::cerr << lessons.error().message() << "\n";
    return exit_failure;
  }
  for (const auto& lesson : *lessons) {
    std::string languages;
    for (const auto& [language, _] : lesson.texts) {
      languages += str(languages.empty() ? "" : ", ", language);
    }
    std::cout << "lesson " << lesson.number << " (" << lesson.id
              << ") is well-formed: " << lesson.steps.size() << " steps, " << lesson.faults.size()
              << " faults, " << lesson.quiz.size() << " questions; languages: " << languages
              << "\n";
  }
  return exit_ok;
}

int run_lab_new(const LabRequest& request) {
  std::string folder = request.args.front();
  while (folder.size() > 1 && folder.ends_with("/")) folder.pop_back();
  if (::access(folder.c_str(), F_OK) == 0) {
    return fail(Error(ErrorCode::already_exists, folder + " exists"));
  }
  auto [number, id] = parse_folder_name(folder.substr(folder.rfind('/') + 1));
  const auto files = labs::lesson_template(id, number);
  labs::LessonFiles check;
  for (const auto& [name, text] : files) check.texts["new/" + name] = text;
  if (auto good = labs::load_lessons(check, true); !good) {
    return fail(Error(ErrorCode::invalid,
                      str('"', id, "\" cannot be a lesson's id: ", good.error().message())));
  }
  if (auto done = make_directories(folder); !done) return fail(done.error());
  for (const auto& [name, text] : files) {
    if (auto done = write_file(str(folder, '/', name), text); !done) return fail(done.error());
  }
  std::cout << "made " << folder << " with lesson.yaml, en.yaml and ko.yaml\n"
            << "  check it:  hoplab lab validate " << folder << "\n"
            << "  play it:   hoplab lab --lessons " << folder << "/.. test " << id << "\n";
  return exit_ok;
}

int run_lab_schema(const LabRequest& /*request*/) {
  std::cout << dump_json_pretty(labs::lesson_schema()) << "\n";
  return exit_ok;
}

}  // namespace hoplab::cmd
