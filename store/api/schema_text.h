#pragma once

#include <string_view>

/// The tables behind schema_table.h as text, one per file. A line "type NAME" starts a struct
/// ("kind NAME" one with apiVersion, kind and metadata); each further line is a field:
///
///   containerPort int32 ! fmt:port def:80 key:name =TCP|UDP ; words for `explain`
///
/// name, then type: str int32 int64 bool quantity intstr time microtime bytes json or a struct;
/// "[]" in front makes a list, "{}" a map. Then marks: ! required, =A|B allowed values, min:N,
/// fmt:CHECK, def:VALUE default, key:FIELD list merged by that field, set list merged as a set,
/// retain union member. Order and names follow k8s.io/api (v1.30) and Calico 3.21's CRDs.
namespace hoplab::api::schema_text {

extern const std::string_view meta;
extern const std::string_view pod;
extern const std::string_view volume;
extern const std::string_view core;
extern const std::string_view node;
extern const std::string_view apps;
extern const std::string_view calico;

}  // namespace hoplab::api::schema_text
