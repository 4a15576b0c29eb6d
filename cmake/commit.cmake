# Writes OUT, a C string literal: the commit that SOURCE is at, "+changes"
# behind it where tracked files differ, "unknown" outside of a repository.
# Usage: cmake -DSOURCE=FOLDER -DOUT=FILE -P commit.cmake
find_program(GIT git)
set(commit unknown)
if(GIT AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse HEAD
                  OUTPUT_VARIABLE head OUTPUT_STRIP_TRAILING_WHITESPACE
                  RESULT_VARIABLE failed ERROR_QUIET)
  if(NOT failed)
    execute_process(COMMAND ${GIT} -C ${SOURCE} diff --quiet HEAD --
                    RESULT_VARIABLE changed ERROR_QUIET)
    set(commit ${head})
    if(changed)
      string(APPEND commit "+changes")
    endif()
  endif()
endif()
# an unchanged file compiles nothing
file(CONFIGURE OUTPUT ${OUT} CONTENT "\"${commit}\"\n" @ONLY)
