#include "cmd/kubectl_go_template.h"

#include <gtest/gtest.h>

namespace hoplab::cmd::kubectl {
namespace {

const Json& pod() {
  static const Json data = *parse_json(R"({
    "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "shop", "tier": "front"}},
    "spec": {"containers": [{"name": "c", "image": "nginx"}, {"name": "d", "image": "busybox"}],
             "priority": 7, "ratio": 1.5, "hostNetwork": true, "volumes": []},
    "data": {"password": "aG9w"}})");
  return data;
}

/// The template filled in, or what is wrong with it.
std::string fill(std::string_view text) {
  auto parsed = GoTemplate::parse(text);
  if (!parsed) return parsed.error().message();
  auto printed = parsed->print(pod());
  return printed ? *printed : printed.error().message();
}

TEST(KubectlGoTemplate, FieldsAndText) {
  EXPECT_EQ(fill("plain"), "plain");
  EXPECT_EQ(fill("{{.metadata.name}}"), "web");
  EXPECT_EQ(fill("<{{ .metadata.name }}>"), "<web>");
  EXPECT_EQ(fill("{{$.kind}} {{.spec.priority}} {{.spec.ratio}} {{.spec.hostNetwork}}"),
            "Pod 7 1.5 true");
  EXPECT_EQ(fill("{{.metadata.labels}}"), "map[app:shop tier:front]");
  EXPECT_EQ(fill("{{.nix}}"), "<no value>");
  EXPECT_EQ(fill("{{(index .spec.containers 1).image}}"), "busybox");
  EXPECT_EQ(fill("{{\"a\\tb\\n\"}}{{`raw\\n`}}"), "a\tb\nraw\\n");
}

TEST(KubectlGoTemplate, CommentsAndTrimming) {
  EXPECT_EQ(fill("a {{- .kind -}} b"), "aPodb");
  EXPECT_EQ(fill("a\n{{- /* nothing */ -}}\n b"), "ab");
}

TEST(KubectlGoTemplate, Branches) {
  EXPECT_EQ(fill("{{if .spec.hostNetwork}}host{{else}}own{{end}}"), "host");
  EXPECT_EQ(fill("{{if .spec.volumes}}some{{else}}none{{end}}"), "none");
  EXPECT_EQ(fill("{{if .nix}}a{{else if eq .kind \"Pod\"}}b{{else}}c{{end}}"), "b");
  EXPECT_EQ(fill("{{with .metadata}}{{.name}} of {{$.kind}}{{end}}"), "web of Pod");
  EXPECT_EQ(fill("{{with .nix}}{{.name}}{{else}}nothing{{end}}"), "nothing");
}

TEST(KubectlGoTemplate, Ranges) {
  EXPECT_EQ(fill("{{range .spec.containers}}{{.name}}={{.image}};{{end}}"), "c=nginx;d=busybox;");
  EXPECT_EQ(fill("{{range $i, $c := .spec.containers}}{{$i}}{{$c.name}} {{end}}"), "0c 1d ");
  EXPECT_EQ(fill("{{range $k, $v := .metadata.labels}}{{$k}}:{{$v}} {{end}}"),
            "app:shop tier:front ");
  EXPECT_EQ(fill("{{range .spec.volumes}}x{{else}}none{{end}}"), "none");
  EXPECT_EQ(fill("{{range .kind}}x{{end}}"),
            "error executing template: range can't iterate over Pod");
}

TEST(KubectlGoTemplate, Variables) {
  EXPECT_EQ(fill("{{$n := .metadata.name}}{{$n}}{{$n = .kind}}{{$n}}"), "webPod");
  // Set from inside a block, a variable keeps its value; declared there, it ends there.
  EXPECT_EQ(fill("{{$x := 0}}{{range .spec.containers}}{{$x = .name}}{{end}}{{$x}}"), "d");
  EXPECT_EQ(fill("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}"), "1");
  EXPECT_EQ(fill("{{if true}}{{$y := 2}}{{end}}{{$y}}"),
            "error executing template: undefined variable \"$y\"");
}

TEST(KubectlGoTemplate, Functions) {
  EXPECT_EQ(fill("{{len .spec.containers}} {{len .kind}}"), "2 3");
  EXPECT_EQ(fill("{{and true .nix}}|{{or .nix .kind}}|{{not .nix}}"), "<no value>|Pod|true");
  EXPECT_EQ(fill("{{eq .kind \"a\" \"Pod\"}} {{ne 1 2}} {{lt 1 2}} {{ge 1 2}} {{gt 2.5 2}}"),
            "true true true false true");
  EXPECT_EQ(fill("{{.data.password | base64decode | printf \"<%5s>\"}}"), "<  hop>");
  EXPECT_EQ(fill("{{printf \"%-6s|%d|%q|%%|%s\" .kind 7 .kind}}"),
            "Pod   |7|\"Pod\"|%|%!s(MISSING)");
  EXPECT_EQ(fill("{{print 1 2 \"a\" 3}}{{println .kind}}"), "1 2a3Pod\n");
  EXPECT_EQ(fill("{{exists .metadata \"name\"}} {{exists .metadata \"nix\"}}"), "true false");
}

TEST(KubectlGoTemplate, MistakesOfForm) {
  for (const char* text :
       {"{{", "{{.a", "{{}}", "{{if}}x{{end}}", "{{if .a}}x", "{{end}}", "{{else}}", "{{nix .a}}",
        "{{(.a}}", "{{.a)}}", "{{\"open}}", "{{| .a}}", "{{.a | }}",
        "{{if .a}}{{else}}{{else}}{{end}}", "{{range $a, $b, $c := .a}}{{end}}", "{{1.2.3}}",
        "{{-}}", "{{99999999999e999}}"}) {
    EXPECT_FALSE(GoTemplate::parse(text).ok()) << text;
  }
  EXPECT_EQ(fill("a\nb{{nix}}"), "template: output:2: function \"nix\" not defined");
}

TEST(KubectlGoTemplate, MistakesThatShowWhileFilling) {
  const std::string failed = "error executing template: ";
  EXPECT_EQ(fill("{{.kind.nix}}"), failed + "can't evaluate field nix in type string");
  EXPECT_EQ(fill("{{.nix.deeper}}"), failed + "nil pointer evaluating interface {}.deeper");
  EXPECT_EQ(fill("{{index .spec.containers 9}}"),
            failed + "error calling index: index out of range: 9");
  EXPECT_EQ(fill("{{index .spec.containers 1e30}}"),
            failed + "error calling index: cannot index slice/array with type float64");
  EXPECT_EQ(fill("{{lt .kind 1}}"), failed + "error calling lt: incompatible types for comparison");
  EXPECT_EQ(fill("{{base64decode .kind}}"),
            failed + "error calling base64decode: illegal base64 data");
}

TEST(KubectlGoTemplate, HugeRequestsAreRefused) {
  EXPECT_EQ(fill("{{printf \"%99999999999d\" 1}}"), "%!(BADWIDTH)1");
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "{{if .kind}}";
  EXPECT_FALSE(GoTemplate::parse(deep).ok());
  EXPECT_FALSE(GoTemplate::parse("{{" + std::string(10'000, '(') + "1}}").ok());
}

}  // namespace
}  // namespace hoplab::cmd::kubectl
