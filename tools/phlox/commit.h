// Where the program came from.
#pragma once

namespace phlox::tools {

/// Returns the commit of the source, with "+changes" behind it where files were
/// changed since; "unknown" for a source outside of git.
const char *source_commit();

} // namespace phlox::tools
