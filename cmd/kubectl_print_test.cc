#include <gtest/gtest.h>
#include <unistd.h>

#include "cmd/kubectl.h"
#include "cmd/kubectl_describe.h"
#include "cmd/kubectl_flags.h"
#include "cmd/kubectl_jsonpath.h"
#include "cmd/kubectl_label.h"
#include "cmd/kubectl_output.h"
#include "cmd/kubectl_rollout.h"
#include "cmd/kubectl_table.h"
#include "cmd/kubectl_tabs.h"

namespace hoplab::cmd::kubectl {
namespace {

Json json(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed ? *parsed : Json();
}

std::vector<FlagSpec> some_flags() {
  return {{"namespace", 'n', FlagKind::value, "default"},
          {"stdin", 'i'},
          {"tty", 't'},
          {"dry-run", 0, FlagKind::optional_value, "none", "", "client"}};
}

Result<Flags> parse(std::vector<std::string> args) {
  return Flags::parse(some_flags(), args);
}

TEST(KubectlFlags, StandAnywhere) {
  auto flags = parse({"web", "-it", "-nshop", "x", "--dry-run", "--", "sh", "-c", "-n"});
  ASSERT_TRUE(flags.ok());
  EXPECT_TRUE(flags->on("stdin") && flags->on("tty"));
  EXPECT_EQ(flags->get("namespace"), "shop");
  EXPECT_EQ(flags->get("dry-run"), "client");
  EXPECT_EQ(flags->args(), (std::vector<std::string>{"web", "x"}));
  EXPECT_EQ(flags->after_dash(), (std::vector<std::string>{"sh", "-c", "-n"}));
}

TEST(KubectlFlags, FormsOfValues) {
  EXPECT_EQ(parse({"-n", "a"})->get("namespace"), "a");
  EXPECT_EQ(parse({"-n=a"})->get("namespace"), "a");
  EXPECT_EQ(parse({"--namespace=a=b"})->get("namespace"), "a=b");
  EXPECT_EQ(parse({"-itn", "a"})->get("namespace"), "a");
  EXPECT_FALSE(parse({"--stdin=false"})->on("stdin"));
  EXPECT_EQ(parse({})->get("namespace"), "default");
}

TEST(KubectlFlags, MistakesInPflagsWords) {
  EXPECT_EQ(parse({"--foo"}).error().message(), "unknown flag: --foo");
  EXPECT_EQ(parse({"-ix"}).error().message(), "unknown shorthand flag: 'x' in -x");
  EXPECT_EQ(parse({"-n"}).error().message(), "flag needs an argument: 'n' in -n");
  EXPECT_EQ(parse({"--namespace"}).error().message(), "flag needs an argument: --namespace");
  EXPECT_FALSE(parse({"--tty=maybe"}).ok());
}

TEST(KubectlTabs, ColumnsAreRunsOfLines) {
  EXPECT_EQ(align_tabs("Name:\tx\nLong title:\ty\n\nA:\tb\n", describe_tabs),
            "Name:        x\nLong title:  y\n\nA:  b\n");
  EXPECT_EQ(align_tabs("a\tb\tc\nlonger\td\n", describe_tabs), "a       b  c\nlonger  d\n");
}

TEST(KubectlTabs, RowsKeepTheirWidths) {
  RowPrinter rows;
  EXPECT_EQ(rows.print({{"NAME", "AGE"}, {"web-long", "1s"}}), "NAME       AGE\nweb-long   1s\n");
  EXPECT_EQ(rows.print({{"w", "2s"}}), "w          2s\n");
  EXPECT_EQ(RowPrinter().print({{"é", "x"}}), "é     x\n");
}

std::string path(std::string_view text, const Json& data) {
  auto parsed = JsonPath::parse(text);
  if (!parsed) return parsed.error().message();
  auto printed = parsed->print(data);
  return printed ? *printed : printed.error().message();
}

TEST(KubectlJsonPath, Forms) {
  Json data = json(R"({"kind":"List","items":[
    {"n":"a","v":1,"x.y":true,"l":[1,2,3]},{"n":"b","v":20,"l":[4]}]})");
  EXPECT_EQ(path("{.kind}", data), "List");
  EXPECT_EQ(path("{.items[*].n}", data), "a b");
  EXPECT_EQ(path("{.items[0].n}{.items[-1].n}", data), "ab");
  EXPECT_EQ(path("{.items[0].l[1:]}", data), "2 3");
  EXPECT_EQ(path("{.items[0].l}", data), "[1,2,3]");
  EXPECT_EQ(path("{.items[0]['x\\.y']} {.items[0].x\\.y}", data), "true true");
  EXPECT_EQ(path("{.items[0]['n','v']} {.items[1,0].n}", data), "a 1 b a");
  EXPECT_EQ(path("{.items[0]['nope.y']}{['items[1].n']}", data), "b");
  EXPECT_EQ(path("{..n}", data), "a b");
  EXPECT_EQ(path("{.items[?(@.v>5)].n}", data), "b");
  EXPECT_EQ(path("{.items[?(@.n==\"a\")].v}", data), "1");
  EXPECT_EQ(path("{.items[?(@['x\\.y'])].n}", data), "a");
  EXPECT_EQ(path("{range .items[*]}{.n}={.v}{\"\\n\"}{end}", data), "a=1\nb=20\n");
  EXPECT_EQ(path("{.nope.deeper}", data), "");
  EXPECT_EQ(path("{range .items[*]}x", data), "");
  EXPECT_EQ(path("plain", data), "plain");
}

