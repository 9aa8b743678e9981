// For the static burrow-netstack: users and groups are not looked up. libdbus can name itself to a
// bus by a user's name and home directory, when the bus does not take its number; libc would load
// shared libraries for that. The system's bus takes root's number.
#include <grp.h>
#include <pwd.h>

#include <cerrno>

extern "C" {

int getpwnam_r(const char* /*name*/, passwd* /*user*/, char* /*buffer*/, size_t /*size*/,
               passwd** result) {
  *result = nullptr;
  return ENOENT;
}
int getpwuid_r(uid_t /*id*/, passwd* /*user*/, char* /*buffer*/, size_t /*size*/, passwd** result) {
  *result = nullptr;
  return ENOENT;
}
int getgrouplist(const char* /*user*/, gid_t /*group*/, gid_t* /*groups*/, int* count) {
  *count = 0;
  return 0;
}

}  // extern "C"
