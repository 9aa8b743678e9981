# `cmake --install build/release [--prefix DIR]`: programs, the names that Podman looks for, plugins,
# manual page and systemd units. With `--component firewalld` the zone that our bridges are put into where
# firewalld runs, with `--component firewalld-driver` what the firewall driver of that name needs besides.
# Evaluated when it is installed, so that --prefix counts.

include(GNUInstallDirs)

# firewalld reads nothing else, whatever the prefix is.
set(BURROW_FIREWALLD_DIR /usr/lib/firewalld CACHE PATH "Where firewalld looks for files of packages")

install(TARGETS burrow burrow-netstack burrow-dns burrow-dhcp
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# In helper_binaries_dir and netavark_plugin_dirs of containers.conf.
install(TARGETS plugin-host-device plugin-tap RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/netavark)
install(CODE "
  set(helpers \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBEXECDIR}/burrow\")
  file(MAKE_DIRECTORY \"\${helpers}\")
  foreach(pair netavark:burrow-netstack aardvark-dns:burrow-dns)
    string(REPLACE : \";\" pair \${pair})
    list(GET pair 0 name)
    list(GET pair 1 program)
    message(STATUS \"Installing: \${helpers}/\${name}\")
    file(CREATE_LINK ../../${CMAKE_INSTALL_BINDIR}/\${program} \"\${helpers}/\${name}\" SYMBOLIC)
  endforeach()")
install(FILES ${CMAKE_SOURCE_DIR}/docs/man/burrow-netstack.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(CODE "
  file(GLOB units \"${CMAKE_SOURCE_DIR}/packaging/systemd/*\")
  foreach(unit \${units})
    get_filename_component(name \${unit} NAME)
    file(READ \${unit} text)
    string(REPLACE /usr/bin/ \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/\" text \"\${text}\")
    set(file \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/\${name}\")
    message(STATUS \"Installing: \${file}\")
    file(WRITE \"\${file}\" \"\${text}\")
  endforeach()")
install(FILES ${CMAKE_SOURCE_DIR}/packaging/firewalld/zones/burrow.xml
        DESTINATION ${BURROW_FIREWALLD_DIR}/zones COMPONENT firewalld EXCLUDE_FROM_ALL)
# Not for hosts that do not use the driver: every new connection walks past the chains that firewalld
# makes of policies.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/packaging/firewalld/ DESTINATION ${BURROW_FIREWALLD_DIR}
        COMPONENT firewalld-driver EXCLUDE_FROM_ALL)
