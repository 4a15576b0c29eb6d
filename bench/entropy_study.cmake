# Makes the page anew and compares it with the one in docs/.
execute_process(COMMAND ${PROGRAM} ${OUT} COMMAND_ERROR_IS_FATAL ANY)
foreach(file entropy-estimators.md entropy-estimators.svg)
  execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${OUT}/${file}
                          ${DOCS}/${file} RESULT_VARIABLE differs)
  if(differs)
    message(FATAL_ERROR "docs/${file} must be what ${PROGRAM} writes: got "
                        "another file")
  endif()
endforeach()
