# Finds MuJoCo: one that is installed on the system or named by
# CMAKE_PREFIX_PATH or mujoco_ROOT, else the one in third_party/, which
# cmake/fetch_assets.sh puts there.
#
#   mujoco::mujoco   headers and library
#   mujoco_VERSION   as mujoco.h says: 4.0.1
#
# The library of third_party/ is copied into the build tree, so that programs
# find it by a path relative to themselves, wherever the tree is moved to;
# mujoco_BUNDLED names that file, to be installed along, and is empty otherwise.
set(_mujoco_third_party ${CMAKE_CURRENT_LIST_DIR}/../third_party/mujoco)
get_filename_component(_mujoco_third_party ${_mujoco_third_party} ABSOLUTE)

find_path(mujoco_INCLUDE_DIR mujoco/mujoco.h
          NO_CMAKE_FIND_ROOT_PATH)
if(NOT mujoco_INCLUDE_DIR)
  find_path(mujoco_INCLUDE_DIR mujoco/mujoco.h
            PATHS ${_mujoco_third_party}/include NO_DEFAULT_PATH)
endif()

# the version decides the library's file name: wheels have no libmujoco.so link
set(mujoco_VERSION "")
if(mujoco_INCLUDE_DIR)
  file(STRINGS ${mujoco_INCLUDE_DIR}/mujoco/mujoco.h _mujoco_number
       REGEX "^#define mjVERSION_HEADER")
  string(REGEX MATCH "[0-9]+" _mujoco_number "${_mujoco_number}")
  if(_mujoco_number GREATER 999999)
    math(EXPR _mujoco_major "${_mujoco_number} / 1000000")
    math(EXPR _mujoco_minor "${_mujoco_number} / 1000 % 1000")
    math(EXPR _mujoco_patch "${_mujoco_number} % 1000")
    set(mujoco_VERSION ${_mujoco_major}.${_mujoco_minor}.${_mujoco_patch})
  else() # up to 3.7: one digit each
    string(REGEX REPLACE "(.)(.)(.)" "\\1.\\2.\\3" mujoco_VERSION
                         "${_mujoco_number}")
  endif()
  find_library(mujoco_LIBRARY
               NAMES libmujoco.so.${mujoco_VERSION} mujoco
               HINTS ${mujoco_INCLUDE_DIR}/.. ${mujoco_INCLUDE_DIR}/../lib
                     ${mujoco_INCLUDE_DIR})
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  mujoco
  REQUIRED_VARS mujoco_LIBRARY mujoco_INCLUDE_DIR
  VERSION_VAR mujoco_VERSION
  REASON_FAILURE_MESSAGE "run cmake/fetch_assets.sh third_party")
mark_as_advanced(mujoco_LIBRARY mujoco_INCLUDE_DIR)

set(mujoco_BUNDLED "")
if(mujoco_FOUND AND NOT TARGET mujoco::mujoco)
  if(mujoco_VERSION VERSION_LESS 3.17)
    message(FATAL_ERROR "MuJoCo 3.17 or newer is required: got "
                        "${mujoco_VERSION} in ${mujoco_INCLUDE_DIR}")
  endif()
  set(_mujoco_location ${mujoco_LIBRARY})
  string(FIND ${mujoco_LIBRARY} ${_mujoco_third_party}/ _mujoco_position)
  if(_mujoco_position EQUAL 0)
    file(COPY ${mujoco_LIBRARY} DESTINATION ${PROJECT_BINARY_DIR}/lib)
    get_filename_component(_mujoco_name ${mujoco_LIBRARY} NAME)
    set(_mujoco_location ${PROJECT_BINARY_DIR}/lib/${_mujoco_name})
    set(mujoco_BUNDLED ${_mujoco_location})
  endif()
  add_library(mujoco::mujoco SHARED IMPORTED)
  set_target_properties(
    mujoco::mujoco
    PROPERTIES IMPORTED_LOCATION ${_mujoco_location}
               INTERFACE_INCLUDE_DIRECTORIES ${mujoco_INCLUDE_DIR})
endif()
