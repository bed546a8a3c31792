#include <gtest/gtest.h>

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
  return parsed ? parsed->print(data) : parsed.error().message();
}

TEST(KubectlJsonPath, Forms) {
  Json data = json(R"({"kind":"List","items":[
    {"n":"a","v":1,"x.y":true,"l":[1,2,3]},{"n":"b","v":20,"l":[4]}]})");
  EXPECT_EQ(path("{.kind}", data), "List");
  EXPECT_EQ(path("{.items[*].n}", data), "a b");
  EXPECT_EQ(path("{.items[0].n}{.items[-1].n}", data), "ab");
  EXPECT_EQ(path("{.items[0].l[1:]}", data), "2 3");
  EXPECT_EQ(path("{.items[0].l}", data), "[1,2,3]");
  EXPECT_EQ(path("{.items[0]['x.y']} {.items[0].x\\.y}", data), "true true");
  EXPECT_EQ(path("{..n}", data), "a b");
  EXPECT_EQ(path("{.items[?(@.v>5)].n}", data), "b");
  EXPECT_EQ(path("{.items[?(@.n==\"a\")].v}", data), "1");
  EXPECT_EQ(path("{.items[?(@['x.y'])].n}", data), "a");
  EXPECT_EQ(path("{range .items[*]}{.n}={.v}{\"\\n\"}{end}", data), "a=1\nb=20\n");
  EXPECT_EQ(path("{.nope.deeper}", data), "");
  EXPECT_EQ(path("plain", data), "plain");
}

TEST(KubectlJsonPath, MistakesAreErrors) {
  for (const char* text : {"{.a", "{range .items[*]}x", "{end}", "{.a[}", "{.a[x]}", "{.a[0:1:0]}",
                           "{.a[?(@.b=1)]}"}) {
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
