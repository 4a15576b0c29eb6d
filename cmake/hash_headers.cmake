# Writes the version that a plug-in and its compiler must share: VERSION, and a
# digest of the headers that the file LIST names, to OUT where it changed.
file(STRINGS ${LIST} headers)
set(sums "")
foreach(header IN LISTS headers)
  file(SHA256 ${header} sum)
  string(APPEND sums ${sum})
endforeach()
string(SHA256 sum "${sums}")
string(SUBSTRING ${sum} 0 12 sum)
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT
     "#define PHLOX_PLUGIN_VERSION \"Phlox ${VERSION} (headers ${sum})\"\n")
