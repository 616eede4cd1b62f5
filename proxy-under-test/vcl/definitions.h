// The declarations of a tree (backends, probes, acls) to the values that the cache and the evaluator use.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy-under-test/vcl/ast.h"
#include "proxy-under-test/vcl/program.h"
#include "proxy-under-test/vcl/source.h"

namespace badorigin::cache::vcl {

/// In order of declaration, but the one named "default", if any, first.
std::vector<backend_definition> define_backends(sources& all, const tree& from);
/// The directors of VCL 3, which are objects in VCL 4.
std::vector<object_definition> define_directors(sources& all, const tree& from, const std::vector<backend_definition>& backends);
std::map<std::string, std::unique_ptr<acl>> define_acls(sources& all, const tree& from);

}  // namespace badorigin::cache::vcl
