# What stands elsewhere on Debian than in a tree of its own. Run by CPack, when all is staged.
set(tree ${CPACK_TEMPORARY_DIRECTORY}/programs)
if(NOT EXISTS ${tree})
    message(FATAL_ERROR "nothing is staged in ${tree}")
endif()
file(RENAME ${tree}/usr/etc ${tree}/etc)
# site-functions is for the administrator's own.
file(RENAME ${tree}/usr/share/zsh/site-functions ${tree}/usr/share/zsh/vendor-completions)
# The units name what they start and read in full.
foreach(unit IN ITEMS drainpipe@.service drainpipe@.socket)
    set(file ${tree}/usr/lib/systemd/system/${unit})
    file(READ ${file} text)
    string(REPLACE ${CPACK_DRAINPIPE_BINDIR}/ /usr/bin/ text "${text}")
    string(REPLACE ${CPACK_DRAINPIPE_SYSCONFDIR}/ /etc/ text "${text}")
    file(WRITE ${file} "${text}")
endforeach()