TEST(KubectlJsonPath, PlacesThatAreNot) {
  Json data = json(R"({"l":[1,2,3],"o":{"a":1}})");
  const std::string failed = ": Error executing template: ";
  EXPECT_EQ(path("x{.l[3]}", data), "error executing jsonpath \"x{.l[3]}\"" + failed +
                                        "array index out of bounds: index 3, length 3");
  EXPECT_EQ(path("{.l[0:9]}", data), "error executing jsonpath \"{.l[0:9]}\"" + failed +
                                         "array index out of bounds: index 8, length 3");
  EXPECT_EQ(path("{.o[0]}", data), "error executing jsonpath \"{.o[0]}\"" + failed +
                                       "map[string]interface {} is not array or slice");
  EXPECT_EQ(path("{.l[1:1]}{.nope[0]}", data), "");
  EXPECT_EQ(path("{.a[}", data), "error parsing jsonpath {.a[}, unterminated array");
}

TEST(KubectlJsonPath, HugeNumbersAndDepths) {
  Json data = json(R"({"l":[1,2,3]})");
  EXPECT_EQ(path("{.l[1:3:9223372036854775807]}", data), "2");
  for (const char* text : {"{.l[9223372036854775807]}", "{.l[-9223372036854775808:]}"}) {
    EXPECT_NE(path(text, data).find("array index out of bounds"), std::string::npos) << text;
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{range .l}";
  for (int i = 0; i < 100'000; ++i) deep += "{end}";
  EXPECT_FALSE(JsonPath::parse(deep).ok());
}

TEST(KubectlJsonPath, MistakesAreErrors) {
  for (const char* text : {"{.a", "{end}", "{.a['']}", "{....}", "{.a['b}", "{.a[}", "{.a[x]}",
                           "{.a[0:1:0]}", "{.a[?(@.b=1)]}"}) {
    EXPECT_FALSE(JsonPath::parse(text).ok()) << text;
  }
}

TEST(KubectlTable, PrefixesLabelsAndPriorities) {
  Json table =
      json(R"({"columnDefinitions":[{"name":"Name","priority":0},{"name":"IP","priority":1},
    {"name":"Age","priority":0}],"rows":[{"cells":["web","1.2.3.4","5s"],
    "object":{"metadata":{"namespace":"shop","labels":{"app":"web","x/tier":"t"}}}}]})");
  TableStyle style;
  style.with_namespace = true;
  style.label_columns = {"x/tier"};
  style.name_prefix = "pod/";
  style.show_labels = true;
  EXPECT_EQ(TablePrinter(style).print(table),
            "NAMESPACE   NAME      AGE   TIER   LABELS\n"
            "shop        pod/web   5s    t      app=web,x/tier=t\n");
  TableStyle wide;
  wide.wide = true;
  wide.headers = false;
  EXPECT_EQ(TablePrinter(wide).print(table), "web   1.2.3.4   5s\n");
}

