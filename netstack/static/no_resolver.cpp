// For the static burrow-netstack: names are not looked up. libnl can translate names of hosts and
// protocols by libc's resolver, which loads shared libraries at run time even into a static
// program. Nobody here asks for that; these answers keep it out of the program for certain.
#include <netdb.h>

extern "C" {

int getaddrinfo(const char* /*node*/, const char* /*service*/, const addrinfo* /*hints*/,
                addrinfo** /*result*/) {
  return EAI_FAIL;
}
void freeaddrinfo(addrinfo* /*list*/) noexcept {}
const char* gai_strerror(int /*code*/) noexcept { return "names are not looked up"; }
protoent* getprotobyname(const char* /*name*/) { return nullptr; }
protoent* getprotobynumber(int /*number*/) { return nullptr; }

}  // extern "C"
