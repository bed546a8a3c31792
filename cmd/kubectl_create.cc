#include <algorithm>
#include <array>
#include <iostream>

#include "cmd/kubectl_delete.h"
#include "cmd/kubectl_files.h"
#include "cmd/kubectl_merge.h"
#include "cmd/kubectl_write.h"
#include "runtime/base/text.h"

namespace hoplab::cmd::kubectl {

namespace {

constexpr std::array create_flags{
    filename_flag,
    recursive_flag,
    kustomize_flag,
    output_flag,
    dry_run_flag,
    FlagSpec{"validate", 0, FlagKind::boolean, "true", "Refuse unknown fields."},
    FlagSpec{"save-config", 0, FlagKind::boolean, "", "Keep the manifest for a later apply."},
};

constexpr std::array replace_flags{
    filename_flag,
    recursive_flag,
    kustomize_flag,
    output_flag,
    dry_run_flag,
    FlagSpec{"validate", 0, FlagKind::boolean, "true", "Refuse unknown fields."},
    FlagSpec{"save-config", 0, FlagKind::boolean, "", "Keep the manifest for a later apply."},
    FlagSpec{"force", 0, FlagKind::boolean, "", "Delete the object and make it anew."},
};

Json manifest_of(const Session& session, const FileObject& file) {
  return session.flags.on("save-config") ? with_last_applied(file.object) : file.object;
}

Result<void> create_one(Session& session, const WriteMode& mode, const FileObject& file) {
  Json object = manifest_of(session, file);
  if (!mode.client_dry_run) {
    HOP_TRY(object,
            session.client->create(*file.kind, file.namespace_name, std::move(object), mode.options)
                .context("error when creating \"" + file.file + "\""));
  }
  return mode.report(object, "created");
}

/// Deletes, waits for the end, creates.
Result<void> recreate(Session& session, const WriteMode& mode, const FileObject& file) {
  DeleteOptions options;
  options.grace_seconds = 0;
  auto deleted = session.client->remove(*file.kind, file.namespace_name, file.name, options);
  if (!deleted && deleted.error().code() != ErrorCode::not_found) {
    return std::move(deleted).error().context("error when deleting \"" + file.file + "\"");
  }
  if (deleted) {
    std::cout << delete_message(*file.kind, file.name) << " deleted\n";
    Doomed doomed{file.kind, file.namespace_name, file.name, api::uid_of(deleted->object)};
    HOP_CHECK(wait_until_gone(session, doomed, longest_wait));
  }
  HOP_TRY(Json made, session.client->create(*file.kind, file.namespace_name,
                                            manifest_of(session, file), mode.options));
  return mode.report(made, "replaced");
}

Result<void> replace_one(Session& session, const WriteMode& mode, const FileObject& file) {
  if (session.flags.on("force")) return recreate(session, mode, file);
  Json object = manifest_of(session, file);
  if (!mode.client_dry_run) {
    HOP_TRY(object, session.client
                        ->update(*file.kind, file.namespace_name, file.name, std::move(object),
                                 Subresource::none, mode.options)
                        .context("error when replacing \"" + file.file + "\""));
  }
  return mode.report(object, "replaced");
}

/// What the real kubectl makes from flags alone, and we from manifests.
constexpr std::string_view generators[] = {"configmap",
                                           "cm",
                                           "secret",
                                           "deployment",
                                           "deploy",
                                           "dep",
                                           "service",
                                           "svc",
                                           "serviceaccount",
                                           "sa",
                                           "job",
                                           "cronjob",
                                           "ingress",
                                           "ing",
                                           "role",
                                           "rolebinding",
                                           "clusterrole",
                                           "clusterrolebinding",
                                           "quota",
                                           "priorityclass",
                                           "poddisruptionbudget"};

using WriteOne = Result<void> (*)(Session&, const WriteMode&, const FileObject&);

Result<int> write_files(Session& session, WriteOne write_one) {
  if (!session.flags.given("filename")) return local_error("must specify one of -f and -k");
  HOP_TRY(auto mode, WriteMode::read(session));
  HOP_TRY(auto files, read_files(session));
  for (const FileObject& file : files.objects) {
    auto written = write_one(session, mode, file);
    if (!written) files.errors.push_back(std::move(written).error());
  }
  for (const Error& error : files.errors) print_error(session, error);
  return files.errors.empty() ? exit_ok : exit_failure;
}

/// `create namespace NAME`: what learners type most of kubectl's generators.
Result<int> create_namespace(Session& session) {
  HOP_TRY(auto mode, WriteMode::read(session));
  const auto& args = session.flags.args();
  if (args.size() != 2) {
    return usage_error("create namespace",
                       str("exactly one NAME is required, got ", args.size() - 1));
  }
  Json object = {{"apiVersion", "v1"},
                 {"kind", "Namespace"},
                 {"metadata", {{"creationTimestamp", nullptr}, {"name", args[1]}}},
                 {"spec", Json::object()},
                 {"status", Json::object()}};
  if (!mode.client_dry_run) {
    HOP_TRY(object, session.client->create(api::kind_of("Namespace"), "", object, mode.options));
  }
  HOP_CHECK(mode.report(object, "created"));
  return exit_ok;
}

Result<int> run_create(Session& session) {
  const auto& args = session.flags.args();
  if (!args.empty() && (args[0] == "namespace" || args[0] == "ns"))
    return create_namespace(session);
  if (!args.empty()) {
    const bool generator =
        std::find(std::begin(generators), std::end(generators), args[0]) != std::end(generators);
    return usage_error("create",
                       str("Unexpected args: [", join(args, " "), "]",
                           generator ? "\nOf kubectl's generators there is only namespace "
                                       "here: write a manifest and use -f."
                                     : ""));
  }
  return write_files(session, create_one);
}

Result<int> run_replace(Session& session) {
  return write_files(session, replace_one);
}

}  // namespace

extern const Verb create_verb;
const Verb create_verb{"create",
                       "create (-f FILE | namespace NAME) [flags]",
                       "Create objects from a file or from standard input",
                       "  kubectl create -f pod.yaml\n"
                       "  kubectl create namespace shop\n",
                       create_flags,
                       run_create};

extern const Verb replace_verb;
const Verb replace_verb{"replace",
                        "replace -f FILE [flags]",
                        "Replace objects whole by those of a file",
                        "  kubectl replace -f pod.yaml\n"
                        "  kubectl replace --force -f pod.yaml\n",
                        replace_flags,
                        run_replace};

}  // namespace hoplab::cmd::kubectl
