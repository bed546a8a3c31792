# One folder = one static library, its unit tests one program `<target>_test`, its fuzz targets one
# program each (and all of them together fuzz_replay, which only runs the committed inputs). New
# files are picked up by name: x.cc, x_test.cc, x_fuzz.cc.

include(Unity)

add_library(hop_flags INTERFACE)
target_include_directories(hop_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(hop_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror
  # Designated initializers name what they set; the rest is meant to be its default.
  -Wno-missing-field-initializers)
# GCC 12 sees overflows and unset values in its own inlined std::vector and std::optional at -O2
# (GCC bugs 105329, 105562, 105593); Clang and the sanitizers watch the same things without that.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(hop_flags INTERFACE -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-array-bounds -Wno-restrict -Wno-maybe-uninitialized)
endif()
target_compile_definitions(hop_flags INTERFACE HOPLAB_VERSION="${PROJECT_VERSION}")
if(HOPLAB_SANITIZE STREQUAL "address")
  target_compile_options(hop_flags INTERFACE -fsanitize=address,undefined
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(hop_flags INTERFACE -fsanitize=address,undefined)
elseif(HOPLAB_SANITIZE STREQUAL "thread")
  target_compile_options(hop_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(hop_flags INTERFACE -fsanitize=thread)
endif()
if(HOPLAB_FUZZ)
  target_compile_options(hop_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined)
  target_link_options(hop_flags INTERFACE -fsanitize=address,undefined)
endif()

# A clean build spends most of its time on the same library headers. GCC takes one precompiled
# header for all folders and one for all tests; Clang refuses it where a target has macros of its
# own. `make clang` compiles every source alone and sees a missing #include.
set(with_gcc OFF)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(with_gcc ON)
endif()
option(HOPLAB_PCH "precompiled headers" ${with_gcc})
option(HOPLAB_UNITY "compile several sources of a folder as one" ${with_gcc})
if(HOPLAB_UNITY)
  # A local name may hide a helper of another source in the group; the builds without see the rest.
  target_compile_options(hop_flags INTERFACE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
endif()
# Tests run for milliseconds; optimising them would take minutes.
add_library(hop_test_flags INTERFACE)
target_link_libraries(hop_test_flags INTERFACE hop_flags)
target_compile_options(hop_test_flags INTERFACE $<$<CONFIG:Release>:-O0>)
set(hop_library_headers <nlohmann/json.hpp> <algorithm> <chrono> <functional> <map> <memory>
  <mutex> <optional> <set> <sstream> <string> <string_view> <thread> <variant> <vector>)

function(hop_precompile name flags)
  if(HOPLAB_PCH)
    add_library(${name} OBJECT ${CMAKE_SOURCE_DIR}/cmake/empty.cc)
    target_link_libraries(${name} PRIVATE ${flags})
    target_precompile_headers(${name} PRIVATE ${ARGN})
  endif()
endfunction()
hop_precompile(hop_pch hop_flags ${hop_library_headers})
if(HOPLAB_TESTS)
  hop_precompile(hop_test_pch "hop_test_flags;GTest::gmock" ${hop_library_headers} <gmock/gmock.h>
    <gtest/gtest.h>)
endif()

function(hop_use_pch target pch)
  if(HOPLAB_PCH)
    target_precompile_headers(${target} REUSE_FROM ${pch})
  endif()
endfunction()

add_custom_target(unit_tests)
add_custom_target(fuzzers)

function(hop_sources dir out_sources out_tests out_fuzzers)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.cc)
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")
  set(${out_sources} ${sources} PARENT_SCOPE)
  set(${out_tests} ${tests} PARENT_SCOPE)
  set(${out_fuzzers} ${fuzzers} PARENT_SCOPE)
endfunction()

function(hop_folder_tests target tests fuzzers links)
  if(HOPLAB_TESTS AND tests)
    add_executable(${target}_test ${tests})
    target_link_libraries(${target}_test PRIVATE hop_test_flags ${links} GTest::gmock_main)
    hop_use_pch(${target}_test hop_test_pch)
    hop_unity(${target}_test 8 ${tests})
    add_dependencies(unit_tests ${target}_test)
    add_test(NAME unit.${target} COMMAND ${target}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(unit.${target} PROPERTIES LABELS unit)
  endif()
  set_property(GLOBAL APPEND PROPERTY HOPLAB_FUZZERS ${fuzzers})
  if(HOPLAB_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(name ${fuzzer} NAME_WE)
      add_executable(${name} ${fuzzer})
      target_link_libraries(${name} PRIVATE ${links})
      target_link_options(${name} PRIVATE -fsanitize=fuzzer)
      add_dependencies(fuzzers ${name})
    endforeach()
  endif()
endfunction()

# hop_folder(target dir LINK what its headers may use... PRIVATE libraries only its sources use...)
# A folder's own CMakeLists.txt, if it has one, may add to the target.
function(hop_folder target dir)
  cmake_parse_arguments(arg "" "" "LINK;PRIVATE" ${ARGN})
  hop_sources(${dir} sources tests fuzzers)
  if(NOT sources)
    set(sources ${CMAKE_SOURCE_DIR}/cmake/empty.cc)
  endif()
  add_library(${target} STATIC ${sources})
  target_link_libraries(${target} PUBLIC hop_flags ${arg_LINK} PRIVATE ${arg_PRIVATE})
  hop_use_pch(${target} hop_pch)
  hop_unity(${target} 8 ${sources})
  if(EXISTS ${CMAKE_SOURCE_DIR}/${dir}/CMakeLists.txt)
    add_subdirectory(${dir})
  endif()
  hop_folder_tests(${target} "${tests}" "${fuzzers}" "${target};${arg_PRIVATE}")
endfunction()

# The executable; what is not main.cc also goes into <target>_lib, so that tests can link it.
function(hop_executable target dir)
  cmake_parse_arguments(arg "" "" "LINK;PRIVATE" ${ARGN})
  hop_sources(${dir} sources tests fuzzers)
  set(main ${CMAKE_SOURCE_DIR}/${dir}/main.cc)
  list(REMOVE_ITEM sources ${main})
  add_library(${target}_lib STATIC ${sources})
  target_link_libraries(${target}_lib PUBLIC hop_flags ${arg_LINK} PRIVATE ${arg_PRIVATE})
  hop_use_pch(${target}_lib hop_pch)
  hop_unity(${target}_lib 8 ${sources})
  if(EXISTS ${CMAKE_SOURCE_DIR}/${dir}/CMakeLists.txt)
    add_subdirectory(${dir})
  endif()
  add_executable(${target} ${main})
  target_link_libraries(${target} PRIVATE ${target}_lib)
  hop_folder_tests(${target}_lib "${tests}" "${fuzzers}" "${target}_lib;${arg_PRIVATE}")
endfunction()
