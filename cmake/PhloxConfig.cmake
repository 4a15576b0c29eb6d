# What find_package(Phlox) finds: of the installed parts,
#   phlox::phlox_runtime   runs artifacts (C)
#   phlox::phlox_envs      tasks, and what tasks of one's own derive from (C++20)
#   phlox_add_tasks(NAME SOURCE...)   a plug-in: NAME.so, for --env NAME.so:ID
include(${CMAKE_CURRENT_LIST_DIR}/PhloxRuntime.cmake OPTIONAL)

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
