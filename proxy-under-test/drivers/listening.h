// Who listens where, learnt without a packet: a trial connection would be in the capture, and in the proxy's statistics.
#pragma once

#include <string>

namespace badorigin::drivers {

/// Somebody listens at HOST:PORT in the calling thread's network namespace, there or at the wildcard address.
bool is_listening(const std::string& address);
/// Throws set_up_error when the address is not of this machine.
void require_ours(const std::string& address);
/// Throws set_up_error when a program could not listen there: the port is taken, the address is not of this machine, …
void require_free(const std::string& address);

}  // namespace badorigin::drivers