TEST(KubectlTable, SortsNaturally) {
  EXPECT_TRUE(natural_less("a2", "a10"));
  EXPECT_FALSE(natural_less("a10", "a2"));
  EXPECT_TRUE(natural_less("a", "ab"));
  EXPECT_FALSE(natural_less("b", "a9"));
}

TEST(KubectlOutput, NamesAndColumns) {
  Json pod = json(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","labels":{"a":"b"}}})");
  Json set = json(R"({"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"y"}})");
  EXPECT_EQ(name_of_object(pod), "pod/x");
  EXPECT_EQ(name_of_object(set), "replicaset.apps/y");
  auto columns =
      OutputFormat::parse("custom-columns=N:.metadata.name,L:.metadata.labels,X:.nope", false);
  ASSERT_TRUE(columns.ok());
  EXPECT_EQ(*columns->print(make_list({pod, set})),
            "N     L          X\nx     map[a:b]   <none>\ny     <none>     <none>\n");
  EXPECT_FALSE(OutputFormat::parse("foo", false).ok());
  EXPECT_FALSE(OutputFormat::parse("custom-columns=N", false).ok());
}

std::string printed(const std::string& format, const Json& object) {
  auto parsed = OutputFormat::parse(format, false);
  if (!parsed) return parsed.error().message();
  auto text = parsed->print(object);
  return text ? *text : text.error().message();
}

TEST(KubectlOutput, Templates) {
  Json pod = json(R"({"kind":"Pod","metadata":{"name":"x"},"n":[1,"a"]})");
  EXPECT_EQ(printed("go-template={{.metadata.name}}", pod), "x");
  EXPECT_EQ(printed("template={{.kind}}", pod), "Pod");
  EXPECT_EQ(printed("jsonpath-as-json={.n[*]}", pod), "[\n    1,\n    \"a\"\n]\n");
  EXPECT_EQ(printed("jsonpath={.n[*]}", pod), "1 a");
  EXPECT_EQ(printed("go-template", pod), "template format specified but no template given");
  EXPECT_EQ(printed("jsonpath=", pod), "template format specified but no template given");
  EXPECT_EQ(printed("Name", pod), "pod/x\n");
  EXPECT_EQ(printed("custom-columns=A:,N:.metadata.name", pod), "A        N\n<none>   x\n");
  EXPECT_TRUE(printed("go-template={{nix}}", pod).starts_with("error parsing template {{nix}}, "));
}

