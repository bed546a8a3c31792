#include "runtime/proc/container_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "runtime/base/error.h"
#include "runtime/base/text.h"

namespace hoplab::proc {

namespace {

constexpr int not_found_code = 127;
constexpr int not_runnable_code = 126;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::string path_of(const std::vector<EnvVar>& env) {
  std::string path = default_path;
  for (const EnvVar& variable : env) {
    if (variable.name == "PATH") path = variable.value;
  }
  return path;
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string reason(int sys_errno) {
  switch (sys_errno) {
    case EACCES:
      return "permission denied";
    case ENOEXEC:
      return "exec format error";
    case ENOENT:
      return "no such file or directory";
    default:
      return Error::from_errno(sys_errno, "cannot be run").message();
  }
}

}  // namespace

std::vector<std::string> environment_block(const std::vector<EnvVar>& env) {
  std::vector<std::string> out;
  std::map<std::string, size_t> places;
  for (const EnvVar& variable : env) {
    std::string entry = variable.name + "=" + variable.value;
    auto [place, added] = places.try_emplace(variable.name, out.size());
    if (added) {
      out.push_back(std::move(entry));
    } else {
      out[place->second] = std::move(entry);
    }
  }
  return out;
}

ProgramFailure execute(const std::vector<std::string>& command, const std::vector<EnvVar>& env) {
  if (command.empty() || command[0].empty()) {
    return {not_found_code, "no command specified: neither the pod nor the image names a program"};
  }
  std::vector<std::string> args = command;
  std::vector<std::string> environment = environment_block(env);
  auto argv = pointers(args);
  auto envp = pointers(environment);
  const std::string& program = command[0];
  std::string quoted = "exec: \"" + program + "\": ";
  if (program.find('/') != std::string::npos) {
    ::execve(program.c_str(), argv.data(), envp.data());
    int error = errno;
    if (error == ENOENT && ::access(program.c_str(), F_OK) != 0) {
      return {not_found_code, quoted + "stat " + program + ": no such file or directory"};
    }
    if (is_directory(program)) return {not_runnable_code, quoted + "is a directory"};
    return {not_runnable_code, quoted + reason(error)};
  }
  bool denied = false;
  const std::string path = path_of(env);
  for (std::string_view directory : split(path, ':')) {
    std::string candidate = str(directory.empty() ? "." : directory, "/", program);
    if (is_directory(candidate)) continue;
    ::execve(candidate.c_str(), argv.data(), envp.data());
    if (errno == EACCES) {
      denied = true;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      return {not_runnable_code, quoted + reason(errno)};
    }
  }
  if (denied) return {not_runnable_code, quoted + "permission denied"};
  return {not_found_code, quoted + "executable file not found in $PATH"};
}

}  // namespace hoplab::proc
