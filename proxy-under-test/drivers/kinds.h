// The drivers behind make_driver.
#pragma once

#include <memory>
#include <string>

#include "proxy-under-test/drivers/driver.h"

namespace badorigin::drivers {

std::unique_ptr<driver> make_bundled(const std::string& program);
std::unique_ptr<driver> make_varnish(const std::string& varnishd);
std::unique_ptr<driver> make_command(const std::string& command_line);
std::unique_ptr<driver> make_address(const std::string& address);

}  // namespace badorigin::drivers
