# What find_package(Phlox) finds: of the installed parts,
#   phlox::phlox_runtime   runs artifacts (C)
#   phlox::phlox_envs      tasks, and what tasks of one's own derive from (C++20)
#   phlox_add_tasks(NAME SOURCE...)   a plug-in: NAME.so, for --env NAME.so:ID
#   phlox::phlox                      the command line
#   phlox::phlox_compiler             the DSL and what algorithms share (C++20)
#   phlox_add_algorithm(NAME SOURCE...)
#     a plug-in: NAME.so, for phlox train ALGO --plugin NAME.so
#   phlox_add_artifact(NAME ALGORITHM ALGO ENV ENV [PLUGIN TARGET] [OPTIONS...])
#     the artifact NAME.so, with NAME.h, by phlox compile; OPTIONS are its
include(${CMAKE_CURRENT_LIST_DIR}/PhloxRuntime.cmake OPTIONAL)
include(${CMAKE_CURRENT_LIST_DIR}/PhloxTools.cmake OPTIONAL)

if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/PhloxEnvs.cmake)
  include(CMakeFindDependencyMacro)
  find_dependency(Threads)
  find_dependency(fmt)
  find_dependency(nlohmann_json)
  if(NOT TARGET mujoco::mujoco)
    # beside our libraries, or the system's
    file(GLOB mujoco_LIBRARY ${CMAKE_CURRENT_LIST_DIR}/../../libmujoco.so.*)
    if(mujoco_LIBRARY)
      set(mujoco_INCLUDE_DIR "")
    else()
      find_library(mujoco_LIBRARY mujoco REQUIRED)
      find_path(mujoco_INCLUDE_DIR mujoco/mujoco.h REQUIRED)
    endif()
    add_library(mujoco::mujoco SHARED IMPORTED)
    set_target_properties(
      mujoco::mujoco
      PROPERTIES IMPORTED_LOCATION ${mujoco_LIBRARY}
                 INTERFACE_INCLUDE_DIRECTORIES "${mujoco_INCLUDE_DIR}")
  endif()
  include(${CMAKE_CURRENT_LIST_DIR}/PhloxEnvs.cmake)

  function(phlox_add_tasks name)
    add_library(${name} MODULE ${ARGN})
    target_link_libraries(${name} PRIVATE phlox::phlox_envs)
    target_compile_features(${name} PRIVATE cxx_std_20)
    set_target_properties(${name} PROPERTIES PREFIX "")
  endfunction()
endif()

if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/PhloxCompiler.cmake)
  include(CMakeFindDependencyMacro)
  find_dependency(fmt)
  find_dependency(nlohmann_json)
  include(${CMAKE_CURRENT_LIST_DIR}/PhloxMlir.cmake)
  find_path(Phlox_MLIR_INCLUDE_DIR mlir/IR/Value.h HINTS ${Phlox_MLIR_HINT}
            DOC "Headers of the MLIR that Phlox was built with")
  include(${CMAKE_CURRENT_LIST_DIR}/PhloxCompiler.cmake)
  if(Phlox_MLIR_INCLUDE_DIR)
    target_include_directories(phlox::phlox_compiler SYSTEM
                               INTERFACE ${Phlox_MLIR_INCLUDE_DIR})
  endif()
  set(Phlox_PLUGIN_NOTE ${CMAKE_CURRENT_LIST_DIR}/plugin_note.cpp)

  function(phlox_add_algorithm name)
    if(NOT Phlox_MLIR_INCLUDE_DIR)
      message(FATAL_ERROR "phlox_add_algorithm needs the headers of MLIR "
                          "${Phlox_MLIR_VERSION} (Debian: libmlir-"
                          "${Phlox_MLIR_VERSION}-dev): got none")
    endif()
    add_library(${name} MODULE ${ARGN} ${Phlox_PLUGIN_NOTE})
    target_link_libraries(${name} PRIVATE phlox::phlox_compiler)
    target_compile_features(${name} PRIVATE cxx_std_20)
    set_target_properties(${name} PROPERTIES PREFIX "")
  endfunction()
endif()

if(TARGET phlox::phlox)
  function(phlox_add_artifact name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "ALGORITHM;ENV;PLUGIN" "OPTIONS")
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_ALGORITHM OR NOT arg_ENV)
      message(FATAL_ERROR "phlox_add_artifact needs ALGORITHM and ENV, and may "
                          "have PLUGIN and OPTIONS: got ${ARGN}")
    endif()
    set(plugin)
    if(arg_PLUGIN)
      set(plugin --plugin $<TARGET_FILE:${arg_PLUGIN}>)
    endif()
    set(made ${CMAKE_CURRENT_BINARY_DIR}/${name}.so
             ${CMAKE_CURRENT_BINARY_DIR}/${name}.h)
    list(GET made 0 artifact)
    add_custom_command(
      OUTPUT ${made}
      COMMAND phlox::phlox compile ${arg_ALGORITHM} --env ${arg_ENV} ${plugin}
              ${arg_OPTIONS} -o ${artifact}
      DEPENDS ${arg_PLUGIN}
      VERBATIM)
    add_custom_target(${name} ALL DEPENDS ${made})
  endfunction()
endif()