/// A file that the test's end takes away.
class ScratchFile {
 public:
  explicit ScratchFile(std::string_view text) {
    const int fd = mkstemp(path_.data());
    EXPECT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(fd);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() { unlink(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/hoplab-output-test-XXXXXX";
};

TEST(KubectlOutput, FilesOfTemplates) {
  Json pod = json(R"({"metadata":{"name":"x"},"status":{"phase":"Running"}})");
  EXPECT_EQ(printed("jsonpath-file=" + ScratchFile("{.metadata.name}").path(), pod), "x");
  EXPECT_EQ(printed("go-template-file=" + ScratchFile("<{{.status.phase}}>").path(), pod),
            "<Running>");
  EXPECT_EQ(printed("custom-columns-file=" +
                        ScratchFile("NAME   PHASE\nmetadata.name {.status.phase}\n").path(),
                    pod),
            "NAME   PHASE\nx      Running\n");
  EXPECT_EQ(printed("custom-columns-file=" + ScratchFile("A B\n.a\n").path(), pod),
            "number of headers (2) and field specifications (1) don't match");
  EXPECT_EQ(printed("jsonpath-file=/nonexistent", pod),
            "error reading --template /nonexistent, open /nonexistent: no such file or directory");
}

Result<OutputFormat> read_format(std::vector<std::string> args, bool tables) {
  auto flags = Flags::parse({output_flag, template_flag, FlagSpec{"no-headers"}}, args);
  EXPECT_TRUE(flags.ok());
  return OutputFormat::read(*flags, tables);
}

TEST(KubectlOutput, TemplateOfItsOwnFlag) {
  Json pod = json(R"({"metadata":{"name":"x"}})");
  EXPECT_EQ(*read_format({"--template={{.metadata.name}}"}, true)->print(pod), "x");
  EXPECT_EQ(*read_format({"-o", "jsonpath", "--template={.metadata.name}"}, true)->print(pod), "x");
  EXPECT_TRUE(read_format({"-o", "wide"}, true)->wide());
  // Verbs that change objects print no tables.
  EXPECT_FALSE(read_format({"-o", "wide"}, false).ok());
  EXPECT_FALSE(read_format({"-o", "custom-columns=N:.metadata.name"}, false).ok());
}

TEST(KubectlError, InKubectlsWords) {
  EXPECT_EQ(error_text(Error(ErrorCode::not_found, "pods \"x\" not found")),
            "Error from server (NotFound): pods \"x\" not found");
  EXPECT_EQ(error_text(local_error("no")), "error: no");
  EXPECT_EQ(error_text(Error::from_errno(ECONNREFUSED, "connect"), "127.0.0.1:1"),
            "The connection to the server 127.0.0.1:1 was refused - did you specify the right host "
            "or port?");
  ErrorDetails details{
      "", "Service", "web", "", {{"spec.a", "r", "bad"}, {"spec.b", "r", "worse"}}};
  EXPECT_EQ(error_text(Error(ErrorCode::invalid, "m").with_details(details)),
            "The Service \"web\" is invalid: \n* spec.a: bad\n* spec.b: worse");
}

TEST(KubectlLabel, SetsRemovesAndRefuses) {
  auto changes = PairChanges::parse({"pod", "x", "a=1", "b-"}, "label");
  ASSERT_TRUE(changes.ok());
  EXPECT_EQ(changes->resources, (std::vector<std::string>{"pod", "x"}));
  Json object = json(R"({"metadata":{"labels":{"a":"0","b":"2"}}})");
  EXPECT_EQ(pair_patch(*changes, object, "labels", false).error().message(),
            "'a' already has a value (0), and --overwrite is false");
  EXPECT_EQ(*pair_patch(*changes, object, "labels", true),
            json(R"({"metadata":{"labels":{"a":"1","b":null}}})"));
  EXPECT_EQ(*pair_patch(*changes, json(R"({"metadata":{"labels":{"a":"1"}}})"), "labels", true),
            Json::object());
  EXPECT_FALSE(
      pair_patch(*changes, json(R"({"metadata":{"labels":{"a":"1"}}})"), "labels", false).ok());
  EXPECT_FALSE(PairChanges::parse({"pod", "a=1", "x"}, "label").ok());
  EXPECT_FALSE(PairChanges::parse({"pod", "a=1", "a-"}, "label").ok());
  EXPECT_FALSE(PairChanges::parse({"pod", "x", "a=no spaces"}, "label").ok());
}

TEST(KubectlRollout, SaysWhatItWaitsFor) {
  Json object = json(R"({"kind":"Deployment","metadata":{"name":"web","generation":2},
    "spec":{"replicas":3},"status":{"observedGeneration":1}})");
  EXPECT_EQ(rollout_state(object)->message, "Waiting for deployment spec update to be observed...");
  object["status"] = json(R"({"observedGeneration":2,"replicas":4,"updatedReplicas":1})");
  EXPECT_EQ(rollout_state(object)->message,
            "Waiting for deployment \"web\" rollout to finish: 1 out of 3 new replicas have been "
            "updated...");
  object["status"]["updatedReplicas"] = 3;
  EXPECT_EQ(rollout_state(object)->message,
            "Waiting for deployment \"web\" rollout to finish: 1 old replicas are pending "
            "termination...");
  object["status"]["replicas"] = 3;
  EXPECT_FALSE(rollout_state(object)->done);
  object["status"]["availableReplicas"] = 3;
  EXPECT_TRUE(rollout_state(object)->done);
  object["status"]["conditions"] =
      json(R"([{"type":"Progressing","reason":"ProgressDeadlineExceeded"}])");
  EXPECT_FALSE(rollout_state(object).ok());
}

TEST(KubectlRollout, PausesAndResumesOnce) {
  Found web{&api::kind_of("Deployment"), json(R"({"spec":{"replicas":3}})")};
  EXPECT_EQ(*pause_patch(web), json(R"({"spec":{"paused":true}})"));
  EXPECT_EQ(resume_patch(web).error().message(), "is not paused");
  web.object["spec"]["paused"] = true;
  EXPECT_EQ(pause_patch(web).error().message(), "is already paused");
  EXPECT_EQ(*resume_patch(web), json(R"({"spec":{"paused":null}})"));
  const Found set{&api::kind_of("DaemonSet"), json("{}")};
  EXPECT_EQ(pause_patch(set).error().message(), "pausing is not supported");
  EXPECT_EQ(resume_patch(set).error().message(), "resuming is not supported");
}

TEST(KubectlDescribe, EndpointSlices) {
  DescribeInput input;
  input.kind = &api::kind_of("EndpointSlice");
  input.show_events = false;
  input.object = json(R"({"metadata":{"name":"web-x","namespace":"shop"},"addressType":"IPv4",
    "ports":[{"name":"","port":80,"protocol":"TCP"}],"endpoints":[{"addresses":["172.16.1.2"],
    "conditions":{"ready":true},"nodeName":"w1","targetRef":{"kind":"Pod","name":"web"}}]})");
  EXPECT_EQ(describe_object(input),
            "Name:         web-x\nNamespace:    shop\nLabels:       <none>\n"
            "Annotations:  <none>\nAddressType:  IPv4\nPorts:\n"
            "  Name     Port  Protocol\n  ----     ----  --------\n  <unset>  80    TCP\n"
            "Endpoints:\n  - Addresses:  172.16.1.2\n    Conditions:\n      Ready:    true\n"
            "    Hostname:   <unset>\n    TargetRef:  Pod/web\n    NodeName:   w1\n"
            "    Zone:       <unset>\n");
}

TEST(KubectlDescribe, ServiceAccounts) {
  DescribeInput input;
  input.kind = &api::kind_of("ServiceAccount");
  input.show_events = false;
  input.object = json(R"({"metadata":{"name":"robot","namespace":"shop"},
    "secrets":[{"name":"robot-token"},{"name":"gone"}]})");
  input.secrets = {json(R"({"type":"kubernetes.io/service-account-token","metadata":{
    "name":"robot-token","annotations":{"kubernetes.io/service-account.name":"robot"}}})")};
  EXPECT_EQ(describe_object(input),
            "Name:                robot\nNamespace:           shop\nLabels:              <none>\n"
            "Annotations:         <none>\nImage pull secrets:  <none>\n"
            "Mountable secrets:   robot-token\n                     gone (not found)\n"
            "Tokens:              robot-token\n");
}

TEST(KubectlDescribe, OddObjectsDoNotCrash) {
  for (const api::Kind& kind : api::kinds()) {
    for (const char* text :
         {"{}", R"({"metadata":7,"spec":[],"status":"x","data":[1],"subsets":{}})",
          R"({"spec":{"containers":[1,null],"volumes":[null],"ports":[3],"template":4,
              "tolerations":["x"]},"status":{"conditions":[5],"podIPs":[1]},"data":{"a":1}})"}) {
      DescribeInput input;
      input.kind = &kind;
      input.object = json(text);
      EXPECT_FALSE(describe_object(input).empty()) << kind.kind;
    }
  }
}

}  // namespace
}  // namespace hoplab::cmd::kubectl
