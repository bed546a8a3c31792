#include <array>
#include <iostream>

#include "cmd/kubectl_files.h"
#include "cmd/kubectl_merge.h"
#include "cmd/kubectl_output.h"
#include "cmd/kubectl_write.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr int conflict_retries = 5;

constexpr std::array apply_flags{
    filename_flag,
    recursive_flag,
    kustomize_flag,
    output_flag,
    dry_run_flag,
    FlagSpec{"validate", 0, FlagKind::boolean, "true", "Refuse unknown fields."},
    FlagSpec{"server-side", 0, FlagKind::boolean, "", "Let the server merge (it may refuse)."},
    FlagSpec{"overwrite", 0, FlagKind::boolean, "true", "Accepted, without effect."},
    FlagSpec{"wait", 0, FlagKind::boolean, "", "Accepted, without effect."},
};

/// As error messages of apply name the object.
std::string describe(const FileObject& object) {
  const api::Kind& kind = *object.kind;
  const std::string group_version = str(kind.group, "/", kind.version);
  return str("Resource: \"", group_version, ", Resource=", kind.plural, "\", GroupVersionKind: \"",
             group_version, ", Kind=", kind.kind, "\"\nName: \"", object.name, "\", Namespace: \"",
             object.namespace_name, "\"");
}

void warn_about_missing_annotation(const FileObject& object) {
  std::cerr << "Warning: resource " << object.kind->plural << "/" << object.name
            << " is missing the " << last_applied_key
            << " annotation which is required by kubectl apply. kubectl apply should only be used "
               "on resources created declaratively by either kubectl create --save-config or "
               "kubectl apply. The missing annotation will be patched automatically.\n";
}

class Apply {
 public:
  Apply(Session& session, WriteMode mode) : session_(session), mode_(std::move(mode)) {}

  Result<void> one(const FileObject& object) {
    if (session_.flags.on("server-side")) return on_server(object);
    auto current = session_.client->get(*object.kind, object.namespace_name, object.name);
    if (current) return update(object, *std::move(current));
    if (current.error().code() != ErrorCode::not_found) {
      return std::move(current).error().context(
          str("error when retrieving current configuration of:\n", describe(object),
              "\nfrom server for: \"", object.file, "\""));
    }
    return create(object);
  }

 private:
  Result<void> on_server(const FileObject& object) {
    const std::string path = web::Client::path_of(*object.kind, object.namespace_name, object.name);
    HOP_TRY(Json applied, session_.client->request("PATCH", path + "?fieldManager=kubectl",
                                                   object.object, "application/apply-patch+yaml"));
    return mode_.report(applied, "serverside-applied");
  }

  Result<void> create(const FileObject& object) {
    Json made = with_last_applied(object.object);
    if (!mode_.client_dry_run) {
      HOP_TRY(made,
              session_.client
                  ->create(*object.kind, object.namespace_name, std::move(made), mode_.options)
                  .context("error when creating \"" + object.file + "\""));
    }
    return mode_.report(made, "created");
  }

  Result<void> update(const FileObject& object, Json current) {
    if (string_or(at_path(current, "metadata.annotations"), last_applied_key).empty()) {
      warn_about_missing_annotation(object);
    }
    const Json modified = with_last_applied(object.object);
    const bool known = !object.kind->group.ends_with(".org");  // Calico's kinds have no merge keys.
    for (int attempt = 0;; ++attempt) {
      Json patch =
          three_way_patch(known ? object.kind : nullptr, last_applied(current), modified, current);
      if (patch.empty()) return mode_.report(current, "unchanged");
      if (mode_.client_dry_run) return mode_.report(current, "configured");
      auto patched = session_.client->patch(*object.kind, object.namespace_name, object.name,
                                            known ? PatchType::strategic_merge : PatchType::merge,
                                            patch, Subresource::none, mode_.options);
      if (patched) return mode_.report(*patched, "configured");
      if (patched.error().code() != ErrorCode::conflict || attempt == conflict_retries) {
        return std::move(patched).error().context(str("error when applying patch:\n",
                                                      dump_json(patch), "\nto:\n", describe(object),
                                                      "\nfor: \"", object.file, "\""));
      }
      HOP_TRY(current, session_.client->get(*object.kind, object.namespace_name, object.name));
    }
  }

  Session& session_;
  WriteMode mode_;
};

Result<int> run_apply(Session& session) {
  if (!session.flags.given("filename")) return local_error("must specify one of -f and -k");
  if (!session.flags.args().empty()) {
    return usage_error("apply", str("Unexpected args: [", join(session.flags.args(), " "), "]"));
  }
  HOP_TRY(auto mode, WriteMode::read(session));
  HOP_TRY(auto files, read_files(session));
  Apply apply(session, std::move(mode));
  for (const FileObject& object : files.objects) {
    if (object.name.empty()) {
      files.errors.push_back(local_error(str("error when retrieving current configuration of:\n",
                                             describe(object), "\nfrom server for: \"", object.file,
                                             "\": resource name may not be empty")));
      continue;
    }
    if (auto applied = apply.one(object); !applied) {
      files.errors.push_back(std::move(applied).error());
    }
  }
  for (const Error& error : files.errors) print_error(session, error);
  return files.errors.empty() ? exit_ok : exit_failure;
}

}  // namespace

extern const Verb apply_verb;
const Verb apply_verb{"apply",
                      "apply -f FILE [flags]",
                      "Make the cluster's objects what a manifest says",
                      "  kubectl apply -f web.yaml\n"
                      "  cat web.yaml | kubectl apply -f -\n"
                      "  kubectl apply -f manifests/ -R --dry-run=server\n",
                      apply_flags,
                      run_apply};

}  // namespace hoplab::cmd::kubectl
