// Lessons are written by people: mistakes are told, whatever they are.

#include <cstddef>
#include <cstdint>
#include <string>

#include "labs/load.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hoplab::labs;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto half = text.find("\n---\n");
  LessonFiles files;
  files.texts["01-fuzz/lesson.yaml"] = text.substr(0, half);
  files.texts["01-fuzz/en.yaml"] = half == std::string::npos ? text : text.substr(half + 5);
  (void)load_lessons(files);
  return 0;
}
